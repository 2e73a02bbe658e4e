"""The three task scripts end to end, by subprocess, on a tiny run."""
import dataclasses
import json
import os
import re
import shutil
import signal
from unittest import mock

import numpy as np
import pytest

import acai_tf
from cli import cluster, tasks
from lib import checkpoints, runs
from lib.errors import UserError
from lib.paper import results
from lib.tasks import kmeans, linear_classifier
from tests import forked, made_runs

AE_NAME = 'AEBaseline_depth2_latent2_scales3'
LENGTH = ('--batch=16', '--total_kimg=1', '--report_kimg=1', '--lr=0.003')


def started(*command):
    return forked.Command('tests/run_task.py', *command)


def run(script, *args, code=0):
    done = forked.run('tests/run_task.py', script, *args)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr.strip().splitlines()[-1]


def summary(out):
    fields = out.strip().splitlines()[-1].split('  ')
    return dict(field.split('=') for field in fields)


@pytest.fixture(scope='module')
def train_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp('experiments')
    for dataset in ('blobs32', 'endless32', 'plain32'):
        if dataset == 'blobs32':
            run('baseline.py', f'--train_dir={folder}', f'--dataset={dataset}', '--depth=2',
                '--latent=2', *LENGTH)
        else:
            shutil.copytree(folder / 'blobs32' / AE_NAME, folder / dataset / AE_NAME)
            path = folder / dataset / AE_NAME / 'args.json'
            path.write_text(path.read_text().replace('blobs32', dataset))
    return folder


def scalar_steps(folder):
    return made_runs.steps_by_tag(folder / 'tf' / 'summaries')


@pytest.mark.parametrize('script', ['cluster.py', 'classify_latent_ae.py'])
def test_an_autoencoder_of_other_classes_is_refused(train_dir, tmp_path, script):
    ae_dir = shutil.copytree(train_dir / 'blobs32' / AE_NAME, tmp_path / 'blobs32' / AE_NAME)
    args = json.loads((ae_dir / 'args.json').read_text())
    (ae_dir / 'args.json').write_text(json.dumps({**args, 'classes': ['cat', 'dog', 'zebra']}))
    error = run(script, f'--ae_dir={ae_dir}', code=1)
    assert 'was made with the classes cat, dog, zebra, and its dataset has ' in error
    assert error.endswith('make the dataset again of those, or give --ae_dir another run.')


TAGS = ('xe', 'test_accuracy', 'train_accuracy', 'time/images_per_sec')


def test_classify_fc(train_dir):
    out = run('classify_fc.py', f'--train_dir={train_dir}', '--dataset=blobs32', *LENGTH)
    folder = train_dir / 'blobs32' / 'XFullyConnected_smoothing-0.1'
    args = json.loads((folder / 'args.json').read_text())['args']
    assert args['class'] == 'XFullyConnected' and args['smoothing'] == -0.1
    scalars = scalar_steps(folder)
    assert scalars.pop('_hparams_/session_start_info') == [0]
    assert scalars == dict.fromkeys(TAGS, [1, 65])
    assert re.search(r'^kimg=1  test_accuracy=\S+  train_accuracy=\S+$', out, re.M)
    last = summary(out)
    assert last['classify_fc: dataset'] == 'blobs32' and last['latent_size'] == '1024'
    assert float(last['accuracy']) > 90 and last['paper'] == 'no figure of the paper'


