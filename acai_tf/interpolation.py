"""Interpolations between images, for notebooks."""
import numpy as np

from lib import eval
from lib import interpolate as paths
from lib.errors import UserError


def interpolate(model, left, right, steps=16, spherical=False):
    """What a model decodes between images.

    Args:
        model: an autoencoder of this package.
        left, right: images in [-1, 1], one each (H, W, C), or as many on both sides (B, H, W, C).
        steps: images from end to end, both included; 2 or more.
        spherical: whether to go along great arcs of the latents, not straight.

    Returns:
        (steps, H, W, C), or (B, steps, H, W, C) for several: float32, about [-1, 1], not clipped.
        The first and the last of each are the reconstructions of its ends.

    Raises:
        UserError: the images are not of the model's shape, or no floats, or there are no steps.
    """
    left, right = np.asarray(left), np.asarray(right)
    model.need_shapes()
    one = left.ndim == len(model.image_shape)
    if one:
        left, right = left[None], right[None]
    for images in (left, right):
        model.encoder.check(images)
    if left.shape != right.shape or not len(left) or steps < 2 or steps != int(steps):
        raise UserError(
            f'{len(left)} left and {len(right)} right images cannot be connected in {steps} steps; '
            'give as many on both sides, one or more, and 2 steps or more.'
        )
    path = paths.slerp if spherical else paths.lerp
    left, right = (images.astype(np.float32) for images in (left, right))
    images = eval.between(model, left, right, int(steps), path)
    return images[0] if one else images
