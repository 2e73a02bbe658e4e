"""Evaluation: scores of interpolations and samples of lines, the latent classifier's accuracy, and
running a model over many images."""
import functools
import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from scipy.spatial import distance

from lib import interpolate, lines
from lib.errors import UserError

REFERENCE_LINES = 10_000
IMAGES_AT_ONCE = 256  # 256 x 10,000 float64 distances are 20 MB
INTERPOLATIONS, STEPS = 256, 16  # in each period's lines evaluation
BATCH = 64  # images encoded at a time; each batch draws its own noise
DECODED_PIXELS = 256 * 32**2  # pixels decoded at a time, but at least BATCH images
TIE = 1e-12  # cosine distances closer than this differ by rounding alone
ANGLE_BINS = 100  # parts of a full turn, which samples of lines should fill evenly
# Original: below this, in rad, an interpolation stays put, and its smoothness is undefined.
MIN_ANGLE_SPAN = 1e-4


# Pixels of reference lines drawn at a time: all 10,000 at 32x32, which are cached (80 MB); fewer at
# larger sizes, where they are redrawn on each call.
REFERENCE_PIXELS = REFERENCE_LINES * 32**2
REFERENCE_ANGLES = np.arange(REFERENCE_LINES) * (2 * math.pi / REFERENCE_LINES)


@functools.lru_cache(maxsize=1)
def _reference_lines(size, start, stop):
    """Some of the reference lines: (images (n, size * size) float64, their norms)."""
    images = lines.draw_lines(REFERENCE_ANGLES[start:stop], size, np.float64)
    images = images.reshape(len(images), -1)
    return images, np.linalg.norm(images, axis=1)


