"""What files tell of a run: who waits for it, works on it, cancels it."""
import dataclasses
import errno
import json
import os
import time
from unittest import mock

import filelock
import pytest

from cli.reproduction import planning, run_record, slurm, status, work
from lib import files, locks
from tests.stand_ins import jobs_of, trained


# Of a file system without locks; of one that one may only read over a network.
@pytest.mark.parametrize('number', [errno.ENOLCK, errno.EBADF])
def test_without_locks_a_living_process_is_at_work_on_its_run(number, tmp_path, monkeypatch):
    def no_locks(*_, **__):
        raise OSError(number, os.strerror(number))

    (job,) = jobs_of(tmp_path)
    planning.ready([job])
    host = locks.this_process().partition(' on ')[2]
    states = []
    for pid in (os.getpid(), 999_999_999):
        record = run_record.Record(job.name, job.images, run_record.RUNNING)
        job.files.write(dataclasses.replace(record, process=f'process {pid} on {host}'))
        with open(job.files.path(run_record.LOCK_NAME), 'w'):
            states.append(job.files.look().state)
        with monkeypatch.context() as patched:
            patched.setattr(filelock, 'lock_descriptor', no_locks)
            states.append(job.files.look().state)
    assert states == ['stopped', 'running', 'stopped', 'stopped']


def test_a_run_that_ends_while_one_looks_was_not_killed(tmp_path, monkeypatch):
    (job,) = jobs_of(tmp_path)
    planning.ready([job])
    record = run_record.Record(job.name, job.images, run_record.RUNNING)
    job.files.write(record)

    def ends(path):  # it records that, and lets go
        job.files.write(dataclasses.replace(record, state=run_record.DONE))

    monkeypatch.setattr(locks, 'holder', ends)
    assert job.files.look().state == run_record.DONE


@pytest.mark.parametrize(
    'damage', [{'name': 1}, {'images': '12'}, {'state': []}, {'images_per_sec': None}, {'more': 1}]
)
def test_a_damaged_record_is_none(damage, tmp_path):
    (job,) = jobs_of(tmp_path)
    planning.ready([job])
    assert job.files.read().images == job.images
    path = job.files.path(run_record.RECORD_NAME)
    record = files.read_json(path)
    for content in ('{', '[]', json.dumps(record | damage)):
        with open(path, 'w') as file:
            file.write(content)
        assert job.files.read() is None


def test_what_a_signal_kept_from_beginning_waits_no_longer(tmp_path):
    here, on_slurm = jobs_of(tmp_path, methods=['baseline', 'vae'])
    run_record.queue(here)
    run_record.queue(on_slurm, slurm='12_3')
    for job in (here, on_slurm):
        run_record.leave(job)
    left = here.files.read()
    assert (left.state, left.reason) == (run_record.STOPPED, run_record.NOT_BEGUN)
    assert on_slurm.files.read().state == run_record.WAITING


def test_what_a_killed_command_kept_from_beginning_waits_no_longer(tmp_path):
    (job,) = jobs_of(tmp_path)
    planning.ready([job])
    assert job.files.look().state == run_record.WAITING
    record = job.files.read()
    gone = record.process.replace(str(os.getpid()), '999999999')
    job.files.write(dataclasses.replace(record, process=gone))
    assert (job.files.look().state, job.files.look().reason) == (run_record.STOPPED, 'killed')
    # Slurm begins its tasks whatever became of the command that submitted them.
    job.files.write(dataclasses.replace(record, process=gone, slurm='12_3'))
    assert job.files.look().state == run_record.WAITING


def test_what_a_command_elsewhere_no_longer_waits_for_is_taken_over(tmp_path, monkeypatch):
    (job,) = jobs_of(tmp_path)
    planning.ready([job])
    own, path = job.files.read(), job.files.path(run_record.RECORD_NAME)
    elsewhere = dataclasses.replace(own, process='process 5 on another-machine')
    job.files.write(elsewhere)
    planning.ready([job])
    assert (job.files.look().state, job.files.read()) == (run_record.WAITING, elsewhere)
    long_ago = time.time() - 2 * run_record.DEAD_SEC
    job.files.write(elsewhere)
    os.utime(path, (long_ago, long_ago))
    assert job.files.look().state == run_record.STOPPED
    for record in (elsewhere, own):
        job.files.write(record)
        os.utime(path, (long_ago, long_ago))
        job.files.keep_waiting()
        assert job.files.read() == own and os.path.getmtime(path) > long_ago + 1
    others = dataclasses.replace(own, state=run_record.RUNNING, process=elsewhere.process)
    job.files.write(others)
    os.utime(path, (long_ago, long_ago))
    job.files.keep_waiting()  # of what waits only
    assert job.files.read() == others and os.path.getmtime(path) < long_ago + 1
    job.files.write(elsewhere)
    os.utime(path, (long_ago, long_ago))
    planning.ready([job])
    assert job.files.read() == own
    # Nor is what a task of Slurm that is gone left.
    job.files.write(dataclasses.replace(elsewhere, slurm='12_3'))
    monkeypatch.setattr(slurm, 'known_queue', dict)
    planning.ready([job])
    assert job.files.read() == own


