import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from lib import data, eval, lines
from lib.data import decoding, digits, records
from lib.errors import UserError
from tests import tiny

RECORDS = tiny.GOLDENS / 'records'
EXPECTED = dict(np.load(RECORDS / 'expected.npz'))


@pytest.fixture
def golden_dir(tmp_path):
    """The golden records where decoded files may be left beside them."""
    for path in RECORDS.glob('*.tfrecord'):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return str(tmp_path)


def take(batches, count=-1, key='x'):
    return [batch[key] for batch in batches.take(count).as_numpy_iterator()]


@pytest.mark.parametrize('limit', [2**30, 0], ids=['memory', 'file'])
@pytest.mark.parametrize('name', ['mnist32', 'cifar10', 'svhn32', 'celeba32'])
def test_goldens_bit_for_bit(golden_dir, monkeypatch, name, limit):
    monkeypatch.setattr(decoding, 'MEMORY_LIMIT_BYTES', limit)
    monkeypatch.setenv('AE_DATA', golden_dir)
    dataset = data.get_dataset(name, batch_size=3, seed=0)
    compared = 0
    for part in ('test', 'train_once'):
        if f'{name}/{part}/x' not in EXPECTED:
            assert dataset.train_once is None
            continue
        batches = getattr(dataset, part)
        x, label = np.concatenate(take(batches)), np.concatenate(take(batches, key='label'))
        assert x.dtype == label.dtype == np.float32
        np.testing.assert_array_equal(x, EXPECTED[f'{name}/{part}/x'])
        np.testing.assert_array_equal(label.argmax(1), EXPECTED[f'{name}/{part}/label'])
        assert label.shape[1] == dataset.nclass and (label.sum(1) == 1).all()
        assert x.shape[1:] == dataset.image_shape
        compared += 1
    assert compared == (1 if name == 'celeba32' else 2)


def test_scale_rounds_as_the_original():
    pixels = np.arange(256, dtype=np.uint8)
    # The product is rounded to float32 before the subtraction.
    expected = np.float32(pixels) * np.float32(2 / 255) - np.float32(1)
    scaled = tf.function(data.scale)(pixels).numpy()
    np.testing.assert_array_equal(scaled, expected)
    assert scaled[0] == -1 and scaled[255] == 1


@pytest.mark.parametrize('name', ['lines32', 'lines64', 'digits32'])
def test_nothing_is_tuned(name):
    """The end of a training would wait for TensorFlow's tuner, one time in three."""
    dataset = data.get_dataset(name)
    for batches in (dataset.train, dataset.test, dataset.train_once or dataset.test):
        assert batches.options().autotune.enabled is False


def test_celeba_is_tested_on_its_training_pictures(golden_dir):
    dataset = data.get_dataset('celeba32', batch_size=4, data_dir=golden_dir)
    (x,) = take(dataset.train, 1)
    order = [np.flatnonzero((EXPECTED['celeba32/test/x'] == image).all((1, 2, 3))) for image in x]
    assert sorted(np.concatenate(order)) == [0, 1, 2, 3]
    assert dataset.nclass == 1