def closest_line(images):
    """The closest of 10,000 lines to each image, by cosine distance.

    Args:
        images: (n, size, size, 1).

    Returns:
        (distance, angle), each (n,) float64; distance in [0, 2], angle in radians.
    """
    images = np.asarray(images)
    size = images.shape[1]
    at_once = min(max(1, REFERENCE_PIXELS // size**2), REFERENCE_LINES)
    starts = range(0, REFERENCE_LINES, at_once)
    (highest, best), *others = (_closest_of(images, start, start + at_once) for start in starts)
    for other_highest, other_best in others:
        better = other_highest > highest
        for row in np.flatnonzero(np.abs(other_highest - highest) <= TIE):
            angles = REFERENCE_ANGLES[[best[row], other_best[row]]]
            both = lines.draw_lines(angles, size, np.float64)
            first, second = _cosine_distances(images[row], both)
            better[row] = second < first
        highest = np.where(better, other_highest, highest)
        best = np.where(better, other_best, best)
    return 1 - highest, REFERENCE_ANGLES[best]


def _closest_of(images, start, stop):
    """(similarity, index) of the closest of some reference lines to each image, (n,) each."""
    reference, norms = _reference_lines(images.shape[1], start, stop)
    similarities, closest = [np.zeros(0)], [np.zeros(0, int)]  # for no images
    for first in range(0, len(images), IMAGES_AT_ONCE):
        chunk = np.asarray(images[first : first + IMAGES_AT_ONCE], np.float64)
        chunk = chunk.reshape(len(chunk), -1)
        with np.errstate(invalid='ignore'):  # an all-zero image has no direction: NaN
            direction = chunk / np.linalg.norm(chunk, axis=1, keepdims=True)
        similarity = direction @ reference.T / norms  # (n, lines)
        best = similarity.argmax(axis=1)
        highest = similarity[np.arange(len(best)), best]
        # Original: SciPy's cdist decides. Mirrored lines may be equally close up to its rounding.
        near = similarity >= highest[:, None] - TIE
        for row in np.flatnonzero(near.sum(axis=1) > 1):
            candidates = np.flatnonzero(near[row])
            exact = _cosine_distances(chunk[row], reference[candidates])
            best[row] = candidates[exact.argmin()]
        closest.append(start + best)
        similarities.append(highest)
    return np.concatenate(similarities), np.concatenate(closest)


def _cosine_distances(image, others):
    """SciPy's cosine distances (n,) of an image from n others."""
    rows = np.reshape(others, (len(others), -1))
    return distance.cdist(np.reshape(image, (1, -1)), rows, 'cosine')[0]


def smoothness_score(angles):
    """How evenly the angle moves along an interpolation (section 3.2): 0 is even.

    Args:
        angles: (k,) radians, or (n, k) for several interpolations.

    Returns:
        max |difference| / |last - first| - 1 / (k - 1) of the unwrapped angles, a float or (n,);
        NaN where the angle does not move.

    Raises:
        ValueError: there are fewer than two angles.
    """
    if np.shape(angles)[-1] < 2:
        raise ValueError('The smoothness of fewer than 2 angles is not defined.')
    unwrapped = np.unwrap(angles, axis=-1)
    largest = np.abs(np.diff(unwrapped, axis=-1)).max(axis=-1)
    span = np.abs(unwrapped[..., -1] - unwrapped[..., 0])
    moves = span >= MIN_ANGLE_SPAN
    score = largest / np.where(moves, span, 1) - 1 / (unwrapped.shape[-1] - 1)
    return np.where(moves, score, np.nan)[()]


class LineScore(NamedTuple):
    """The scores of interpolations between lines: see `line_eval`."""

    mean_distance: float
    mean_smoothness: float


def line_eval(images):
    """Scores interpolations between lines.

    Args:
        images: (n, k, size, size, 1), n interpolations of k images.

    Returns:
        `LineScore`: (mean_distance, mean_smoothness). mean_distance is over all images.
        # Original: mean_smoothness is the sum of the defined scores divided by the number of ALL
        interpolations, NaN if none is defined.

    Raises:
        ValueError: there is no interpolation, or one of fewer than two images.
    """
    images = np.asarray(images)
    n, k, *shape = images.shape
    if n < 1 or k < 2:
        raise ValueError(f'line_eval needs 1 interpolation of 2 images or more, not {n} of {k}.')
    distances, angle = closest_line(np.reshape(images, (n * k, *shape)))
    scores = smoothness_score(angle.reshape(n, k))
    defined = scores[~np.isnan(scores)]
    smoothness = float(defined.sum() / n) if defined.size else math.nan
    return LineScore(float(distances.mean()), smoothness)


class SampleScore(NamedTuple):
    """The scores of random samples of lines: see `sample_eval`."""

    sample_distance: float
    sample_coverage: float
    sample_kl: float


def sample_eval(images):
    """Scores random samples of lines: are they lines, and do all angles occur?

    Args:
        images: (n, size, size, 1), n >= 1 decoded samples.

    Returns:
        `SampleScore`. sample_distance is the mean cosine distance to the closest line, as in
        `line_eval`; sample_coverage, in [0, 1], the share of the ANGLE_BINS equal parts of the
        circle that hold the angle of a sample's closest line; sample_kl, in nats from 0 to log
        ANGLE_BINS, the KL divergence of the samples' shares of these parts from uniform. For n
        uniformly distributed samples, with n well above ANGLE_BINS, sample_kl is about
        (ANGLE_BINS - 1) / (2 n) on average. All three scores are NaN where a sample has no
        direction (NaN, or 0 everywhere).

    Raises:
        ValueError: there is no sample.
    """
    if len(images) < 1:
        raise ValueError('sample_eval needs 1 sample or more.')
    distances, angles = closest_line(images)
    if np.isnan(distances).any():
        return SampleScore(math.nan, math.nan, math.nan)
    # The reference angles are whole multiples of a turn / REFERENCE_LINES; rint finds which ones.
    lines_of = np.rint(angles * (REFERENCE_LINES / (2 * math.pi))).astype(int) % REFERENCE_LINES
    counts = np.bincount(lines_of * ANGLE_BINS // REFERENCE_LINES, minlength=ANGLE_BINS)
    shares = counts[counts > 0] / counts.sum()
    kl = float((shares * np.log(shares * ANGLE_BINS)).sum())
    return SampleScore(float(distances.mean()), float((counts > 0).mean()), max(kl, 0.0))


def _chunks(array, size=BATCH):
    return (array[start : start + size] for start in range(0, len(array), size))


def in_batches(function, array, size=BATCH):
    """Runs a model's function on an array in batches: (n, ...) -> (n, ...) NumPy array, n >= 1."""
    result, done = None, 0
    for chunk in _chunks(array, size):
        part = np.asarray(function(chunk))
        if result is None:  # joining the parts at the end would take twice the memory
            result = np.empty((len(array), *part.shape[1:]), part.dtype)
        result[done : done + len(part)] = part
        done += len(part)
    return result


def encode(model, images):
    """Latents of NumPy images (n, H, W, C); a model that samples draws anew for every batch.

    Raises:
        UserError: the images are of another shape.
    """
    return encode_batches(model, _chunks(images))


def encode_batches(model, batches):
    """`encode` for an iterable of batches of images (b, H, W, C), only one of them in memory at a
    time."""
    latents = []
    for index, x in enumerate(batches):
        model.check_images(x)  # the graph accepts any size once it has seen two
        latents.append(model.graphs.encode(x, tf.constant(index)).numpy())
    if not latents:
        model.need_shapes()
        return np.zeros((0, *model.latent_shape), np.float32)
    return np.concatenate(latents)


def decode(model, latents):
    """Decodes NumPy latents (..., *latent_shape) to images (..., H, W, C).

    Raises:
        UserError: the latents are of another shape.
    """
    latents = np.asarray(latents)
    places = latents.shape[: latents.ndim - len(model.latent_shape)]
    if latents.shape[len(places) :] != model.latent_shape:
        raise UserError(
            f'Latents of shape {latents.shape} do not end in {model.latent_shape}, the shape of '
            'one of this model.'
        )
    is_image = len(model.image_shape) == 3
    at_once = DECODED_PIXELS // math.prod(model.image_shape[:2]) if is_image else BATCH
    at_once = max(BATCH, at_once)
    if not latents.size:
        return np.zeros((*places, *model.image_shape), np.float32)
    images = in_batches(model.graphs.decode, latents.reshape(-1, *model.latent_shape), at_once)
    return images.reshape(*places, *images.shape[1:])


def first_batch(dataset, count):
    """The first `count` test images of a dataset, or all if it has fewer, with their labels:
    {'x': (n, H, W, C), 'label': (n, nclass)}."""
    return next(dataset.test.unbatch().take(count).batch(count).as_numpy_iterator())


def first_images(dataset, count):
    """The images (n, H, W, C) of `first_batch`."""
    return first_batch(dataset, count)['x']


def latent_accuracy(model, batches):
    """Percentage of images that the running latent classifier classifies correctly.

    Args:
        model: an `acai_tf` model.
        batches: an iterable of {'x', 'label'}, or of pairs of these.
    """
    # All are requested before the first is awaited, so that a GPU does not idle between them.
    batches = ((b['x'], b['label']) if isinstance(b, dict) else b for b in batches)
    pairs = [(model.graphs.classify(x), label) for x, label in batches]
    right = [np.asarray(named) == np.argmax(label, axis=1) for named, label in pairs]
    return 100 * np.concatenate(right).mean()


def interpolations(model, dataset, count=INTERPOLATIONS, steps=STEPS):
    """Decoded straight interpolations between test images: (count, steps, H, W, C), fewer if
    the dataset has fewer than two images for each."""
    ends = first_images(dataset, 2 * count)
    count = min(count, len(ends) // 2)
    return between(model, ends[:count], ends[count : 2 * count], steps)


def between(model, left, right, steps=STEPS, path=interpolate.lerp):
    """Decoded interpolations: images (n, H, W, C), (n, H, W, C) -> (n, steps, H, W, C)."""
    ends = encode(model, np.concatenate([left, right]))
    return decode(model, path(ends[: len(left)], ends[len(left) :], steps))
