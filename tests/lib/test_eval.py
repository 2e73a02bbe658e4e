import math
import tracemalloc
import types

import keras
import numpy as np
import pytest

import acai_tf
from lib import eval, lines
from tests import tiny

GOLDEN = np.load(tiny.GOLDENS / 'lines.npz')
KINDS = ['correct', 'data_space', 'abrupt', 'overshooting']


@pytest.mark.parametrize('kind', KINDS)
def test_known_interpolations_score_as_in_the_original(kind):
    distance, smoothness = eval.line_eval(GOLDEN[f'kind/{kind}/images'][None])
    assert distance == pytest.approx(GOLDEN[f'kind/{kind}/mean_distance'], abs=1e-6)
    assert smoothness == pytest.approx(GOLDEN[f'kind/{kind}/mean_smoothness'], abs=1e-6)


def test_noisy_interpolations_score_as_in_the_original():
    images = GOLDEN['random/images']
    distance, angle = eval.closest_line(images.reshape(-1, 32, 32, 1))
    np.testing.assert_allclose(distance, GOLDEN['random/closest_distance'], rtol=0, atol=1e-6)
    np.testing.assert_allclose(angle, GOLDEN['random/closest_angle'], rtol=0, atol=1e-6)
    score = eval.smoothness_score(angle.reshape(images.shape[:2]))
    np.testing.assert_allclose(score, GOLDEN['random/smoothness'], rtol=0, atol=1e-6)
    mean_distance, mean_smoothness = eval.line_eval(images)
    assert mean_distance == pytest.approx(GOLDEN['random/mean_distance'], abs=1e-6)
    assert mean_smoothness == pytest.approx(GOLDEN['random/mean_smoothness'], abs=1e-6)


def test_a_reference_line_is_its_own_closest():
    angles = np.arange(0, 10_000, 97) * (2 * math.pi / 10_000)
    distance, angle = eval.closest_line(lines.draw_lines(angles))
    np.testing.assert_allclose(distance, 0, atol=1e-6)
    np.testing.assert_allclose(angle, angles, atol=1e-9)


def test_brightness_of_a_line_does_not_matter():
    images = lines.draw_lines(np.linspace(0, 6, 20))
    distance, angle = eval.closest_line(images)
    dim_distance, dim_angle = eval.closest_line(images / 8)
    np.testing.assert_allclose(dim_distance, distance, atol=1e-9)
    np.testing.assert_array_equal(dim_angle, angle)


@pytest.mark.parametrize('size', [16, 40])  # wider than 32: the lines come part by part
def test_closest_line_by_brute_force(size):
    images = np.random.default_rng(0).normal(size=(300, size, size, 1))  # more than one chunk
    distance, angle = eval.closest_line(images)
    reference_angles = np.arange(10_000) * (2 * math.pi / 10_000)
    reference = lines.draw_lines(reference_angles, size, np.float64).reshape(10_000, -1)
    for index in (0, 137, 299):
        image = images[index].ravel()
        cosine = reference @ image / np.linalg.norm(reference, axis=1) / np.linalg.norm(image)
        assert distance[index] == pytest.approx(1 - cosine.max(), abs=1e-12)
        assert angle[index] == reference_angles[cosine.argmax()]


def test_ties_between_parts_of_the_reference_are_those_of_the_whole(monkeypatch):
    """A picture that is symmetric is equally close to mirrored lines."""
    angles = np.arange(0, 10_000, 250) * (2 * math.pi / 10_000)
    drawn = lines.draw_lines(angles, 24, np.float64)
    mirrored = [drawn[:, ::-1, ::-1], drawn[:, ::-1], drawn[:, :, ::-1]]
    symmetric = [drawn + other for other in mirrored]
    images = np.concatenate([drawn, *symmetric, np.zeros((1, 24, 24, 1))])
    whole = eval.closest_line(images)
    monkeypatch.setattr(eval, 'REFERENCE_PIXELS', 3000 * 24**2)
    for part, all in zip(eval.closest_line(images), whole, strict=True):
        np.testing.assert_allclose(part, all, atol=1e-12)


def test_an_empty_picture_has_no_closest_line():
    images = np.zeros((1, 2, 32, 32, 1))
    images[0, 0] = lines.draw_lines([1.0])[0]
    distance, _ = eval.closest_line(images[0])
    assert distance[0] < 1e-6 and math.isnan(distance[1])
    assert math.isnan(eval.line_eval(images)[0])


