"""Each fast convolution against the plain one, in NumPy."""
import numpy as np
import pytest
import tensorflow as tf

from lib import convolution
from tests import reference

DRAWS = np.random.default_rng(0)


def normal(*shape):
    return DRAWS.normal(size=shape).astype(np.float32)


def assert_equal(ours, expected):
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('size', [1, 2, 3, 8])
@pytest.mark.parametrize('filters', [1, 4])
@pytest.mark.parametrize('doubles', [False, True])
def test_layer(size, filters, doubles):
    layer = convolution.Conv2D(filters, 3, padding='same')
    layer.doubles = doubles
    x = normal(2, size, size, 3)
    layer.build(x.shape)
    layer.bias.assign(normal(filters))
    larger = x.repeat(2, axis=1).repeat(2, axis=2) if doubles else x
    expected = reference.conv(larger, layer.kernel.numpy(), layer.bias.numpy())
    assert_equal(layer(x), expected)
    # as a graph sees it, whose batches have any length
    in_graph = tf.function(layer, input_signature=[tf.TensorSpec((None, size, size, 3))])
    assert_equal(in_graph(x), expected)


@pytest.mark.parametrize('size', [2, 4, 16])
def test_doubled(size):
    x, kernel = normal(2, size, size, 3), normal(3, 3, 3, 5)
    larger = x.repeat(2, axis=1).repeat(2, axis=2)
    assert_equal(convolution.convolve_doubled(x, kernel), reference.conv(larger, kernel, 0))


def test_tiny():
    x, kernel = normal(3, 2, 2, 4), normal(3, 3, 4, 5)
    assert_equal(convolution.convolve_tiny(x, kernel), reference.conv(x, kernel, 0))


def test_to_one():
    x, kernel = normal(3, 6, 6, 4), normal(3, 3, 4, 1)
    assert_equal(convolution.convolve_to_one(x, kernel), reference.conv(x, kernel, 0))


@pytest.mark.parametrize('size', [1, 2, 8])
@pytest.mark.parametrize('colors', [1, 3])
def test_twice_up_to_the_borders(size, colors):
    x, pointwise = normal(2, size, size, colors), normal(1, 1, colors, 4)
    bias, kernel = normal(4), normal(3, 3, 4, 5)
    middle = reference.conv(x, pointwise, bias)
    assert_equal(
        convolution.convolve_twice(x, pointwise, bias, kernel), reference.conv(middle, kernel, 0)
    )
