"""The paper's six pictures of lines (section 3.2): samples, and what an interpolation can be."""
import math

import numpy as np
from scipy import ndimage

from lib import interpolate, lines, randomness

COUNT = 16  # images in each picture
LEFT, RIGHT = 5 * math.pi / 7, 3 * math.pi / 2  # angles of the two ends
SIZE_PX = 32  # width and height of the paper's images
BLUR_PX = 2.0  # at that size, the standard deviation midway through the unrealistic interpolation


def ends(size=SIZE_PX):
    """The two images that the paper interpolates between, (2, size, size, 1)."""
    return lines.draw_lines([LEFT, RIGHT], size)


def examples(size=SIZE_PX):
    """{title: images (COUNT, size, size, 1) in [-1, 1]}."""
    t = np.linspace(0, 1, COUNT)
    first, last = ends(size)
    correct = lines.draw_lines(LEFT + (RIGHT - LEFT) * t, size)
    angles = randomness.Draws(0).uniform('figures/lines', (COUNT,), 0, 2 * math.pi).numpy()
    return {
        'samples': lines.draw_lines(angles, size),
        'correct': correct,
        'data space': interpolate.lerp(first[None], last[None], COUNT)[0],
        'abrupt': np.where(t[:, None, None, None] < 0.5, first, last),
        # The longer way round.
        'overshooting': lines.draw_lines(LEFT + (RIGHT - 2 * math.pi - LEFT) * t, size),
        'unrealistic': _blurred(correct, BLUR_PX * size / SIZE_PX * np.sin(math.pi * t)),
    }


def _blurred(images, stddevs_px):
    """Gaussian blur of each image with its own standard deviation; the ends (0) stay sharp."""
    return np.stack(
        [
            ndimage.gaussian_filter(image, (stddev, stddev, 0), mode='nearest')
            for image, stddev in zip(images, stddevs_px, strict=True)
        ]
    )
