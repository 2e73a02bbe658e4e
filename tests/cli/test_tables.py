"""tables.py: what the tasks left, beside the paper's tables."""
import csv
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import tensorflow as tf

from cli import tables
from lib import runs
from lib.errors import UserError
from lib.paper import kinds, results, tasks_table
from tests import original
from tests.made_runs import made, reported, write_events

NAME = 'ACAI_advdepth16_advweight0.5_depth16_latent2_reg0.2_scales3'


def classified(folder, inputs, curve, **args):
    """A run folder as a classifier leaves it."""
    run = made(folder, {'dataset': 'mnist32', 'batch': 64, **args})
    write_events(run.summaries, {'test_accuracy': curve})
    kernel = tf.Variable(tf.zeros((inputs, 10)))
    prefix = run.checkpoint(max(curve))
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=['single_layer_classifier/dense/kernel'],
        shape_and_slices=[''],
        tensors=[kernel],
    )


@pytest.fixture
def train_dir(tmp_path):
    params = {'scales': 3, 'latent': 2, 'advweight': 0.5, 'advdepth': 16, 'reg': 0.2}
    curves = {'latent_accuracy': {1025: 81.0}}
    ae = reported(tmp_path, curves, name=NAME, dataset='mnist32', **params)
    record = {'test_accuracy': 77.5, 'step': 1025, 'n_init': 1000, 'use_svd': True}
    (ae / 'clustering.json').write_text(json.dumps(record))
    classified(ae / 'XLatentAE', 32, {1025: 40.0, 2049: 50.0}, ae_dir=str(ae))
    classified(tmp_path / 'mnist32' / 'XFullyConnected_smoothing-0.1', 1024, {1025: 92.0},
               smoothing=-0.1)  # fmt: skip
    return tmp_path


def test_every_task_in_one_table(train_dir):
    text = tables.text(str(train_dir), ['tasks'], 'text').splitlines()
    row = text.index('mnist32')
    assert text[row + 1].split() == ['pixels,', '1024,', 'smoothing=-0.1', '-', '92.00', '-', '64']
    assert text[row + 2].split() == ['ACAI,', '32', '81.00', '50.00', '77.50', '64,', '128']
    lines = tables.text(str(train_dir), ['tasks'], 'csv').splitlines()
    assert len(lines) == 1 + 4 and any('single_layer,%,ACAI,,ours,50,' in line for line in lines)
    alone = str(train_dir / 'mnist32' / 'XFullyConnected_smoothing-0.1')
    assert tables.text(f'{alone}/', ['tasks'], 'csv') == tables.text(alone, ['tasks'], 'csv')


def test_an_autoencoder_that_is_gone_is_told_by_what_was_recorded_of_it(tmp_path):
    folder = tmp_path / 'mnist32' / NAME / 'XLatentAE'
    classified(folder, 32, {17: 30.0}, ae_dir='/gone/mnist32/' + NAME)
    assert 'ACAI, 32  ' in tables.text(str(tmp_path), ['tasks'], 'text')
    record = json.loads((folder / 'args.json').read_text())
    record['autoencoder'] = {'lr': 0.1, 'batch': 16, 'dataset': 'mnist32'}
    (folder / 'args.json').write_text(json.dumps(record))
    assert 'ACAI, 32, batch=16, lr=0.1' in tables.text(str(tmp_path), ['tasks'], 'text')
    # What lies around it tells too, where an earlier version recorded nothing of it.
    (folder / 'args.json').write_text(json.dumps({**record, 'autoencoder': {}}))
    made(folder.parent, {'scales': 3, 'depth': 16, 'latent': 2, 'advweight': 0.5, 'advdepth': 16,
                         'reg': 0.2, 'batch': 32, 'class': 'ACAI'})  # fmt: skip
    assert 'ACAI, 32, batch=32' in tables.text(str(tmp_path), ['tasks'], 'text')