def test_classify_latent_ae_and_its_refusal_of_another_checkpoint(train_dir):
    ae_dir = train_dir / 'blobs32' / AE_NAME
    args = ('classify_latent_ae.py', f'--train_dir={train_dir}', f'--ae_dir={ae_dir}/', *LENGTH)
    last = summary(run(*args))
    folder = ae_dir / 'XLatentAE'
    assert sorted(scalar_steps(folder)) == sorted([*TAGS, '_hparams_/session_start_info'])
    assert last['model'] == 'AEBaseline' and last['latent_size'] == '32'
    assert summary(run(*args)) == last  # nothing left to train
    moved = train_dir.parent / 'moved'
    os.rename(train_dir, moved)
    at = ('classify_latent_ae.py', f'--train_dir={moved}', f'--ae_dir={moved}/blobs32/{AE_NAME}')
    assert summary(run(*at, *LENGTH)) == last  # that its autoencoder moved too changes nothing
    os.rename(moved, train_dir)
    apart = (f'--train_dir={train_dir.parent}/classifiers', *LENGTH)
    run('classify_latent_ae.py', f'--ae_dir={ae_dir}', *apart)
    os.rename(train_dir, moved)  # that autoencoder alone
    again = run('classify_latent_ae.py', f'--ae_dir={moved}/blobs32/{AE_NAME}', *apart)
    assert summary(again) == last
    os.rename(moved, train_dir)
    path = folder / 'args.json'
    text = path.read_text()
    assert json.loads(text)['autoencoder_code'] == 'ours'
    path.write_text(text.replace('"ae_step": 65', '"ae_step": 1'))
    error = run(*args, code=1)
    assert 'autoencoder at step 1, which is at step 65 now; delete that folder' in error
    path.write_text(re.sub(r'("ae_weights": ").{8}', r'\g<1>12345678', text))
    assert 'of an autoencoder with other weights, which was trained in that' in run(*args, code=1)
    path.write_text(text)


def test_classify_latent_ae_on_endless_data(train_dir):
    ae_dir = train_dir / 'endless32' / AE_NAME
    out = run('classify_latent_ae.py', f'--train_dir={train_dir}', f'--ae_dir={ae_dir}', *LENGTH)
    assert summary(out)['classify_latent_ae: dataset'] == 'endless32'


def test_a_classifier_has_its_flags_and_its_last_step_does_not_count(monkeypatch, tmp_path):
    flags = mock.MagicMock(total_kimg=1, batch=16, lr=1e-4, seed=3, dry_run=True)
    made = mock.Mock()
    monkeypatch.setattr(tasks, 'FLAGS', flags)
    monkeypatch.setattr(tasks.training, 'print_resolved', mock.Mock())
    monkeypatch.setattr(linear_classifier, 'LinearClassifier', made)
    smoothed = {'params': {'smoothing': -0.3}}
    images = mock.MagicMock(image_shape=(4, 4, 1), nclass=3)
    tasks.train_classifier(tasks.ON_PIXELS, images, str(tmp_path), **smoothed)
    assert made.call_args.args == ((4, 4, 1), 3, 1e-4)
    assert made.call_args.kwargs == {'steps': 64, 'seed': 3, 'smoothing': -0.3}  # of 65 steps


def test_at_most_60_000_training_images_are_clustered(monkeypatch):
    stored = mock.Mock(side_effect=InterruptedError)
    monkeypatch.setattr(cluster.tasks, 'open_autoencoder', lambda: ('a', 'r', 'i'))
    monkeypatch.setattr(cluster, '_check', mock.Mock())
    monkeypatch.setattr(cluster.latents, 'stored_latents', stored)
    with pytest.raises(InterruptedError):
        cluster.cluster_run(use_svd=True, n_init=1, n_jobs=1, n_try=1)
    stored.assert_called_once_with('a', 'i', 'r', 60_000)


