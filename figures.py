"""Draws the paper's figures from the runs below a folder: python figures.py TRAIN"""
import os

import cli
from cli import flags, paths

FLAGS = flags.FLAGS
paths.define('out', None, 'Folder of the figures (default: TRAIN/figures).')


def main(train_dir):
    from cli import figures

    figures.draw_all(train_dir, FLAGS.out or os.path.join(train_dir, 'figures'))
    return 0


if __name__ == '__main__':
    cli.run(main, positional=['TRAIN'])
