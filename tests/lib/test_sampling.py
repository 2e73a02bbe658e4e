import types

import numpy as np
import pytest

from lib import data, eval, randomness, sampling
from tests import tiny


def normal(shape, seed=0):
    return randomness.Draws(seed).normal('test', shape).numpy()


def test_a_fitted_gaussian_has_the_latents_mean_and_covariance():
    mixing = np.array([[2.0, 0.0, 0.0, 0.0], [1.0, 0.5, 0, 0], [0, -1, 0.1, 0], [0, 0, 0, 0]])
    latents = (normal((5000, 4)) @ mixing.T + [1, 2, 3, 4]).reshape(-1, 2, 1, 2)
    samples = sampling.Gaussian(latents).sample(normal((20000, 4), seed=1))
    assert samples.shape == (20000, 2, 1, 2) and samples.dtype == np.float32
    flat = samples.reshape(-1, 4)
    np.testing.assert_allclose(flat.mean(axis=0), [1, 2, 3, 4], atol=0.1)
    np.testing.assert_allclose(np.cov(flat.T), mixing @ mixing.T, atol=0.15)
    np.testing.assert_allclose(flat[:, 3], 4, atol=1e-4)  # it never varied


def test_equal_latents_give_equal_samples():
    latents = np.full((10, 3), 2.5, np.float32)
    np.testing.assert_allclose(sampling.Gaussian(latents).sample(normal((4, 3))), 2.5, atol=1e-6)
    latents[0, 0] = np.nan
    assert np.isnan(sampling.Gaussian(latents).sample(normal((4, 3)))).all()


@pytest.mark.parametrize('prior', [True, False])
def test_samples_come_from_the_prior_or_the_fitted_gaussian(prior):
    """A model that copies numbers: latents are images of shape (1, 1, 2)."""
    copy = types.SimpleNamespace(encode=lambda x, index: tiny_array(x), decode=lambda h: h)
    model = types.SimpleNamespace(HAS_PRIOR=prior, latent_shape=(1, 1, 2), graphs=copy)
    images = normal((64, 1, 1, 2)) * 0.01 + 7
    batches = types.SimpleNamespace(train=data_of(images))
    samples = sampling.sample_images(model, batches, count=500)
    assert samples.shape == (500, 1, 1, 2)
    mean, deviation = (0, 1) if prior else (7, 0.01)
    assert samples.mean() == pytest.approx(mean, abs=5 * deviation / np.sqrt(1000))
    assert samples.std() == pytest.approx(deviation, rel=0.2)


def tiny_array(x):
    return types.SimpleNamespace(numpy=lambda: np.asarray(x))


def data_of(images):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices({'x': images}).batch(10)


@pytest.mark.parametrize('method', ['VAE', 'ACAI'])
def test_samples_of_a_model_on_lines_can_be_scored_and_repeat(method):
    model = tiny.make(method)
    dataset = data.get_dataset('lines32', batch_size=32)
    samples = sampling.sample_images(model, dataset, count=70)
    assert samples.shape == (70, 32, 32, 1)
    np.testing.assert_array_equal(samples, sampling.sample_images(model, dataset, count=70))
    distance, coverage, kl = eval.sample_eval(samples)
    assert 0 <= distance <= 2 and 0 < coverage <= 1 and 0 <= kl
