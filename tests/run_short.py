"""Runs a script whose reports are short: python tests/run_short.py SCRIPT --flag...

The packages that it imports are those of the script's folder.
"""
import os
import runpy
import sys

TEST_LINES, INTERPOLATIONS, SAMPLES, FITTED_IMAGES = 128, 4, 32, 128


def run_graphs_as_traced():
    """Makes this process's graphs ready sooner; to optimise them takes longer than a few steps."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({'disable_meta_optimizer': True})


def shorten():
    """Makes the reports of this process short, and its graphs ready sooner."""
    from lib import eval, sampling
    from lib.data import datasets

    run_graphs_as_traced()
    datasets.LINES_TEST_IMAGES = TEST_LINES
    eval.interpolations.__defaults__ = (INTERPOLATIONS, eval.STEPS)
    sampling.SAMPLES, sampling.FITTED_IMAGES = SAMPLES, FITTED_IMAGES


if __name__ == '__main__':
    sys.argv = sys.argv[1:]
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    shorten()
    runpy.run_path(sys.argv[0], run_name='__main__')