def test_no_images_have_no_closest_lines():
    distance, angle = eval.closest_line(np.zeros((0, 32, 32, 1)))
    assert distance.shape == angle.shape == (0,)


def test_smoothness():
    even = np.linspace(1, 2, 16)
    assert eval.smoothness_score(even) == pytest.approx(0, abs=1e-12)
    assert eval.smoothness_score(even[::-1]) == pytest.approx(0, abs=1e-12)
    abrupt = np.repeat([1.0, 2.0], 8)
    assert eval.smoothness_score(abrupt) == pytest.approx(1 - 1 / 15)
    through_zero = np.linspace(-0.5, 0.5, 16) % (2 * math.pi)
    assert eval.smoothness_score(through_zero) == pytest.approx(0, abs=1e-9)
    overshoot = np.array([0.0, 1.0, 2.0, 1.0])
    assert eval.smoothness_score(overshoot) == pytest.approx(1 - 1 / 3)
    both = eval.smoothness_score(np.stack([even, abrupt]))
    np.testing.assert_allclose(both, [0, 1 - 1 / 15], atol=1e-12)


def test_smoothness_of_a_standstill_is_undefined():
    assert math.isnan(eval.smoothness_score(np.full(16, 3.0)))
    there_and_back = np.concatenate([np.linspace(0, 1, 8), np.linspace(1, 0, 8)])
    assert math.isnan(eval.smoothness_score(there_and_back))
    assert not math.isnan(eval.smoothness_score(np.linspace(0, 1.1e-4, 16)))
    assert math.isnan(eval.smoothness_score(np.linspace(0, 0.9e-4, 16)))
    with pytest.raises(ValueError, match='fewer than 2 angles'):
        eval.smoothness_score([1.0])


def test_undefined_smoothness_counts_in_the_divisor_alone():
    still = lines.draw_lines(np.full(16, 1.0))
    abrupt = lines.draw_lines(np.repeat([1.0, 2.0], 8))
    _, smoothness = eval.line_eval(np.stack([abrupt, still, still, still]))
    assert smoothness == pytest.approx((1 - 1 / 15) / 4, abs=1e-3)
    assert math.isnan(eval.line_eval(np.stack([still, still]))[1])


def test_noise_scores_badly():
    noise = np.random.default_rng(0).normal(size=(8, 16, 32, 32, 1))
    distance, smoothness = eval.line_eval(noise)
    assert distance > 0.8 and smoothness > 0.5


