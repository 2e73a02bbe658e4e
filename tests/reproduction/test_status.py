"""What --status and --cancel say and do, from files alone."""
import os
import subprocess
import sys
import time

import pytest

from cli.reproduction import local_executor, planning, processes, run_record, status, work
from lib import locks
from lib.errors import UserError
from tests import original
from tests.stand_ins import jobs_of, trained


def test_status_waits_for_no_large_import(tmp_path):
    code = """
import runpy, sys
sys.argv = ['reproduce.py', '--status', f'--train_dir={sys.argv[1]}']
try:
    runpy.run_path('reproduce.py', run_name='__main__')
finally:
    print(*{'numpy', 'tensorflow'} & set(sys.modules))
"""
    command = [sys.executable, '-c', code, str(tmp_path)]
    done = subprocess.run(command, cwd=original.REPOSITORY, capture_output=True, text=True)
    assert 'No run of reproduce.py lies in' in done.stderr and done.stdout == '\n'


def test_watching_ends_with_the_last_run_or_by_ctrl_c(tmp_path, capsys, monkeypatch):
    (job,) = jobs_of(tmp_path)
    planning.ready([job])
    run_record.queue(job)

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(status.time, 'sleep', interrupted)
    assert status.show(str(tmp_path), watch=True) == 130
    monkeypatch.setattr(status.time, 'sleep', lambda _: run_record.leave(job))
    assert status.show(str(tmp_path), watch=True) == 0
    counts = [line for line in capsys.readouterr().out.splitlines() if 'running, ' in line]
    of_one = [count for line in counts for count in line.split(', ') if count[0] == '1']
    assert of_one == ['1 waiting', '1 waiting', '1 not begun']


def test_status_of_each_state(fake, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(work, 'LOOK_SEC', 0)  # its stand-in ends after seconds
    fake('vae')
    names = ['baseline', 'vae', 'aae', 'acai', 'dropout', 'denoising']
    jobs = jobs_of(tmp_path, methods=names, total_kimg=9)
    done, failed, running, stopped, waiting, killed = (
        next(job for job in jobs if job.experiment.command[0] == f'{name}.py') for name in names
    )
    trained(done, 145, seed=1)
    planning.ready(jobs)
    console = processes.Console({job.name: 0 for job in jobs}, {job.name: 9216 for job in jobs})
    with pytest.raises(UserError, match='No run of reproduce.py lies in'):
        status.show(str(tmp_path / 'elsewhere'))
    local_executor.run_jobs([done, failed], [dict(os.environ)])
    run_record.leave(waiting)
    assert ['not', 'begun', '0', '9'] in [
        line.split()[3:] for line in status.table(status.look(str(tmp_path))).splitlines()
    ]
    assert '0 stopped, 1 failed, 1 done, 1 not begun' in status.table(status.look(str(tmp_path)))
    run_record.queue(waiting)
    trained(stopped, 32, seed=1)
    work.Work(stopped, {}, console).close(state='stopped', reason='its time was up')
    work.Work(killed, {}, console).close()
    at_work = work.Work(running, dict(os.environ), console, slurm='12_3')
    while at_work.record.images_seen < 2048:
        assert at_work.advance() is None
        time.sleep(0.05)
    at_work.record.images_per_sec, at_work.record.images_seen = 512, 2048
    at_work.job.files.write(at_work.record)
    capsys.readouterr()
    assert status.show(str(tmp_path)) == 1
    lines = capsys.readouterr().out.splitlines()
    found = {line.split('  ')[0]: line.split()[3:] for line in lines[1:7]}
    assert found[done.name] == ['done', '9', '9']
    assert found[failed.name][:3] == ['failed', '0', '9']
    assert found[running.name][0] == 'running' and found[running.name][1] == '2'
    assert found[running.name][3:5] == ['512', '00:14']
    assert ' '.join(found[running.name][5:]) == f'{locks.this_process()}, Slurm task 12_3'
    assert found[stopped.name] == ['stopped', '2', '9', *'its time was up'.split()]
    assert found[waiting.name] == ['waiting', '0', '9']
    assert found[killed.name] == ['stopped', '0', '9', 'killed']
    assert lines[7] == '1 waiting, 1 running, 2 stopped, 1 failed, 1 done'
    assert lines[8:] == [f'{failed.name} failed: out of luck']

    assert status.cancel(str(tmp_path)) == 0
    assert capsys.readouterr().out.splitlines() == [
        f'{running.name} stops.', f'{waiting.name} is no longer queued.'
    ]  # fmt: skip
    while (state := at_work.advance()) is None:
        time.sleep(0.05)
    at_work.close()
    assert state == 'stopped' and at_work.record.reason == 'cancelled'
    outcome = local_executor.run_jobs([waiting], [dict(os.environ)])
    assert outcome.stopped == {waiting.name: 'cancelled'}
    planning.ready([waiting])
    assert local_executor.run_jobs([waiting], [dict(os.environ)]).failed == {}
    with open(waiting.files.path(run_record.LOG_NAME)) as log:
        assert 'kimg=145' in log.read()
