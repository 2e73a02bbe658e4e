import math

import numpy as np
import pytest

from lib import losses


def test_mean_squared_error_is_over_everything():
    x = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32)
    y = np.array([[0.0, 2.0], [5.0, 1.0]], np.float32)
    assert float(losses.mean_squared_error(x, y)) == pytest.approx((1 + 0 + 4 + 4) / 4)


def test_rmse_in_pixels():
    assert float(losses.rmse_pixels(4.0)) == pytest.approx(255)  # black for white


def test_sigmoid_cross_entropy():
    logits = np.array([[0.0], [2.0], [-3.0]], np.float32)
    toward_one = sum(math.log(1 + math.exp(-logit)) for logit in (0, 2, -3)) / 3
    toward_zero = sum(math.log(1 + math.exp(logit)) for logit in (0, 2, -3)) / 3
    assert float(losses.sigmoid_cross_entropy(logits, 1)) == pytest.approx(toward_one, rel=1e-6)
    assert float(losses.sigmoid_cross_entropy(logits, 0)) == pytest.approx(toward_zero, rel=1e-6)


def test_sigmoid_cross_entropy_of_far_logits_is_finite():
    logits = np.array([[200.0], [-200.0]], np.float32)
    assert float(losses.sigmoid_cross_entropy(logits, 1)) == pytest.approx(100)


def test_softmax_cross_entropy_takes_label_weights():
    logits = np.array([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0]], np.float32)
    label = np.array([[0.8, 0.1, 0.1], [0.0, 1.0, 0.0]], np.float32)
    total = math.log(math.e + math.e**2 + math.e**0.5)
    first = 0.8 * (total - 1) + 0.1 * (total - 2) + 0.1 * (total - 0.5)
    expected = (first + math.log(3)) / 2
    assert float(losses.softmax_cross_entropy(logits, label)) == pytest.approx(expected, rel=1e-6)


def test_bernoulli_log_likelihood_sums_pixels_and_averages_images():
    logits = np.array([[[[0.0], [1.0]]], [[[-2.0], [3.0]]]], np.float32)  # (2, 1, 2, 1)
    x = np.array([[[[1.0], [-1.0]]], [[[0.0], [0.5]]]], np.float32)  # targets 1, 0, 1/2, 3/4

    def log_prob(logit, target):
        p = 1 / (1 + math.exp(-logit))
        return target * math.log(p) + (1 - target) * math.log(1 - p)

    expected = (log_prob(0, 1) + log_prob(1, 0) + log_prob(-2, 0.5) + log_prob(3, 0.75)) / 2
    ours = float(losses.bernoulli_log_likelihood(logits, x))
    assert ours == pytest.approx(expected, rel=1e-6)


def test_kl_sums_latents_and_averages_images():
    mean = np.array([[0.0, 1.0], [2.0, 0.0]], np.float32)
    log_var = np.log(np.array([[1.0, 4.0], [0.25, 1.0]], np.float32))
    # 1/2 (variance + mean^2 - 1 - log variance), by hand
    expected = 0.5 * ((4 + 1 - 1 - math.log(4)) + (0.25 + 4 - 1 - math.log(0.25))) / 2
    ours = float(losses.kl_to_standard_normal(mean, log_var))
    assert ours == pytest.approx(expected, rel=1e-6)
    assert float(losses.kl_to_standard_normal(0 * mean, 0 * log_var)) == 0
