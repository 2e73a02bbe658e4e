"""Set before TensorFlow is imported: without its start-up notes, failures are readable."""
import os

os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
