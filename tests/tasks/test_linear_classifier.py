"""The classifier tasks' schedule, training and resuming."""
import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from lib import callbacks, checkpoints, data, original_names, train
from lib.tasks import linear_classifier
from tests import tiny

GOLDEN = tiny.GOLDENS / 'classifier.npz'
KERNEL = 'single_layer_classifier/dense/kernel'
BIAS = 'single_layer_classifier/dense/bias'


def test_golden():
    golden = np.load(GOLDEN)
    model = linear_classifier.LinearClassifier(
        golden['x'].shape[2:],
        golden['label'].shape[-1],
        float(golden['lr']),
        int(golden['total_steps']),
        float(golden['smoothing']),
    )
    names = original_names.variable_names(model)
    for name in (KERNEL, BIAS):
        names[name].assign(golden[f'initial/{name}:0'])
    losses, rates = [], []
    step = tf.function(model.train_step)
    for x, label in zip(golden['x'], golden['label'], strict=True):
        rates.append(float(model.optimizers['classifier'].learning_rate))
        losses.append(float(step({'x': x, 'label': label})['xe']))
    np.testing.assert_allclose(losses, golden['loss'], rtol=1e-5)
    np.testing.assert_allclose(rates, golden['learning_rate'], rtol=1e-5)
    for name in (KERNEL, BIAS):
        np.testing.assert_allclose(names[name].numpy(), golden[f'final/{name}:0'], atol=1e-5)


def test_learning_rate_falls_tenfold_by_halfway_and_again_by_the_end():
    rate = linear_classifier.learning_rate(0.02, 100)
    np.testing.assert_allclose([rate(0), rate(50), rate(100)], [2e-2, 2e-3, 2e-4], rtol=1e-5)
    np.testing.assert_allclose(rate(25), 2e-2 * 10**-0.5, rtol=1e-5)  # continuously


def test_halfway_is_a_whole_step_and_never_0():
    np.testing.assert_allclose(linear_classifier.learning_rate(1.0, 31)(15), 0.1, rtol=1e-5)
    np.testing.assert_allclose(linear_classifier.learning_rate(1.0, 1)(0), 1.0)


def batches(step):
    random = np.random.RandomState(0)
    x = random.normal(size=(40, 8, 2, 2, 3)).astype(np.float32)
    label = np.eye(5, dtype=np.float32)[random.randint(5, size=(40, 8))]
    return tf.data.Dataset.from_tensor_slices({'x': x, 'label': label}).skip(step)


def tiny_dataset():
    return data.Dataset('tiny', 2, 2, 3, 5, batches, batches(0).take(3))


def test_resumed_is_unbroken(tmp_path):
    def model():
        return linear_classifier.LinearClassifier((2, 2, 3), 5, lr=1e-2, steps=20, smoothing=-0.1)

    whole, first, second = model(), model(), model()
    train.loop(whole, tiny_dataset(), [], last=21, period=7)
    train.loop(first, tiny_dataset(), [], last=9, period=7)
    prefix = str(tmp_path / 'model.ckpt-9')
    checkpoints.save_original(first, prefix, 9)
    assert checkpoints.load_original(second, prefix) == 9
    train.loop(second, tiny_dataset(), [], last=21, period=7)
    assert int(second.global_step) == 21
    for ours, theirs in zip(second.variables, whole.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_accuracies_score_the_test_set_and_200_training_batches(tmp_path, capsys):
    model = linear_classifier.LinearClassifier((2, 2, 3), 5, lr=1e-2, steps=20)
    asked = []

    def train_from(step):
        asked.append(step)
        return batches(0).repeat()

    dataset = dataclasses.replace(tiny_dataset(), train_from=train_from)
    progress = callbacks.Progress(batch_size=8, last_step=20)
    writer = tf.summary.create_file_writer(str(tmp_path))
    callback = linear_classifier.Accuracies(dataset, writer, progress.print)
    for part in (callback, progress):
        part.set_model(model)
    seen = []
    model.global_step.assign(7)
    model.graphs.classify = lambda x: seen.append(x) or np.zeros(len(x), np.int64)
    callback.on_epoch_end(0)
    assert len(seen) == 3 + 200 and asked == [7]
    zeros = [b['label'][:, 0].numpy().mean() for b in batches(0)]
    expected = f'test_accuracy={100 * np.mean(zeros[:3]):.2f}  '
    expected += f'train_accuracy={100 * np.mean(zeros):.2f}'
    assert expected in capsys.readouterr().out


@pytest.mark.parametrize('shape', [(4, 4, 16), (7,)])
def test_it_learns_separable_features(shape):
    random = np.random.RandomState(1)
    label = random.randint(3, size=(60, 32))
    x = random.normal(size=(60, 32, *shape)).astype(np.float32)
    x.reshape(60, 32, -1)[..., :3] += 8 * np.eye(3)[label]
    model = linear_classifier.LinearClassifier(shape, 3, lr=0.1, steps=60)
    one_hot = np.eye(3, dtype=np.float32)
    losses = [
        float(model.train_step({'x': a, 'label': one_hot[b]})['xe'])
        for a, b in zip(x, label, strict=True)
    ]
    assert losses[-1] < 0.2 * losses[0]
    assert (np.asarray(model.classify(x[-1])) == label[-1]).mean() > 0.9