def test_a_released_autoencoder_that_was_moved_is_told_by_what_was_recorded_of_it(tmp_path):
    folder = tmp_path / 'digits32' / 'lines32-acai' / 'XLatentAE'
    classified(folder, 64, {17: 30.0}, dataset='digits32', ae_dir='/gone/lines32-acai')
    about = {'class': 'ACAI', 'dataset': 'lines32', 'scales': 4, 'depth': 16, 'latent': 16,
             'advweight': 0.5, 'advdepth': 16, 'reg': 0.2}  # fmt: skip
    run = runs.RunFolder(str(folder))
    run.write_args(run.args, autoencoder=about)
    assert 'ACAI, 64, trained on lines32  ' in tables.text(str(tmp_path), ['tasks'], 'text')
    run.write_args(run.args, autoencoder={**about, 'class': 'gone'})
    with pytest.raises(UserError, match='no run folder'):
        tables.text(str(tmp_path), ['tasks'], 'text')


@pytest.mark.parametrize('damage', [{'batch': 0, 'total_kimg': 1}, {'ae_dir': 10**30}])
def test_a_damaged_record_is_skipped_in_a_sentence(damage, train_dir, capsys):
    folder = train_dir / 'mnist32' / 'other' / 'XLatentAE'
    classified(folder, 32, {17: 30.0}, **{'ae_dir': str(train_dir / 'mnist32' / NAME), **damage})
    assert len(tables.find_classified(str(train_dir))) == 2
    assert f'{folder} is skipped (' in capsys.readouterr().err


def test_latents_classified_elsewhere_and_on_other_images(train_dir):
    elsewhere = train_dir / 'other' / 'svhn32' / NAME / 'XLatentAE'
    classified(elsewhere, 32, {17: 30.0}, dataset='svhn32', ae_dir='/gone/mnist32/' + NAME)
    (one,) = tables.find_classified(str(train_dir / 'other'))
    kind = kinds.Kind('svhn32', 'ACAI', ('trained on mnist32',), 32, 'ours')
    assert one == tasks_table.Classified(kind, 30.0, 1, autoencoder='/gone/mnist32/' + NAME)


def test_latents_of_other_precisions_and_of_the_2018_code_are_apart(train_dir):
    params = {'scales': 3, 'latent': 2, 'advweight': 0.5, 'advdepth': 16, 'reg': 0.2}
    settings = []
    for args, about in ({'precision': 'mixed_bfloat16'}, {}), ({}, {'code': '2018 code'}):
        place = train_dir / f'other{len(settings)}'
        ae = reported(place, {}, name=NAME, dataset='mnist32', **params, **args)
        run = runs.RunFolder(str(ae))
        run.write_args(run.args, **about)
        classified(ae / 'XLatentAE', 32, {17: 30.0}, ae_dir=str(ae))
        (one,) = tables.find_classified(str(place))
        settings.append((one.kind.settings, one.kind.code))
    assert settings == [(('precision=mixed_bfloat16',), 'ours'), ((), '2018 code')]


def test_other_clusterings_and_classifiers_are_apart_and_copies_count_once(train_dir, capsys):
    params = {'scales': 3, 'latent': 2, 'advweight': 0.5, 'advdepth': 16, 'reg': 0.2}
    ae = reported(train_dir / 'RUN2', {'latent_accuracy': {2049: 83.0}}, name=NAME,
                  dataset='mnist32', seed=2, **params)  # fmt: skip
    record = {'test_accuracy': 20.0, 'step': 1025, 'n_init': 1, 'use_svd': False}
    (ae / 'clustering.json').write_text(json.dumps(record))
    classified(ae / 'XLatentAE', 32, {1025: 70.0}, ae_dir=str(ae), lr=0.1)
    shutil.copytree(train_dir / 'mnist32' / NAME / 'XLatentAE', train_dir / 'copy' / 'XLatentAE')
    text = tables.text(str(train_dir), ['tasks'], 'text')
    lines = [' '.join(line.split()) for line in text.splitlines()]
    assert 'ACAI, 32 83.00 50.00 77.50 128, 128, k-means 64' in lines
    assert 'ACAI, 32, n_init=1, use_svd=False - - 20.00 64' in lines
    assert 'ACAI, 32, classifier lr=0.1 - 70.00 - 64' in lines
    assert 'is skipped (it repeats another)' in capsys.readouterr().err


