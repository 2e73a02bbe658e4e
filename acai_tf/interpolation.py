"""Interpolations between images, for notebooks."""
import contextlib

import numpy as np

from lib import eval
from lib import interpolate as paths
from lib.errors import UserError


def interpolate(model, left, right, steps=16, spherical=False):
    """Decodes interpolations between images, or between examples of any other shape.

    Args:
        model: an autoencoder of this package.
        left, right: one image each, (H, W, C), or equally many, (B, H, W, C); floats in [-1, 1].
        steps: images from end to end, both included; 2 or more.
        spherical: whether to interpolate latents along great arcs (slerp), not straight lines.

    Returns:
        (steps, H, W, C) or (B, steps, H, W, C) float32, about in [-1, 1], not clipped. The first
        and the last image are the reconstructions of left and right.

    Raises:
        UserError: the images are not floats of the model's shape, left and right differ in number,
            steps is not an integer of 2 or more, or the model knows no shapes yet.
    """
    left, right = np.asarray(left), np.asarray(right)
    model.need_shapes()
    one = left.ndim == len(model.image_shape)
    if one:
        left, right = left[None], right[None]
    for images in (left, right):
        model.encoder.check(images)
    if left.shape != right.shape or not len(left):
        raise UserError(
            f'Cannot interpolate between {len(left)} left and {len(right)} right images; give '
            'equally many on both sides, at least one.'
        )
    count = 0
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        count = int(steps)
    if count < 2 or count != steps:
        raise UserError(f'steps={steps!r}: it must be an integer of at least 2.')
    path = paths.slerp if spherical else paths.lerp
    left, right = (images.astype(np.float32) for images in (left, right))
    images = eval.between(model, left, right, count, path)
    return images[0] if one else images
