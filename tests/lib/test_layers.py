import keras
import numpy as np
import pytest
import tensorflow as tf

from lib import layers
from tests import tiny


def test_leaky_relu():
    np.testing.assert_allclose(layers.leaky_relu(tf.constant([-2.0, 0.0, 3.0])), [-0.4, 0, 3])


@pytest.mark.parametrize('dtype', ['float32', 'float16', 'bfloat16'])
def test_leaky_relus_gradient_is_that_of_the_plain_one_and_its_own_is_none(dtype):
    tiny_numbers = [np.nextafter(0, side, dtype='float16') for side in (-1, 1)]
    x = tf.cast([-2.0, -0.0, 0.0, 3.0, *tiny_numbers], dtype)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = layers.leaky_relu(x)
        gradient = inner.gradient(y, x)
    assert gradient.dtype == y.dtype == dtype
    slopes = tf.cast([0.2, 0.2, 0.2, 1, 0.2, 1], dtype)
    np.testing.assert_array_equal(tf.cast(gradient, 'float64'), tf.cast(slopes, 'float64'))
    second = outer.gradient(gradient, x)
    assert second is None or not np.any(second)


@pytest.mark.parametrize('scales', range(6))
@pytest.mark.parametrize('colors', [1, 3])
def test_shapes_and_widths(scales, colors):
    encoder = layers.Encoder(scales, 2, 3, 'enc')
    decoder = layers.Decoder(scales, 2, colors, 'dec')
    h = encoder(tf.zeros((2, 32, 32, colors)))
    assert h.shape == (2, 32 >> scales, 32 >> scales, 3)
    assert decoder(h).shape == (2, 32, 32, colors)
    down = [2 << scale for scale in range(scales) for _ in range(2)]
    kernels = [variable.shape for variable in encoder.trainable_variables[::2]]
    assert [kernel[3] for kernel in kernels] == [2, *down, 2 << scales, 3]
    assert [kernel[0] for kernel in kernels] == [1, *[3] * (len(kernels) - 1)]
    kernels = [variable.shape for variable in decoder.trainable_variables[::2]]
    assert [kernel[3] for kernel in kernels] == [*down[::-1], 2, colors]


def test_kernels_are_a_plain_normal_without_the_factor_two():
    encoder = layers.Encoder(1, 64, 64, 'enc')
    encoder(tf.zeros((1, 4, 4, 64)))
    for kernel in encoder.trainable_variables[::2]:
        fan_in = np.prod(kernel.shape[:3])
        normalised = np.asarray(kernel) * np.sqrt(1.04 * fan_in)
        assert abs(normalised.mean()) < 0.05
        assert abs(normalised.std() - 1) < 0.03
        assert np.abs(normalised).max() > 2.5  # truncation would end at 2.3
    for bias in encoder.trainable_variables[1::2]:
        assert not np.any(bias)


def test_kernels_of_dense_layers_are_glorots():
    layer = layers.dense('x', 0, 0, 300)
    layer.build((None, 500))
    kernel, limit = layer.kernel.numpy(), np.sqrt(6 / (500 + 300))
    assert 0.98 * limit < np.abs(kernel).max() <= limit
    assert abs(kernel.std() * np.sqrt(3) / limit - 1) < 0.02
    assert not np.any(layer.bias)


@pytest.mark.parametrize('method', tiny.METHODS)
def test_kernels_differ_by_layer_and_seed_and_repeat(method):
    kernels = {
        seed: [v.numpy() for v in tiny.make(method, seed=seed).variables if v.ndim > 1]
        for seed in (0, 1)
    }
    again = [v.numpy() for v in tiny.make(method, seed=0).variables if v.ndim > 1]
    for first, second, other in zip(kernels[0], again, kernels[1], strict=True):
        np.testing.assert_array_equal(first, second)
        assert (first != other).any() or not first.any()  # the VQ-VAE's counts start at 0
    # Copied averages aside, no tensor shares its first numbers with another.
    starts = [tuple(np.ravel(v)[:4]) for v in kernels[0] if v.any()]
    assert len(starts) - len(set(starts)) == (1 if method == 'AEVQVAE' else 0)


def test_low_precision_keeps_weights_and_outputs_in_float32():
    encoder = layers.Encoder(1, 2, 3, 'enc', dtype='mixed_bfloat16')
    assert encoder(tf.zeros((1, 8, 8, 1))).dtype == tf.float32
    assert {variable.dtype for variable in encoder.variables} == {'float32'}
    assert encoder.convs[1].compute_dtype == 'bfloat16'


def test_a_change_of_one_pixel_reaches_its_neighbours_only():
    """No padding but zeros, no bias: black stays black, and a picture is shifted alike."""
    encoder = layers.Encoder(0, 2, 1, 'enc')
    assert not np.any(encoder(tf.zeros((1, 9, 9, 1))))
    x = np.zeros((1, 9, 9, 1), np.float32)
    x[0, 4, 4] = 1
    touched = np.argwhere(encoder(x)[0, :, :, 0].numpy())
    assert touched.min() >= 2 and touched.max() <= 6  # two 3x3 convolutions


def test_parts_take_inputs_of_unknown_size():
    model = tiny.make('AEBaseline')
    assert model.encoder.compute_output_shape((None, None, None, 1)) == (None, None, None, 4)
    assert model.decoder.compute_output_shape((None, None, 8, 4)) == (None, None, 64, 1)
    whole = keras.Model(latents := keras.Input((None, None, 4)), model.decoder(latents))
    x = np.ones((2, 4, 4, 4), np.float32)
    np.testing.assert_allclose(whole(x), model.decode(x), atol=1e-6)