@pytest.mark.parametrize('batch_size', [1, 64, 500, 4000])
def test_every_epoch_is_a_permutation(batch_size):
    dataset = data.get_dataset('digits32', batch_size, seed=5)
    (pixels, _), _ = digits.load()
    count = len(pixels)
    epochs = 1 if batch_size == 1 else 3
    x = np.concatenate(take(dataset.train, -(-epochs * count // batch_size)))
    position = {image.tobytes(): i for i, image in enumerate(data.scale(pixels).numpy())}
    order = np.array([position[image.tobytes()] for image in x[: epochs * count]])
    orders = order.reshape(epochs, count)
    for one in orders:
        np.testing.assert_array_equal(np.sort(one), np.sort(orders[0]))
        assert len(set(one)) == len(position)
    if epochs > 1:
        assert (orders[0] != orders[1]).mean() > 0.9


@pytest.mark.parametrize(
    'batch_size, steps',
    # 22.4 batches of 64 are an epoch, one of 1433, 0.7 of 2000
    [(64, (0, 1, 2, 21, 22, 23, 44, 45, 47)), (1433, (0, 1, 2)), (2000, (0, 1, 2, 5))],
)
def test_train_from_goes_on_as_an_unbroken_run(batch_size, steps):
    dataset = data.get_dataset('digits32', batch_size, seed=1)
    unbroken = list(dataset.train.take(steps[-1] + 1).as_numpy_iterator())
    assert all(len(batch['x']) == batch_size for batch in unbroken)
    for step in steps:
        resumed = list(dataset.train_from(step).take(3).as_numpy_iterator())
        assert len(resumed) == 3
        for one, other in zip(unbroken[step : step + 3], resumed, strict=False):
            for key in ('x', 'label'):
                np.testing.assert_array_equal(one[key], other[key])


def test_train_from_far_away_is_what_comes_there():
    dataset = data.get_dataset('digits32', 64)
    x = np.concatenate(take(dataset.train_once))
    rows = data.shuffled_rows(len(x), 64, 0, 10**9)  # 45 million epochs on
    for found, expected in zip(take(dataset.train_from(10**9), 30), rows.take(30), strict=True):
        np.testing.assert_array_equal(found, x[expected])


def test_labels_of_lines_are_of_the_angles_that_are_drawn():
    lines32 = data.get_dataset('lines32', 64)
    for batches in (lines32.train_from(3), lines32.test):
        batch = next(iter(batches))
        _, angles = eval.closest_line(batch['x'])
        sector = lines.NCLASS * angles / (2 * np.pi)
        is_clear = abs(sector - np.rint(sector)) > 1e-2  # of the next one
        assert is_clear.sum() > 50
        found = batch['label'].numpy().argmax(1)
        np.testing.assert_array_equal(found[is_clear], np.floor(sector[is_clear]))


def test_order_is_a_function_of_the_seed():
    first, again, other = (take(data.get_dataset('digits32', 64, s).train, 2) for s in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (np.array(first) != other).any()


def test_digits():
    (train, train_labels), (test, test_labels) = digits.load()
    assert train.shape == (1433, 32, 32, 1) and test.shape == (364, 32, 32, 1)
    assert np.bincount(test_labels).tolist() == [36, 37, 36, 37, 37, 37, 37, 36, 35, 36]
    dataset = data.get_dataset('digits32')
    assert (dataset.image_shape, dataset.nclass) == ((32, 32, 1), 10)
    x = np.concatenate(take(dataset.test))
    assert x.min() == -1 and x.max() == 1
    label = np.concatenate(take(dataset.train_once, key='label'))
    np.testing.assert_array_equal(label.argmax(1), train_labels)
    import sklearn.datasets

    # Averaged back to 8x8, the pictures are nearly scikit-learn's.
    original = sklearn.datasets.load_digits()
    small = np.concatenate([train, test]).reshape(-1, 8, 4, 8, 4).mean((2, 4)) / 255
    labels = np.concatenate([train_labels, test_labels])
    for label in range(10):
        mean = original.images[original.target == label].mean(0) / 16
        np.testing.assert_allclose(small[labels == label].mean(0), mean, atol=0.15)


def test_lines_and_digits_need_no_records(monkeypatch):
    monkeypatch.delenv('AE_DATA', raising=False)
    for name in ('lines32', 'digits32'):
        assert data.get_dataset(name).image_shape == (32, 32, 1)


def test_a_dataset_is_described_as_it_comes(golden_dir, monkeypatch):
    monkeypatch.setenv('AE_DATA', golden_dir)
    for name in ('lines64', 'digits32', 'mnist32', 'svhn32', 'celeba32'):
        dataset = data.get_dataset(name)
        assert data.describe(name) == (dataset.image_shape, dataset.nclass)
        rows = dataset.test.unbatch().reduce(0, lambda count, _: count + 1).numpy()
        assert dataset.counts[1:] == (() if name == 'lines64' else (rows,))


def test_ae_data_is_read_when_a_dataset_is_asked_for(golden_dir, monkeypatch, tmp_path):
    monkeypatch.setenv('AE_DATA', str(tmp_path / 'elsewhere'))
    with pytest.raises(UserError, match='elsewhere'):
        data.get_dataset('mnist32')
    monkeypatch.setenv('AE_DATA', golden_dir)
    data.get_dataset('mnist32')


def message(*args, **kwargs):
    with pytest.raises(UserError) as caught:
        data.get_dataset(*args, **kwargs)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_errors_name_the_fix(golden_dir, monkeypatch):
    monkeypatch.delenv('AE_DATA', raising=False)
    unset = message('svhn32')
    assert 'AE_DATA is not set' in unset and '--datasets=svhn' in unset and 'digits32' in unset
    assert 'known: lines32, digits32, mnist32' in message('nonsense')
    assert '. Your own pictures need AE_DATA' in message('nonsense')
    assert '. Do you mean mnist32? Your own pictures need AE_DATA' in message('mnsit32')
    os.remove(os.path.join(golden_dir, 'svhn-extra.tfrecord'))
    missing = message('svhn32', data_dir=golden_dir)
    assert 'svhn-extra.tfrecord is missing' in missing
    assert 'python create_datasets.py --datasets=svhn' in missing
    assert 'none of your own. To make mine' in message('mine', data_dir=golden_dir)
    spaced = message('svhn32', data_dir='my data')
    assert spaced.endswith("--datasets=svhn --data_dir='my data'")  # to be copied to a shell
    assert 'There is no dataset' in message('../mine', data_dir=golden_dir)
    assert message('mnist', data_dir=golden_dir).endswith('your own. Do you mean mnist32?')
    pathlib.Path(golden_dir, 'birds-classes.json').touch()
    assert ': birds. Do you mean birds? To make bird of' in message('bird', data_dir=golden_dir)
    path = pathlib.Path(golden_dir, 'mnist-train.tfrecord')
    path.write_bytes(path.read_bytes()[:-5])
    assert message('mnist32', data_dir=golden_dir).endswith(
        'To make the records again: python create_datasets.py --datasets=mnist '
        f'--data_dir={golden_dir} --overwrite'
    )
    assert '0 images' in message('lines32', batch_size=0)


NO_CLASSES, TWO_COLORS = '{"classes": [], "colors": 3}', '{"classes": ["a"], "colors": 2}'


@pytest.mark.parametrize('content', ['', '[]', '{}', NO_CLASSES, TWO_COLORS, '\x00', '1'])
def test_damaged_class_names(tmp_path, content):
    (tmp_path / 'mine-classes.json').write_text(content)
    assert 'mine-classes.json is damaged' in message('mine', data_dir=str(tmp_path))


def test_records_of_another_dataset(golden_dir):
    cifar = pathlib.Path(golden_dir, 'cifar10-test.tfrecord')
    pathlib.Path(golden_dir, 'mnist-test.tfrecord').write_bytes(cifar.read_bytes())
    assert 'record 0' in message('mnist32', data_dir=golden_dir)
    assert 'mnist32 needs 28x28x1' in message('mnist32', data_dir=golden_dir)


def test_a_set_smaller_than_a_batch(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), np.uint8)
    pictures = [(tf.io.encode_png(image).numpy(), i) for i, image in enumerate(pixels)]
    for part in ('train', 'test'):
        records.write(str(tmp_path / f'mnist-{part}.tfrecord'), pictures, 5)
    dataset = data.get_dataset('mnist32', 64, data_dir=str(tmp_path))
    labels = np.concatenate(take(dataset.train, 5, 'label')).argmax(1)
    assert labels.shape == (320,)
    assert all(sorted(epoch) == [0, 1, 2, 3, 4] for epoch in labels.reshape(-1, 5))
    assert [len(x) for x in take(dataset.test)] == [5]


@pytest.mark.parametrize('seed', [-1, 2**31, 2**40, 0.5])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(UserError, match='must be an integer from 0 to 2.31 - 1'):
        data.get_dataset('lines32', seed=seed)
