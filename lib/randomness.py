"""All randomness of the project, as pure functions of (seed, stream name, step).

No other module draws numbers for training or evaluation; Keras' initializers and scikit-learn's
k-means take their seeds from callers. A resumed run therefore needs only its step to see the same
data and noise as one that was never stopped, and a test can replay any draw.

The algorithm is TensorFlow's own choice, Philox on CPUs and GPUs. alg='philox' gives the same
numbers there, but takes ten times as many operations. Code that XLA compiles draws other numbers.
"""
import numbers
import zlib

import tensorflow as tf

from lib.errors import UserError

MAX_SEED = 2**31 - 1


def check_seed(seed):
    """Raises UserError unless a seed is an integer from 0 to MAX_SEED: larger ones would silently
    be cut to 32 bits."""
    if not isinstance(seed, numbers.Integral) or not 0 <= seed <= MAX_SEED:
        raise UserError(f'seed={seed}: it must be an integer from 0 to 2^31 - 1.')


def layer_seed(seed, name):
    """A Python integer in [0, 2^31) for the initializer of the layer `name`."""
    return zlib.crc32(f'{seed}/{name}'.encode()) & MAX_SEED


def _fold_in(key, number):
    return tf.random.experimental.stateless_fold_in(key, tf.cast(number, tf.int32))


class Draws:
    """The random draws that belong to one step, one replica and one batch of that step.

    Two draws of the same stream with equal (seed, step, replica, batch_index) are equal. Others are
    independent, except that in a run of the paper's length, 2^18 steps, about one step in 10,000
    has the same key as another step.

    Args:
        seed: integer in [0, 2^31), the run's seed.
        step: integer or scalar integer tensor, the global step.
        replica: integer or scalar tensor, which of the devices of a step this is.
        batch_index: integer, which of several batches of the same step this is (an
            evaluation has many).
    """

    def __init__(self, seed, step=0, replica=0, batch_index=0):
        self._seed = seed
        self._counters = (step, replica, batch_index)

    def _key(self, stream):
        key = tf.constant([self._seed, layer_seed(0, stream)], tf.int32)
        for counter in self._counters:
            key = _fold_in(key, counter)
        return key

    def uniform(self, stream, shape, low=0.0, high=1.0, dtype=tf.float32):
        """Uniform numbers in [low, high), of the given shape."""
        return tf.random.stateless_uniform(shape, self._key(stream), low, high, dtype=dtype)

    def normal(self, stream, shape, stddev=1.0):
        """Normal float32 numbers with mean 0, of the given shape."""
        return tf.random.stateless_normal(shape, self._key(stream), stddev=stddev)

    def bernoulli(self, stream, shape, prob):
        """Ones with probability `prob`, else zeros, float32 of the given shape."""
        return tf.cast(self.uniform(stream, shape) < prob, tf.float32)

    def permutation(self, stream, count):
        """The integers 0..count-1 in random order, (count,) int64."""
        return tf.random.experimental.stateless_shuffle(
            tf.range(count, dtype=tf.int64), self._key(stream)
        )
