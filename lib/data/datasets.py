"""Datasets: batches of images in [-1, 1] with one-hot labels, as a function of seed and step."""
import dataclasses
import difflib
import functools
import glob
import math
import os
import shlex
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from lib import files, lines, pipelines, randomness
from lib.data import decoding, preprocessing, records, registry
from lib.errors import UserError

LINES_TEST_IMAGES = 5000
PREFETCHED_BATCHES = 4
# One NumPy call draws LINES_BATCHES batches, or fewer if these would exceed LINES_PIXELS pixels.
LINES_BATCHES, LINES_PIXELS = 8, 512 * 32**2


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Pipelines of {'x': (B, height, width, colors) float32, 'label': (B, nclass)}; x in [-1, 1]
    or, for CelebA, a little beyond.

    train_from: global step -> the endless training batches from that step on, so that a resumed
        run sees the same batches as an uninterrupted one.
    test: every test image once, in batches.
    train_once: every training image once, in order; None for lines and CelebA.
    classes: the class names of a user's own pictures, indexed by label; else ().
    counts: (number of training pictures, number of test pictures); () for lines, which are drawn.
    """

    name: str
    height: int
    width: int
    colors: int
    nclass: int
    train_from: Callable
    test: tf.data.Dataset
    train_once: tf.data.Dataset | None = None
    classes: tuple = ()
    counts: tuple = ()

    @functools.cached_property
    def train(self):
        """The endless training batches, from the first."""
        return self.train_from(0)

    @property
    def has_lines(self):
        """Whether its images are lines, whose interpolations can be scored."""
        return registry.is_lines(self.name)

    @property
    def image_shape(self):
        return (self.height, self.width, self.colors)


def get_dataset(name, batch_size=64, seed=0, data_dir=None):
    """A dataset by name; the order of its training batches is a function of the seed.

    Records are decoded here, so that damaged ones raise an error before training begins.

    Args:
        name: one of `registry.KNOWN`; 'lines' or 'celeba' with another even width, such as
            'lines64'; or the name that you gave your own pictures (create_datasets.py --images).
        batch_size: images per batch, at least 1.
        seed: integer from 0 to 2^31 - 1.
        data_dir: folder of the record files; None for the one that AE_DATA names now. Lines and
            digits need none.

    Returns:
        A `Dataset`. Its `train`, `test` and, where there is one, `train_once` are tf.data pipelines
        of {'x': (B, height, width, colors) float32, 'label': (B, nclass) float32, one-hot}.

    Raises:
        UserError: the dataset is unknown, its records are missing or damaged, or the batch size or
            the seed is out of range.
    """
    randomness.check_seed(seed)
    if batch_size < 1:
        raise UserError(f'A batch of {batch_size} images is not possible; use 1 or more.')
    entry = registry.find(name)
    if entry and entry.is_drawn:
        return _lines(name, entry.width, batch_size, seed)
    if entry and entry.load:
        train, test, nclass = _loaded(entry)
        return _from_memory(name, train, test, nclass, batch_size, seed)
    data_dir = records_folder() if data_dir is None else data_dir
    record_set, train_paths, test_paths = _record_files(name, data_dir)
    try:
        train = decoding.load(train_paths, record_set.preparation)
        test = train
        if test_paths != train_paths:
            test = decoding.load(test_paths, record_set.preparation)
    except records.DamagedRecordsError as error:
        how = f'{record_set.made_by} {_data_dir_flag(data_dir)} --overwrite'
        raise UserError(
            f'{error} To make the records again: python create_datasets.py {how}'
        ) from error
    nclass = record_set.preparation.nclass
    dataset = _from_memory(name, train, test, nclass, batch_size, seed, record_set.once)
    return dataclasses.replace(dataset, classes=record_set.classes)


def describe(name):
    """The shape of a dataset's images, (height, width, colors), and its number of classes.

    Records are not decoded for this.

    Raises:
        UserError: the dataset is unknown, or its records are missing.
    """
    entry = registry.find(name)
    if entry and entry.is_drawn:
        return (entry.width, entry.width, 1), lines.NCLASS
    if entry and entry.load:
        train, _, nclass = _loaded(entry)
        return train.dtype['x'].shape, nclass
    record_set, _, _ = _record_files(name, records_folder())
    return record_set.preparation.shape, record_set.preparation.nclass


def _loaded(entry):
    """(training rows, test rows, number of classes) of a dataset that is loaded into memory."""
    train, test = (_as_decoded(*part) for part in entry.load())
    return train, test, 1 + int(max(train['label'].max(), test['label'].max()))


def _record_files(name, data_dir):
    """The RecordSet of a dataset, and the paths of its files for training and for testing.

    Raises:
        UserError: the dataset is unknown, or a file is missing.
    """
    entry = registry.find(name)
    record_set = entry.records if entry else _own(name, data_dir)
    train, test = (
        _paths(stems, record_set.made_by, data_dir) for stems in (record_set.train, record_set.test)
    )
    return record_set, train, test


def check_files(name):
    """Looks for the record files of a dataset of `registry.KNOWN`, without reading them.

    Raises:
        UserError: one is missing; the message says how to make it.
    """
    if registry.find(name).records:
        _record_files(name, records_folder())


def records_folder():
    """The folder that AE_DATA names now; None if it names none."""
    return os.path.expanduser(os.environ.get('AE_DATA', '')) or None


def classes_path(name, data_dir):
    """The path of the file with the class names and colours of a user's own pictures."""
    return os.path.join(data_dir, f'{name}-classes.json')


