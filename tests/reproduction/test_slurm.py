"""reproduce.py on Slurm: a real one of one node, whose tasks run stand-ins for training scripts."""
import dataclasses
import functools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import types
from unittest import mock

import pytest
from absl import flags

from cli import machines
from cli.reproduction import run_record, slurm, slurm_executor, slurm_task, work
from lib.errors import UserError
from tests import one_node_slurm, stand_ins, tiny

WAIT_SEC = 120
needs_slurm = pytest.mark.skipif(
    bool(one_node_slurm.missing()), reason=one_node_slurm.missing() or ''
)


def test_options():
    options = slurm_executor.parse_options(['partition=gpu', '--gpus-per-node=1', 'exclusive'])
    options |= slurm_executor.parse_options(['time=1-12', 'nodes=2', 'mem=16G'])
    # A value with commas, as docs/CLUSTER.md has it for a shell.
    words = flags.ListParser().parse('partition=gpu,"nodelist=n1,n2"')
    assert slurm_executor.parse_options(words)['nodelist'] == 'n1,n2'
    assert options == {
        'time': '1-12', 'job_name': 'acai', 'partition': 'gpu', 'gpus_per_node': '1',
        'exclusive': True, 'nodes': 2, 'mem': '16G',
    }  # fmt: skip
    with pytest.raises(UserError, match='--slurm=nodes=many is not a number'):
        slurm_executor.parse_options(['nodes=many'])
    with pytest.raises(UserError, match='names no option'):
        slurm_executor.parse_options(['=gpu'])


@pytest.fixture
def own_process():
    """What a task changes of its process is put back."""
    handler = signal.getsignal(slurm_task.OUT_OF_TIME)
    with mock.patch.dict(os.environ):
        yield
    signal.signal(slurm_task.OUT_OF_TIME, handler)


def test_a_task_that_gets_nowhere_is_not_begun_for_ever(own_process, tmp_path, monkeypatch):
    (job,) = stand_ins.jobs_of(tmp_path / 'T')
    (tmp_path / 'baseline.py').write_text('import time\ntime.sleep(60)\n')
    asked, program = tmp_path / 'asked', tmp_path / 'scontrol'
    program.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    program.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv('SLURM_JOB_ID', '7')
    monkeypatch.setattr(work, 'ROOT', str(tmp_path))
    run_record.queue(job, slurm='7')

    def out_of_time():
        task = slurm_task.Task(job)
        task.out_of_time = True
        task()

    for times in (1, 2):
        out_of_time()
        record = job.files.read()
        assert (record.state, record.fruitless) == (run_record.WAITING, times)
    with pytest.raises(UserError, match='ran out of time 3 times without progress'):
        out_of_time()
    assert job.files.read().state == run_record.FAILED
    assert asked.read_text().splitlines() == ['requeue 7'] * 2


def test_without_slurm(monkeypatch):
    monkeypatch.setenv('PATH', '')
    with pytest.raises(UserError, match='There is no sbatch here'):
        slurm.queue()
    slurm.cancel(['1'])
    with pytest.raises(UserError, match='Cannot run scontrol'):
        slurm.requeue('1')


