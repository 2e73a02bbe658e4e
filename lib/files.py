"""Files that are complete or absent, the natural order of names, and JSON that may be damaged."""
import contextlib
import errno
import glob
import json
import os
import re
import secrets
import shutil
import time

from lib.errors import UserError

PARTIAL = '.partial-'  # between a file's name and a token, while it is written
_PATTERN = re.compile(r'[*?\[\\]')  # TensorFlow's readers expand these in a path
STALE_SECONDS = 3600  # a half-written file that nobody touched for so long was left by a killed run


@contextlib.contextmanager
def written_whole(path, unless=lambda: False):
    """Yields a temporary path to write to, which is renamed to `path` if the block succeeds.

    The file appears in one step; if the block fails, nothing of it is left. A half-written file of
    a killed process is removed by the next one that writes the same file, an hour later or more.

    Args:
        path: the file.
        unless: called when the block has ended; if it returns true, the file is not needed any
            more and does not appear.

    Raises:
        OSError: the file cannot be written (no permission, no room).
    """
    remove_stale(glob.escape(path))
    partial = f'{path}{PARTIAL}{unique_token()}'
    try:
        yield partial
        if not unless():
            sync(partial)
            os.replace(partial, path)
    finally:
        with contextlib.suppress(OSError):
            os.remove(partial)


def write_atomically(path, content):
    """Writes bytes so that `path` holds, at any moment, its old or its new content."""
    with written_whole(path) as partial, open(partial, 'wb') as file:
        file.write(content)


def write_file(path, content):
    """`write_atomically` for a path that the user gave; makes its folder where it is missing.

    Raises:
        UserError: it cannot be written.
    """
    try:
        os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
        write_atomically(path, content)
    except FileExistsError as error:
        raise UserError(
            f'Cannot write {path}: {error.filename} is a file; give a folder, or a new name.'
        ) from error
    except OSError as error:
        raise UserError(f'Cannot write {path} ({error.strerror}).') from error


@contextlib.contextmanager
def folder_written_whole(path):
    """Yields a hidden folder to fill, which replaces any folder at `path` if the block succeeds; if
    it fails, everything stays as it was.

    A kill between the two renames leaves the earlier folder as a hidden one beside `path`. A
    half-filled folder of a killed process is removed by the next one, an hour later or more.

    Raises:
        UserError: the folder cannot be written.
    """
    path = os.path.realpath(path)
    above, name = os.path.split(path)
    hidden = os.path.join(above, f'.{name}.{unique_token()}.tmp')  # hidden: not taken for a run
    for left in _stale(os.path.join(glob.escape(above), f'.{glob.escape(name)}.*.tmp')):
        shutil.rmtree(left, ignore_errors=True)
    try:
        os.makedirs(hidden)
        yield hidden
        _replace_folder(hidden, path)
    except OSError as error:
        raise UserError(f'Cannot write {path} ({error.strerror}).') from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _replace_folder(new, path):
    """Renames a folder to `path`; a folder that had this name before is removed last."""
    old = f'{new}.old'
    if os.path.exists(path):
        os.replace(path, old)
    try:
        os.replace(new, path)
    except BaseException:  # Ctrl-C too
        if os.path.exists(old):
            os.replace(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def sync(path):
    """Waits until what was written to a file is on the disk."""
    with open(path, 'rb') as file:
        os.fsync(file.fileno())


def unique_token():
    """A token for the name of a temporary file. Process ids alone would not be unique: they repeat
    in containers and on other machines that share the folder."""
    return f'{os.getpid()}-{secrets.token_hex(4)}'


def remove_stale(pattern):
    """Removes half-written files of killed processes, for paths that match a glob pattern."""
    for left in _stale(f'{pattern}{PARTIAL}*'):
        with contextlib.suppress(OSError):
            os.remove(left)


def _stale(pattern):
    """Yields paths that match a glob pattern and that nobody has touched for STALE_SECONDS."""
    for path in glob.glob(pattern):
        with contextlib.suppress(OSError):
            if time.time() - os.path.getmtime(path) > STALE_SECONDS:
                yield path


def what_to_do(error):
    """How to fix an OSError that writing raised, as an imperative ('make room')."""
    forbidden = (errno.EACCES, errno.EPERM, errno.EROFS)
    return 'make the folder writable' if error.errno in forbidden else 'make room'


def check_utf8(path, remedy):
    """Raises UserError, which ends in the remedy, for a path that TensorFlow cannot open."""
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f'{path} has a name that is not UTF-8, which TensorFlow cannot open; {remedy}.'
        ) from error


def check_checkpoint_path(path, remedy):
    """Raises UserError as `check_utf8` does, and for a path that TensorFlow's checkpoint readers
    take for a pattern."""
    check_utf8(path, remedy)
    if _PATTERN.search(path):
        raise UserError(
            f'{path} has one of * ? [ \\ in its path, which TensorFlow takes for a pattern; '
            f'{remedy}.'
        )


def walk(folder, seen=(), onerror=None):
    """`os.walk` that follows links and visits each folder once: a link back up would never end.

    Args:
        folder: where to begin.
        seen: real paths of folders to leave out.
        onerror: called with the OSError of a folder that cannot be listed; it is left out.
    """
    seen = set(seen)
    for directory, below, names in os.walk(folder, onerror=onerror, followlinks=True):
        if os.path.realpath(directory) in seen:
            below.clear()
            continue
        seen.add(os.path.realpath(directory))
        yield directory, below, names


def natural_key(name):
    """A sort key by which names sort as people count: RUN2 before RUN10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r'(\d+)', name)]


def to_json(value):
    """A value as the content of a JSON file: bytes that end in a newline."""
    return json.dumps(value, indent=2).encode() + b'\n'


def read_json(path):
    """What a JSON file holds.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not JSON, or nested too deeply to be any of ours.
    """
    with open(path, encoding='utf-8') as file:
        try:
            return json.load(file)
        except RecursionError as error:
            raise ValueError('nested too deeply') from error
