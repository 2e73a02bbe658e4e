"""The single-layer classifier that measures what a representation is worth (section 4)."""
import math

import keras
from keras import ops

from lib import layers, losses


@keras.saving.register_keras_serializable(package='acai_tf')
class SingleLayerClassifier(keras.layers.Layer):
    """Flatten, then one dense layer to `nclass` logits: (B, ...) -> (B, nclass).

    It never changes the representation that it measures: no gradient flows into its input.
    """

    def __init__(
        self, nclass, seed=0, name='single_layer_classifier', trainable=True, dtype='float32'
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.nclass, self.seed = nclass, seed
        self.dense = layers.dense(name, seed, 0, nclass)

    def build(self, input_shape):
        self.dense.build((None, math.prod(input_shape[1:])))

    def compute_output_shape(self, input_shape):
        return None, self.dense.units

    def get_config(self):
        return {**super().get_config(), 'nclass': self.nclass, 'seed': self.seed}

    def call(self, features):
        size = math.prod(features.shape[1:])
        return self.dense(ops.reshape(ops.stop_gradient(features), (-1, size)))  # (B, nclass)


def smooth_label(label, smoothing):
    """Moves |smoothing| of each one-hot label's weight to the uniform distribution: (B, nclass)."""
    # Original: the sign is ignored.
    return label - abs(smoothing) * (label - 1 / label.shape[-1])


def classification_loss(logits, label, smoothing=0.0):
    """Softmax cross-entropy against the (smoothed) label, mean over the batch."""
    return losses.softmax_cross_entropy(logits, smooth_label(label, smoothing))
