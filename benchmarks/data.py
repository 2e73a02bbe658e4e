"""Images per second of each record pipeline alone: python benchmarks/data.py

Writes records of random pictures, shaped like the real ones, to a temporary folder. `first epoch`
includes decoding; `later` is what training sees from then on, with the decoded images in memory or
in a file. With --step_rate, the images per second that benchmarks/train_step.py printed on this
machine, the last column says how many times as fast as that train step the later epochs are.
"""
import os
import pathlib
import sys
import tempfile
import time

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))  # run as a script, not as a module

import numpy as np
import tensorflow as tf
from absl import app, flags

from lib import data, randomness
from lib.data import decoding, records

FLAGS = flags.FLAGS
flags.DEFINE_integer('batch', 64, 'Images of a batch.', 1)
flags.DEFINE_integer('images', 20000, 'Images of each record file.', 1)
flags.DEFINE_float('step_rate', None, 'Images per second of a train step on this machine.', 0.1)

MEASURED_BATCHES = 2000


def pictures(preparation, count):
    """Yields (PNG or JPEG bytes, label) of smooth random pictures; 64 different ones."""
    height, width, colors = preparation.stored
    encode = tf.io.encode_jpeg if preparation.name == 'celeba32' else tf.io.encode_png
    coarse = randomness.Draws(0).uniform('benchmark', (64, height // 4, width // 4, colors), 0, 255)
    pixels = tf.cast(tf.image.resize(coarse, (height, width)), tf.uint8)
    encoded = [encode(image).numpy() for image in pixels]
    for i in range(count):
        yield encoded[i % len(encoded)], i % preparation.nclass


def rate(batches, count):
    """Images per second of the first `count` batches."""
    start, images = time.perf_counter(), 0
    for batch in batches.take(count):
        images += len(batch['x'])
    return images / (time.perf_counter() - start)


def measure(name, folder):
    """(images per second of the first epoch, those of later ones)."""
    start = time.perf_counter()
    dataset = data.get_dataset(name, FLAGS.batch, data_dir=folder)
    steps = -(-FLAGS.images // FLAGS.batch)
    images = sum(len(batch['x']) for batch in dataset.train.take(steps))
    first = images / (time.perf_counter() - start)
    return first, rate(dataset.train_from(steps), MEASURED_BATCHES)


def main(_):
    beside = f' {"x the step":>11}' if FLAGS.step_rate else ''
    print(f'{"dataset":10} {"decoded in":10} {"first epoch":>12} {"later":>12}{beside}')
    for name in ('mnist32', 'cifar10', 'celeba32'):
        record_set = data.DATASETS[name].records
        with tempfile.TemporaryDirectory() as folder:
            for stem in {*record_set.train, *record_set.test}:
                count = FLAGS.images if stem in record_set.train else 64
                path = data.record_path(stem, folder)
                records.write(path, pictures(record_set.preparation, count), count)
            for place, limit in (('memory', 2**40), ('a file', 0)):
                decoding.MEMORY_LIMIT_BYTES = limit
                first, later = np.round(measure(name, folder))
                beside = f' {later / FLAGS.step_rate:11.0f}' if FLAGS.step_rate else ''
                print(f'{name:10} {place:10} {first:12,.0f} {later:12,.0f}{beside}')


if __name__ == '__main__':
    app.run(main)
