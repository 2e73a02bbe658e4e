"""Compares two trained runs, such as one of the 2018 code and one of ours, on the same images.

    python compare.py --original=RUN_A [--ours=RUN_B]
"""
import sys

from absl import flags

import cli

FLAGS = flags.FLAGS
flags.DEFINE_string('original', None, "A run folder, the 2018 code's or ours.")
flags.DEFINE_string('ours', None, 'Another; without it, --original is scored alone.')
flags.DEFINE_string('dataset', None, 'What to compare them on (default: what they trained on).')
flags.DEFINE_integer('seed', 0, 'Seed of test lines and noise.', 0, 2**31 - 1)
flags.DEFINE_integer('images', 1024, 'Test images to take losses and differences on.', 1)
flags.DEFINE_string('out', None, 'Picture to write (default: compare_DATASET_EXPERIMENT.png).')


def main():
    if not FLAGS.original:
        sys.exit(f'{sys.argv[0]}: give --original, a run folder.')
    from cli import compare

    paths = {'original': FLAGS.original, 'ours': FLAGS.ours}
    compare.compare_runs(
        {label: path for label, path in paths.items() if path},
        FLAGS.dataset,
        seed=FLAGS.seed,
        images=FLAGS.images,
        out=FLAGS.out,
    )
    return 0


if __name__ == '__main__':
    cli.run(main)
