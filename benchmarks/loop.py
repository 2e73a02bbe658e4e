"""Images per second of the whole loop, with data, reports and evaluation, against the bare step.

    python benchmarks/loop.py [--method=ACAI] [--periods=2]

Trains on lines32 at the paper's configuration and normal report period (64 * 1024 images) in a
temporary folder, and measures the bare step before and after each period. Also prints how long one
period's lines evaluation takes: 4,096 decoded images against 10,000 lines.
"""
import os
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from train_step import make_model, turn  # noqa: E402, I001  (first: it imports lib.quietly)
import tensorflow as tf  # noqa: E402
from absl import app, flags  # noqa: E402

from lib import data, eval, runs, train  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_string('method', 'ACAI', 'Class to measure.')
flags.DEFINE_integer('periods', 2, 'Report periods to train.')
KIMG, BATCH = 64, 64
BARE_STEPS = 100


def main(_):
    dataset = data.get_dataset('lines32', BATCH)
    batch = next(iter(dataset.train))
    bare, loop = [], []
    spare = make_model(FLAGS.method)  # whose training does not count
    step = tf.function(spare.train_step)

    def measure_bare():
        bare.append(BATCH * BARE_STEPS / turn(lambda: step(batch), BARE_STEPS))

    turn(lambda: step(batch), 3)
    model = make_model(FLAGS.method)
    with tempfile.TemporaryDirectory() as folder:
        run = runs.RunFolder(os.path.join(folder, 'run'))
        run.create()
        options = dict(batch_size=BATCH, report_kimg=KIMG)
        train.train_run(model, dataset, run, total_kimg=0, **options)  # the first report
        measure_bare()
        for period in range(1, FLAGS.periods + 1):
            start = time.perf_counter()
            train.train_run(model, dataset, run, total_kimg=KIMG * period, **options)
            loop.append(KIMG * 1024 / (time.perf_counter() - start))
            measure_bare()
    start = time.perf_counter()
    eval.line_eval(eval.interpolations(model, dataset))
    seconds = time.perf_counter() - start
    bare_rate, loop_rate = statistics.median(bare), statistics.median(loop)
    print(f'bare step {bare_rate:.0f} img/s, whole loop {loop_rate:.0f} img/s: ', end='')
    print(f'{loop_rate / bare_rate:.2f} of the bare step (start-up and restoring included)')
    print(f'lines evaluation of a period, decoding included: {seconds:.1f} s')


if __name__ == '__main__':
    app.run(main)
