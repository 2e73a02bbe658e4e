"""Locks that admit one process at a time to a folder, and tell the next one who is there.

filelock does the locking. This module adds who holds a lock, and what to do on a file system
without locks: there filelock would create a marker file, which a killed process leaves behind.
"""
import contextlib
import errno
import os
import re
import socket
import sys

import filelock
import psutil

POLL_SEC = 0.1
FOR_EVER = -1  # filelock's value
LEAVING = 'the stopping '  # before the name of a holder that is about to let go
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class HeldError(Exception):
    """Another process holds a lock; `holder` says which: 'process 123 on HOST'."""

    def __init__(self, holder):
        super().__init__(holder)
        self.holder = holder


def this_process():
    """This process, as lock files name it: 'process 123 on HOST'."""
    return f'process {os.getpid()} on {socket.gethostname()}'


def no_longer_works(process, path):
    """Whether a process of this machine, as `this_process` names it, has stopped its work.

    Args:
        process: its name.
        path: the lock file of the work, which must be free. Where that cannot be told, as on a
            file system without locks, the process must have ended.
    """
    if not is_here(process):
        return False
    try:
        return _is_free(path)  # False too where another process holds it by now
    except FileNotFoundError:
        return True
    except OSError:
        return has_ended(process)


def is_here(process):
    """Whether a process, as `this_process` names it, belongs to this machine."""
    return _pid_here(process) is not None


def has_ended(process):
    """Whether a process of this machine, as `this_process` names it, has ended.

    For a process that holds no lock. Where another process has reused its id, this returns False.
    """
    pid = _pid_here(process)
    return pid is not None and not psutil.pid_exists(pid)


def _pid_here(process):
    """The id of a process, as `this_process` names it; None for a process of another machine."""
    name = re.fullmatch(r'process (\d{1,9}) on (.*)', process)
    return int(name[1]) if name and name[2] == socket.gethostname() else None


@contextlib.contextmanager
def held(path, wait_sec=0):
    """Holds a lock file while the block runs, and writes into it who holds it.

    The operating system frees the lock when the process is gone, however it ended; so the lock file
    that a dead process left is taken over. On a network file system, machines see each other's
    locks if it shares them, as NFS 4 does.

    Args:
        path: the lock file, which is removed at the end.
        wait_sec: how long to wait for another process to let go, or FOR_EVER. A process that said
            by `leave` that it will is waited for as long as it takes.

    Raises:
        HeldError: another process held it all that time.
        OSError: the file cannot be written.
    """
    lock = filelock.FileLock(path, poll_interval=POLL_SEC, fallback_to_soft=False)
    try:
        _acquire(lock, path, wait_sec)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        print(
            f'The file system of {path} has no locks; make sure that no other process works there.',
            file=sys.stderr,
        )
    try:
        with open(path, 'w') as file:
            file.write(this_process())
        yield
    finally:
        with contextlib.suppress(OSError):
            os.remove(path)  # while it is held: whoever waits for it then finds another file
        lock.release()


def _acquire(lock, path, wait_sec):
    while not lock.is_locked:
        try:
            lock.acquire(timeout=wait_sec)
        except filelock.Timeout as error:
            name = _name_in(path)
            if not name.startswith(LEAVING):
                raise HeldError(name) from error
            wait_sec = max(wait_sec, POLL_SEC)


def leave(path):
    """Says in a lock file that this process, which holds it, is about to let go."""
    # A missing file is held by nobody. The new text is longer, so that nothing of the old is left.
    with contextlib.suppress(OSError), open(path, 'r+') as file:
        file.write(LEAVING + this_process())


def holder(path):
    """Who holds a lock file: 'process 123 on HOST'; None where nobody does, or it is not known."""
    try:
        return None if _is_free(path) else _name_in(path)
    except OSError:
        return None


def _is_free(path):
    """Whether nobody holds a lock file; raises OSError where that cannot be told."""
    # To lock a file, a network file system wants it open for writing; other users may only read it.
    mode = 'r+b' if os.access(path, os.W_OK) else 'rb'
    with open(path, mode) as file:
        return filelock.lock_descriptor(file.fileno(), blocking=False)


def _name_in(path):
    with contextlib.suppress(OSError), open(path, errors='replace') as file:
        if name := file.read(200).strip():
            return name
    return 'another process'  # it has not written its name yet
