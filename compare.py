"""Compares trained runs, of the 2018 code or ours, on the same images and the same noise.

    python compare.py RUN RUN ...
    python compare.py --original=RUN_A --ours=RUN_B
"""
import cli
from cli import flags, paths
from lib.errors import UserError

FLAGS = flags.FLAGS
paths.define('original', None, 'A run folder, shown as "original".')
paths.define('ours', None, 'Another, shown as "ours".')
flags.DEFINE_string('dataset', None, 'What to compare them on (default: what they trained on).')
flags.DEFINE_integer('seed', 0, 'Seed of test lines and noise.', 0, 2**31 - 1)
flags.DEFINE_integer('images', 1024, 'Test images to take losses and differences on.', 1)
paths.define('out', None, 'Picture to write (default: compare_DATASET_EXPERIMENT.png).')


def main(*runs):
    named = {name: FLAGS[name].value for name in ('original', 'ours') if FLAGS[name].value}
    if bool(runs) == bool(named):
        raise UserError(
            'Give the run folders to compare, RUN RUN ..., or --original=RUN_A and --ours=RUN_B.'
        )
    from cli import compare

    compare.compare_runs(
        named or compare.labelled(runs),
        FLAGS.dataset,
        seed=FLAGS.seed,
        images=FLAGS.images,
        out=FLAGS.out,
    )
    return 0


if __name__ == '__main__':
    cli.run(main, positional=['RUN...'])
