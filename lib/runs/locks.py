"""Locks: one process at a time in a folder, and the next one is told who is there."""
import contextlib
import errno
import fcntl
import os
import socket
import sys
import time

POLL_SEC = 0.1
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class HeldError(Exception):
    """Another process holds a lock; `holder` says which: 'process 123 on HOST'."""

    def __init__(self, holder):
        super().__init__(holder)
        self.holder = holder


@contextlib.contextmanager
def held(path, wait_sec=0, inherited=False):
    """Holds a lock file while the block runs, and writes into it who holds it.

    The operating system frees the lock when the last process that has the file open is gone,
    however it ended; so what a dead process left is taken over. On a network file system, machines
    see each other's locks if it shares them, as NFS 4 does.

    Args:
        path: the lock file.
        wait_sec: how long to wait for another process to let go.
        inherited: whether child processes hold the lock on, as long as they have the file open.
            Then the file stays; else it is removed at the end.

    Yields:
        The file descriptor.

    Raises:
        HeldError: another process held it all that time.
        OSError: the file cannot be written.
    """
    give_up = time.monotonic() + wait_sec
    while (lock := _take(path)) is None:
        if time.monotonic() >= give_up:
            raise HeldError(_holder(path))
        time.sleep(POLL_SEC)
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f'process {os.getpid()} on {socket.gethostname()}'.encode(), 0)
        yield lock
    finally:
        if not inherited:
            with contextlib.suppress(OSError):
                os.remove(path)
        os.close(lock)


def _take(path):
    """The file descriptor of the lock, or None if another process holds it."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), os.stat(path)):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass  # held; or, as when it is another file now, its holder just removed it
    except OSError as error:
        if error.errno in UNSUPPORTED:
            print(
                f'The file system of {path} has no locks; see to it that no other process works '
                'there.',
                file=sys.stderr,
            )
            return lock
        os.close(lock)
        raise
    os.close(lock)
    return None


def _holder(path):
    with contextlib.suppress(OSError), open(path, errors='replace') as file:
        if holder := file.read(200).strip():
            return holder
    return 'another process'  # it has not written its name yet
