"""Prints tables of the runs below a folder: python tables.py TRAIN

Values of --tables: 1, 2 and 3 are the paper's tables, with the 2018 code's runs and ours; tasks is
what classify_fc.py, classify_latent_ae.py and cluster.py measured; samples is how good random
samples of lines are; hours is how long runs have trained; original is the 2018 code beside ours at
equal kimg.
"""
import cli
from cli import flags
from lib.paper import layouts

FLAGS = flags.FLAGS
flags.DEFINE_enum('format', 'text', layouts.FORMATS, 'What to print.')
flags.DEFINE_list('tables', '1,2,3,tasks', 'Which: of 1,2,3,tasks,samples,hours,original.')


def main(train_dir):
    from cli import tables

    print(tables.text(train_dir, FLAGS.tables, FLAGS.format))
    return 0


if __name__ == '__main__':
    cli.run(main, positional=['TRAIN'])
