"""Images per second of the whole loop, with data, reports and evaluation, against the bare step.

    python benchmarks/loop.py [--method=ACAI] [--periods=2]

Trains on lines32 at the paper's configuration and normal report period (64 * 1024 images) in a
temporary folder, and measures the bare step before and after each period. Tracing and restoring,
which happen once in a run, are not counted. Also prints how long each part of a report takes;
the lines' scores are of 2 x 4,096 decoded images, each compared with 10,000 lines.
"""
import collections
import os
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from measured import METHODS, make_model, turn  # noqa: E402, I001  (first: lib.tensorflow_setup)
import tensorflow as tf  # noqa: E402
from absl import app, flags  # noqa: E402

from lib import callbacks, data, runs, train  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_enum('method', 'ACAI', METHODS, 'Class to measure.')
flags.DEFINE_integer('periods', 2, 'Report periods to train.', 1)
KIMG, BATCH = 64, 64
BARE_STEPS = 100


class Stopwatch(callbacks.Callback):
    """Times a period's steps, except the first, and each part of its report.

    Attributes:
        rate: images a second of the newest period's steps.
        seconds: {class of a callback: how long it took in each report}.
    """

    def __init__(self):
        super().__init__()
        self.first, self.rate, self.seconds = None, None, collections.defaultdict(list)

    def on_epoch_begin(self, epoch, logs=None):
        self.first = None

    def on_train_batch_end(self, batch, logs=None):
        now = self.step, time.perf_counter()
        self.first = self.first or now
        steps, seconds = (new - old for new, old in zip(now, self.first, strict=True))
        self.rate = steps * BATCH / seconds if steps else None

    def make_reports(self, *args):
        reports = callbacks.autoencoder_reports(*args)
        for report in reports:
            report.on_epoch_end = self.timed(type(report).__name__, report.on_epoch_end)
        return [self, *reports]

    def timed(self, name, function):
        def timed(*args):
            start = time.perf_counter()
            function(*args)
            self.seconds[name].append(time.perf_counter() - start)

        return timed

    def period_rate(self):
        """Images a second of the newest period, its report included."""
        report = sum(seconds[-1] for seconds in self.seconds.values())
        images = KIMG * 1024
        return images / (images / self.rate + report)


def main(_):
    dataset = data.get_dataset('lines32', BATCH)
    batch = next(iter(dataset.train))
    bare, loop = [], []
    spare = make_model(FLAGS.method)  # only for the bare step: its training does not count
    step = tf.function(spare.train_step)

    def measure_bare():
        bare.append(BATCH * BARE_STEPS / turn(lambda: step(batch), BARE_STEPS))

    turn(lambda: step(batch), 3)
    model, stopwatch = make_model(FLAGS.method), Stopwatch()
    with tempfile.TemporaryDirectory() as folder:
        run = runs.RunFolder(os.path.join(folder, 'run'))
        run.create()
        options = dict(batch_size=BATCH, report_kimg=KIMG, make_reports=stopwatch.make_reports)
        options['args'] = {'class': FLAGS.method}  # else the run would pass for the 2018 code's
        train.train_run(model, dataset, run, total_kimg=0, **options)  # the first report
        measure_bare()
        for period in range(1, FLAGS.periods + 1):
            train.train_run(model, dataset, run, total_kimg=KIMG * period, **options)
            loop.append(stopwatch.period_rate())
            measure_bare()
    bare_rate, loop_rate = statistics.median(bare), statistics.median(loop)
    print(f'bare step {bare_rate:.0f} img/s, whole loop {loop_rate:.0f} img/s: ', end='')
    print(f'{loop_rate / bare_rate:.2f} of the bare step')
    for name, (_, *seconds) in stopwatch.seconds.items():  # without the first, which traces
        print(f'{name:16} {statistics.median(seconds):.2f} s a report')


if __name__ == '__main__':
    app.run(main)
