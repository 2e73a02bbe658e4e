"""Two models on the same images and noise: the table and the picture."""
import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from lib import data, eval, sampling
from lib.tasks import comparison
from tests import tiny


@pytest.fixture(scope='module')
def dataset():
    lines = data.get_dataset('lines32', 8)
    test = lines.test.unbatch().take(70).batch(32).cache()
    return dataclasses.replace(lines, name='few lines', test=test)


def made(name, **changes):
    model = tiny.golden_model(name, **changes)
    comparison.fix_noise(model, 3)
    return model


@pytest.mark.parametrize('name', ['acai', 'vae'])
def test_equal_weights_score_equally_whatever_their_seed_and_step(name, dataset):
    first, second = tiny.golden_model(name, seed=1), tiny.golden_model(name, seed=2)
    second.set_weights(first.get_weights())
    second.global_step.assign(17)
    for model in (first, second):
        comparison.fix_noise(model, 0)
    assert comparison.scores(first, dataset, 70) == comparison.scores(second, dataset, 70)
    differences = comparison.largest_differences(first, second, dataset, 70)
    assert set(differences.values()) == {0.0}
    assert comparison.picture({'a': first}, dataset) == comparison.picture({'a': second}, dataset)


def test_the_noise_of_a_model_that_was_used_before_is_the_same():
    used, fresh = tiny.golden_model('vae'), tiny.golden_model('vae')
    x = np.zeros((4, 32, 32, 1), np.float32)
    before = eval.encode(used, x)
    for model in (used, fresh):
        comparison.fix_noise(model, 7)
    np.testing.assert_array_equal(eval.encode(used, x), eval.encode(fresh, x))
    assert not np.array_equal(eval.encode(used, x), before)


def test_scores_are_means_over_the_images(dataset):
    model = made('baseline')
    x = eval.first_images(dataset, 70)
    scores = comparison.scores(model, dataset, 70)
    mse = np.mean((model.reconstruct(x).numpy() - x) ** 2)
    np.testing.assert_allclose(scores['loss'], mse, rtol=1e-5)
    np.testing.assert_allclose(scores['reconstruction rmse'], 127.5 * np.sqrt(mse), rtol=1e-5)
    assert 0 <= scores['latent_accuracy'] <= 100
    assert 'mean_distance' not in scores  # not named lines32


@pytest.mark.parametrize('name, tail', [('baseline', '_fitted'), ('vae', '')])
def test_lines_are_scored_and_single_classes_are_not(name, tail, dataset, monkeypatch):
    few = functools.partial(eval.interpolations, count=8, steps=4)
    monkeypatch.setattr(eval, 'interpolations', few)
    monkeypatch.setattr(sampling, 'SAMPLES', 32)
    monkeypatch.setattr(sampling, 'FITTED_IMAGES', 128)
    model = made(name, image_shape=(32, 32, 1), nclass=1)
    test = dataset.test.map(lambda batch: {**batch, 'label': batch['label'][:, :1]})
    lines = dataclasses.replace(dataset, name='lines32', nclass=1, test=test)
    scores = comparison.scores(model, lines, 8)
    assert 0 < scores['mean_distance'] < 2 and 'mean_smoothness' in scores
    assert 'latent_accuracy' not in scores
    told = {tag for tag in scores if tag.startswith('sample_')}
    assert told == {f'sample_{measure}{tail}' for measure in ('distance', 'coverage', 'kl')}


def test_differences_where_shapes_agree(dataset):
    first = made('baseline')
    same = comparison.largest_differences(first, made('dropout', seed=1), dataset, 8)
    assert len(same) == 4 and same['largest difference of reconstructions'] > 0
    other = comparison.largest_differences(first, made('acai', latent=2), dataset, 8)
    assert list(other) == [
        'largest difference of reconstructions',
        '% of images classified differently',
    ]


def test_table():
    columns = {
        'original': {'step': 2, 'loss': 0.5, 'alone': 3.0, 'undefined': float('nan')},
        'ours': {'step': 1_048_577, 'loss': 0.25, 'undefined': 1.0},
    }
    lines = comparison.table(columns, {'largest difference of latents': 0.125}).splitlines()
    assert [line.split() for line in lines] == [
        ['original', 'ours', 'difference'],
        ['step', '2', '1048577', '+1048575'],
        ['loss', '0.5', '0.25', '-0.25'],
        ['alone', '3', '-', '-'],
        ['undefined', 'undefined', '1', '-'],
        ['largest', 'difference', 'of', 'latents', '0.125'],
    ]
    alone = comparison.table({'original': {'loss': 0.5}}).splitlines()
    assert [line.split() for line in alone] == [['original'], ['loss', '0.5']]


@pytest.mark.parametrize('images', [70, 25, 19, 5])
def test_picture_of_colors_and_of_few_images(images, dataset):
    test = dataset.test.unbatch().take(images).batch(32)
    test = test.map(lambda batch: {'x': tf.repeat(batch['x'], 3, axis=3), 'label': batch['label']})
    model = made('baseline', image_shape=(32, 32, 3))
    few = dataclasses.replace(dataset, colors=3, test=test)
    content, shown, pairs = comparison.picture({'original': model}, few)
    assert (shown, pairs) == (min(images, 18), max(0, min((images - 18) // 2, 6)))
    one = tf.io.decode_png(content)
    two = tf.io.decode_png(comparison.picture({'original': model, 'ours': model}, few)[0])
    assert two.shape[0] > one.shape[0] and np.ptp(two.numpy()) > 100


def test_each_interpolation_stands_between_its_two_test_images(dataset, monkeypatch):
    drawn, model = [], made('baseline')
    monkeypatch.setattr(comparison, '_drawn', lambda groups, title: drawn.extend(groups))
    comparison.picture({'a': model}, dataset)
    images = eval.first_images(dataset, 30)
    reconstructed, *pairs = drawn
    assert [label for label, _ in reconstructed] == ['test images', 'a'] and len(pairs) == 6
    np.testing.assert_array_equal(reconstructed[0][1], images[:18])
    for pair, ((label, shown),) in enumerate(pairs):
        ends = images[[18 + pair, 24 + pair]]
        assert label == 'a' and len(shown) == 18
        np.testing.assert_array_equal(shown[[0, -1]], ends)
        decoded = eval.decode(model, eval.encode(model, ends))
        np.testing.assert_allclose(shown[[1, -2]], decoded, atol=1e-4)
