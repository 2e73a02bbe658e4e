"""Runs at work on this machine: side by side, and nothing outlives what began them."""
import os
import signal
import sys
import time

import pytest
import tensorflow as tf

from cli.reproduction import local_executor, planning, processes, run_record, work
from lib import devices, locks
from tests import forked
from tests.stand_ins import jobs_of


def test_each_process_has_a_gpu_of_its_own_or_a_share_of_the_cores(monkeypatch):
    def own(at_a_time, name):
        return [each.get(name) for each in local_executor.environments(at_a_time)]

    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    monkeypatch.delenv('TF_NUM_INTRAOP_THREADS', raising=False)
    monkeypatch.setattr(devices, 'cores_of_each', lambda count: 12 // count)
    assert own(1, 'TF_NUM_INTRAOP_THREADS') == [None]
    for name in ('TF_NUM_INTRAOP_THREADS', 'LOKY_MAX_CPU_COUNT', 'OMP_NUM_THREADS'):
        assert own(3, name) == ['4', '4', '4']
    monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: ['a', 'b'])
    assert own(1, 'CUDA_VISIBLE_DEVICES') == ['0', '1']
    assert own(2, 'TF_NUM_INTRAOP_THREADS') == [None] * 4
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '5,3,-1')
    assert own(2, 'CUDA_VISIBLE_DEVICES') == ['5', '3', '5', '3']


def test_runs_are_spread_and_failures_do_not_stop_the_rest(fake, tmp_path):
    fake('vae')
    jobs = jobs_of(tmp_path / 'T', methods=['baseline', 'vae', 'aae'], seeds=2)
    places = [{**os.environ, 'PLACE': name} for name in ('a', 'b')]
    able, not_run = planning.ready(jobs)
    outcome = local_executor.run_jobs(able, places)
    failed = outcome.failed
    assert not_run == outcome.elsewhere == {} and outcome.signal is None
    assert failed == {f'RUN{k} VAE lines32/64': 'out of luck' for k in (1, 2)}
    log = [(tmp_path / 'T' / f'RUN{k}' / 'log').read_text().splitlines() for k in (1, 2)]
    starts = [line.split()[2] for lines in log for line in lines if line.startswith('start')]
    assert len(starts) == 6 and set(starts) == {'a', 'b'}
    assert [job.name for job in jobs if job.next_command()] == list(failed)


def test_the_exit_code_and_the_last_lines_say_what_became_of_a_table(
    fake, tmp_path, monkeypatch, capsys
):
    fake('vae')
    jobs = jobs_of(tmp_path / 'T', methods=['baseline', 'vae'])

    def table():
        code = local_executor.run_table(jobs, 1, str(tmp_path / 'T'), 1)
        out, err = capsys.readouterr()
        assert 'Table 1.' in out
        return code, err.splitlines()[-1]

    assert table() == (1, 'RUN1 VAE lines32/64 failed: out of luck')
    for outcome, expected in (
        ({'stopped': {'a': 'cancelled'}}, (1, 'a was stopped: cancelled')),
        ({'elsewhere': {'a': 'process 5 on h'}},
         (0, 'a is already running elsewhere (process 5 on h).')),
        ({'signal': 15}, (143, 'Stopped; run the same command again to continue.')),
    ):  # fmt: skip
        made = local_executor.Outcome(**outcome)
        monkeypatch.setattr(local_executor, 'run_jobs', lambda *_, made=made: made)
        assert table() == expected


def test_a_signal_leaves_what_was_not_begun(fake, tmp_path, monkeypatch):
    fake()
    begun, waiting = jobs_of(tmp_path / 'T', methods=['baseline', 'vae'])
    able, _ = planning.ready([begun, waiting])
    sleep = time.sleep

    def interrupted(seconds):
        sleep(seconds)
        if begun.files.read().state != run_record.WAITING:
            os.kill(os.getpid(), signal.SIGTERM)

    kept = []
    monkeypatch.setattr(local_executor.time, 'sleep', interrupted)
    monkeypatch.setattr(local_executor, 'RENEW_SEC', 0)
    monkeypatch.setattr(run_record.RunFiles, 'keep_waiting', lambda files: kept.append(files))
    outcome = local_executor.run_jobs(able, [dict(os.environ)])
    assert outcome.signal == signal.SIGTERM and waiting.files in kept and begun.files not in kept
    record = waiting.files.read()
    assert (record.state, record.reason) == (run_record.STOPPED, run_record.NOT_BEGUN)


def alive(pid):
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != 'linux', reason='needs prctl')
def test_a_killed_one_leaves_nothing_at_work(fake, tmp_path):
    fake()
    log = tmp_path / 'T' / 'RUN1' / 'log'
    code = (
        'import os; from cli.reproduction import local_executor, planning, work; '
        f'work.ROOT = {str(tmp_path)!r}; train_dir = {str(tmp_path / "T")!r}; '
        'jobs = planning.plan(1, train_dir, seeds=1, total_kimg=99, report_kimg=1, '
        "methods=['baseline', 'vae']); able, _ = planning.ready(jobs); "
        'print(local_executor.run_jobs(able, [dict(os.environ)]))'
    )
    _, second = jobs_of(tmp_path / 'T', methods=['baseline', 'vae'])
    with forked.Command('-c', code) as parent:
        forked.wait_until(lambda: log.exists() and 'start' in log.read_text(), parent)
        child = int(log.read_text().split()[1])
        assert alive(child) and second.files.look().state == run_record.WAITING
    assert second.files.look().state == run_record.STOPPED
    deadline = time.monotonic() + 10
    while alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # SIGTERM stops it in order, and its run with it.
    with forked.Command('-c', code) as parent:
        forked.wait_until(lambda: log.read_text().count('start') == 2, parent)
        parent.terminate()
        assert 'failed={}, stopped={}, elsewhere={}, signal=15' in parent.communicate()[0]
    _, again = [line.split() for line in log.read_text().splitlines()]
    assert not alive(int(again[1]))
    assert second.files.read().reason == run_record.NOT_BEGUN


def test_two_commands_share_a_folder(fake, tmp_path, monkeypatch):
    fake()
    monkeypatch.setattr(run_record, 'LOCK_WAIT_SEC', 0)
    jobs = jobs_of(tmp_path / 'T', methods=['baseline', 'vae'])
    able, _ = planning.ready(jobs)
    console = processes.Console({jobs[0].name: 0}, {jobs[0].name: jobs[0].images})
    other = work.Work(jobs[0], dict(os.environ), console)
    outcome = local_executor.run_jobs(able, [dict(os.environ)])
    assert outcome.elsewhere == {jobs[0].name: locks.this_process()} and not outcome.failed
    assert jobs[0].next_command() and not jobs[1].next_command()
    other.close(state='stopped')
    assert local_executor.run_jobs(able, [dict(os.environ)]).elsewhere == {}
    assert not jobs[0].next_command()
    file = tmp_path / 'file'
    file.write_text('')
    _, not_run = planning.ready(jobs_of(file))
    assert 'Cannot write to' in not_run['RUN1 Baseline lines32/64']