def test_classifiers_of_autoencoders_of_other_lengths_are_not_averaged(train_dir):
    params = {'scales': 3, 'latent': 2, 'advweight': 0.5, 'advdepth': 16, 'reg': 0.2}
    for seed, ae_step, accuracy in (2, 513, 10.0), (3, 1025, 60.0):
        ae = reported(train_dir / f'RUN{seed}', {'latent_accuracy': {2049: 83.0}}, name=NAME,
                      dataset='mnist32', seed=seed, **params)  # fmt: skip
        classified(ae / 'XLatentAE', 32, {2049: accuracy}, ae_dir=str(ae), ae_step=ae_step)
    text = tables.text(str(train_dir), ['tasks'], 'text')
    lines = [' '.join(line.split()) for line in text.splitlines()]
    assert 'ACAI, 32 83.00±0.00 60.00 77.50 128, 128, afterwards 64, k-means 64' in lines


def test_classifiers_of_one_autoencoder_are_one_seed(train_dir):
    params = {'scales': 3, 'latent': 2, 'advweight': 0.5, 'advdepth': 16, 'reg': 0.2}
    ae = reported(train_dir / 'RUN2', {}, name=NAME, dataset='mnist32', seed=2, **params)
    for seed, accuracy in enumerate((60.0, 80.0)):
        classified(train_dir / f'again{seed}' / 'XLatentAE', 32, {2049: accuracy}, seed=seed,
                   ae_dir=str(ae), ae_weights='same', ae_step=1025)  # fmt: skip
        classified(train_dir / f'pixels{seed}' / 'XFullyConnected_smoothing-0.1', 1024,
                   {1025: 94.0 + seed}, smoothing=-0.1, seed=seed)  # fmt: skip
    classified(train_dir / 'short' / 'mnist32' / NAME / 'XLatentAE', 32, {1025: 10.0},
               ae_dir='/gone/mnist32/' + NAME, ae_step=1025)  # fmt: skip
    lines = csv.DictReader(tables.text(str(train_dir), ['tasks'], 'csv').splitlines())
    single_layer = [line for line in lines if line['quantity'] == 'single_layer']
    wanted = 'mean', 'seeds', 'seeds_shorter', 'kimg', 'ae_kimg'
    assert [tuple(map(line.get, wanted)) for line in single_layer] == [
        ('93.6667', '3', '0', '64', ''),  # of 92, 94 and 95
        ('70', '1', '2', '128', '64'),  # the fixture's autoencoder recorded no step
    ]


def test_latents_of_a_2018_run_that_was_moved_stay_its_own(tmp_path):
    run = tmp_path / 'lines32' / original.ACAI_RUN.name
    shutil.copytree(original.ACAI_RUN, run)
    classified(run / 'XLatentAE', 64, {17: 30.0}, dataset='lines32',
               ae_dir=f'/gone/lines32/{run.name}')  # fmt: skip
    (one,) = tables.find_classified(str(tmp_path))
    assert one.kind.code == results.ORIGINAL


@pytest.mark.parametrize('code', [results.OURS, results.ORIGINAL])
def test_whose_an_autoencoder_was_that_is_gone_is_recorded(code, tmp_path):
    folder = tmp_path / 'mnist32' / NAME / 'XLatentAE'
    classified(folder, 32, {17: 30.0}, ae_dir='/gone/mnist32/' + NAME)
    run = runs.RunFolder(str(folder))
    run.write_args(run.args, autoencoder_code=code)
    (one,) = tables.find_classified(str(tmp_path))
    assert one.kind.code == code


