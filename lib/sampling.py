"""Random samples: latents from an autoencoder's prior, or from a Gaussian fitted to its latents."""
import functools

import numpy as np

from lib import eval, randomness

SAMPLES = 1024  # scored at a report
MEASURES = eval.SampleScore._fields
FITTED = '_fitted'  # suffix of the tags for samples that do not come from a prior
FITTED_IMAGES = 4096  # training images whose latents the Gaussian is fitted to


class Gaussian:
    """A normal distribution with the mean and the full covariance of latents.

    Args:
        latents: (n, ...) with n >= 2.
    """

    def __init__(self, latents):
        flat = np.reshape(latents, (len(latents), -1)).astype(np.float64)
        self.shape = latents.shape[1:]
        self.mean = flat.mean(axis=0)
        if not np.isfinite(flat).all():  # the weights diverged: samples are NaN too
            self.root, self.mean = [], np.full_like(self.mean, np.nan)
            return
        # The symmetric square root of the covariance, (D, D). Other roots depend on the
        # eigenvectors' signs and order: the same random numbers would give other samples after the
        # least change, or on another machine. Rounding makes eigenvalues of 0 slightly negative.
        count, size = flat.shape
        if size <= count:
            values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(flat, rowvar=False)))
            self.root = [(vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T]
            return
        # The same root of the covariance x' x is x' (x x')^-1/2 x, kept as two factors here to
        # avoid a (D, D) matrix.
        x = (flat - self.mean) / np.sqrt(count - 1)
        values, vectors = np.linalg.eigh(x @ x.T)
        values[values <= values.max() * count * np.finfo(np.float64).eps] = np.inf
        self.root = [x.T @ ((vectors / np.sqrt(values)) @ vectors.T), x]  # (D, n), (n, D)

    def sample(self, normal):
        """Latents (n, *shape) float32 from independent standard normal numbers of that shape."""
        flat = functools.reduce(np.matmul, self.root, np.reshape(normal, (len(normal), -1)))
        return (flat + self.mean).reshape(-1, *self.shape).astype(np.float32)


def tags(model):
    """The tags of MEASURES for a model's samples; they end in FITTED for a fitted Gaussian."""
    tail = '' if model.HAS_PRIOR else FITTED
    return [f'{measure}{tail}' for measure in MEASURES]


def sample_images(model, dataset, count=None, seed=0, fitted=None):
    """Images decoded from random latents: from N(0, 1), or from a `Gaussian` fitted to latents of
    training images.

    Args:
        model: an `acai_tf` model; its `HAS_PRIOR` says whether training pulls latents to N(0, 1).
        dataset: a `lib.data.Dataset`, for the latents of its first FITTED_IMAGES training images.
        count: how many samples; None for SAMPLES.
        seed: of the random numbers, which are the same at every report.
        fitted: whether to draw from the `Gaussian`; None for `not HAS_PRIOR`.

    Returns:
        (count, H, W, C) float32.
    """
    shape = (SAMPLES if count is None else count, *model.latent_shape)
    latents = randomness.Draws(seed).normal('eval/samples', shape).numpy()
    if fitted is None:
        fitted = not model.HAS_PRIOR
    if fitted:
        batches = dataset.train.unbatch().take(FITTED_IMAGES).batch(eval.BATCH)
        images = (batch['x'] for batch in batches.as_numpy_iterator())
        latents = Gaussian(eval.encode_batches(model, images)).sample(latents)
    return eval.decode(model, latents)


def scores(model, dataset):
    """Scores a model's random samples: are they lines, and do all angles occur?

    Args:
        model: an `acai_tf` model of lines, whose seed is that of the samples.
        dataset: as for `sample_images`.

    Returns:
        {tag of `tags`: float}, see `eval.sample_eval`.
    """
    images = sample_images(model, dataset, seed=model.seed)
    return dict(zip(tags(model), eval.sample_eval(images), strict=True))
