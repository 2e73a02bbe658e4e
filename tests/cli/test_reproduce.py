"""reproduce.py: what it runs, skips and resumes, and that nothing outlives it."""
import json
import os
import subprocess
import sys
import time

import pytest

from cli import processes, reproduce
from lib.errors import UserError
from lib.paper import experiments
from tests import original

# Stands in for a training script: a checkpoint a quarter of a second, to the last.
FAKE = """
import glob, os, sys, time
flags = dict(arg[2:].split('=') for arg in sys.argv[1:])
folder = os.path.join(flags['train_dir'], flags['dataset'], NAME, 'tf')
os.makedirs(folder, exist_ok=True)
with open(os.path.join(flags['train_dir'], 'log'), 'a') as log:
    print('start', os.getpid(), os.environ.get('PLACE'), time.time(), file=log, flush=True)
    steps = [int(f.split('-')[-1][:-6]) for f in glob.glob(folder + '/*.index')]
    if FAIL:
        sys.exit('out of luck')
    for step in range(max(steps, default=0) + 1, 2 + int(flags['total_kimg']) * 16):
        time.sleep(0.02)
        print(f'  5%|# | {step * 64}/1.0M [0:00<?]\\rkimg={step}', flush=True)
        open(os.path.join(folder, f'model.ckpt-{step}.index'), 'w').close()
    print('end', time.time(), file=log)
"""


def jobs_of(train_dir, table=1, **options):
    options = {'seeds': 1, 'total_kimg': 1, 'report_kimg': 1, 'methods': ['baseline'], **options}
    return reproduce.plan(table, str(train_dir), **options)


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Puts stand-ins in the scripts' place; the argument says which of them fail."""

    def make(*failing):
        for experiment in experiments.of_table(1):
            script = experiments.METHODS[experiment.class_name].script
            name = os.path.basename(experiment.folder('').path)
            text = FAKE.replace('NAME', repr(name)).replace('FAIL', str(script in failing))
            (tmp_path / f'{script}.py').write_text(text)
        monkeypatch.setattr(reproduce, 'ROOT', str(tmp_path))

    return make


def test_plan_of_a_table(tmp_path):
    jobs = jobs_of(tmp_path, seeds=5, methods=[])
    assert len(jobs) == 35 and jobs[7].name == 'RUN2 Baseline lines32/64'
    assert jobs[7].next_command() == [
        'baseline.py', '--dataset=lines32', '--latent_width=2', '--depth=16', '--latent=16',
        '--seed=2', '--total_kimg=1', '--report_kimg=1', f'--train_dir={tmp_path}/RUN2',
    ]  # fmt: skip
    assert len(jobs_of(tmp_path, table=2, methods=['ACAI', 'vae'])) == 12
    with pytest.raises(UserError, match='--methods=gan is none of baseline, dropout'):
        jobs_of(tmp_path, methods=['gan'])


def trained(job, step, seed):
    job.folder.create()
    job.folder.write_args({'seed': seed})
    (index,) = [f'{job.folder.checkpoint(step)}.index']
    open(index, 'w').close()


def test_what_is_done_is_skipped(tmp_path):
    (job,) = jobs_of(tmp_path)
    trained(job, 16, seed=1)
    assert job.next_command() and job.images_seen == 1024
    trained(job, 17, seed=1)
    assert job.next_command() is None
    (longer,) = jobs_of(tmp_path, total_kimg=2)
    assert '--total_kimg=2' in longer.next_command()
    trained(job, 17, seed=7)
    with pytest.raises(UserError, match='was trained with --seed=7, but RUN1 is for --seed=1'):
        job.check()


def test_table_3_clusters_what_was_trained(tmp_path, monkeypatch):
    monkeypatch.setenv('AE_DATA', str(tmp_path))
    job = jobs_of(tmp_path, table=3)[0]
    with pytest.raises(UserError, match='create_datasets.py --datasets=mnist'):
        job.check()
    trained(job, 17, seed=1)
    folder = job.folder.path
    assert job.next_command() == ['cluster.py', '--n_init=1000', f'--ae_dir={folder}']
    record = {'n_init': 1000, 'step': 17}
    with open(os.path.join(folder, 'clustering.json'), 'w') as file:
        json.dump(record, file)
    assert job.next_command() is None
    trained(job, 33, seed=1)
    assert job.next_command()[0] == 'cluster.py'  # of an older checkpoint


