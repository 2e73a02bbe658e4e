"""Datasets: batches of images in [-1, 1] with one-hot labels, as a function of seed and step."""
import dataclasses
import math
from collections.abc import Callable

import tensorflow as tf

from lib import lines, noise

LINES_TEST_IMAGES = 5000


class DataError(ValueError):
    """A dataset that cannot be had; the message names the fix."""


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Pipelines of {'x': (B, height, width, colors) float32 in [-1, 1], 'label': (B, nclass)}.

    train_from: global step -> the endless training batches from that step on, so that a resumed
        run sees what an unbroken one would.
    test: every test image once, in batches.
    train_once: every training image once, in order; None where training data is endless.
    """

    name: str
    height: int
    width: int
    colors: int
    nclass: int
    train_from: Callable
    test: tf.data.Dataset
    train_once: tf.data.Dataset | None = None

    @property
    def train(self):
        """The endless training batches, from the first."""
        return self.train_from(0)

    @property
    def score_lines(self):
        """Whether its images are lines, whose interpolations can be scored."""
        return self.name == 'lines32'

    @property
    def image_shape(self):
        return (self.height, self.width, self.colors)


def get_dataset(name, batch_size=64, seed=0):
    """The dataset `name`, its training order a function of the seed.

    Raises:
        DataError: the name is unknown.
    """
    if name == 'lines32':
        return _lines32(batch_size, seed)
    raise DataError(f'There is no dataset {name!r}; known: lines32.')


def _lines32(batch_size, seed):
    def batch(stream, step, size):
        angles = noise.Draws(seed, step).uniform(stream, (size,), 0, 2 * math.pi, tf.float64)
        label = tf.one_hot(lines.label_of(angles), lines.NCLASS)
        return {'x': lines.draw_lines_tf(angles, 32), 'label': label}

    def train_from(step):
        steps = tf.data.Dataset.range(step, tf.int64.max)
        return steps.map(lambda step: batch('lines/train', step, batch_size)).prefetch(2)

    test = tf.data.Dataset.from_tensors(batch('lines/test', 0, LINES_TEST_IMAGES))
    test = test.unbatch().batch(batch_size).cache()
    return Dataset('lines32', 32, 32, 1, lines.NCLASS, train_from, test)