@pytest.mark.parametrize('use_svd', [True, False])
def test_latents_are_whitened_where_asked_and_each_try_has_a_seed(use_svd, monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    stored = {name: rng.normal(size=(12, 2, 2, 1)) for name in ('train', 'test')}
    stored |= {f'{name}_label': np.arange(12) % 3 for name in ('train', 'test')}
    scored = mock.Mock()
    monkeypatch.setattr(cluster.kmeans, 'cluster_and_score', scored)
    run, options = runs.RunFolder(str(tmp_path)), {'n_init': 5, 'n_jobs': 1, 'n_try': 2}
    cluster._cluster(stored, run, nclass=3, use_svd=use_svd, **options)
    flat = [stored[name].reshape(12, 4) for name in ('train', 'test')]
    expected = kmeans.whiten(*flat) if use_svd else flat
    for call in scored.call_args_list:
        np.testing.assert_array_equal(call.args[0], expected[0])
        np.testing.assert_array_equal(call.args[2], expected[1])
    assert [call.kwargs['random_state'] for call in scored.call_args_list] == [0, 1]


def test_the_papers_figure_is_shown_beside_the_papers_options_only():
    made = {'test_accuracy': 90.0, 'step': 1025, 'n_init': 1000, 'use_svd': True, 'n_try': 1}
    sizes = {'scales': 3, 'depth': 16, 'latent': 2}
    run = results.Run('x', 'AEBaseline', 'mnist32', sizes, clustering=made)
    assert str(cluster.papers_value(run, made)) == '77.56'
    for other in ({'n_init': 5}, {'use_svd': False}, {'n_try': 3}):
        assert cluster.papers_value(run, {**made, **other}) is None
    narrow = dataclasses.replace(run, params={**sizes, 'depth': 2})
    assert cluster.papers_value(narrow, made) is None


def test_a_stopped_classifier_goes_on(train_dir):
    args = ('classify_fc.py', f'--train_dir={train_dir}', '--dataset=blobs32', '--smoothing=0.2',
            '--batch=16', '--total_kimg=4000', '--report_kimg=1')
    with started(*args) as process:
        forked.wait_until(lambda: '\nkimg=1  test_accuracy' in process.out(), process)
        process.terminate()
        out, _ = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    step = int(re.search(r'Stopped at step (\d+)', out)[1])
    with started(*args) as process:
        forked.wait_until(lambda: '\n' in process.out(), process)
        assert process.out().splitlines()[0].endswith(f'at step {step}.')
        process.terminate()
        process.wait()
    error = run(*args, '--total_kimg=5', code=1)
    assert 'was made with total_kimg=4000, not 5' in error


def test_cluster(train_dir):
    ae_dir = train_dir / 'blobs32' / AE_NAME
    args = ('cluster.py', f'--ae_dir={ae_dir}', '--n_init=5', '--n_try=2', '--n_jobs=2')
    out = run(*args)
    assert out.count('k-means: 5 inits on 300 x 32 latents') == 2
    record = json.loads((ae_dir / 'clustering.json').read_text())
    accuracies = [100 * scores['test']['accuracy'] for scores in record['tries']]
    assert len(accuracies) == 2
    assert record['test_accuracy'] == pytest.approx(sum(accuracies) / 2)
    assert record['step'] == 65 and record['latent_size'] == 32 and record['use_svd'] is True
    last = summary(out)
    assert last['cluster: dataset'] == 'blobs32'
    assert float(last['accuracy']) == pytest.approx(record['test_accuracy'], abs=0.01)
    assert not list(ae_dir.glob('clustering-*'))
    again = run(*args, '--use_svd=0')
    assert 'Latents of step 65 from' in again and summary(again)['model'] == 'AEBaseline'
    kept = ae_dir / 'clustering_step65_use_svdTrue_n_init5_n_try2.json'
    assert f'The previous clustering.json was moved to {kept.name}.' in again
    assert json.loads(kept.read_text()) == record
    assert json.loads((ae_dir / 'clustering.json').read_text())['use_svd'] is False
    repeated = run(*args)
    assert 'already clustered with these' in repeated and 'k-means:' not in repeated
    assert summary(repeated) == last
    assert json.loads((ae_dir / 'clustering.json').read_text()) == record  # the last given counts
    (ae_dir / 'clustering.json').write_text(json.dumps({**record, 'latents': 'others'}))
    assert not kept.exists()
    assert 'k-means: 5 inits' in run(*args)


def test_what_table_3_shows_stays_while_others_are_made(tmp_path, capsys):
    def made(**options):
        record = {'test_accuracy': 9.0, 'step': 65, 'n_init': 1000, 'use_svd': True, 'n_try': 1}
        record |= options
        cluster._write(str(tmp_path / 'clustering.json'), record)
        return record

    def there():
        return {path.name: json.loads(path.read_text()) for path in tmp_path.iterdir()}

    several, papers = made(n_try=3), made()
    beside = 'clustering_step65_use_svdTrue_n_init1000_n_try3.json'
    assert there() == {'clustering.json': papers, beside: several}
    quick = made(n_init=5)
    assert there() == {
        'clustering.json': papers,
        beside: several,
        'clustering_step65_use_svdTrue_n_init5_n_try1.json': quick,
    }
    said = capsys.readouterr().out
    assert "clustering.json holds the result with table 3's options and is kept" in said
    again = made(n_try=2)
    assert there()['clustering.json'] == papers and len(there()) == 4
    assert there()[beside.replace('try3', 'try2')] == again
    later = made(n_init=5, step=129)
    assert there()['clustering.json'] == later and len(there()) == 5


def test_latents_that_overflow_are_refused(tmp_path):
    stored = {'train': np.full((20, 2), np.inf), 'test': np.zeros((4, 2))}
    options = dict(nclass=2, use_svd=True, n_init=1, n_jobs=1, n_try=1)
    with pytest.raises(UserError, match='The latents of .* are not finite'):
        cluster._cluster(stored, runs.RunFolder(str(tmp_path)), **options)


def test_latents_that_are_no_numbers_are_refused(train_dir, tmp_path):
    ae_dir = tmp_path / 'blobs32' / AE_NAME
    shutil.copytree(train_dir / 'blobs32' / AE_NAME, ae_dir)
    model = acai_tf.load_run(str(ae_dir))
    model.encoder.trainable_variables[0].assign(model.encoder.trainable_variables[0] * np.nan)
    step = int(model.global_step)
    checkpoints.save_original(model, ae_dir / 'tf' / f'model.ckpt-{step}', step)
    for script in 'cluster.py', 'projector.py', 'classify_latent_ae.py':
        error = run(script, f'--ae_dir={ae_dir}', code=1)
        assert 'are not finite: its training diverged; give --ae_dir another run' in error


def test_a_stopped_clustering_goes_on(train_dir):
    ae_dir = train_dir / 'blobs32' / AE_NAME
    args = ('cluster.py', f'--ae_dir={ae_dir}', '--n_init=20000', '--n_jobs=1')
    kept = ae_dir / 'clustering_n_init20000-0.npz'
    for again, number in enumerate((signal.SIGINT, signal.SIGKILL, signal.SIGINT)):
        with started(*args) as process:
            forked.wait_until(lambda: 'k-means:' in process.out() and kept.exists(), process)
            process.send_signal(number)
            out, err = process.communicate()
        assert (' that are left' in out) == bool(again) and kept.exists()
        if number == signal.SIGINT:
            assert err.endswith('Stopped.\n')
    before = kept.read_bytes()
    run('cluster.py', f'--ae_dir={ae_dir}', '--n_init=2')  # of other options
    assert kept.read_bytes() == before


@pytest.mark.parametrize(
    'script, args, expected',
    [
        ('cluster.py', ['--ae_dir={dir}/endless32/' + AE_NAME], 'that of endless32 is endless'),
        ('cluster.py', ['--ae_dir={dir}/plain32/' + AE_NAME], 'plain32 are of one class'),
        ('cluster.py', ['--ae_dir={dir}/blobs32'], 'blobs32 is not a run folder'),
        ('classify_fc.py', ['--dataset=plain32', '--train_dir={dir}'], 'plain32 are of one class'),
        ('cluster.py', ['--ae_dir={dir}/blobs32/VAE_depth2_latent2_scales3'], 'There is no folder'),
        ('classify_latent_ae.py', ['--dataset=lines16', '--ae_dir={dir}/blobs32/' + AE_NAME],
         'lines16 has images of 16x16x1, but '),
    ],
)
def test_mistakes_are_one_sentence(train_dir, script, args, expected):
    error = run(script, *(arg.format(dir=train_dir) for arg in args), code=1)
    assert expected in error and 'Traceback' not in error


def test_latents_without_classes_go_to_the_projector(train_dir):
    run('projector.py', '--ae_dir=' + str(train_dir / 'plain32' / AE_NAME), '--images=20')
    summaries = train_dir / 'plain32' / AE_NAME / 'tf' / 'summaries'
    assert len((summaries / 'projector' / 'latents.tsv').read_text().splitlines()) == 20


def test_ae_dir_is_required():
    done = forked.run('tests/run_task.py', 'cluster.py')
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        'cluster.py: --ae_dir is missing; give a run folder, TRAIN_DIR/DATASET/EXPERIMENT.'
    )


def test_dry_run_trains_nothing(train_dir):
    ae_dir = train_dir / 'blobs32' / AE_NAME
    other = train_dir / 'elsewhere'
    out = run('classify_latent_ae.py', '--dry_run', f'--ae_dir={ae_dir}', f'--train_dir={other}')
    assert str(other / 'blobs32' / AE_NAME / 'XLatentAE') in out and '99 parameters' in out
    assert not other.exists()