def test_runs_are_spread_and_failures_do_not_stop_the_rest(fake, tmp_path):
    fake('vae')
    jobs = jobs_of(tmp_path / 'T', methods=['baseline', 'vae', 'aae'], seeds=2)
    places = [{**os.environ, 'PLACE': name} for name in ('a', 'b')]
    not_run, failed, stopped = reproduce.run(jobs, str(tmp_path / 'T'), places)
    assert not_run == {} and stopped is None
    assert failed == {f'RUN{k} VAE lines32/64': 'out of luck' for k in (1, 2)}
    log = [(tmp_path / 'T' / f'RUN{k}' / 'log').read_text().splitlines() for k in (1, 2)]
    starts = [line.split()[2] for lines in log for line in lines if line.startswith('start')]
    assert len(starts) == 6 and set(starts) == {'a', 'b'}
    assert [job.name for job in jobs if job.next_command()] == list(failed)


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
        'import os; from cli import reproduce; '
        f'reproduce.ROOT = {str(tmp_path)!r}; train_dir = {str(tmp_path / "T")!r}; '
        'jobs = reproduce.plan(1, train_dir, seeds=1, total_kimg=99, report_kimg=1, '
        "methods=['baseline']); print(reproduce.run(jobs, train_dir, [dict(os.environ)]))"
    )
    command = [sys.executable, '-c', code]
    with subprocess.Popen(command, cwd=original.REPOSITORY) as parent:
        deadline = time.monotonic() + 60
        while not log.exists() or 'start' not in log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        child = int(log.read_text().split()[1])
        assert alive(child)
        parent.kill()
    deadline = time.monotonic() + 10
    while alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # SIGTERM stops it in order, and its run with it.
    with subprocess.Popen(command, cwd=original.REPOSITORY, stdout=subprocess.PIPE) as parent:
        while log.read_text().count('start') < 2:
            time.sleep(0.05)
        parent.terminate()
        assert b'({}, {}, 15)' in parent.stdout.read()
    first, second = [line.split() for line in log.read_text().splitlines()]
    assert not alive(int(second[1]))


def test_two_at_a_time_are_refused(fake, tmp_path, monkeypatch):
    fake()
    monkeypatch.setattr(processes, 'LOCK_WAIT_SEC', 0)
    with processes.locked(str(tmp_path)):
        who = rf'Another reproduce.py \(process {os.getpid()} on .*\), or a run'
        with pytest.raises(UserError, match=who):
            reproduce.run(jobs_of(tmp_path), str(tmp_path), [{}])
    file = tmp_path / 'file'
    file.write_text('')
    with pytest.raises(UserError, match='Cannot write to'):
        reproduce.run(jobs_of(file), str(file), [{}])


def test_end_to_end_killed_and_started_again(tmp_path):
    flags = ['--methods=baseline', '--seeds=1', '--total_kimg=1', '--report_kimg=1']
    command = [sys.executable, str(original.REPOSITORY / 'reproduce.py'), *flags]
    unbroken = subprocess.Popen(
        [*command, f'--train_dir={tmp_path / "A"}'], stdout=subprocess.PIPE, text=True
    )
    command.append(f'--train_dir={tmp_path / "B"}')
    (job,) = jobs_of(tmp_path / 'B')
    with subprocess.Popen(command) as parent:
        while not job.images_seen:
            assert parent.poll() is None
            time.sleep(0.05)
        parent.kill()
    assert job.folder.checkpoint_steps() == [1] and job.next_command()
    again = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stderr
    assert 'at step 1.' in again.stderr and not job.next_command()
    table = again.stdout[again.stdout.index('Table 1.') :]
    assert table.count('1 x 1') == 2 and table.count('not run') == 12
    with unbroken:
        out = unbroken.stdout.read()
    assert out[out.index('Table 1.') :] == table
