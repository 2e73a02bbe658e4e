import math

import numpy as np
import pytest
import tensorflow as tf

from lib import lines
from tests import tiny

GOLDEN = np.load(tiny.GOLDENS / 'lines.npz')
ANGLES = np.concatenate(
    [
        np.random.default_rng(0).uniform(0, 2 * math.pi, 200),
        np.arange(8) * math.pi / 4,  # along the axes and diagonals
        np.arange(24) * math.pi / 12,
        np.array([1e-12, 1e-7, math.pi / 2 - 1e-9, math.pi / 2 + 1e-9, 2 * math.pi - 1e-9]),
    ]
)


def draw_by_rows(angle, size):
    """One line, pixel by pixel along its major axis."""
    picture = np.full((size, size), -1.0)
    x0 = y0 = size / 2
    x1 = x0 + (x0 - 1) * math.cos(-angle)
    y1 = y0 + (y0 - 1) * math.sin(-angle)
    swapped = abs(y1 - y0) < abs(x1 - x0)
    if swapped:
        x0, y0, x1, y1 = y0, x0, y1, x1
    if y1 < y0:
        x0, y0, x1, y1 = x1, y1, x0, y0
    slope = (x1 - x0) / (y1 - y0)
    for y in range(math.floor(y0), math.ceil(y1)):
        weight = math.ceil(y0) - y0 if y < math.ceil(y0) else 1
        start = x0 - 1 + (y - y0 - 0.5) * slope
        for x in range(size):
            coverage = min(start + 2, x + 1) - max(start, x)
            if coverage > 0:
                row, column = (x, y) if swapped else (y, x)
                picture[row, column] += 2 * weight * coverage
    return np.clip(picture, -1, 1)[..., None]


@pytest.mark.parametrize('key, size', [('lines', 32), ('lines_16', 16)])
def test_lines_are_the_originals(key, size):
    recorded = GOLDEN[key]
    angles = GOLDEN['angles'][: len(recorded)]
    drawn = lines.draw_lines(angles, size)
    assert drawn.shape == recorded.shape and drawn.dtype == np.float32
    np.testing.assert_allclose(drawn, recorded, rtol=0, atol=1e-6)
    in_graph = tf.function(lines.draw_lines_tf)(tf.constant(angles), size)
    assert in_graph.dtype == tf.float32
    np.testing.assert_allclose(in_graph, recorded, rtol=0, atol=1e-6)


@pytest.mark.parametrize('size', [8, 16, 32, 64])
def test_lines_at_any_angle_and_size(size):
    drawn = lines.draw_lines(ANGLES, size, np.float64)
    expected = np.stack([draw_by_rows(angle, size) for angle in ANGLES])
    np.testing.assert_allclose(drawn, expected, rtol=0, atol=1e-6)


def test_angle_zero_points_right_and_a_quarter_turn_up():
    right, up = lines.draw_lines([0, math.pi / 2])[..., 0]
    assert right[16, 20] == 1 and right[16, 10] == -1
    assert up[10, 16] == 1 and up[20, 16] == -1


def test_labels():
    labels = lines.label_of(tf.constant(GOLDEN['angles']))
    assert labels.dtype == tf.int64
    np.testing.assert_array_equal(labels, GOLDEN['labels'])
    expected = [int(10 * angle / (2 * math.pi - 1e-6)) for angle in ANGLES]
    np.testing.assert_array_equal(lines.label_of(tf.constant(ANGLES)), expected)