@pytest.mark.parametrize('size', [32, 64])
def test_a_periods_evaluation_fits_in_memory(size):
    images = np.zeros((4096 if size == 32 else 1024, size, size, 1), np.float32)
    images[:] = lines.draw_lines([0.3], size)
    eval._reference_lines.cache_clear()
    tracemalloc.start()
    eval.line_eval(images.reshape(-1, 16, size, size, 1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 2**27  # several times as much if not in parts


def test_own_data_in_other_forms_and_none_of_it():
    model = tiny.make('AEBaseline')
    batch = tiny.batch(model, 5)
    pairs = eval.latent_accuracy(model, [(batch['x'], batch['label'])])
    assert pairs == eval.latent_accuracy(model, [batch])
    h = model.encode(batch['x'])
    np.testing.assert_allclose(eval.decode(model, h), model.decode(h), atol=1e-6)
    networks = {'encoder': keras.layers.Dense(2), 'decoder': keras.layers.Dense(6)}
    own = acai_tf.AEBaseline(nclass=3, **networks)  # which knows no shapes yet
    x = np.ones((3, 6), np.float32)
    np.testing.assert_allclose(eval.encode(own, x), own.encode(x), atol=1e-6)
    assert eval.encode(model, batch['x'].numpy()[:0]).shape == (0, *model.latent_shape)
    assert eval.decode(model, np.zeros((0, 5, *model.latent_shape))).shape == (0, 5, 32, 32, 1)


def test_in_batches_keeps_order_and_length():
    sizes = []

    def double(x):
        sizes.append(len(x))
        return 2 * x

    array = np.arange(2 * eval.BATCH + 5)
    np.testing.assert_array_equal(eval.in_batches(double, array), 2 * array)
    assert sizes == [eval.BATCH, eval.BATCH, 5]


def test_latent_accuracy_is_over_all_images():
    def classify(x):
        return x[:, 0].astype(int)

    model = types.SimpleNamespace(graphs=types.SimpleNamespace(classify=classify))
    label = np.eye(4)
    batches = [
        {'x': np.array([[0.0], [1.0], [2.0]]), 'label': label[[0, 1, 3]]},
        {'x': np.array([[3.0]]), 'label': label[[0]]},
    ]
    assert eval.latent_accuracy(model, batches) == 50


def test_every_batch_of_an_evaluation_has_its_own_noise():
    model = tiny.make('VAE')
    images = np.zeros((2 * eval.BATCH, 32, 32, 1), np.float32)
    latents = eval.encode(model, images)
    assert np.abs(latents[: eval.BATCH] - latents[eval.BATCH :]).min() > 0
    np.testing.assert_array_equal(eval.encode(model, images), latents)


def test_interpolations_run_from_image_to_image():
    model, dataset = tiny.make('AEBaseline'), tiny.dataset()
    images = eval.interpolations(model, dataset, count=5, steps=4)
    assert images.shape == (5, 4, 32, 32, 1)
    first = eval.first_images(dataset, 10)
    assert first.shape == (10, 32, 32, 1)
    np.testing.assert_allclose(images[:, 0], model.reconstruct(first[:5]), atol=1e-5)
    np.testing.assert_allclose(images[:, -1], model.reconstruct(first[5:]), atol=1e-5)
    few = types.SimpleNamespace(test=dataset.test.unbatch().take(7).batch(4))
    images = eval.interpolations(model, few, count=5, steps=4)
    np.testing.assert_allclose(images[:, -1], model.reconstruct(first[3:6]), atol=1e-5)
    one = types.SimpleNamespace(test=dataset.test.unbatch().take(1).batch(4))
    assert eval.interpolations(model, one, count=5, steps=4).shape == (0, 4, 32, 32, 1)


def samples(angles, size=32):
    return lines.draw_lines(np.asarray(angles), size)


@pytest.mark.parametrize('size', [32, 16])
def test_samples_at_all_angles_are_perfect(size):
    angles = (np.arange(eval.ANGLE_BINS) + 0.5) * (2 * math.pi / eval.ANGLE_BINS)
    distance, coverage, kl = eval.sample_eval(samples(np.repeat(angles, 3), size))
    assert distance == pytest.approx(0, abs=1e-6)
    assert coverage == 1
    assert kl == pytest.approx(0, abs=1e-12)


def test_collapsed_samples_meet_one_bin():
    distance, coverage, kl = eval.sample_eval(samples([1.0] * 50))
    assert distance == pytest.approx(0, abs=1e-4)
    assert coverage == 1 / eval.ANGLE_BINS
    assert kl == pytest.approx(math.log(eval.ANGLE_BINS))


def test_samples_of_half_the_circle_are_one_bit_from_even():
    angles = (np.arange(50) + 0.5) * (2 * math.pi / eval.ANGLE_BINS)
    _, coverage, kl = eval.sample_eval(samples(angles))
    assert coverage == 0.5
    assert kl == pytest.approx(math.log(2))


def test_shares_of_bins_are_weighed():
    """Three of four samples in one bin, one in another: 0.75 log 75 + 0.25 log 25."""
    _, coverage, kl = eval.sample_eval(samples([1.0, 1.0, 1.0, 4.0]))
    assert coverage == 0.02
    assert kl == pytest.approx(0.75 * math.log(75) + 0.25 * math.log(25))


def test_random_angles_are_nearly_even():
    rng = np.random.default_rng(0)
    count = 2000
    _, coverage, kl = eval.sample_eval(samples(rng.uniform(0, 2 * math.pi, count)))
    assert coverage == 1
    assert kl == pytest.approx((eval.ANGLE_BINS - 1) / (2 * count), rel=0.4)


@pytest.mark.parametrize('broken', [np.nan, np.inf])
def test_samples_without_a_direction_score_nothing(broken):
    images = samples([1.0, 4.0]).astype(np.float32)
    images[1, 3, 3] = broken
    assert np.isnan(eval.sample_eval(images)).all()
    images[1] = 0
    assert np.isnan(eval.sample_eval(images)).all()


def test_samples_that_are_no_lines_are_far():
    noise = np.random.default_rng(0).uniform(-1, 1, (64, 32, 32, 1))
    assert eval.sample_eval(noise)[0] > 0.5
    with pytest.raises(ValueError, match='needs 1 sample'):
        eval.sample_eval(noise[:0])
