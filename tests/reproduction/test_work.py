"""A run at work: how it ends, whatever its process, its folder, its log or the console does."""
import os
import signal
import subprocess
import sys
import threading
import time
import types
from unittest import mock

import pytest

from cli.reproduction import processes, run_record, slurm_task, work
from lib import runs
from lib.errors import UserError

IN_ORDER = """
import signal, sys, time
def stop(*_): sys.exit({code!r})
signal.signal(signal.SIGTERM, stop)
print('up', flush=True)
time.sleep(60)
"""
KILLED = """
import os, signal
print('kimg=64  mean_distance=0.0471', flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
TALKS = """
for number in range(3000):
    print('line', number, 'x' * 60, flush=True)
"""


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A function of a script's text: the job that it is."""
    monkeypatch.setattr(work, 'ROOT', str(tmp_path))
    folder = runs.RunFolder(str(tmp_path / 'run'))

    def make(text):
        (tmp_path / 'script.py').write_text(text)
        return types.SimpleNamespace(
            name='a run', images=1000, images_seen=0, folder=folder,
            files=run_record.RunFiles(folder), next_command=lambda: ['script.py'],
        )  # fmt: skip

    return make


def at_work(job):
    console = processes.Console({job.name: 0}, {job.name: job.images})
    return work.Work(job, dict(os.environ), console)


def ended(at_work, stop_at=None):
    """The state in which it ends; it is asked to stop when the line `stop_at` has come."""
    deadline = time.monotonic() + 60
    while (state := at_work.advance()) is None:
        assert time.monotonic() < deadline
        if stop_at and at_work._process and at_work._process.last == stop_at:
            at_work.stop('stopped by a signal')
        time.sleep(0.02)
    return state


NO_ROOM = 'Cannot write the checkpoint (No space left on device)'


@pytest.mark.parametrize('code', [143, 129, NO_ROOM])
def test_one_that_is_stopped_but_cannot_save_has_failed(code, job):
    one = at_work(job(IN_ORDER.format(code=code)))
    state = ended(one, stop_at='up')
    if isinstance(code, int):
        assert (state, one.record.reason) == (run_record.STOPPED, 'stopped by a signal')
    else:
        assert (state, one.record.reason) == (run_record.FAILED, code)
    one.close()


def test_one_that_ends_well_without_its_work_done_has_failed(job):
    one = at_work(job('print("kimg=1")'))
    assert ended(one) == run_record.FAILED
    assert one.record.reason == 'it exited without finishing its work'
    one.close()


def test_one_that_is_killed_says_by_which_signal(job):
    one = at_work(job(KILLED))
    assert ended(one) == run_record.FAILED
    assert one.record.reason == f'killed by signal {int(signal.SIGKILL)}'
    one.close()


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='needs a full disk')
def test_a_log_that_takes_no_more_ends_nothing(job):
    killed = job(KILLED)
    os.makedirs(killed.folder.path)
    os.symlink('/dev/full', killed.files.path(run_record.LOG_NAME))
    one = at_work(killed)
    assert ended(one) == run_record.FAILED
    one.close()
    with killed.files.held(0):  # nobody works on it any more
        pass


def test_a_folder_that_cannot_be_read_fails_its_own_run(job):
    class Unreadable(types.SimpleNamespace):
        @property
        def images_seen(self):
            raise UserError('Cannot read tf (Stale file handle).')

    one = at_work(job(KILLED))
    told = {key: value for key, value in vars(one.job).items() if key != 'images_seen'}
    one.job = Unreadable(**told)
    assert ended(one) == run_record.FAILED and 'Stale file handle' in one.record.reason
    one.close()


def test_a_run_goes_on_where_nobody_reads_the_console(job, monkeypatch):
    class Closed:
        def write(self, text):
            raise BrokenPipeError

        flush = write
        isatty = staticmethod(lambda: False)

    died = []
    monkeypatch.setattr(threading, 'excepthook', died.append)
    talks = job(TALKS)
    one = at_work(talks)
    monkeypatch.setattr(sys, 'stderr', Closed())
    talks.next_command = iter([['script.py'], None, None]).__next__
    assert ended(one) == run_record.DONE and not died
    one.close()
    with open(talks.files.path(run_record.LOG_NAME)) as log:
        assert len(log.readlines()) == 3001  # the command, and what it printed


def test_the_command_lifts_a_cancellation_though_the_run_still_stops(job):
    one = at_work(job(KILLED))
    one.job.files.cancel()
    run_record.queue(one.job)
    assert not one.job.files.cancelled
    one.close()


@pytest.mark.parametrize('code', [143, 129, 'out of luck'])
def test_another_machine_that_stopped_in_order_does_not_end_the_first(code, job, capsys):
    """srun ends a task, whose first machine may still save, when another one ends with a code."""
    says = "print('decoding:  50%|# | 1.0k/2.0k [00:30<00:30]')\nprint('it waits')\n"
    task = slurm_task.Task(job(f'{says}import sys\nsys.exit({code!r})'))
    interrupt = types.SimpleNamespace(signal=None)
    if isinstance(code, int):
        task._follow(interrupt)
    else:
        with pytest.raises(SystemExit):
            task._follow(interrupt)
    assert 'it waits' in capsys.readouterr().out.splitlines()


def test_an_import_that_ctrl_c_breaks_ends_as_ctrl_c_does():
    code = (
        'import os, signal\n'
        'from cli import ctrl_c\n'
        'ctrl_c.answer()\n'
        'try:\n'
        '    os.kill(os.getpid(), signal.SIGINT)\n'
        'except KeyboardInterrupt as error:\n'
        "    raise ImportError('half of it') from error\n"
    )
    done = subprocess.run([sys.executable, '-c', code], cwd=work.ROOT, capture_output=True)
    assert done.returncode == 130 and done.stderr == b'Stopped.\n'


def test_the_rate_is_of_counts_that_are_exact(job, monkeypatch):
    """A bar of 12,349,000 images says 12.3M, and soon 12.4M."""
    monkeypatch.setattr(processes, 'Process', mock.Mock())
    one = at_work(job(''))
    one.job.images_seen = 12_349_000
    one._next()
    now = iter([100.0, 110.0, 500.0, 510.0, 10100.0])
    monkeypatch.setattr(work.time, 'monotonic', lambda: next(now))
    one._seen(12_300_000, is_exact=False)
    one._seen(12_400_000, is_exact=False)
    assert one.record.images_per_sec == 0
    one._seen(12_349_000 + 64_000, is_exact=True)
    assert one.record.images_per_sec == 160
    one._seen(12_500_000, is_exact=False)
    assert one.record.images_per_sec == 160
    one._seen(14_000_000, is_exact=False)  # which may be off by 3% of what is new
    assert one.record.images_per_sec == pytest.approx(165.1)
    one._next()  # k-means, say
    assert one.record.images_per_sec == 0
    monkeypatch.undo()
    one.close()


@pytest.mark.parametrize('line', ['see | ./a [b]', 'x | 1.2.3k/4 [b]'])
def test_what_only_resembles_a_bar_is_a_line(line, job):
    one = at_work(job(f'print({line!r}); raise SystemExit("over")'))
    assert ended(one) == run_record.FAILED and one.record.reason == 'over'
    one.close()
