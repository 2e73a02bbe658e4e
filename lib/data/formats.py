"""Dataset files as their authors publish them: the base class of formats, MNIST's idx, SVHN's .mat.

A format finds the files of a split in a folder, compares them with the published checksums, and
reads them; the other formats are in `lib.data.cifar` and `lib.data.celeba`. The size that a file
claims for its content is checked against the file's own size before anything of that size is
allocated, and nothing is unpacked to disk.
"""
import dataclasses
import functools
import gzip
import hashlib
import math
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from lib.errors import UserError, first_line

NCLASS = 10  # of the datasets that have classes
ZLIB_RATIO = 1032  # deflate packs no better than this


class Pictures(NamedTuple):
    """The pictures of a split, in the order in which they are published.

    names: the pictures' keys in TensorFlow Datasets; their `str` is hashed.
    labels: (n,) integers, those of TensorFlow Datasets; None where there are none.
    read: index -> (H, W, C) uint8, or the JPEG bytes.
    """

    names: Sequence
    labels: np.ndarray | None
    read: Callable


@dataclasses.dataclass(frozen=True, eq=False)
class Format:
    """Files of one format.

    checksums: {file name: sha256 or md5 of the published file, in hexadecimal}.
    """

    checksums: dict

    def wanted(self, split):
        """The files that a split is read from: [(file name, an alternative name, ...)]."""
        raise NotImplementedError

    def find(self, folder, names):
        """The path of the first of `names` that exists in a folder, or None."""
        paths = (os.path.join(folder, name) for name in names)
        return next(filter(os.path.isfile, paths), None)

    def verify(self, path):
        """Raises UserError unless a file is the published one."""
        checksum = self.checksums[os.path.basename(path)]
        try:
            with open(path, 'rb') as file:
                digest = hashlib.file_digest(file, functools.partial(_new_hash, checksum))
        except OSError as error:
            raise unreadable(path, error) from error
        compare(path, digest, checksum)

    def read(self, paths, split):
        """The `Pictures` of a split.

        Args:
            paths: the path found for each tuple of `wanted`.
            split: its name in TensorFlow Datasets.

        Raises:
            UserError: a file is not of this format.
        """
        raise NotImplementedError


def unusable(path, why):
    """The error for a file that is not what its name says."""
    return UserError(f'{path} {why}; replace it with the file its authors publish.')


def unreadable(path, error, why='cannot be read'):
    """The error for a file that cannot be read: the system's, or `unusable` for bad content."""
    if getattr(error, 'errno', None):  # gzip's own errors have none
        return UserError(
            f'Cannot read {path} ({error.strerror}); make it readable, or copy it there again.'
        )
    return unusable(path, f'{why} ({first_line(error)})')


def compare(path, digest, checksum, cause='it may be cut short'):
    """Raises UserError, which names a likely cause, unless a digest is the published one."""
    if digest.hexdigest() != checksum:
        raise UserError(
            f'{path} is not the published file, whose {digest.name} is {checksum}: {cause}; put '
            'that file there, or give --no-checksums to use another of this format.'
        )


def fits(claimed, path):
    """Whether a compressed file is large enough to unpack to `claimed` bytes."""
    return claimed <= ZLIB_RATIO * os.path.getsize(path)


def _new_hash(checksum):
    return hashlib.new('md5' if len(checksum) == 32 else 'sha256')