def test_a_task_that_slurm_has_queued_is_known_while_another_command_works(tmp_path):
    (job,) = jobs_of(tmp_path)
    run_record.queue(job, slurm='12_3')
    job.files.write(dataclasses.replace(job.files.read(), fruitless=2))
    run_record.queue(job, queued={'12_3': 'PENDING'})
    assert (job.files.read().slurm, job.files.read().fruitless) == ('12_3', 2)
    at_work = work.Work(job, {}, mock.Mock())
    at_work.close(state=run_record.STOPPED)
    assert job.files.read().slurm == '12_3'
    job.files.write(dataclasses.replace(job.files.read(), state=run_record.FAILED))
    run_record.queue(job, queued={'12_3': 'PENDING'})
    assert job.files.read().slurm == '12_3'
    run_record.queue(job, queued={'12_4': 'PENDING'})
    assert (job.files.read().slurm, job.files.read().process) == ('', locks.this_process())


def test_who_queues_a_run_too_does_not_take_it_along(tmp_path):
    (job,) = jobs_of(tmp_path)
    planning.ready([job])
    host = locks.this_process().partition(' on ')[2]
    first = f'process {os.getppid()} on {host}'
    job.files.write(dataclasses.replace(job.files.read(), process=first))
    planning.ready([job])
    run_record.leave(job)
    assert (job.files.look().state, job.files.look().process) == (run_record.WAITING, first)


@pytest.mark.parametrize('slurm', ['', '12_3'])
@pytest.mark.parametrize('kimg', [1, 3])
def test_who_needs_less_or_more_leaves_a_waiting_run_to_whom_it_waits_for(slurm, kimg, tmp_path):
    """Or --cancel would not end it, and Slurm would get it twice."""
    (job,), (other,) = jobs_of(tmp_path, total_kimg=2), jobs_of(tmp_path, total_kimg=kimg)
    run_record.queue(job, slurm)
    record = job.files.read()
    if not slurm:
        host = locks.this_process().partition(' on ')[2]
        record = dataclasses.replace(record, process=f'process {os.getppid()} on {host}')
        job.files.write(record)
    trained(other, 17, seed=1)
    run_record.queue(other)
    assert bool(other.next_command()) == (kimg == 3)
    assert other.files.read() == dataclasses.replace(record, images_seen=17 * 64)


def test_what_is_done_waits_for_no_task_that_has_stopped(tmp_path):
    """Of which Slurm, where it does not answer, may tell nothing any more."""
    (job,) = jobs_of(tmp_path)
    run_record.queue(job, slurm='12_3')
    job.files.write(dataclasses.replace(job.files.read(), state=run_record.STOPPED))
    trained(job, 17, seed=1)
    for queued in (None, {'12_3': 'COMPLETING'}):
        run_record.queue(job, queued=queued)
        assert job.files.look().state == run_record.DONE


def test_a_run_at_work_is_not_waited_for_when_it_is_queued_again(tmp_path, monkeypatch):
    (job,) = jobs_of(tmp_path)
    waits, held = [], run_record.RunFiles.held

    def holding(files_of_run, wait_sec=None):
        waits.append(wait_sec)
        return held(files_of_run)

    monkeypatch.setattr(run_record.RunFiles, 'held', holding)
    run_record.queue(job)
    job.files.write(dataclasses.replace(job.files.read(), state=run_record.RUNNING))
    run_record.queue(job)
    job.files.write(dataclasses.replace(job.files.read(), state=run_record.RUNNING))
    open(job.files.path(run_record.CANCEL_NAME), 'w').close()  # it is about to stop
    run_record.queue(job)
    assert waits == [None, 0, None]


def test_a_cancelled_task_of_slurm_is_forgotten(tmp_path):
    (job,) = jobs_of(tmp_path)
    run_record.queue(job, slurm='12_3')
    run_record.queue(job)
    assert job.files.read().slurm == '12_3'
    job.files.cancel()
    run_record.queue(job)
    assert (job.files.read().slurm, job.files.look().state) == ('', run_record.WAITING)


