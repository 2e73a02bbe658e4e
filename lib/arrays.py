"""Arrays stored in a file (which may be damaged), with a key that tells if they are still valid.

Separate from `lib.files`, so that quick commands such as --status need not import NumPy.
"""
import tokenize
import zipfile
import zlib

import numpy as np

from lib import files

# NumPy raises these for damaged files: it parses headers as Python, and they may claim any size.
DAMAGED = (
    *(OSError, ValueError, KeyError, EOFError, RuntimeError, MemoryError),
    *(SyntaxError, tokenize.TokenError, zlib.error, zipfile.BadZipFile),
)


def checksum(arrays):
    """The CRC-32 of the numbers in several arrays, as hexadecimal text."""
    total = 0
    for array in arrays:
        total = zlib.crc32(np.ascontiguousarray(array), total)
    return f'{total:08x}'


def write(path, key, arrays):
    """Writes {name: array} to a file, for `read` with the same key.

    Raises:
        OSError: the file cannot be written.
    """
    with files.written_whole(path) as partial, open(partial, 'wb') as file:
        np.savez(file, key=key, **arrays)


def read(path, key):
    """The {name: array} that `write` wrote; {} if the file is missing, damaged or has another key.

    The key is a text that changes with whatever the arrays depend on.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            if content['key'].item() == key:
                return {name: content[name] for name in content if name != 'key'}
    except DAMAGED:
        pass
    return {}
