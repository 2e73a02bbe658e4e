import math

import numpy as np
import pytest

from lib import interpolate

DRAWS = np.random.default_rng(0)
LEFT, RIGHT = DRAWS.normal(size=(2, 5, 4, 4, 2)).astype(np.float32)


def test_lerp_by_its_formula():
    mixed = interpolate.lerp(LEFT, RIGHT, 7)
    assert mixed.shape == (5, 7, 4, 4, 2) and mixed.dtype == np.float32
    for i in range(7):
        expected = LEFT * (7 - 1 - i) / (7 - 1) + RIGHT * i / (7 - 1)
        np.testing.assert_allclose(mixed[:, i], expected, rtol=1e-5, atol=1e-6)


def test_slerp_by_its_formula():
    mixed = interpolate.slerp(LEFT, RIGHT, 7)
    assert mixed.shape == (5, 7, 4, 4, 2) and mixed.dtype == np.float32
    for row in range(5):
        left, right = LEFT[row].ravel().astype(float), RIGHT[row].ravel().astype(float)
        w = math.acos(left @ right / np.linalg.norm(left) / np.linalg.norm(right))
        for i, t in enumerate(np.linspace(0, 1, 7)):
            expected = (math.sin((1 - t) * w) * left + math.sin(t * w) * right) / math.sin(w)
            np.testing.assert_allclose(mixed[row, i].ravel(), expected, rtol=1e-4, atol=1e-5)


def test_slerp_keeps_the_length():
    left, right = np.eye(3, dtype=np.float32)[[0]], np.eye(3, dtype=np.float32)[[1]]
    arc = interpolate.slerp(left, right, 5)
    np.testing.assert_allclose(np.linalg.norm(arc, axis=2), 1, rtol=1e-6)
    np.testing.assert_allclose(arc[0, 2], [math.sqrt(0.5), math.sqrt(0.5), 0], atol=1e-6)


@pytest.mark.parametrize('factor', [1.0, 2.0, 1e-6])
def test_slerp_of_parallel_latents_is_straight(factor):
    right = np.float32(factor) * LEFT
    np.testing.assert_allclose(
        interpolate.slerp(LEFT, right, 4), interpolate.lerp(LEFT, right, 4), atol=1e-3
    )


def test_slerp_of_opposite_or_no_latents_is_finite():
    assert np.isfinite(interpolate.slerp(LEFT, -LEFT, 4)).all()
    assert not interpolate.slerp(0 * LEFT, 0 * LEFT, 4).any()