def test_links_are_followed_once(train_dir):
    (train_dir / 'RUN1').symlink_to(train_dir, target_is_directory=True)
    linked = train_dir.parent / 'linked'
    linked.mkdir()
    (linked / 'RUN1').symlink_to(train_dir, target_is_directory=True)
    assert len(tables.find_classified(str(linked))) == 2
    train_dir.rename(linked / '.old')
    assert tables.find_classified(str(linked)) == []  # nor do runs in there count


def test_what_is_unreadable_is_named(train_dir, capsys):
    damaged = train_dir / 'mnist32' / 'XFullyConnected_smoothing0.0'
    classified(damaged, 1024, {17: 30.0}, smoothing=0.0)
    (damaged / 'args.json').write_text('{')
    assert len(tables.find_classified(str(train_dir))) == 2
    assert f'{damaged} is skipped' in capsys.readouterr().err
    classified(damaged, 1024, {17: 30.0}, smoothing=0.0, dataset=5)
    assert len(tables.find_classified(str(train_dir))) == 2
    assert 'args.json has dataset=5' in capsys.readouterr().err


def test_a_folder_that_cannot_be_listed_is_named(train_dir, monkeypatch, capsys):
    folder, scandir = str(train_dir / 'mnist32' / NAME / 'XLatentAE'), os.scandir

    def refuse(path):
        if path == folder:
            raise PermissionError(13, 'Permission denied', path)
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    assert len(tables.find_classified(str(train_dir))) == 1
    assert f'{folder} is skipped (Permission denied).' in capsys.readouterr().err


def test_an_unfinished_classifier_does_not_count(train_dir, capsys):
    before = tables.find_classified(str(train_dir))
    folder = train_dir / 'mnist32' / 'XFullyConnected_smoothing0.0'
    classified(folder, 1024, {1025: 30.0}, smoothing=0.0, total_kimg=128)
    assert tables.find_classified(str(train_dir)) == before
    assert f'{folder} is skipped (it is at step 1025 of 2049' in capsys.readouterr().err
    classified(folder, 1024, {2049: 31.0}, smoothing=0.0, total_kimg=128)
    assert len(tables.find_classified(str(train_dir))) == len(before) + 1


def test_a_reader_that_ends_is_no_traceback(train_dir):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, original.REPOSITORY / 'tables.py', str(train_dir)]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    assert 'BrokenPipe' not in done.stderr


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='needs a full disk')
def test_output_on_a_full_disk_is_one_sentence(train_dir):
    command = [sys.executable, original.REPOSITORY / 'tables.py', str(train_dir)]
    with open('/dev/full', 'w') as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if 'tables.py: ' in line]
    assert line.endswith('Cannot write (No space left on device); make room.')
    assert 'Traceback' not in done.stderr and 'Exception' not in done.stderr


def test_mistakes(tmp_path):
    with pytest.raises(UserError, match='--tables=4 must be of 1, 2, 3, tasks, samples, hours, '):
        tables.text(str(tmp_path), ['4'], 'text')
    with pytest.raises(UserError, match='no run folder'):
        tables.text(str(tmp_path), ['1'], 'text')
    with pytest.raises(UserError, match='no run that --tables=tasks is about'):
        tables.text(str(original.RUNS), ['tasks'], 'text')


def test_the_2018_codes_curves_can_be_shown():
    text = tables.text(str(original.GOLDENS / 'original_curves'), ['original'], 'text')
    methods = [f'{method} on lines32' for method in ('Baseline', 'VAE', 'AAE', 'ACAI')]
    assert [line.partition(':')[0] for line in text.splitlines() if 'on lines32' in line] == methods
    (acai,) = re.findall(r'^ACAI.*?mean distance x1e-3(.*?)$', text, re.M | re.S)
    assert re.findall(r'[\d.]+', acai) == ['30.5', '11.9', '4.65']  # ours lie elsewhere
