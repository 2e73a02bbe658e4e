import numpy as np
import pytest
import tensorflow as tf

from lib import devices, discretization


@pytest.mark.parametrize('precision', ['float32', 'tf32'])
def test_nearest_code_is_the_nearest(precision, request):
    request.addfinalizer(devices.keep_float32)
    devices.start(devices.choose([], precision=precision))
    draws = np.random.default_rng(0)
    vectors = draws.normal(size=(50, 6)).astype(np.float32)
    codebook = draws.normal(size=(16, 6)).astype(np.float32)
    distance = ((vectors[:, None] - codebook) ** 2).sum(axis=2)
    np.testing.assert_array_equal(
        discretization.nearest_code(vectors, codebook), distance.argmin(axis=1)
    )


@pytest.mark.parametrize('precision, factors', [('float32', tf.float32), ('tf32', tf.float64)])
def test_no_product_of_the_nearest_code_is_rounded_to_tf32(precision, factors, request):
    """A GPU rounds the float32 factors of every product where TF32 is on."""
    request.addfinalizer(devices.keep_float32)
    devices.start(devices.choose([], precision=precision))
    traced = tf.function(discretization.nearest_code)
    graph = traced.get_concrete_function(tf.zeros((50, 6)), tf.zeros((16, 6))).graph
    products = [op for op in graph.get_operations() if op.type in ('MatMul', 'BatchMatMulV2')]
    assert [tensor.dtype for op in products for tensor in op.inputs] == [factors] * 2


def test_ties_go_to_the_first_code():
    codebook = np.array([[5, 5], [1, 0], [1, 0], [-1, 0]], np.float32)
    vectors = np.array([[2, 0], [0, 0], [0, 1]], np.float32)
    np.testing.assert_array_equal(discretization.nearest_code(vectors, codebook), [1, 1, 1])


def test_moving_averages_by_hand():
    vectors = np.array([[1, 2], [3, 4], [10, 0]], np.float32)
    assignment = np.array([2, 2, 0], np.int32)
    count = np.array([1, 4, 0.5], np.float32)
    total = np.array([[1, 1], [8, -4], [0, 2]], np.float32)
    new_count, new_total, codebook = discretization.moving_averages(
        vectors, assignment, count, total
    )
    expected_count = 0.999 * count + 0.001 * np.array([1, 0, 2])
    expected_total = 0.999 * total + 0.001 * np.array([[10, 0], [0, 0], [4, 6]])
    n = expected_count.sum()
    smoothed = (expected_count + 1e-5) / (n + 3 * 1e-5) * n
    np.testing.assert_allclose(new_count, expected_count, rtol=1e-6)
    np.testing.assert_allclose(new_total, expected_total, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(codebook, expected_total / smoothed[:, None], rtol=1e-5, atol=1e-7)


def test_a_code_without_vectors_is_thrown_far_away_and_comes_back_by_the_decay():
    vectors, assignment = np.full((4, 2), 0.1, np.float32), np.zeros(4, np.int32)
    count, total = np.array([4, 0], np.float32), np.full((2, 2), 0.1, np.float32)
    codes = []
    for _ in range(3):
        count, total, codebook = discretization.moving_averages(
            vectors, assignment, count, total
        )
        codes.append(np.asarray(codebook)[1, 0])
    assert codes[0] > 1e3
    np.testing.assert_allclose(codes[1:], np.multiply(codes[:-1], 0.999), rtol=1e-5)


def test_codes_settle_on_the_means_of_their_vectors(monkeypatch):
    monkeypatch.setattr(discretization, 'DECAY', 0.9)
    vectors = np.array([[0, 0], [2, 0], [10, 10]], np.float32)
    assignment = np.array([0, 0, 1], np.int32)
    count, total = np.zeros(2, np.float32), np.ones((2, 2), np.float32)
    for _ in range(80):  # 8 times the memory of the averages
        count, total, codebook = discretization.moving_averages(vectors, assignment, count, total)
    np.testing.assert_allclose(codebook, [[1, 0], [10, 10]], atol=0.01)
