"""Interpolations between latents, straight and spherical."""
import numpy as np

MIN_SINE = 1e-7  # below it two latents point the same way or opposite ways, and slerp is lerp


def _steps(n, ndim):
    return np.linspace(0, 1, n).reshape(1, n, *[1] * ndim)


def lerp(left, right, n):
    """Straight lines: latents (B, ...) and (B, ...) -> (B, n, ...), both ends included."""
    t = _steps(n, left.ndim - 1)
    return (left[:, None] * (1 - t) + right[:, None] * t).astype(np.float32)


def slerp(left, right, n):
    """Great arcs (Shoemake, 1985) between flattened latents: (B, ...), (B, ...) -> (B, n, ...).

    Between latents that point the same way or opposite ways, where no arc is the shortest, it is
    the straight line (the original divides by 0 there).
    """
    flat_left, flat_right = left.reshape(len(left), -1), right.reshape(len(right), -1)
    norms = np.linalg.norm(flat_left, axis=1) * np.linalg.norm(flat_right, axis=1)
    cosine = (flat_left * flat_right).sum(axis=1) / np.maximum(norms, np.finfo(np.float32).tiny)
    angle = np.arccos(np.clip(cosine, -1, 1)).reshape(-1, *[1] * left.ndim)  # (B, 1, 1...)
    t = _steps(n, left.ndim - 1)
    sine = np.sin(angle)
    safe = np.where(sine < MIN_SINE, 1, sine)
    weight_left = np.where(sine < MIN_SINE, 1 - t, np.sin((1 - t) * angle) / safe)
    weight_right = np.where(sine < MIN_SINE, t, np.sin(t * angle) / safe)
    return (weight_left * left[:, None] + weight_right * right[:, None]).astype(np.float32)
