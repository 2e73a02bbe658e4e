"""How fast the host is, whatever computes the train step: python benchmarks/host.py

Measures steps per second of the training loop with a step that does nothing, one step a call and
several, and images per second of the lines' pipeline alone, taken as the loop takes them. All take
turns; the medians are printed. A GPU whose step is faster than these waits for the host. With
--method=ACAI it trains ACAI on lines instead, in the paper's configuration, in turns of --steps
steps, one a call or all in one call, to see whether several steps a call cost anything where a step
takes long.
"""
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import measured  # noqa: E402, I001  (first: it imports lib.tensorflow_setup)
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from absl import app, flags  # noqa: E402

from lib import data, train  # noqa: E402

FLAGS = flags.FLAGS
PERIODS = 10  # report periods in a turn of the loop
flags.DEFINE_integer('batch', 64, 'Images of a step.', 1)
flags.DEFINE_integer('turns', 5, 'How often each variant takes its turn.', 1)
flags.DEFINE_integer('steps', 1000, 'Steps, or batches, of a turn.', 2)
flags.DEFINE_enum(
    'method', None, measured.METHODS, 'Class to train in the loop, instead of nothing.'
)


class Nothing(keras.Model):
    """A model whose train step only counts."""

    tags, optimizers = ('loss',), {}

    def __init__(self):
        super().__init__()
        self.global_step = self.add_weight(
            name='global_step', shape=(), dtype='int64', initializer='zeros', trainable=False
        )
        self.built = True

    def need_shapes(self):
        """Does nothing: all shapes are known."""

    def train_step(self, batch):
        self.global_step.assign_add(1)
        return {'loss': tf.reduce_sum(batch['x'][0, 0, 0])}


class Clock(keras.callbacks.Callback):
    """Records when each call ended, and at which step."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append((batch, time.perf_counter()))


def loop_rate(dataset, call_sec):
    """Steps per second of the loop, after its first calls."""
    usual, train.CALL_SEC = train.CALL_SEC, call_sec
    clock = Clock()
    try:
        period = max(1, FLAGS.steps // PERIODS)
        train.loop(Nothing(), dataset, [clock], last=FLAGS.steps, period=period)
    finally:
        train.CALL_SEC = usual
    warm = next(call for call in clock.calls if call[0] >= FLAGS.steps // 5)
    last = clock.calls[-1]
    return (last[0] - warm[0]) / (last[1] - warm[1])


def pipeline_rate(dataset):
    """Images per second of the training batches alone."""

    @tf.function
    def take(batches, count):
        for _ in tf.range(count):
            next(batches)

    batches = iter(dataset.train)
    take(batches, tf.constant(1))
    start = time.perf_counter()
    take(batches, tf.constant(FLAGS.steps))
    return FLAGS.steps * FLAGS.batch / (time.perf_counter() - start)


def training_rates(dataset):
    """A function from the steps in a call to steps per second of training as in the loop."""
    train_steps = train.make_train_steps(measured.make_model(FLAGS.method), jit_compile=False)
    batches = iter(dataset.train)

    def rate(count):
        start = time.perf_counter()
        for _ in range(0, FLAGS.steps, count):
            train_steps(batches, tf.constant(count)).numpy()
        return FLAGS.steps / (time.perf_counter() - start)

    train_steps(batches, tf.constant(2))
    return rate


def main(_):
    lines = data.get_dataset('lines32', FLAGS.batch)
    one = next(iter(lines.train))
    stored = data.Dataset(
        'stored', 32, 32, 1, 10, lambda step: tf.data.Dataset.from_tensors(one).repeat(), None
    )
    measures = {
        'loop, nothing to do, one step a call (steps/s)': lambda: loop_rate(stored, 0.0),
        'loop, nothing to do, several a call (steps/s)': lambda: loop_rate(stored, train.CALL_SEC),
        'lines drawn and batched (images/s)': lambda: pipeline_rate(lines),
    }
    if FLAGS.method:
        rate = training_rates(lines)
        measures = {
            f'{FLAGS.method}, one step a call (steps/s)': lambda: rate(1),
            f'{FLAGS.method}, {FLAGS.steps} steps a call (steps/s)': lambda: rate(FLAGS.steps),
        }
    rates = {name: [] for name in measures}
    for _ in range(FLAGS.turns):
        for name, measure in measures.items():
            rates[name].append(measure())
    for name, values in rates.items():
        span = f'{min(values):,.1f}..{max(values):,.1f}'
        print(f'{name:50s}{statistics.median(values):10,.1f}  {span}')


if __name__ == '__main__':
    app.run(main)
