import numpy as np
import pytest
import tensorflow as tf

from lib import classifiers


def test_it_is_one_dense_layer_on_flat_features():
    classifier = classifiers.SingleLayerClassifier(3)
    features = np.random.default_rng(0).normal(size=(5, 2, 2, 4)).astype(np.float32)
    logits = classifier(features)
    kernel, bias = classifier.dense.kernel.numpy(), classifier.dense.bias.numpy()
    assert kernel.shape == (16, 3) and not bias.any()
    np.testing.assert_allclose(logits, features.reshape(5, 16) @ kernel, rtol=1e-5, atol=1e-6)


def test_it_never_shapes_what_it_looks_at():
    classifier = classifiers.SingleLayerClassifier(3)
    features = tf.ones((2, 4))
    with tf.GradientTape() as tape:
        tape.watch(features)
        loss = classifiers.classification_loss(classifier(features), tf.one_hot([0, 1], 3))
    to_features, to_kernel = tape.gradient(loss, [features, classifier.dense.kernel.value])
    assert to_features is None
    assert np.abs(to_kernel).max() > 0


@pytest.mark.parametrize('smoothing', [0.1, -0.1])
def test_smoothing_goes_to_the_uniform_distribution(smoothing):
    label = np.eye(4, dtype=np.float32)[[2]]
    np.testing.assert_allclose(
        classifiers.smooth_label(label, smoothing), [[0.025, 0.025, 0.925, 0.025]], rtol=1e-6
    )
    np.testing.assert_array_equal(classifiers.smooth_label(label, 0.0), label)


def test_loss_is_the_cross_entropy_of_the_smoothed_label():
    logits = np.array([[2.0, 0.0]], np.float32)
    label = np.array([[1.0, 0.0]], np.float32)
    log_prob = logits[0] - np.log(np.exp(logits[0]).sum())
    expected = -(0.9 * log_prob[0] + 0.1 * log_prob[1])
    ours = float(classifiers.classification_loss(logits, label, smoothing=0.2))
    assert ours == pytest.approx(expected, rel=1e-6)


def test_of_one_class_it_is_always_sure():
    classifier = classifiers.SingleLayerClassifier(1)
    loss = classifiers.classification_loss(classifier(tf.ones((3, 2))), tf.ones((3, 1)))
    assert float(loss) == 0
