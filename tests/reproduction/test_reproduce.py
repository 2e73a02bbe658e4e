"""reproduce.py: what it runs, skips and resumes, and that nothing outlives it."""
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf

from cli.reproduction import (
    estimate,
    local_executor,
    planning,
    processes,
    run_record,
    status,
    work,
)
from lib import checkpoints, devices, locks, runs
from lib.errors import UserError
from lib.paper import experiments
from tests import forked, original, stand_ins
from tests.stand_ins import jobs_of

SHORT = """
import runpy

from tests import run_short

run_short.shorten()
runpy.run_path({real!r}, run_name='__main__')
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Puts stand-ins in the scripts' place; the argument says which of them fail."""

    def make(*failing):
        stand_ins.write(tmp_path, failing)
        monkeypatch.setattr(work, 'ROOT', str(tmp_path))

    return make


def test_plan_of_a_table(tmp_path, monkeypatch):
    jobs = jobs_of(tmp_path, seeds=5, methods=[])
    assert len(jobs) == 35 and jobs[7].name == 'RUN2 Baseline lines32/64'
    assert jobs[7].next_command() == [
        'baseline.py', '--dataset=lines32', '--latent_width=2', '--depth=16', '--latent=16',
        '--seed=2', '--total_kimg=1', '--report_kimg=1', '--precision=float32',
        f'--train_dir={tmp_path}/RUN2',
    ]  # fmt: skip
    assert len(jobs_of(tmp_path, table=2, methods=['ACAI', 'vae'])) == 12
    with pytest.raises(UserError, match='--methods=gan is none of baseline, dropout'):
        jobs_of(tmp_path, methods=['gan'])
    sampled = jobs_of(tmp_path, table='samples', methods=['lrae', 'acai'])
    assert [job.experiment.class_name for job in sampled] == ['ACAI', 'LRAE']
    monkeypatch.setattr(work, 'ROOT', str(tmp_path))
    with pytest.raises(UserError, match='There is no acai.py beside reproduce.py to train ACAI'):
        jobs_of(tmp_path, methods=['ACAI'])


def test_what_was_not_run_of_the_samples_is_named(tmp_path, capsys):
    jobs = jobs_of(tmp_path, table='samples', methods=['baseline', 'vae', 'acai'])
    planning.print_results(jobs, 'samples', str(tmp_path), {})
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if 'not run' in line]
    assert all(row[-6:] == ['not', 'run'] * 3 for row in rows)
    assert [row[-7] for row in rows] == ['fitted', *['prior'] * 6, 'fitted']
    assert ['advweight=0.1,' in row for row in rows].count(True) == 1

    # The first report alone, of an untrained model, is none.
    folder = jobs[1].folder
    folder.create()
    folder.write_args({'class': 'VAE', 'dataset': 'lines32', **jobs[1].experiment.params})
    with open(os.path.join(folder.path, runs.CURVE_NAME), 'w') as file:
        file.write('step,sample_distance\n1,0.01\n')
    planning.print_results(jobs, 'samples', str(tmp_path), {})
    again = [line.split() for line in capsys.readouterr().out.splitlines() if 'not run' in line]
    assert again == rows

    # What was reported, at whatever period, counts as run; a method of no table has its line too.
    jobs = jobs_of(tmp_path, table='samples', methods=['baseline', 'lrae'], report_kimg=64)
    folder = jobs[0].folder
    folder.create()
    options = {'class': 'AEBaseline', 'dataset': 'lines32', 'seed': 1, 'report_kimg': 16}
    folder.write_args(options | jobs[0].experiment.params)
    with open(os.path.join(folder.path, runs.CURVE_NAME), 'w') as file:
        file.write('step,sample_distance_fitted\n1025,0.01\n')
    planning.print_results(jobs, 'samples', str(tmp_path), {})
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[3:5]]
    assert [' '.join(row[:-6]) for row in rows] == [
        'Baseline, report_kimg=16 fitted 10.00 not', 'LRAE fitted'
    ]  # fmt: skip


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