def record_path(stem, data_dir):
    """The path of the record file `stem` in a folder.

    Raises:
        UserError: TensorFlow cannot open files in that folder, whose path is not UTF-8.
    """
    files.check_utf8(data_dir, 'choose another folder for the records')
    return os.path.join(data_dir, f'{stem}.tfrecord')


def _own(name, data_dir):
    """The RecordSet of a user's own pictures.

    Raises:
        UserError: there are none of that name, or their `classes_path` cannot be read.
    """
    unknown = (
        f'There is no dataset {name!r}; known: {", ".join(registry.KNOWN)}, and lines and celeba '
        'at other widths, such as lines64'
    )
    if os.path.basename(name) != name:
        raise UserError(f'{unknown}.')
    if not data_dir:
        raise UserError(
            f'{unknown}.{_meant(name)} Your own pictures need AE_DATA, the folder of their records.'
        )
    path = classes_path(name, data_dir)
    made_by = f'--images=FOLDER --name={name}'
    make = f'python create_datasets.py {made_by} {_data_dir_flag(data_dir)}'
    try:
        classes, colors, size = _read_classes(path)
    except FileNotFoundError:
        own = _own_names(data_dir)
        there = f'your own: {", ".join(own)}' if own else 'none of your own'
        unknown = f'{unknown}; in {data_dir} {there}.{_meant(name, own)}'
        if not registry.is_known(name.lower()):  # the registry's names are not for own pictures
            unknown += f' To make {name} of your own pictures: {make}'
        raise UserError(unknown) from None
    except OSError as error:
        raise UserError(f'Cannot read {path} ({error.strerror}).') from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f'{path} is damaged; make it again: {make} --overwrite') from error
    if size != registry.DEFAULT_SIZE_PX:
        made_by += f' --size={size}'
    shape = (size, size, colors)
    preparation = decoding.Preparation(name, shape, shape, len(classes))
    stems = (f'{name}-train',), (f'{name}-test',)
    return registry.RecordSet(made_by, preparation, *stems, classes=tuple(classes))


def _read_classes(path):
    """(class names, colours, width in pixels) of a user's own pictures, from their `classes_path`.

    Raises:
        OSError: the file cannot be read.
        ValueError, KeyError, TypeError: it is damaged.
    """
    about = files.read_json(path)
    classes, colors = about['classes'], about['colors']
    size = about.get('size', registry.DEFAULT_SIZE_PX)
    if not (isinstance(classes, list) and classes and all(isinstance(c, str) for c in classes)):
        raise ValueError('the classes are not names')
    if type(colors) is not int or colors not in (1, 3):  # JSON's true is an int too
        raise ValueError('the colours are neither 1 nor 3')
    if type(size) is not int or not registry.is_possible(size):
        raise ValueError('no picture is of that size')
    return classes, colors, size


def _meant(name, own=()):
    """' Do you mean ...?' if a name is like that of a known dataset or of `own`; else ''."""
    meant = difflib.get_close_matches(name.lower(), [*registry.KNOWN, *own], 1, cutoff=0.75)
    return f' Do you mean {meant[0]}?' if meant else ''


def _own_names(data_dir):
    """The names of the datasets of a user's own pictures in a folder."""
    ending = classes_path('', '')
    paths = glob.glob(classes_path('*', glob.escape(data_dir)))
    return sorted(os.path.basename(path).removesuffix(ending) for path in paths)


