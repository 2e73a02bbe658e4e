"""CIFAR-10's archives as its authors publish them, binary or for Python.

Nothing is unpacked to disk, and a member that should not be there is refused. The Python archive
holds pickles, which could run any code: only the opcodes and names that these files need are
allowed, and the names lead to stand-ins, so that a pickle can call no function of NumPy or Python.
"""
import io
import pickle
import pickletools
import tarfile
import zlib

import numpy as np

from lib.data.formats import NCLASS, Format, Pictures, unreadable, unusable
from lib.errors import UserError

SHAPE = (3, 32, 32)  # channels first
PICTURE_BYTES = 3 * 32 * 32
MAX_BATCH_BYTES = 2**26  # the authors' are half as large
BATCHES = {'train': [f'data_batch_{i}' for i in range(1, 6)], 'test': ['test_batch']}
# {archive: (folder in it, ending of a batch's name, what else it may hold)}
LAYOUTS = {
    'cifar-10-binary.tar.gz': ('cifar-10-batches-bin', '.bin', ('batches.meta.txt', 'readme.html')),
    'cifar-10-python.tar.gz': ('cifar-10-batches-py', '', ('batches.meta', 'readme.html')),
}
# The opcodes with which Python 2 (the authors') and 3 pickle a dictionary of lists and arrays. They
# allow no persistent IDs; `_Unpickler` looks up the names of classes in _STAND_INS alone.
OPCODES = frozenset(
    'PROTO FRAME EMPTY_DICT EMPTY_LIST EMPTY_TUPLE MARK BINPUT LONG_BINPUT MEMOIZE BINGET '
    'LONG_BINGET STRING SHORT_BINSTRING BINSTRING BINUNICODE SHORT_BINUNICODE SHORT_BINBYTES '
    'BINBYTES BININT BININT1 BININT2 NONE NEWTRUE NEWFALSE GLOBAL STACK_GLOBAL TUPLE TUPLE1 TUPLE2 '
    'TUPLE3 REDUCE BUILD APPEND APPENDS SETITEM SETITEMS STOP'.split()
)


class CifarTar(Format):
    """cifar-10-binary.tar.gz or cifar-10-python.tar.gz."""

    def wanted(self, split):
        return [tuple(LAYOUTS)]

    def read(self, paths, split):
        (path,) = paths
        folder, ending, others = next(
            layout for name, layout in LAYOUTS.items() if path.endswith(name)
        )
        allowed = {folder, *(f'{folder}/{name}' for name in others)}
        members = {
            f'{folder}/{batch}{ending}': batch for batches in BATCHES.values() for batch in batches
        }
        found = _members(path, allowed, members, BATCHES[split])
        read = _read_binary if ending else _read_pickle
        labels, images = [], []
        for batch in BATCHES[split]:
            if batch not in found:
                raise unusable(path, f'lacks {folder}/{batch}{ending}')
            part = read(found[batch])
            if part is None or part[0].max() >= NCLASS:
                raise unusable(path, f'has a damaged {batch}{ending}')
            labels.append(part[0])
            images.append(part[1])
        labels, images = np.concatenate(labels), np.concatenate(images)
        images = images.reshape(-1, *SHAPE)
        return Pictures(
            range(len(labels)), labels, lambda index: images[index].transpose(1, 2, 0)
        )


def _members(path, allowed, members, wanted):
    """{batch: bytes} of the wanted batches of an archive, all of whose members must be known."""
    found, seen = {}, set()
    try:
        with tarfile.open(path, 'r:gz') as archive:
            for member in archive:
                batch = members.get(member.name)
                known = member.isfile() if batch else member.name in allowed
                if not known or member.name in seen or not (member.isfile() or member.isdir()):
                    raise unusable(
                        path, f'holds {member.name!r:.80}, which is not part of CIFAR-10'
                    )
                if member.size > MAX_BATCH_BYTES:
                    raise unusable(path, f'has a {member.name} of {member.size:,} bytes')
                seen.add(member.name)
                if batch in wanted:
                    found[batch] = archive.extractfile(member).read()
    except UserError:
        raise
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError) as error:
        raise unreadable(path, error, 'is not a readable tar.gz') from error
    return found


def _read_binary(content):
    """(labels (n,), pictures (n, 3072)) of a binary batch; None if the content is not one."""
    if not content or len(content) % (1 + PICTURE_BYTES):
        return None
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + PICTURE_BYTES)
    return rows[:, 0], rows[:, 1:]


def _read_pickle(content):
    """(labels (n,), pictures (n, 3072)) of a pickled batch; None if the content is not one."""
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name not in OPCODES:
                return None
            if opcode.name == 'LONG_BINPUT' and argument > len(content):
                return None  # the unpickler would allocate a memo of that size
        batch = _Unpickler(io.BytesIO(content), encoding='bytes').load()
        # Python 2's text comes as bytes, Python 3's as text.
        labels, pixels = (batch.get(key) or batch[key.decode()] for key in (b'labels', b'data'))
        pixels = pixels.rows()
    except Exception:  # a damaged pickle makes Python raise errors of every kind
        return None
    whole = isinstance(labels, list) and all(type(label) is int for label in labels)
    if not whole or not labels or len(labels) != len(pixels):
        return None
    if not 0 <= min(labels) <= max(labels) < NCLASS:
        return None
    return np.array(labels, np.uint8), pixels


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        return _STAND_INS[module, name]


class _Array:
    """Stands for `numpy.core.multiarray._reconstruct`, which makes an empty array to be filled."""

    def __init__(self, *_):
        self.state = None

    def __setstate__(self, state):
        self.state = state

    def rows(self):
        """The pictures, (n, 3072) uint8.

        Raises:
            ValueError, TypeError: the pickled state is not of such an array.
        """
        _, (count, size), dtype, by_column, content = self.state
        if dtype.name not in (b'u1', 'u1') or by_column or size != PICTURE_BYTES:
            raise ValueError('no rows of pictures')
        if type(content) is not bytes or len(content) != count * size:
            raise ValueError('cut short')
        return np.frombuffer(content, np.uint8).reshape(count, size)


class _Dtype:
    """Stands for `numpy.dtype`."""

    def __init__(self, name, *_):
        self.name = name

    def __setstate__(self, _):
        pass


class _Class:
    """Stands for `numpy.ndarray`, which these pickles name as an argument but never call."""

    def __new__(cls, *_):
        raise TypeError('not to be called')


def _encode(text, encoding):
    """Stands for `_codecs.encode`, with which Python 3 pickles bytes for Python 2."""
    if encoding != 'latin1':
        raise ValueError('no bytes')
    return text.encode('latin1')


_STAND_INS = {
    ('numpy.core.multiarray', '_reconstruct'): _Array,
    ('numpy._core.multiarray', '_reconstruct'): _Array,
    ('_codecs', 'encode'): _encode,
    ('numpy', 'dtype'): _Dtype,
    ('numpy', 'ndarray'): _Class,
}
