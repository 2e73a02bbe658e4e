import errno
import fcntl
import os
import socket
import subprocess
import sys
import threading

import pytest

from lib import locks, runs
from lib.errors import UserError
from lib.runs import folder
from tests import tiny

HOLDER = """
import sys, time
from lib import locks
from lib.runs import folder
with locks.held(sys.argv[1]):
    print(flush=True)
    if sys.stdin.readline():
        locks.leave(sys.argv[1])
        print(flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process, which holds the lock of a run folder."""
    run = runs.RunFolder(str(tmp_path / 'run'))
    run.create()
    command = [sys.executable, '-c', HOLDER, os.path.join(run.path, runs.LOCK_NAME)]
    pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE}
    with subprocess.Popen(command, cwd=tiny.REPOSITORY, **pipes) as process:
        process.stdout.readline()
        yield run, process
        process.kill()


def test_a_second_process_is_told_who_trains(holder, monkeypatch):
    run, process = holder
    monkeypatch.setattr(folder, 'LOCK_WAIT_SEC', 0)
    who = f'process {process.pid} on {socket.gethostname()} is training in the run folder'
    with pytest.raises(UserError, match=who), run.locked():
        pass


def test_a_process_that_is_refused_leaves_the_folder_as_it_is(holder, monkeypatch):
    run, _ = holder  # which has written nothing yet
    monkeypatch.setattr(folder, 'LOCK_WAIT_SEC', 0)
    before = sorted(os.listdir(run.path))
    assert 'images' in before
    run.create()
    with pytest.raises(UserError), run.locked():
        pass
    assert sorted(os.listdir(run.path)) == before


def test_a_folder_that_stays_empty_is_removed_and_made_for_who_waits(tmp_path):
    run = runs.RunFolder(str(tmp_path / 'run'))
    run.create()
    os.rmdir(run.images)  # as whoever held it before does
    with run.locked():
        assert os.path.isdir(run.images)
    assert os.listdir(tmp_path) == []
    run.create()
    with run.locked():
        open(os.path.join(run.images, 'name.png'), 'w').close()
    assert os.path.exists(os.path.join(run.images, 'name.png'))


def test_a_folder_that_is_removed_is_made_for_who_waits(tmp_path):
    run = runs.RunFolder(str(tmp_path / 'run'))
    run.create()
    held, leave = threading.Event(), threading.Event()

    def hold():  # and leave it empty
        with run.locked():
            held.set()
            leave.wait(timeout=60)

    beside = threading.Thread(target=hold)
    beside.start()
    assert held.wait(timeout=60)
    threading.Timer(0.5, leave.set).start()
    with run.locked():
        assert os.path.isdir(run.images)
        open(os.path.join(run.images, 'name.png'), 'w').close()
    beside.join()
    assert os.listdir(run.images) == ['name.png']


def test_a_lock_of_another_user_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = runs.RunFolder('run')
    run.create()
    lock = os.path.join(tmp_path, 'run', runs.LOCK_NAME)  # as filelock has it

    def denied(*_):
        raise PermissionError(13, 'Permission denied', lock)

    monkeypatch.setattr(locks, 'held', denied)
    with pytest.raises(UserError, match="run/.lock is of another user's process .*: delete it"):
        with run.locked():
            pass


def test_one_that_is_stopping_is_waited_for(holder, monkeypatch, capsys):
    run, process = holder
    monkeypatch.setattr(folder, 'LOCK_WAIT_SEC', 0)
    process.stdin.write(b'leave\n')
    process.stdin.flush()
    process.stdout.readline()
    timer = threading.Timer(0.5, process.stdin.close)
    timer.start()
    with run.locked():
        assert process.stdin.closed
    who = f'the stopping process {process.pid} on {socket.gethostname()}'
    assert capsys.readouterr().err == f'Waiting for {who} to leave {run.path}...\n'
    run.leave()  # nobody holds it any more
    assert not os.path.exists(os.path.join(run.path, runs.LOCK_NAME))


def test_a_dead_process_holds_nothing(holder):
    run, process = holder
    path = os.path.join(run.path, runs.LOCK_NAME)
    name = f'process {process.pid} on {socket.gethostname()}'
    assert locks.holder(path) == name and not locks.no_longer_works(name, path)
    process.kill()
    process.wait()
    assert os.path.exists(path) and locks.holder(path) is None
    assert locks.no_longer_works(name, path)
    with run.locked():
        with open(path) as file:
            assert file.read() == f'process {os.getpid()} on {socket.gethostname()}'
    assert not os.path.exists(path)  # let go


def test_a_holder_is_seen_by_those_who_may_only_read(holder, monkeypatch):
    run, process = holder
    path, opened = os.path.join(run.path, runs.LOCK_NAME), []

    def read_only(path, mode):
        opened.append(mode)
        return open(path, mode)

    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    monkeypatch.setattr(locks, 'open', read_only, raising=False)
    monkeypatch.setattr(locks, '_name_in', lambda path: 'it')
    assert locks.holder(path) == 'it' and opened == ['rb']
    process.kill()
    process.wait()
    assert locks.holder(path) is None


def test_what_a_killed_process_left_is_removed_under_the_lock(tmp_path):
    run = runs.RunFolder(str(tmp_path))
    run.create()
    left = ['args.json.partial-9', 'images/name.png.partial-9', 'tf/.model.ckpt-8.9.tmp.index']
    left += ['tf/summaries/.rewritten.tmp', 'tf/model.ckpt-7.data-00000-of-00001']
    kept = ['args.json', 'latents.npz.partial-9', 'images/name.png', 'tf/model.ckpt-8.index']
    kept += [f'tf/model.ckpt-{step}.data-00000-of-00001' for step in (8, 9)]  # 9 may get an index
    for name in left + kept:
        (tmp_path / name).touch()
    with run.locked():
        assert not any((tmp_path / name).exists() for name in left)
        assert all((tmp_path / name).exists() for name in kept)


def test_without_locks_it_goes_on_and_says_so(tmp_path, monkeypatch, capsys):
    def flock(*_):
        raise OSError(errno.ENOSYS, 'Function not implemented')

    monkeypatch.setattr(fcntl, 'flock', flock)
    with locks.held(tmp_path / 'lock'):
        assert 'has no locks' in capsys.readouterr().err
        assert locks.holder(tmp_path / 'lock') is None
    assert os.listdir(tmp_path) == []


def test_a_lock_is_of_one_process_at_a_time(tmp_path):
    """Several at once, each of which takes it some times; removing the file lets no two in."""
    code = (
        'import os, sys; from lib import locks\n'
        'locks.POLL_SEC = 0.0005\n'
        'print("up", flush=True); sys.stdin.readline()\n'
        'for _ in range(200):\n'
        '  with locks.held(sys.argv[1] + "/lock", wait_sec=99):\n'
        '    os.mkdir(sys.argv[1] + "/inside"); os.rmdir(sys.argv[1] + "/inside")'
    )
    command = [sys.executable, '-c', code, str(tmp_path)]
    pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE}
    beside = [subprocess.Popen(command, cwd=tiny.REPOSITORY, **pipes) for _ in range(4)]
    for process in beside:
        assert process.stdout.readline() == b'up\n'
    for process in beside:  # which begin together
        process.stdin.close()
    assert [process.wait() for process in beside] == [0] * 4
    assert os.listdir(tmp_path) == []
