"""Locks: one process at a time in a folder, and the next one is told who is there."""
import contextlib
import errno
import fcntl
import os
import socket
import sys
import time

POLL_SEC = 0.2
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class HeldError(Exception):
    """Another process holds a lock; `holder` says which: 'process 123 on HOST'."""

    def __init__(self, holder):
        super().__init__(holder)
        self.holder = holder


@contextlib.contextmanager
def held(path, wait_sec=0):
    """Holds a lock file while the block runs, and writes into it who holds it.

    The operating system frees the lock when the last process that has the file open is gone,
    however it ended; so what a dead process left is taken over. On a network file system, machines
    see each other's locks if it shares them, as NFS 4 does.

    Args:
        path: the lock file; it stays.
        wait_sec: how long to wait for another process to let go.

    Yields:
        The file descriptor, which child processes may inherit to hold the lock on.

    Raises:
        HeldError: another process held it all that time.
        OSError: the file cannot be written.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        give_up = time.monotonic() + wait_sec
        while not _take(lock, path):
            if time.monotonic() >= give_up:
                raise HeldError(_holder(lock))
            time.sleep(POLL_SEC)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f'process {os.getpid()} on {socket.gethostname()}'.encode(), 0)
        yield lock
    finally:
        os.close(lock)


def _take(lock, path):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        print(
            f'The file system of {path} has no locks; see to it that no other process works there.',
            file=sys.stderr,
        )
    return True


def _holder(lock):
    holder = os.pread(lock, 200, 0).decode(errors='replace').strip()
    return holder or 'another process'  # it has not written its name yet
