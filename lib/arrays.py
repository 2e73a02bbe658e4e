"""Arrays kept in a file, which may be damaged, with a key that tells whether they still hold.

Apart from `lib.files`, so that quick commands such as --status need not import NumPy.
"""
import tokenize
import zipfile
import zlib

import numpy as np

from lib import files

# What NumPy raises of damaged files: their headers are read as Python, and may ask for any memory.
DAMAGED = (
    *(OSError, ValueError, KeyError, EOFError, RuntimeError, MemoryError),
    *(SyntaxError, tokenize.TokenError, zlib.error, zipfile.BadZipFile),
)


def checksum(arrays):
    """Text that changes with the numbers of arrays."""
    total = 0
    for array in arrays:
        total = zlib.crc32(np.ascontiguousarray(array), total)
    return f'{total:08x}'


def write(path, key, arrays):
    """Writes {name: array} for `read` of the same key.

    Raises:
        OSError: the file cannot be written.
    """
    with files.written_whole(path) as partial, open(partial, 'wb') as file:
        np.savez(file, key=key, **arrays)


def read(path, key):
    """{name: array} that `write` wrote; {} where the file is not there, is damaged, or has another
    key, a text that changes with whatever the arrays depend on."""
    try:
        with np.load(path, allow_pickle=False) as content:
            if content['key'].item() == key:
                return {name: content[name] for name in content if name != 'key'}
    except DAMAGED:
        pass
    return {}