def test_a_slurm_that_does_not_answer_is_said_once_and_takes_nothing(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv('PATH', str(tmp_path))
    assert slurm.known_queue() is None  # there is none, which is no news
    assert capsys.readouterr().err == ''
    for name, does in (('sbatch', 'exit 0'), ('squeue', 'echo squeue: down >&2; exit 1')):
        (tmp_path / name).write_text(f'#!/bin/sh\n{does}\n')
        (tmp_path / name).chmod(0o755)
    assert slurm.known_queue() is None
    assert capsys.readouterr().err == 'Slurm does not answer: squeue: down\n'
    (tmp_path / 'squeue').write_text(
        f'#!/bin/sh\necho 12_3 PENDING {os.getuid()}\necho 12_4 RUNNING {os.getuid() + 1}\n'
    )
    assert slurm.known_queue() == {'12_3': 'PENDING'}


def test_a_task_that_is_about_to_end_is_awaited(tmp_path, monkeypatch):
    (job,) = stand_ins.jobs_of(tmp_path)
    run_record.queue(job, slurm='12_3')
    for last in ({}, {'12_3': 'PENDING'}):
        told = [{'12_3': 'COMPLETING', '12_4': 'COMPLETING'}] * 2 + [{'12_4': 'COMPLETING'} | last]
        monkeypatch.setattr(slurm, 'queue', functools.partial(told.pop, 0))
        monkeypatch.setattr(time, 'sleep', lambda seconds: None)
        assert slurm_executor._settled_queue([job]) == {'12_4': 'COMPLETING'} | last and not told


@pytest.mark.parametrize('state', [run_record.STOPPED, run_record.RUNNING])
def test_a_task_that_was_submitted_is_recorded_whatever_the_one_before_left(
    state, tmp_path, monkeypatch
):
    """Or the same command would submit it again."""
    (job,) = stand_ins.jobs_of(tmp_path)
    run_record.queue(job, slurm='12_3')
    job.files.write(dataclasses.replace(job.files.read(), state=state))
    task = types.SimpleNamespace(job_id='13_0')
    executor = mock.MagicMock(**{'submit.return_value': task})
    monkeypatch.setattr(slurm_executor, '_executor', lambda *_: executor)
    monkeypatch.setattr(slurm, 'queue', lambda: {'13_0': 'PENDING'})
    seconds = []
    monkeypatch.setattr(time, 'sleep', seconds.append)
    assert slurm_executor.submit([job], str(tmp_path), {}, queued={}) == 1
    record = job.files.read()
    assert (record.state, record.slurm) == (run_record.WAITING, '13_0')
    assert len(seconds) > slurm_executor.PENDING_SEC  # it has not begun
    assert slurm_executor.submit([job], str(tmp_path), {}, queued={'13_0': 'PENDING'}) == 0


def test_a_task_that_is_not_requeued_says_so(own_process, tmp_path, monkeypatch):
    (job,) = stand_ins.jobs_of(tmp_path)
    program = tmp_path / 'scontrol'
    program.write_text('#!/bin/sh\necho slurm_load_jobs error: down >&2; exit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv('SLURM_JOB_ID', '7')
    stand_ins.write(tmp_path)
    monkeypatch.setattr(work, 'ROOT', str(tmp_path))
    task = slurm_task.Task(job)
    task.out_of_time = True
    with pytest.raises(UserError, match='Slurm does not requeue 7: slurm_load_jobs error: down'):
        task()
    record = job.files.read()
    assert record.state == run_record.STOPPED
    assert record.reason == 'its time was up. Slurm does not requeue 7: slurm_load_jobs error: down'


def test_machines_of_a_task(monkeypatch):
    """Slurm ranks n2 before n10, as TensorFlow must: the first is who reports and saves."""
    step = {
        'SLURM_JOB_ID': '7',
        'SLURM_STEP_NUM_TASKS': '3',
        'SLURM_STEP_NODELIST': 'n[2,10]',
        'SLURM_STEP_TASKS_PER_NODE': '1,2',
    }
    found = []
    for rank, (node, local) in enumerate([('n2', '0'), ('n10', '0'), ('n10', '1')]):
        own = {'SLURM_PROCID': str(rank), 'SLURMD_NODENAME': node, 'SLURM_LOCALID': local}
        for name, value in (step | own).items():
            monkeypatch.setenv(name, value)
        config = machines.tf_config(os.environ)
        found.append(config['task'].pop('index'))
        assert config == {
            'cluster': {'worker': ['n2:20070', 'n10:20070', 'n10:20071']},
            'task': {'type': 'worker'},
        }
    assert found == [0, 1, 2]
    monkeypatch.setenv('SLURM_STEP_ID', '1')  # beside step 0, and step 0 of the next job
    first = machines.tf_config(os.environ)['cluster']['worker'][0]
    assert first == 'n2:23380'
    assert machines.tf_config({'SLURM_STEP_NUM_TASKS': '1'}) is None
    assert machines.tf_config(step | {'TF_CONFIG': '{}'}) is None


def test_processes_of_a_node_share_its_gpus_out():
    config = {'cluster': {'worker': ['n2:1', 'n10:1', 'n10:2']}}

    def own(host, local, gpus, **others):
        place = {'SLURMD_NODENAME': host, 'SLURM_LOCALID': local, 'CUDA_VISIBLE_DEVICES': gpus}
        return machines.own_gpus(place | others, config)

    assert [own('n10', local, '0,1,2,3') for local in '01'] == ['0,1', '2,3']
    assert [own('n10', local, '4,5,6') for local in '01'] == ['4', '5']
    assert own('n2', '0', '0,1') is None  # alone there
    assert own('n10', '1', '0') is None  # Slurm shows it one already
    for bound in ({'SLURM_GPUS_PER_TASK': '2'}, {'SLURM_GPU_BIND': 'closest'}):
        assert own('n10', '1', '0,1', **bound) is None
        for none in 'none', 'verbose,none':
            assert own('n10', '1', '0,1', **bound | {'SLURM_GPU_BIND': none}) == '1'
    assert own('n10', '1', '2,3', SLURM_GPUS_ON_NODE='4') is None
    assert machines.own_gpus({'SLURMD_NODENAME': 'n10', 'SLURM_LOCALID': '0'}, config) is None


class Place:
    """A copy of the repository whose training scripts are stand-ins, and a train_dir."""

    def __init__(self, path, environment, failing=()):
        self.path, self.environment = pathlib.Path(path), environment
        for name in ('cli', 'lib', 'acai_tf'):
            (self.path / name).symlink_to(tiny.REPOSITORY / name)
        shutil.copy(tiny.REPOSITORY / 'reproduce.py', self.path)
        stand_ins.write(path, failing)

    def reproduce(self, *flags, train_dir='T'):
        done = subprocess.run(
            [sys.executable, self.path / 'reproduce.py', *flags, f'--train_dir={train_dir}'],
            env=self.environment,
            cwd=self.path,
            capture_output=True,
            text=True,
            timeout=WAIT_SEC,
        )
        assert 'Traceback' not in done.stderr, done.stderr
        return done

    def slurm(self, *command):
        subprocess.run(command, env=self.environment, check=True, capture_output=True)

    def records(self):
        """{script: its record}."""
        found = {}
        for path in self.path.glob('T/RUN1/*/*/reproduce.json'):
            record = json.loads(path.read_text())
            found[record['name'].split()[1]] = record
        return found

    def wait(self, condition):
        deadline = time.monotonic() + WAIT_SEC
        while not condition(self.records()):
            assert time.monotonic() < deadline, self.records()
            time.sleep(0.2)


@needs_slurm
def test_tasks_are_stopped_requeued_cancelled_and_failed(tmp_path):
    """Two at a time, to the end of all that can end."""
    submit = ['--methods=baseline,vae,aae,acai', '--seeds=1', '--total_kimg=100']
    submit += ['--executor=slurm']
    with one_node_slurm.running(slots=2) as environment:
        place = Place(tmp_path, environment, failing=['vae'])
        done = place.reproduce(*submit, '--slurm=partition=none')
        assert 'invalid partition specified: none' in done.stderr and done.returncode == 1
        assert len(done.stderr.splitlines()) == 1 and done.stdout == ''
        done = place.reproduce(*submit)
        assert '4 tasks were submitted' in done.stdout, done
        tasks = {name: record['slurm'] for name, record in place.records().items()}
        assert set(tasks) == {'Baseline', 'VAE', 'AAE', 'ACAI'}

        def works(name):
            return lambda now: now[name]['state'] == 'running' and now[name]['images_seen'] > 64

        place.wait(works('Baseline'))
        # As Slurm does before a task's time is up: it stops, and puts itself into the queue.
        place.slurm('scancel', '--signal=USR2', tasks['Baseline'])
        place.wait(works('AAE'))
        place.slurm('scontrol', 'requeue', tasks['AAE'])
        place.wait(lambda now: now['ACAI']['state'] == 'running')
        assert 'RUN1 ACAI lines32/64 stops.' in place.reproduce('--cancel').stdout
        place.wait(lambda now: now['ACAI']['state'] == 'stopped')
        shown = place.reproduce('--status')
        assert shown.returncode == 1
        assert 'RUN1 VAE lines32/64 failed: out of luck' in shown.stdout.splitlines()

        place.reproduce(*submit)
        alike = {'Baseline': 'done', 'AAE': 'done', 'ACAI': 'done', 'VAE': 'failed'}
        place.wait(lambda now: {name: record['state'] for name, record in now.items()} == alike)
    logs = {path.parts[-2].split('_')[0]: path.read_text() for path in tmp_path.rglob('log.txt')}
    assert all(text.count('.py --') >= 2 for text in logs.values()) and len(logs) == 4


@needs_slurm
def test_a_folder_that_the_nodes_do_not_share(tmp_path):
    hidden = tmp_path / 'hidden'
    hidden.mkdir()
    elsewhere = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none "$0" && exec "$@"', str(hidden)]
    if subprocess.run([*elsewhere, 'true'], capture_output=True).returncode:
        pytest.skip('mounts are not allowed here')
    with one_node_slurm.running(slurmd=elsewhere) as environment:
        place = Place(tmp_path, environment)
        flags = ['--methods=baseline', '--seeds=1', '--total_kimg=1', '--executor=slurm']
        done = place.reproduce(*flags, train_dir=str(hidden))
    assert done.returncode == 1
    assert 'the nodes must share that folder' in done.stderr.splitlines()[-1]
