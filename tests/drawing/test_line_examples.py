"""The six pictures of lines score what the 2018 code's score."""
import numpy as np
import pytest

from lib import eval, lines
from lib.drawing import line_examples


@pytest.mark.parametrize(
    'title, distance, smoothness',
    [
        ('correct', 2.0e-7, 1.7e-5),
        ('data space', 7.22e-3, 0.9402),
        ('abrupt', 2.5e-7, 0.9333),
        ('overshooting', 1.8e-7, 4.4e-5),
    ],
)
def test_known_scores(title, distance, smoothness):
    images = line_examples.examples()[title]
    assert eval.line_eval(images[None]) == pytest.approx((distance, smoothness), rel=0.05)


def test_unrealistic_takes_the_correct_path_off_the_lines():
    examples = line_examples.examples()
    distance, smoothness = eval.line_eval(examples['unrealistic'][None])
    assert distance > 1e-3 and smoothness < 0.1
    np.testing.assert_array_equal(examples['unrealistic'][0], examples['correct'][0])


def test_all_are_pictures_between_the_same_ends():
    for title, images in line_examples.examples().items():
        assert images.shape == (16, 32, 32, 1) and np.abs(images).max() <= 1
        if title == 'samples':
            assert eval.line_eval(images[None])[0] < 1e-5
        else:
            np.testing.assert_allclose(images[[0, -1]], line_examples.ends(), atol=1e-6)
    assert line_examples.ends().shape == lines.draw_lines([0, 1]).shape
