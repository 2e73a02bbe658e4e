"""The four pictures of a report: reconstructions, interpolations and samples, as PNG."""
import numpy as np
import tensorflow as tf

from lib import interpolate

CAPTIONS = {
    'reconstruction': 'original | reconstruction',
    'interpolation': 'interpolation',
    'slerp': 'spherical interpolation',
    'samples': 'samples',
}
PAIRS, ROWS, STEPS = 4, 16, 16  # reconstructed pairs in a row; rows; images in an interpolation
FULL_WIDTH = 64  # px; only pictures of wider images have fewer rows (`rows_of`)


def to_uint8(images):
    """Images in [-1, 1] to pixel values 0..255, clipped; NaN is black."""
    clipped = np.clip(np.nan_to_num(images, nan=-1.0), -1, 1)
    return np.round(127.5 + 127.5 * clipped).astype(np.uint8)


def to_rgb(pixels):
    """Pixel values (H, W, 1 or 3) as (H, W, 3); a grey value is repeated for all three colours."""
    return pixels.repeat(3, axis=-1) if pixels.shape[-1] == 1 else pixels


def to_tensorboard(picture):
    """A picture (H, W, C) as the 2018 code's event files show it: 0 is grey, the largest white.

    # Original: TensorFlow 1 stretches each picture so that its largest absolute value is white or
    black; in a picture without negative values, 0 is black.
    """
    picture = np.nan_to_num(picture, nan=0.0, posinf=1.0, neginf=-1.0)
    largest = max(np.abs(picture).max(), 1e-6)
    scale, zero = (127 / largest, 128) if picture.min() < 0 else (255 / largest, 0)
    return (picture * scale + zero).astype(np.uint8)


def to_png(image):
    """One picture (H, W, 1 or 3) in [-1, 1] to PNG bytes."""
    return tf.io.encode_png(to_uint8(image)).numpy()


def tile(images):
    """(rows, columns, H, W, C) -> one picture (rows * H, columns * W, C)."""
    rows, columns, height, width, colors = images.shape
    return images.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, colors)


def rows_of(width):
    """How many rows a report shows of images so wide: fewer of wide ones, to save disk space."""
    return max(2, min(ROWS, ROWS * FULL_WIDTH // width))


def num_images(pairs=PAIRS, rows=ROWS):
    """How many test images a report shows."""
    return pairs * rows + 2 * rows


def report_pictures(encode, decode, images, samples, pairs=PAIRS, rows=ROWS, steps=STEPS):
    """The four pictures of a report.

    Args:
        encode, decode: functions from images to latents and back, over NumPy arrays; decode takes
            latents (..., *latent_shape), with any number of leading axes.
        images: (n, H, W, C) test images, used from the first on; repeated if they are fewer than
            num_images(pairs, rows).
        samples: (rows * steps, *latent_shape) random latents.

    Returns:
        {'reconstruction', 'interpolation', 'slerp', 'samples': picture (rows * H, width, C)}, and
        the images of the linear interpolations, (rows, steps, H, W, C).
    """
    images = np.resize(images, (num_images(pairs, rows), *images.shape[1:]))  # cut or repeated
    latents = encode(images)
    shown = pairs * rows
    both = np.stack([images[:shown], decode(latents[:shown])], axis=1)  # (shown, 2, H, W, C)
    left, right = np.split(latents[shown:], 2)

    # Original: the samples fill the picture column by column.
    columns = samples.reshape(steps, rows, *samples.shape[1:]).swapaxes(0, 1)
    straight = decode(interpolate.lerp(left, right, steps))
    pictures = {
        'reconstruction': tile(both.reshape(rows, 2 * pairs, *images.shape[1:])),
        'interpolation': tile(straight),
        'slerp': tile(decode(interpolate.slerp(left, right, steps))),
        'samples': tile(decode(columns)),
    }
    return pictures, straight
