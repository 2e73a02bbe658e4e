"""TFRecord files of pictures: one Example per image, `image` PNG or JPEG bytes, `label` int64.

This is the original's format: we read its files, and it reads ours.
"""
import contextlib
import os

import tensorflow as tf

from lib import files, pipelines, progress_bar
from lib.errors import UserError, first_line

READ_TOGETHER = 256  # records per read


class DamagedRecordsError(UserError):
    """A record file that is cut short or altered, or holds something else."""


def write(path, pictures, total):
    """Writes a record file, which appears only when it is complete.

    Args:
        path: the file; its folder is made if need be.
        pictures: iterable of (PNG or JPEG bytes, label).
        total: how many pictures there must be.

    Raises:
        UserError: there are more or fewer pictures than `total`, or the file cannot be written.
    """
    write_together([(path, pictures, total)])


def write_together(parts):
    """`write` for several files, none of which appears before all are complete.

    Args:
        parts: iterable of (path, pictures, total).
    """
    with contextlib.ExitStack() as unfinished:
        for path, pictures, total in parts:
            _write(path, pictures, total, unfinished)


def _write(path, pictures, total, unfinished):
    """Writes a file that gets its name when `unfinished`, a `contextlib.ExitStack`, is closed."""
    written = 0
    try:
        os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
        partial = unfinished.enter_context(_named_at_the_end(path))
        with tf.io.TFRecordWriter(partial) as writer:
            for image, label in progress_bar.of_images(os.path.basename(path), pictures, total):
                writer.write(_example(image, label))
                written += 1
    except (OSError, tf.errors.OpError) as error:
        raise _unwritable(path, error) from error
    if written != total:
        raise UserError(
            f'{path} was not made: {total} pictures were expected, but {written} came; run the '
            'command again.'
        )


@contextlib.contextmanager
def _named_at_the_end(path):
    try:
        with files.written_whole(path) as partial:
            yield partial
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path, error):
    return UserError(
        f'Cannot write {path} ({_reason(error)}); make room or name another folder, and run the '
        'command again.'
    )


def count(path):
    """The number of records in a file, from the frames around them alone.

    Raises:
        UserError: the file cannot be read.
        DamagedRecordsError: it is empty or ends within a record.
    """
    try:
        number, whole, cut_short = pipelines.count_whole(path)
    except OSError as error:
        raise UserError(f'Cannot read {path} ({_reason(error)}).') from error
    if not whole:
        reason = 'the file ends within it' if cut_short else 'the checksum of its length is wrong'
        raise _damaged(path, number, reason)
    if not number:
        raise DamagedRecordsError(f'{path} is empty.')
    return number


def read(path):
    """Yields lists of up to READ_TOGETHER (image bytes, label), in the file's order.

    Raises:
        UserError: as `count`.
        DamagedRecordsError: as `count`; or a record is corrupt or not of this format (named by its
            number).
    """
    count(path)  # raises an error for a truncated file before anything is decoded
    number = 0
    try:
        for chunk in pipelines.records_of(path).batch(READ_TOGETHER).as_numpy_iterator():
            pictures = [_parse(path, number + i, record) for i, record in enumerate(chunk)]
            number += len(pictures)
            yield pictures
    except tf.errors.DataLossError as error:
        raise _damaged(path, _first_damaged(path), 'its checksum is wrong') from error
    except tf.errors.NotFoundError as error:
        raise UserError(f'Cannot read {path} ({_reason(error)}).') from error


def problem(path, number, text):
    """The error for a record that is not what it should be; it names the record by its number."""
    return DamagedRecordsError(f'{path}: record {number} (the first is 0) {text}.')


def _damaged(path, number, detail):
    return problem(path, number, f'is truncated or corrupt ({detail})')


def _reason(error):
    return getattr(error, 'strerror', None) or first_line(error)


def _first_damaged(path):
    number = 0
    try:
        for _ in pipelines.records_of(path):
            number += 1
    except tf.errors.DataLossError:
        pass
    return number


def _example(image, label):
    bytes_list = tf.train.Feature(bytes_list=tf.train.BytesList(value=[image]))
    int64_list = tf.train.Feature(int64_list=tf.train.Int64List(value=[label]))
    features = tf.train.Features(feature={'image': bytes_list, 'label': int64_list})
    return tf.train.Example(features=features).SerializeToString()


def _parse(path, number, record):
    try:
        features = tf.train.Example.FromString(record).features.feature
    except Exception as error:  # protobuf's DecodeError, which TensorFlow does not name
        raise _damaged(path, number, 'no tf.train.Example') from error
    found = {name: features[name] for name in ('image', 'label') if name in features}
    image = found['image'].bytes_list.value if 'image' in found else ()
    label = found['label'].int64_list.value if 'label' in found else ()
    if len(image) != 1 or len(label) != 1:
        names = ', '.join(map(repr, sorted(features)[:5])) or 'none'
        raise problem(
            path,
            number,
            f'has the wrong features ({names}); expected `image`, one string of PNG or JPEG bytes, '
            'and `label`, one int64',
        )
    return image[0], label[0]
