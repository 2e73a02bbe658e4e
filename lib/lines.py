"""The lines benchmark's pictures: anti-aliased radial lines at an angle (section 3.2).

One set of formulas serves NumPy arrays and the TensorFlow graph of an input pipeline, which calls
it through TensorFlow's NumPy interface. It works in float64, because a picture jumps where a
line's end crosses into the next row.
"""
import math

import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

LINE_WIDTH_PX = 2
NCLASS = 10


def _draw(xp, angles, size):
    """(n,) float64 radians -> (n, size, size, 1) float64 in [-1, 1]; `xp` is the NumPy to use.

    A line runs from the centre c to c + (c - 1) (cos(-angle), sin(-angle)). Along its major axis
    ("row" below) it covers LINE_WIDTH_PX pixels around where it crosses the middle of each row.
    """
    center = size / 2
    angles = xp.reshape(angles, (-1, 1))
    dx = (center - 1) * xp.cos(-angles)  # (n, 1)
    dy = (center - 1) * xp.sin(-angles)
    flat = abs(dy) < abs(dx)  # the major axis is x: drawn transposed
    dx, dy = xp.where(flat, dy, dx), xp.where(flat, dx, dy)
    slope = dx / dy  # dy is the longer side, never 0
    y0, y1 = center + xp.minimum(dy, 0.0), center + xp.maximum(dy, 0.0)
    x0 = xp.where(dy < 0, center + dx, center)  # the column at the upper end y0

    row = xp.arange(size, dtype=xp.float64)  # also a pixel's left edge, as a column
    weight = xp.where(row < xp.ceil(y0), xp.ceil(y0) - y0, 1.0)  # the first row may be partial
    weight = xp.where((row >= xp.floor(y0)) & (row < xp.ceil(y1)), weight, 0.0)  # (n, rows)
    start = (x0 - LINE_WIDTH_PX / 2 + (row - y0 - 0.5) * slope)[..., None]  # (n, rows, 1)
    overlap = xp.minimum(start + LINE_WIDTH_PX, row + 1) - xp.maximum(start, row)
    coverage = xp.clip(overlap, 0.0, 1.0)  # (n, rows, columns)
    picture = xp.clip(2 * weight[..., None] * coverage - 1, -1.0, 1.0)
    picture = xp.where(flat[..., None], xp.transpose(picture, (0, 2, 1)), picture)
    return picture[..., None]


def draw_lines(angles, size=32, dtype=np.float32):
    """Draws lines: (n,) angles in radians -> (n, size, size, 1) in [-1, 1], float32 by default.

    Angle 0 points right, pi / 2 up.
    """
    return _draw(np, np.asarray(angles, np.float64), size).astype(dtype)


def draw_lines_tf(angles, size=32):
    """`draw_lines` as TensorFlow operations, for (n,) float64 angles."""
    return tf.cast(_draw(tnp, angles, size), tf.float32)


def label_of(angles):
    """The class of each angle in [0, 2 pi): (n,) int64, ten equal sectors.

    # Original: the divisor is 1e-6 short of a turn, so that the last 1e-6 rad would be class 10.
    """
    return tf.cast(NCLASS * angles / (2 * math.pi - 1e-6), tf.int64)
