"""Interpolations between a user's own pictures, as a strip, a grid or an animation."""
import io
import math
import os

import numpy as np
import tensorflow as tf
from PIL import Image

from acai_tf import load
from cli import fitting
from lib import data, eval, files, interpolate, runs
from lib.data import decoding, picture_folder, registry
from lib.drawing import captions, pictures
from lib.errors import UserError

MIN_STEPS, MAX_STEPS = 2, 1000
MAX_PIXELS = 10**8  # of a result
FRAME_MSEC = 80
LUMA = (0.299, 0.587, 0.114)  # ITU-R 601, as Pillow's own conversion to grey


def draw_between(run_path, ends, out, *, steps, spherical, zoom):
    """Writes a trained autoencoder's interpolation between two or four pictures.

    Args:
        run_path: a run folder, ours or the original's.
        ends: left and right, or the four corners top left, top right, bottom left, bottom right;
            each the path of a picture, or the index of a test image.
        out: path of the result. A .png shows the interpolation from left to right, or the square
            between four corners, with the ends themselves beside it; a .gif, for two ends only,
            moves from left to right and back.
        steps: pictures from one end to the other, both included.
        spherical: whether to interpolate along great arcs instead of straight lines.
        zoom: how many times each pixel is repeated along both sides.

    Raises:
        UserError: the run, a picture or the test set cannot be used, or `out` cannot be written.
    """
    kind = os.path.splitext(out)[1].lower()
    if kind not in ('.png', '.gif') or (kind == '.gif' and len(ends) == 4):
        raise UserError(f'--out={out} must end in .png, or between two pictures in .gif.')
    if not MIN_STEPS <= steps <= MAX_STEPS:
        raise UserError(f'--steps={steps} must lie between {MIN_STEPS} and {MAX_STEPS}.')
    model, run = load.load_run(run_path), runs.RunFolder(run_path)
    pixels = steps ** (len(ends) // 2) * math.prod(model.image_shape[:2]) * zoom**2
    if pixels > MAX_PIXELS:
        raise UserError(
            f'The result would have {pixels:,} pixels, more than {MAX_PIXELS:,}; choose fewer '
            '--steps or a smaller --zoom.'
        )
    real = _images(ends, model, run)
    rows = between(eval.encode(model, real), steps, spherical)  # (rows, steps, *latent_shape)
    images = eval.decode(model, rows)
    if kind == '.gif':
        small = pictures.to_uint8(images[0])  # before enlarging: a quarter of the memory
        frames = _there_and_back(small.repeat(zoom, axis=1).repeat(zoom, axis=2))
        files.write_file(out, _gif(frames))
        print(f'Wrote {out}: {len(frames)} frames, in {steps} steps there and back.')
        return
    way = 'spherical' if spherical else 'straight'
    title = f'{type(model).__name__} at step {int(model.global_step)}, {way} interpolation'
    files.write_file(out, captions.captioned(_beside_the_ends(real, images), title, zoom))
    about = f'{steps}' if len(ends) == 2 else f'{steps} x {steps}'
    print(f'Wrote {out}: {about} decoded pictures, and beside them the {len(ends)} given ones.')


def _beside_the_ends(real, images):
    """[(caption, picture)] of the left ends, the decoded images and the right ends.

    Args:
        real: the ends, left and right, or the four corners row by row, (2 or 4, H, W, C).
        images: what is decoded, (rows, steps, H, W, C).
    """
    pairs = real.reshape(-1, 2, *real.shape[1:])  # (1 or 2, left and right, H, W, C)
    rows = len(images)
    left, right = (captions.at_the_ends(pairs[:, side], rows) for side in (0, 1))
    words = ('left', 'right') if rows == 1 else ('left corners', 'right corners')
    return [
        (words[0], pictures.tile(left)),
        ('reconstructions of the ends, and between them', pictures.tile(images)),
        (words[1], pictures.tile(right)),
    ]


def between(latents, steps, spherical=False):
    """Interpolates between two or four latents: (2 or 4, ...) -> (1 or steps, steps, ...).

    Four latents are the corners of a square, row by row: its left and right sides are interpolated
    first, then each row between them.
    """
    mix = interpolate.slerp if spherical else interpolate.lerp
    if len(latents) == 2:
        return mix(latents[:1], latents[1:], steps)
    left, right = mix(latents[:2], latents[2:], steps)  # from top to bottom, (steps, ...) each
    return mix(left, right, steps)


def _images(ends, model, run):
    """The pictures of the ends, (n, H, W, C) in [-1, 1]."""
    indices = [end for end in ends if isinstance(end, int)]
    name = load.identify(run).dataset
    tested = _test_images(indices, model, run, name) if indices else {}
    return np.stack(
        [
            tested[end] if isinstance(end, int) else _read(end, model.image_shape, name)
            for end in ends
        ]
    )


def _test_images(indices, model, run, name):
    """{index: test image} from the dataset `name`, which the run was trained on."""
    fitting.check_is_told(run, name)
    dataset = data.get_dataset(name)
    fitting.check_fits(run, model, dataset, name, 'give picture files in their place')
    found, seen = {}, 0
    for batch in dataset.test.as_numpy_iterator():
        end = seen + len(batch['x'])
        found |= {index: batch['x'][index - seen] for index in indices if seen <= index < end}
        seen = end
        if len(found) == len(set(indices)):
            return found
    missing = next(index for index in indices if index not in found)
    raise UserError(
        f'There is no test image {missing} in {name}, which has {seen}; the first is 0.'
    )


def _read(path, shape, name):
    """A picture file as an image of the model's shape: prepared as for training if it has the size
    of the dataset's published pictures, otherwise cut to its central square."""
    height, width, colors = shape
    if height != width:
        raise UserError(f'The run is of images {shape}; only square ones can be read from files.')
    try:
        prepared = _as_published(path, shape, name)
        if prepared is not None:
            return prepared
        pixels = picture_folder.read_picture(path, width)
    except FileNotFoundError as error:
        index = ' For a test image give its number as --left_index or --right_index.'
        raise UserError(f'{path} is missing.{index * path.isdigit()}') from error
    except Exception as error:  # damaged pictures make Pillow raise errors of every kind
        raise UserError(f'{path} is not a readable picture ({error}).') from error
    if colors == 1:
        pixels = np.round(pixels @ np.array(LUMA))[..., None].astype(np.uint8)
    return data.scale(pixels).numpy()


def _as_published(path, shape, name):
    """A picture of the size that a dataset's authors publish (MNIST's 28x28, CelebA's 178x218) as
    training sees it; None for all others."""
    entry = registry.find(name)
    if not (entry and entry.records):
        return None
    preparation = entry.records.preparation
    with open(path, 'rb') as file:
        content = file.read()
    if decoding.size(content) != preparation.stored or preparation.shape != shape:
        return None
    try:
        (image,) = decoding.decoder(preparation)([content])
    except tf.errors.InvalidArgumentError:  # a palette with transparency, say
        return None
    return data.scale(image).numpy() if image.dtype == np.uint8 else image


def _there_and_back(pixels):
    """Frames that move through pixel values (n, H, W, C) and back."""
    frames = [Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)
              for image in pixels]  # fmt: skip
    return frames + frames[-2:0:-1]


def _gif(frames):
    """The bytes of a GIF that repeats the frames without end."""
    content = io.BytesIO()
    frames[0].save(
        content, 'GIF', save_all=True, append_images=frames[1:], duration=FRAME_MSEC, loop=0
    )
    return content.getvalue()