def _paths(stems, made_by, data_dir):
    make = f'python create_datasets.py {made_by}'
    if not data_dir:
        raise UserError(
            f'AE_DATA is not set: it names the folder of the records. To make {stems[0]}.tfrecord: '
            f'{make} --data_dir=FOLDER, then: export AE_DATA=FOLDER. The datasets lines32 and '
            'digits32 need no records.'
        )
    paths = [record_path(stem, data_dir) for stem in stems]
    for path in paths:
        if not os.path.isfile(path):
            raise UserError(f'{path} is missing; make it with: {make} {_data_dir_flag(data_dir)}')
    return paths


def _data_dir_flag(data_dir):
    return f'--data_dir={shlex.quote(os.fspath(data_dir))}'


def _as_decoded(pixels, labels):
    """Pictures in memory, as rows like those that `decoding.load` returns."""
    rows = np.empty(len(pixels), decoding.row_dtype(pixels.shape[1:]))
    rows['x'], rows['label'] = pixels, labels
    return rows


def _from_memory(name, train, test, nclass, batch_size, seed, once=True):
    """The Dataset of decoded pictures.

    Each training epoch goes through all pictures in an order that is a function of seed and epoch;
    a batch may span two epochs. (The original shuffles in a buffer of 1,024 pictures, which mixes
    neighbours only and cannot be resumed.)
    """
    shape = train.dtype['x'].shape

    def in_order(rows):
        return tf.data.Dataset.range(len(rows)).batch(batch_size)

    def batches(rows, indices):
        def gather(indices):
            chosen = rows.take(indices)
            return np.ascontiguousarray(chosen['x']), np.ascontiguousarray(chosen['label'])

        @tf.autograph.experimental.do_not_convert
        def batch(indices):
            types = (tf.as_dtype(rows.dtype['x'].base), tf.int64)
            x, label = tf.numpy_function(gather, (indices,), types, stateful=False)
            x = tf.ensure_shape(x, (*indices.shape, *shape))
            label = tf.ensure_shape(label, indices.shape)
            x = preprocessing.scale(x) if x.dtype == tf.uint8 else x
            return {'x': x, 'label': tf.one_hot(label, nclass)}

        return indices.map(batch).prefetch(PREFETCHED_BATCHES).with_options(pipelines.UNTUNED)

    return Dataset(
        name,
        *shape,
        nclass,
        lambda step: batches(train, shuffled_rows(len(train), batch_size, seed, step)),
        batches(test, in_order(test)),
        batches(train, in_order(train)) if once else None,
        counts=(len(train), len(test)),
    )


def shuffled_rows(count, batch_size, seed, step):
    """Endless batches (batch_size,) int64 of the rows 0..count-1, each epoch in a new order.

    Args:
        count: rows per epoch.
        batch_size: rows per batch; a batch may begin in one epoch and end in the next.
        seed: seeds the orders.
        step: the batch to begin with, counted from 0 at the start of the first epoch.
    """
    first, offset = divmod(int(step) * batch_size, count)

    @tf.autograph.experimental.do_not_convert
    def order(epoch):
        rows = randomness.Draws(seed, epoch).permutation('data/order', count)
        return rows[tf.where(epoch == first, tf.constant(offset, tf.int64), 0) :]

    epochs = pipelines.steps_from(first).map(order).prefetch(1)
    return epochs.rebatch(batch_size, drop_remainder=True)


def _lines(name, width, batch_size, seed):
    def angles(stream, step, size):
        return randomness.Draws(seed, step).uniform(stream, (size,), 0, 2 * math.pi, tf.float64)

    @tf.autograph.experimental.do_not_convert
    def drawn(angles):
        label = tf.one_hot(lines.label_of(angles), lines.NCLASS)
        return {'x': lines.draw_lines_tf(angles, width), 'label': label}

    at_once = min(LINES_BATCHES, max(1, LINES_PIXELS // (batch_size * width**2)))

    @tf.autograph.experimental.do_not_convert
    def of_step(step):
        return angles('lines/train', step, batch_size)

    def train_from(step):
        several = pipelines.steps_from(step).map(of_step).batch(at_once)
        return several.map(drawn).prefetch(1).unbatch()

    tested = angles('lines/test', 0, LINES_TEST_IMAGES)
    if width <= registry.DEFAULT_SIZE_PX:
        test = tf.data.Dataset.from_tensors(drawn(tested)).unbatch().batch(batch_size).cache()
    else:  # too large to be drawn at once and kept
        test = tf.data.Dataset.from_tensor_slices(tested).batch(batch_size).map(drawn)
    test = test.with_options(pipelines.UNTUNED)
    return Dataset(name, width, width, 1, lines.NCLASS, train_from, test)
