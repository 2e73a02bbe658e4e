"""Pictures decoded once: record files -> arrays, in memory or in a file next to the records.

The name of a decoded file depends on its records' sizes and times and on the preparation, so that
it is made anew when any of them changes.
"""
import contextlib
import dataclasses
import errno
import functools
import glob
import hashlib
import math
import os
import shutil
import struct
import sys
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from lib import arrays, files, locks, memory, progress_bar
from lib.data import records
from lib.errors import UserError

MEMORY_LIMIT_BYTES = 2**30  # decoded pictures beyond this go to a file
DECODED_TOGETHER_BYTES = 2**26  # of pixels per call, which needs several times as much memory
VERSION = 1  # of every preparation; raise it when decoded pixels change


@dataclasses.dataclass(frozen=True)
class Preparation:
    """How the pictures of record files are prepared for training.

    name: part of the names of decoded files.
    stored: (height, width, colors) of the pictures in the records.
    shape: (height, width, colors) of the prepared pictures.
    nclass: number of classes; labels must be below it.
    prepare: (n, *stored) uint8 tensor -> (n, *shape), uint8 pixels or float32 in [-1, 1].
    dtype: uint8, or float32 where prepared values are not whole pixels.
    """

    name: str
    stored: tuple
    shape: tuple
    nclass: int
    prepare: Callable = lambda pixels: pixels
    dtype: type = np.uint8

    @property
    def row(self):
        """The dtype of one decoded picture with its label."""
        return row_dtype(self.shape, self.dtype)


def row_dtype(shape, dtype=np.uint8):
    """The dtype of one decoded picture of a shape (H, W, C), with its label."""
    return np.dtype([('x', dtype, shape), ('label', np.int64)])


def load(paths, preparation, memory_limit_bytes=None):
    """The decoded pictures of record files, one after the other.

    Args:
        paths: record files.
        preparation: a `Preparation`.
        memory_limit_bytes: if the decoded pictures are larger, they are kept in a file; None for
            MEMORY_LIMIT_BYTES.

    Returns:
        (n,) array of `preparation.row`, in memory or mapped from a file.

    Raises:
        UserError: a record is damaged or does not fit the preparation, or the decoded pictures
            fit neither on the disk nor in memory.
    """
    limit = MEMORY_LIMIT_BYTES if memory_limit_bytes is None else memory_limit_bytes
    total = sum(map(records.count, paths))
    path = _path(paths, preparation, _fingerprint(paths, preparation))
    _remove_others(path, paths, preparation)
    if total * preparation.row.itemsize <= limit:
        return _in_memory(paths, preparation, total)
    rows = _open(path, preparation, total)
    if rows is not None:
        return rows
    try:
        with _alone(path):
            if _open(path, preparation, total) is None:
                _write(path, paths, preparation, total)
    except OSError as error:
        size = total * preparation.row.itemsize
        problem = f'Cannot keep decoded pictures in {path} ({error.strerror or error})'
        if size > memory.machine_bytes():
            raise UserError(
                f'{problem}, and this machine does not have the {size / 2**30:.1f} GiB of memory '
                f'they need; {files.what_to_do(error)}, or choose smaller pictures.'
            ) from error
        print(
            f'{problem}; they stay in memory ({size / 2**30:.1f} GiB) and are decoded again by the '
            'next run.',
            file=sys.stderr,
        )
        return _in_memory(paths, preparation, total)
    rows = _open(path, preparation, total)
    # None: another run has already removed the file.
    return _in_memory(paths, preparation, total) if rows is None else rows


@contextlib.contextmanager
def _alone(path):
    """Holds the lock of a decoded file, so that other processes that need it wait for this one.

    Raises:
        OSError: the lock file cannot be written.
    """
    lock = f'{path}.lock'
    if holder := locks.holder(lock):
        print(f'Waiting for {holder}, which decodes the same pictures...', file=sys.stderr)
    with contextlib.ExitStack() as stack:
        # Another user's process may have left a lock file that we may not open. Then several
        # processes may write at once, each to a partial file of its own.
        with contextlib.suppress(PermissionError):
            stack.enter_context(locks.held(lock, wait_sec=locks.FOR_EVER))
        yield


def _in_memory(paths, preparation, total):
    rows, filled = np.empty(total, preparation.row), 0
    for chunk in _decode(paths, preparation, total):
        rows[filled : filled + len(chunk)] = chunk
        filled += len(chunk)
    return rows


def _write(path, paths, preparation, total):
    header = {'descr': preparation.row.descr, 'fortran_order': False, 'shape': (total,)}

    # Another run's file must stay: that run may have it open, and on a network file system it
    # would lose a file that is replaced.
    def is_there():
        return _open(path, preparation, total) is not None

    free = shutil.disk_usage(os.path.dirname(path) or '.').free
    if 0 < free < total * preparation.row.itemsize:  # some file systems always report 0
        # Before the disk is full: other runs save there too.
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with files.written_whole(path, unless=is_there) as partial, open(partial, 'wb') as file:
        np.lib.format.write_array_header_2_0(file, header)
        for chunk in _decode(paths, preparation, total):
            file.write(chunk.tobytes())


