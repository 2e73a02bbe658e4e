"""What a table needs: which of its runs are done, go on, or cannot be run."""
import dataclasses
import json
import os
import pathlib
import shutil

import pytest

from cli.reproduction import estimate, planning, run_record, work
from lib import checkpoints, runs
from lib.errors import UserError
from lib.paper import experiments
from lib.runs.folder import OwedReport
from tests import original
from tests.stand_ins import jobs_of, trained


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
    job.folder.owe_report(17, OwedReport({}, {}))
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


def test_clustering_is_progress(tmp_path):
    (job,) = jobs_of(tmp_path)
    job.folder.create()
    before = job.progress()
    path = os.path.join(job.folder.path, 'clustering-0.npz')
    open(path, 'w').close()
    first = job.progress()
    os.utime(path, (1, 1))
    assert len({str(each) for each in (before, first, job.progress())}) == 3