def test_an_ended_task_of_slurm_is_forgotten(tmp_path):
    """Or its run would wait for it for ever."""
    (job,) = jobs_of(tmp_path)
    for state, told in (
        (run_record.FAILED, ''),
        (run_record.DONE, ''),
        (run_record.STOPPED, '12_3'),  # Slurm may begin it again
    ):
        run_record.queue(job, slurm='12_3')
        job.files.write(dataclasses.replace(job.files.read(), state=state))
        run_record.queue(job)
        assert job.files.read().slurm == told, state
    for queued, state in (
        (None, run_record.WAITING),
        ({'12_3': 'PENDING'}, run_record.WAITING),
        ({'12_4': 'PENDING'}, run_record.STOPPED),
    ):
        run_record.leave(job, queued)
        assert job.files.read().state == state


def test_what_slurm_would_begin_again_is_cancelled(tmp_path, monkeypatch, capsys):
    again, ended, failed = jobs_of(tmp_path, seeds=3)
    for job, task, state in (
        (again, '12_3', run_record.STOPPED),
        (ended, '12_4', run_record.STOPPED),
        (failed, '12_5', run_record.FAILED),  # its task is about to end
    ):
        run_record.queue(job, slurm=task)
        stopped = dataclasses.replace(job.files.read(), state=state)
        job.files.write(dataclasses.replace(stopped, reason='stopped by a signal'))
    cancelled, tasks = [], {'12_3': 'PENDING', '12_5': 'COMPLETING'}
    monkeypatch.setattr(status.slurm, 'known_queue', lambda: tasks)
    monkeypatch.setattr(status.slurm, 'cancel', cancelled.extend)
    assert status.cancel(str(tmp_path)) == 0
    assert capsys.readouterr().out == f'{again.name} is no longer queued.\n'
    assert cancelled == ['12_3'] and again.files.cancelled
    # A command that waits too may have them before it.
    assert ended.files.cancelled and failed.files.cancelled
    assert failed.files.look().state == run_record.FAILED


def test_a_folder_that_cannot_be_written_keeps_no_other_run_from_its_end(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(status.slurm, 'known_queue', lambda: None)
    first, second = jobs_of(tmp_path, seeds=2)
    planning.ready([first, second])
    os.mkdir(first.files.path(run_record.CANCEL_NAME))  # in the way, for root too
    assert status.cancel(str(tmp_path)) == 1
    said = capsys.readouterr()
    assert said.out == f'{second.name} is no longer queued.\n'
    assert said.err.startswith(f'{first.name} goes on: Cannot write to ')
    assert second.files.look().state == run_record.STOPPED


def test_a_run_that_a_script_trains_is_not_said_to_stop(tmp_path, capsys):
    (job,) = jobs_of(tmp_path)
    planning.ready([job])
    job.folder.create()
    with job.folder.locked():
        status.cancel(str(tmp_path))
        assert job.files.look().state == run_record.RUNNING
    said = f'keeps running: {locks.this_process()} is training it and was not started by '
    assert said + 'reproduce.py; stop that process.' in capsys.readouterr().out
    assert job.files.look().state == run_record.STOPPED  # none begins it after that


def test_a_damaged_record_is_told_of(tmp_path, capsys):
    (job,) = jobs_of(tmp_path)
    planning.ready([job])
    path = job.files.path(run_record.RECORD_NAME)
    with open(path, 'w') as file:
        file.write('{')
    assert status.look(str(tmp_path)) == []
    assert capsys.readouterr().err.startswith(f'{path} is damaged; ')


def test_how_far_a_run_is_that_a_script_trains_its_checkpoints_tell(tmp_path):
    (job,) = jobs_of(tmp_path)
    planning.ready([job])
    record = job.files.read()
    record.images_per_sec, record.process = 500.0, locks.this_process()
    told = dataclasses.replace(record, state=run_record.FAILED, reason='out of luck')
    job.files.write(told)
    assert job.files.look() == told
    job.folder.create()
    with job.folder.locked():
        for step in (5, 9999):
            open(f'{job.folder.checkpoint(step)}.index', 'w').close()
            found = job.files.look()
            assert (found.state, found.images_per_sec) == (run_record.RUNNING, 0)
            assert found.images_seen == min(step * 64, job.images)
    found = job.files.look()
    assert (found.state, found.images_seen) == (run_record.STOPPED, job.images)
    assert found.reason == 'trained on by its own script'
