"""Set before TensorFlow is imported, as the scripts do: no start-up notes, and oneDNN."""
import os

os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
os.environ['TF_ENABLE_ONEDNN_OPTS'] = '1'