def test_hours_come_from_runs_of_the_kind_or_from_a_measurement(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(estimate, '_measured', lambda experiment, choice: 16)
    jobs = jobs_of(tmp_path, methods=['baseline', 'acai'], seeds=2, total_kimg=64)
    trained(jobs[0], 1 + (64 << 10) // 64, seed=1)
    events = tf.summary.create_file_writer(jobs[0].folder.summaries)
    for step, rate in ((1, 0.5), (1025, 32.0)):  # the first step is the compiler's
        with events.as_default(step):
            tf.summary.scalar('time/images_per_sec', rate)
    events.close()
    estimate.print_estimate(jobs)
    lines = capsys.readouterr().out.splitlines()
    images = 64 * 1025
    assert lines[0] == f'# 3 runs to train, {3 * images / 1e6:.3g} million images; 1 complete.'
    assert lines[2:4] == [
        '#   Baseline lines32/64 and alike: 32, as reported by its runs in --train_dir',
        '#   ACAI lines32/64 and alike: 16, measured now',
    ]
    hours = (images / 32 + 2 * images / 16) / 3600
    assert lines[4].startswith(f'# About {hours:.3g} hours on this machine at')
    with monkeypatch.context() as patch:
        told = []
        patch.setattr(tf.config.threading, 'set_intra_op_parallelism_threads', told.append)
        patch.setattr(devices.joblib, 'cpu_count', lambda: 8)
        estimate.print_estimate(jobs, at_a_time=3)  # on two cores each, of which no run tells yet
        assert told == [2]
        assert ': 16, measured now' in capsys.readouterr().out.splitlines()[2]
        jobs[0].files.write(run_record.Record(jobs[0].name, jobs[0].images, cores=2))
        estimate.print_estimate(jobs, at_a_time=7)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f'# About {hours / 3:.3g} hours on this machine, 3 runs at a time, at')
    estimate.print_estimate(jobs[:1])
    assert capsys.readouterr().out == '# 0 runs to train, 0 million images; 1 complete.\n'


def trained(job, step, seed):
    job.folder.create()
    job.folder.write_args({'seed': seed})
    stand_ins.write_checkpoint(job.folder.checkpoint(step))


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
    job.folder.write_args({'seed': 1, 'lr': 1e-3})
    with pytest.raises(UserError, match='was trained with --lr=0.001, but RUN1 is for --lr=0.0001'):
        job.check()
    job.folder.write_args({'seed': 1, 'batch': 32})
    with pytest.raises(UserError, match='was trained with --batch=32, but RUN1 is for --batch=64'):
        job.check()


@pytest.mark.parametrize('suffix', [checkpoints.INDEX, checkpoints.DATA])
@pytest.mark.parametrize('kept', [None, 0, 0.9])
def test_what_ended_in_a_damaged_checkpoint_is_not_done(suffix, kept, tmp_path):
    (job,) = jobs_of(tmp_path)
    trained(job, 16, seed=1)
    trained(job, 17, seed=1)
    path = job.folder.checkpoint(17) + suffix
    if kept is None:
        os.remove(path)
    else:
        os.truncate(path, int(kept * os.path.getsize(path)))
    assert job.next_command()[0] == 'baseline.py'


def test_a_longer_run_whose_newest_checkpoint_is_damaged_is_done(tmp_path):
    """Its script goes on from the one before, which is long enough."""
    (job,) = jobs_of(tmp_path)
    for step in (17, 33):
        trained(job, step, seed=1)
    os.truncate(job.folder.checkpoint(33) + checkpoints.DATA, 9)
    assert job.next_command() is None
    job = dataclasses.replace(job, clustered=True)
    assert job.next_command()[0] == 'cluster.py'
    path = pathlib.Path(job.folder.path, runs.CLUSTERING_NAME)
    path.write_text(json.dumps({**experiments.TABLE_3_OPTIONS, 'step': 17, 'test_accuracy': 9}))
    assert job.next_command() is None


def test_runs_are_in_float32_unless_begun_or_asked_for_in_another_precision(tmp_path):
    def precisions(**options):
        commands = [job.next_command() for job in jobs_of(tmp_path, seeds=2, **options)]
        return [part for part in sum(commands, []) if part.startswith('--precision')]

    jobs_of(tmp_path)[0].folder.create()
    jobs_of(tmp_path)[0].folder.write_args({'seed': 1, 'precision': 'mixed_bfloat16'})
    assert precisions() == ['--precision=mixed_bfloat16', '--precision=float32']
    assert precisions(precision='auto') == ['--precision=mixed_bfloat16', '--precision=auto']


def test_a_run_goes_on_on_one_device_as_it_was_begun(tmp_path):
    (job,) = jobs_of(tmp_path)
    assert '--devices=1' not in job.next_command()
    job.folder.create()
    job.folder.write_args({'seed': 1, 'devices': 1})
    assert '--devices=1' in job.next_command()


def test_table_3_clusters_what_was_trained(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(estimate, '_measured', lambda experiment, choice: 16)
    monkeypatch.setenv('AE_DATA', str(tmp_path))
    job = jobs_of(tmp_path, table=3)[0]
    with pytest.raises(UserError, match='create_datasets.py --datasets=mnist'):
        job.check()
    folder, clustering = job.folder.path, ['cluster.py', '--n_init=1000', '--ae_dir=']
    clustering[-1] += folder
    assert [command[0] for command in job.commands()] == ['baseline.py', 'cluster.py']
    estimate.dry_run([job], 1)
    out = capsys.readouterr().out.splitlines()
    assert out[1] == f'python {" ".join(clustering)}' and out[-1].startswith('# k-means of 1 too')
    trained(job, 17, seed=1)
    assert job.commands() == [clustering] and job.next_command() == clustering
    record = {'n_init': 1000, 'use_svd': True, 'step': 17, 'test_accuracy': 9.0}
    with open(os.path.join(folder, 'clustering.json'), 'w') as file:
        json.dump(record, file)
    assert job.next_command() is None
    trained(job, 33, seed=1)
    assert job.next_command()[0] == 'cluster.py'  # of an older checkpoint
    job.folder.owe_report(17, {})
    assert job.next_command()[0] == 'baseline.py'


def test_what_cannot_be_run_is_said_beforehand_and_is_no_success(tmp_path):
    flags = ['--table=3', '--datasets=mnist32', '--methods=acai', '--seeds=1', '--train_dir=T']
    for dry in ([], ['--dry_run']):
        code, _, error = original.run('reproduce.py', *flags, *dry, cwd=tmp_path)
        assert '2 runs were not run.' in error and 'create_datasets.py --datasets=mnist' in error
        assert code == (0 if dry else 1) and 'Traceback' not in error
    (tmp_path / 'T').write_text('')
    code, _, error = original.run('reproduce.py', *flags, cwd=tmp_path)
    assert code == 1 and 'is a file; give a folder.' in error
    for empty in ('--train_dir=', '--methods='):
        code, _, error = original.run('reproduce.py', empty, cwd=tmp_path)
        name = empty.partition('=')[0]
        assert code == 1 and f'{name} is empty; give it a value' in error
    for mode, other in (('--cancel', '--methods=aae'), ('--status', '--seeds=2')):
        code, _, error = original.run('reproduce.py', mode, other, cwd=tmp_path)
        name = other.partition('=')[0]
        assert code == 1 and f'{name} has no effect with {mode}, which is of all runs' in error


def test_a_run_of_the_2018_code_is_not_taken_over(tmp_path):
    (job,) = jobs_of(tmp_path, total_kimg=9)
    shutil.copytree(original.BASELINE_RUN, job.folder.path)
    with pytest.raises(UserError, match='is a run of the 2018 code, .* go on with it by baseline'):
        job.check()


def test_a_run_that_was_asked_for_before_is_ours_without_its_args(tmp_path):
    (job,) = jobs_of(tmp_path, total_kimg=9)
    shutil.copytree(original.BASELINE_RUN, job.folder.path)
    run_record.queue(job)
    job.check()
    assert job.next_command()[0] == 'baseline.py'


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


def test_clustering_is_progress(tmp_path):
    (job,) = jobs_of(tmp_path)
    job.folder.create()
    before = job.progress()
    path = os.path.join(job.folder.path, 'clustering-0.npz')
    open(path, 'w').close()
    first = job.progress()
    os.utime(path, (1, 1))
    assert len({str(each) for each in (before, first, job.progress())}) == 3


def test_status_of_each_state(fake, tmp_path, capsys):
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


def test_end_to_end_killed_and_started_again(tmp_path):
    """The scripts are those of a copy of the repository in which reports are short."""
    for name in ('cli', 'lib', 'acai_tf', 'tests'):
        (tmp_path / name).symlink_to(original.REPOSITORY / name)
    shutil.copy(original.REPOSITORY / 'reproduce.py', tmp_path)
    real = str(original.REPOSITORY / 'baseline.py')
    (tmp_path / 'baseline.py').write_text(SHORT.format(real=real))
    flags = ['--methods=baseline', '--seeds=1', '--total_kimg=1', '--report_kimg=1']
    command = [tmp_path / 'reproduce.py', *flags]
    unbroken = forked.Command(*command, f'--train_dir={tmp_path / "A"}')
    command.append(f'--train_dir={tmp_path / "B"}')
    (job,) = jobs_of(tmp_path / 'B')
    with forked.Command(*command) as parent:
        forked.wait_until(lambda: job.images_seen, parent)
    assert job.folder.checkpoint_steps() == [1] and job.next_command()
    again = forked.run(*command)
    assert again.returncode == 0, again.stderr
    assert 'at step 1.' in again.stderr and not job.next_command()
    table = again.stdout[again.stdout.index('Table 1.') :]
    assert table.count('report_kimg=1') == 2  # reports of another length have a line of their own
    assert table.count('1 x 1') == 2 and table.count('not run') == 14
    with unbroken:
        out, _ = unbroken.communicate()
    assert out[out.index('Table 1.') :] == table
