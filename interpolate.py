"""Interpolates between two pictures, or four, with a trained autoencoder:

    python interpolate.py --run=RUN --left=A.png --right=B.png --out=strip.png
"""
import cli
from cli import flags, paths
from lib.errors import UserError

FLAGS = flags.FLAGS
paths.define('run', None, 'Run folder of the autoencoder.')
paths.define('left', None, 'Picture to begin with, of any size.')
paths.define('right', None, 'Picture to end with.')
flags.DEFINE_integer('left_index', None, 'A test image to begin with, instead of --left.', 0)
flags.DEFINE_integer('right_index', None, 'A test image to end with, instead of --right.', 0)
paths.define_list('corners', None, 'Four pictures or test images: a square, row by row.')
flags.DEFINE_bool('slerp', False, 'Go along great arcs of the latents, not straight.')
flags.DEFINE_integer('steps', 16, 'Pictures from end to end, both included.')
flags.DEFINE_integer('zoom', 4, 'Size of a pixel in the result.', 1, 64)
paths.define('out', 'strip.png', 'What to write, .png or .gif.')


def ends():
    """What to interpolate between: paths of pictures, or indices of test images."""
    left, right = (
        [given for given in (FLAGS[side].value, FLAGS[f'{side}_index'].value) if given is not None]
        for side in ('left', 'right')
    )
    if FLAGS.corners:
        if left or right or len(FLAGS.corners) != 4:
            raise UserError('--corners takes four pictures, A,B,C,D, and no --left or --right.')
        return [int(end) if end.isdecimal() else end for end in FLAGS.corners]
    if not len(left) == len(right) == 1:
        raise UserError(
            'Give one left end, --left or --left_index, and one right end, --right or '
            '--right_index.'
        )
    return [*left, *right]


def main():
    from cli import interpolate

    interpolate.draw_between(
        FLAGS.run,
        ends(),
        FLAGS.out,
        steps=FLAGS.steps,
        spherical=FLAGS.slerp,
        zoom=FLAGS.zoom,
    )
    return 0


if __name__ == '__main__':
    cli.run(main, required={'run': 'the run folder of an autoencoder'})