class Idx(Format):
    """MNIST's four files, gzipped or not. Their checksums are those of the unpacked content."""

    def wanted(self, split):
        part = {'train': 'train', 'test': 't10k'}[split]
        names = f'{part}-images-idx3-ubyte', f'{part}-labels-idx1-ubyte'
        return [(f'{name}.gz', name) for name in names]

    def verify(self, path):
        name = os.path.basename(path).removesuffix('.gz')
        checksum = self.checksums[name]
        digest = _new_hash(checksum)
        header, content = _read_idx(path, 3 if 'images' in name else 1)
        digest.update(header)
        digest.update(content)
        cause = 'it may be cut short, or of another dataset, for Fashion-MNIST names its files as '
        cause += "MNIST does (in a folder of the dataset's name each is found)"
        compare(path, digest, checksum, cause)

    def read(self, paths, split):
        images_path, labels_path = paths
        header, content = _read_idx(images_path, 3)
        sizes = struct.unpack('>4x3I', header)
        if sizes[1:] != (28, 28):
            shown = 'x'.join(map(str, sizes[1:]))
            raise unusable(images_path, f'holds pictures of {shown}, not of 28x28')
        images = np.frombuffer(content, np.uint8).reshape(*sizes, 1)
        labels = np.frombuffer(_read_idx(labels_path, 1)[1], np.uint8)
        if len(labels) != len(images):
            raise unusable(
                labels_path,
                f'has {len(labels):,} labels for the {len(images):,} pictures of {images_path}',
            )
        if labels.max(initial=0) >= NCLASS:
            raise unusable(labels_path, f'has the label {labels.max()}, not only 0 to {NCLASS - 1}')
        return Pictures(range(len(images)), labels, images.__getitem__)


def _read_idx(path, ndim):
    """(header, content) of an idx file of unsigned bytes, both bytes."""
    kind = {1: 'labels', 3: 'pictures'}[ndim]
    packed = path.endswith('.gz')
    try:
        with (gzip.open if packed else open)(path, 'rb') as file:
            header = file.read(4 + 4 * ndim)
            if header[:4] != bytes([0, 0, 8, ndim]) or len(header) < 4 + 4 * ndim:
                raise unusable(path, f'is not an idx file of {kind}: it does not begin as one')
            claimed = math.prod(struct.unpack(f'>{ndim}I', header[4:]))
            possible = fits(claimed, path) if packed else claimed <= os.path.getsize(path)
            content = file.read(claimed + 1) if possible else b''
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from error
    if not claimed or len(content) != claimed:
        raise unusable(
            path, f'is cut short, or no idx file: it says that it holds {claimed:,} bytes of {kind}'
        )
    return header, content


class Mat(Format):
    """SVHN's cropped digits, a MATLAB file for each split."""

    def wanted(self, split):
        return [(f'{split}_32x32.mat',)]

    def read(self, paths, split):
        import scipy.io

        (path,) = paths
        try:
            with open(path, 'rb') as file:
                shapes = {name: shape for name, shape, _ in scipy.io.whosmat(file)}
                count = self._count(path, shapes)
                content = scipy.io.loadmat(file, variable_names=['X', 'y'])
            images, labels = content['X'], content['y'].reshape(-1)
        except (UserError, MemoryError):
            raise
        except Exception as error:  # SciPy's reader raises errors of every kind
            raise unreadable(path, error, 'is not a readable MATLAB file') from error
        whole = images.dtype == np.uint8 and labels.dtype.kind in 'iu'
        if images.shape[3:] != (count,) or not whole:
            raise unusable(path, 'holds no 8-bit pictures X with whole numbers y')
        if labels.min() < 1 or labels.max() > NCLASS:
            raise unusable(path, f'has labels y that are not 1 to {NCLASS}')
        # As in TensorFlow Datasets, digit 0, which SVHN labels 10, gets the label 0.
        return Pictures(range(count), labels % NCLASS, lambda index: images[..., index])

    def _count(self, path, shapes):
        """How many pictures a file claims to hold."""
        x, y = shapes.get('X', ()), shapes.get('y', ())
        if len(x) != 4 or x[:3] != (32, 32, 3) or x[3] < 1 or y != (x[3], 1):
            raise unusable(path, 'is not of SVHN: it lacks X of 32x32x3xN and y of Nx1')
        if not fits(math.prod(x), path):
            raise unusable(path, f'says that it holds {x[3]:,} pictures, but is too small for that')
        return x[3]
