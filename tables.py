"""Prints the paper's tables 1, 2 and 3 from the runs below a folder: python tables.py TRAIN"""
from absl import flags

import cli
from lib.errors import UserError

FLAGS = flags.FLAGS
flags.DEFINE_enum('format', 'text', ['text', 'markdown', 'latex', 'csv'], 'What to print.')
flags.DEFINE_list('tables', '1,2,3', 'Which tables, by commas.')


def main(train_dir):
    from acai_tf import load
    from lib.paper import tables

    if not set(FLAGS.tables) <= {'1', '2', '3'}:
        raise UserError(f'--tables={",".join(FLAGS.tables)} must be of 1, 2 and 3.')
    found = load.find_runs(train_dir)
    if not found:
        raise UserError(f'{train_dir} holds no run folder ([RUNk/]DATASET/EXPERIMENT).')
    print(tables.to(FLAGS.format, [tables.build(found, int(number)) for number in FLAGS.tables]))
    return 0


if __name__ == '__main__':
    cli.run(main, positional=['TRAIN'])
