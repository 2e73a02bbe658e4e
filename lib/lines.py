"""The lines benchmark's pictures: anti-aliased radial lines at an angle (section 3.2).

The formulas work in float64: a picture changes abruptly where a line's end enters the next row.
"""
import math

import numpy as np
import tensorflow as tf

LINE_WIDTH_PX = 2
TOUCHED_PX = LINE_WIDTH_PX + 1  # pixels of a row that a line of that width can touch
NCLASS = 10


def draw_lines(angles, size=32, dtype=np.float32):
    """Draws lines: (n,) angles in radians -> (n, size, size, 1) in [-1, 1], float32 by default.

    Angle 0 points right, pi / 2 up. A line runs from the centre c to c + (c - 1) (cos(-angle),
    sin(-angle)). Along its major axis ("row" below) it covers LINE_WIDTH_PX pixels of each row.
    Only the pixels that it can touch are computed: half of the rows, and TOUCHED_PX of each.
    """
    center = size / 2
    angles = np.asarray(angles, np.float64)[:, None]  # (n, 1)
    dx = (center - 1) * np.cos(-angles)
    dy = (center - 1) * np.sin(-angles)
    flat = abs(dy) < abs(dx)  # the major axis is x: drawn transposed
    dx, dy = np.where(flat, dy, dx), np.where(flat, dx, dy)
    slope = dx / dy  # dy is the longer side, never 0
    y0, y1 = center + np.minimum(dy, 0.0), center + np.maximum(dy, 0.0)
    x0 = np.where(dy < 0, center + dx, center)  # the column at the upper end y0

    rows = size // 2 + 1
    row = np.minimum(np.floor(y0), size - rows) + np.arange(rows)  # (n, rows)
    weight = np.where(row < np.ceil(y0), np.ceil(y0) - y0, 1.0)  # the first row may be partial
    weight = np.where((row >= np.floor(y0)) & (row < np.ceil(y1)), weight, 0.0)
    # Original: centred on where the line crosses the middle of the row above.
    start = x0 - LINE_WIDTH_PX / 2 + (row - y0 - 0.5) * slope
    first = np.clip(np.floor(start), 0.0, size - TOUCHED_PX)
    start, column = start[..., None], first[..., None] + np.arange(TOUCHED_PX)  # (n, rows, touched)
    overlap = np.minimum(start + LINE_WIDTH_PX, column + 1) - np.maximum(start, column)
    coverage = np.clip(overlap, 0.0, 1.0)
    value = np.clip(2 * weight[..., None] * coverage - 1, -1.0, 1.0)

    to_next_row, to_next_column = np.where(flat, 1, size), np.where(flat, size, 1)  # in the picture
    pixel = size**2 * np.arange(len(angles))[:, None]
    pixel = pixel + to_next_row * row.astype(int) + to_next_column * first.astype(int)
    drawn = np.full((len(angles), size, size, 1), -1, dtype)
    drawn.ravel()[pixel[..., None] + to_next_column[..., None] * np.arange(TOUCHED_PX)] = value
    return drawn


def draw_lines_tf(angles, size=32):
    """`draw_lines` in the graph of an input pipeline: (...) float64 -> (..., size, size, 1)."""

    def draw(angles):
        return draw_lines(angles.ravel(), size).reshape(*angles.shape, size, size, 1)

    drawn = tf.numpy_function(draw, (angles,), tf.float32, stateful=False)
    return tf.ensure_shape(drawn, (*angles.shape, size, size, 1))


def label_of(angles):
    """The class of each angle in [0, 2 pi), int64: ten equal sectors.

    # Original: the divisor is 1e-6 short of a turn, so that the last 1e-6 rad would be class 10.
    """
    return tf.cast(NCLASS * angles / (2 * math.pi - 1e-6), tf.int64)