def _remove_others(path, paths, preparation):
    """Removes files decoded from earlier records of these names, and killed runs' partial files."""
    pattern = _path(map(glob.escape, paths), preparation, '*')
    files.remove_stale(pattern)
    for old in glob.glob(pattern):
        if old != path:
            with contextlib.suppress(OSError):  # another run may remove it first
                os.remove(old)


def _open(path, preparation, total):
    """The rows of a decoded file, or None if it is missing or incomplete."""
    try:
        rows = np.load(path, mmap_mode='r', allow_pickle=False)
    except arrays.DAMAGED:
        return None
    ends = getattr(rows, 'offset', 0) + rows.nbytes  # a damaged header may give a wrong offset
    whole = rows.shape == (total,) and rows.dtype == preparation.row
    return rows if whole and ends == os.path.getsize(path) else None


def _path(paths, preparation, fingerprint):
    stem = next(iter(paths)).removesuffix('.tfrecord')
    return f'{stem}.{preparation.name}-{fingerprint}.decoded.npy'


def _fingerprint(paths, preparation):
    made_from = [VERSION, preparation.name, preparation.stored, preparation.row.descr]
    for path in paths:
        status = os.stat(path)
        made_from.append([os.path.basename(path), status.st_size, status.st_mtime_ns])
    return hashlib.sha256(repr(made_from).encode()).hexdigest()[:16]


def _decode(paths, preparation, total):
    """Yields arrays of dtype `preparation.row`, in order, that hold `total` pictures in all."""
    decode, seen = decoder(preparation), 0
    at_once = max(1, DECODED_TOGETHER_BYTES // math.prod(preparation.stored))
    names = ', '.join(os.path.basename(path) for path in paths)
    with progress_bar.of_images(f'decoding {names}', total=total) as bar:
        for path in paths:
            number = 0
            for pictures in _parts(records.read(path), at_once):
                seen += len(pictures)
                if seen > total:
                    raise _changed(names)
                images = [image for image, _ in pictures]
                for i, (image, label) in enumerate(pictures):
                    _check(path, number + i, image, label, preparation)
                try:
                    x = decode(images)
                except tf.errors.InvalidArgumentError as error:
                    raise _undecodable(path, number, images, decode, preparation, error) from None
                rows = np.empty(len(pictures), preparation.row)
                rows['x'], rows['label'] = x, [label for _, label in pictures]
                yield rows
                number += len(pictures)
                bar.update(len(pictures))
    if seen != total:
        raise _changed(names)


def _changed(names):
    return UserError(f'{names} changed while being read; run the command again.')


def _parts(chunks, size):
    """Yields the lists of an iterable, split into parts of at most `size` items."""
    for chunk in chunks:
        for first in range(0, len(chunk), size):
            yield chunk[first : first + size]


@functools.cache
def decoder(preparation):
    """A function: list of PNG or JPEG bytes -> (n, *shape) NumPy array.

    It raises tf.errors.InvalidArgumentError for a picture that is damaged or not of
    `preparation.stored`.
    """

    @tf.autograph.experimental.do_not_convert
    def pixels(image):
        # Original: JPEG's fast, not quite exact inverse transform, TensorFlow's default.
        return tf.ensure_shape(
            tf.io.decode_image(image, expand_animations=False), preparation.stored
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def decode(images):
        return preparation.prepare(tf.map_fn(pixels, images, fn_output_signature=tf.uint8))

    def on_cpu(images):
        with tf.device('CPU'):
            return decode(tf.constant(images)).numpy()

    return on_cpu


def _check(path, number, image, label, preparation):
    """Checks a label and a picture's header, before anything of the picture's size is allocated."""
    if not 0 <= label < preparation.nclass:
        raise records.problem(
            path, number, f'has the label {label}; expected 0 to {preparation.nclass - 1}'
        )
    stored = size(image)
    if stored is None:
        raise records.problem(path, number, 'holds no PNG or JPEG picture')
    if stored != preparation.stored:
        raise records.problem(
            path,
            number,
            f'is a picture of {_by(stored)} (height x width x colors); {preparation.name} needs '
            f'{_by(preparation.stored)}',
        )


def _undecodable(path, number, images, decode, preparation, error):
    """The error that names the damaged picture; the given `error` if each can be decoded alone."""
    for i, image in enumerate(images):
        try:
            decode([image])
        except tf.errors.InvalidArgumentError:
            number += i
            break
    else:
        return error
    shape = _by(preparation.stored)
    return records.problem(path, number, f'holds a damaged picture, not one of {shape}')


def size(image):
    """(height, width, colors) in the header of PNG or JPEG bytes; None for any other bytes."""
    if image[:8] == b'\x89PNG\r\n\x1a\n' and image[12:16] == b'IHDR' and len(image) > 25:
        width, height = struct.unpack('>II', image[16:24])
        color_type = image[25]
        return height, width, {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}.get(color_type, 0)
    if image[:3] == b'\xff\xd8\xff':
        try:
            return tuple(tf.io.extract_jpeg_shape(image).numpy().tolist())
        except tf.errors.OpError:
            return None
    return None


def _by(shape):
    return 'x'.join(map(str, shape))
