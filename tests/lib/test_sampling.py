import types
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

import acai_tf
from lib import callbacks, data, randomness, sampling
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


def test_nearly_equal_latents_give_nearly_equal_samples():
    """Eigenvectors turn over and change places with the least change, and with the machine."""
    latents, numbers = normal((1000, 8)), normal((50, 8), seed=1)
    changed = latents + 1e-5 * normal((1000, 8), seed=2)
    samples, others = (sampling.Gaussian(each).sample(numbers) for each in (latents, changed))
    np.testing.assert_allclose(samples, others, atol=1e-3)


def test_more_numbers_than_latents_have_the_same_root():
    latents, numbers = normal((20, 30)), normal((5, 30), seed=1)
    latents[:, 3], latents[7] = 2, latents[8]  # of a lower rank still
    values, vectors = np.linalg.eigh(np.cov(latents, rowvar=False))
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    samples = sampling.Gaussian(latents).sample(numbers)
    np.testing.assert_allclose(samples, numbers @ root + latents.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(samples[:, 3], 2, atol=1e-6)
    equal = sampling.Gaussian(np.full((3, 5), 2.5)).sample(normal((2, 5)))
    np.testing.assert_allclose(equal, 2.5)


@pytest.mark.parametrize('prior, fitted', [(True, None), (False, None), (True, True)])
def test_samples_come_from_the_prior_or_the_fitted_gaussian(prior, fitted):
    """A model that copies numbers: latents are images of shape (1, 1, 2)."""
    copy = types.SimpleNamespace(encode=lambda x, index: tiny_array(x), decode=lambda h: h)
    model = mock.Mock(HAS_PRIOR=prior, latent_shape=(1, 1, 2), image_shape=(1, 1, 2), graphs=copy)
    images = normal((64, 1, 1, 2)) * 0.01 + 7
    batches = types.SimpleNamespace(train=data_of(images))
    samples = sampling.sample_images(model, batches, count=500, fitted=fitted)
    assert samples.shape == (500, 1, 1, 2)
    mean, deviation = (0, 1) if prior and not fitted else (7, 0.01)
    assert samples.mean() == pytest.approx(mean, abs=5 * deviation / np.sqrt(1000))
    assert samples.std() == pytest.approx(deviation, rel=0.2)


def tiny_array(x):
    return types.SimpleNamespace(numpy=lambda: np.asarray(x))


def data_of(images):
    return tf.data.Dataset.from_tensor_slices({'x': images}).batch(10)


@pytest.mark.parametrize('method', ['VAE', 'ACAI'])
def test_samples_of_a_model_on_lines_repeat(method):
    model = tiny.make(method)
    dataset = data.get_dataset('lines32', batch_size=32)
    samples = sampling.sample_images(model, dataset, count=70)
    assert samples.shape == (70, 32, 32, 1)
    np.testing.assert_array_equal(samples, sampling.sample_images(model, dataset, count=70))
    other = sampling.sample_images(model, dataset, count=70, seed=1)
    assert np.abs(samples - other).max() > 0


@pytest.mark.parametrize('method', ['VAE', 'ACAI'])
def test_reports_of_the_same_weights_score_the_same(method, monkeypatch):
    monkeypatch.setattr(sampling, 'SAMPLES', 32)
    monkeypatch.setattr(sampling, 'FITTED_IMAGES', 64)
    said, model = [], tiny.make(method)
    dataset = data.get_dataset('lines32', batch_size=32)
    scores = callbacks.SampleScores(dataset, tf.summary.create_noop_writer(), said.append)
    scores.set_model(model)
    for step in (1, 1025):
        model.global_step.assign(step)
        scores.on_epoch_end(0)
    assert said[0] == said[1] and 'sample_distance' in said[0]


def test_which_methods_have_a_prior():
    with_prior = {name for name, method in acai_tf.ALL_AES.items() if method.HAS_PRIOR}
    assert with_prior == {'VAE', 'AAE'}
