import keras
import numpy as np
import pytest
import tensorflow as tf

from lib.optimizer import Adam


def tf1_adam(weights, gradients, rates, dtype):
    """The update of TensorFlow 1.8's kernel, in NumPy: (weights, m, v, beta powers)."""
    beta1, beta2, epsilon = dtype(0.9), dtype(0.999), dtype(1e-8)
    weights = weights.astype(dtype)
    m, v, power1, power2 = np.zeros_like(weights), np.zeros_like(weights), beta1, beta2
    for gradient, rate in zip(gradients, rates, strict=True):
        gradient = gradient.astype(dtype)
        alpha = dtype(rate) * np.sqrt(1 - power2) / (1 - power1)
        m = m + (gradient - m) * (1 - beta1)
        v = v + (gradient**2 - v) * (1 - beta2)
        weights = weights - m * alpha / (np.sqrt(v) + epsilon)
        power1, power2 = power1 * beta1, power2 * beta2
    return weights, m, v, (power1, power2)


@pytest.fixture
def problem():
    draws = np.random.default_rng(0)
    weights = draws.normal(size=(6, 5)).astype(np.float32)
    gradients = draws.normal(size=(25, 6, 5)).astype(np.float32)
    gradients *= (10.0 ** draws.integers(-9, 3, (6, 5))).astype(np.float32)  # epsilon matters
    gradients[:, 0] = 0
    return weights, gradients


def descend(weights, gradients, optimizer):
    variable = keras.Variable(weights)
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)], [variable])
    return variable.numpy()


def test_it_is_tensorflow_1s_adam(problem):
    weights, gradients = problem
    optimizer = Adam(0.01)
    ours = descend(weights, gradients, optimizer)
    expected, m, v, powers = tf1_adam(weights, gradients, [0.01] * 25, np.float32)
    np.testing.assert_allclose(ours, expected, rtol=3e-7, atol=1e-7)
    ((first, second),) = optimizer.slots()
    np.testing.assert_allclose(first, m, rtol=1e-5)
    np.testing.assert_allclose(second, v, rtol=1e-5)
    np.testing.assert_allclose(optimizer.beta_powers, powers, rtol=1e-6)
    assert int(optimizer.iterations) == 25


def test_it_is_adam(problem):
    weights, gradients = problem
    ours = descend(weights, gradients, Adam(0.01))
    expected, *_ = tf1_adam(weights, gradients, [0.01] * 25, np.float64)
    # 1 - beta2 is 1.3e-5 off in float32
    np.testing.assert_allclose(ours - weights, expected - weights, rtol=2e-4, atol=1e-6)
    np.testing.assert_array_equal(ours[0], weights[0])


def test_it_follows_a_schedule(problem):
    weights, gradients = problem
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, decay_steps=5, decay_rate=0.1)
    ours = descend(weights, gradients, Adam(schedule))
    rates = [0.01 * 0.1 ** (step / 5) for step in range(25)]
    expected, *_ = tf1_adam(weights, gradients, rates, np.float32)
    np.testing.assert_allclose(ours, expected, rtol=3e-7, atol=1e-6)


def test_it_is_the_same_in_a_graph(problem):
    weights, gradients = problem
    variable = keras.Variable(weights)
    optimizer = Adam(0.01)
    optimizer.build([variable])

    @tf.function
    def step(gradient):
        optimizer.apply([gradient], [variable])

    for gradient in gradients:
        step(tf.constant(gradient))
    np.testing.assert_array_equal(variable, descend(weights, gradients, Adam(0.01)))


@pytest.mark.parametrize('rate', [0.01, keras.optimizers.schedules.CosineDecay(0.01, 25)])
def test_its_config_makes_it_again(problem, rate):
    weights, gradients = problem
    optimizer = Adam(rate)
    ours = descend(weights, gradients, optimizer)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is Adam and again.get_config() == optimizer.get_config()
    np.testing.assert_array_equal(descend(weights, gradients, again), ours)
