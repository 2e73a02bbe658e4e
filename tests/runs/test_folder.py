import dataclasses
import json
import os

import pytest

import acai_tf
from lib import files, runs
from lib.errors import UserError
from lib.runs.folder import OwedReport
from tests import tiny

ARGS = {'class': 'ACAI', 'depth': 16, 'lr': 1e-4, 'total_kimg': 64}


def of(**changes):
    return dataclasses.replace(tiny.dataset(), **changes)


@pytest.fixture
def run(tmp_path):
    folder = runs.RunFolder(str(tmp_path / 'lines32' / 'ACAI_depth16'))
    folder.create()
    return folder


@pytest.fixture
def begun(run):
    """A run with a checkpoint."""
    open(f'{run.checkpoint(1)}.index', 'w').close()
    return run


def test_a_disk_too_full_even_for_what_is_owed_is_named(run, monkeypatch):
    def full(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('lib.files.write_atomically', full)
    with pytest.raises(UserError, match='No space .*: make room, and the same command goes on'):
        run.owe_report(5, OwedReport({}, {}))


@pytest.mark.parametrize('owed', [[], {'step': 5}, {'step': 5, 'last_logs': {}, 'means': 1}])
def test_half_of_an_owed_report_is_none(run, owed):
    whole = OwedReport({}, {'loss': 1.0}, 2.0)
    run.owe_report(5, whole)
    assert run.owed_report(5) == whole
    assert run.owed_report(6) is None
    with open(run._owed_path, 'w') as file:
        json.dump(owed, file)
    assert run.owes_report and run.owed_report(5) is None


@pytest.mark.parametrize('script', tiny.SCRIPTS)
def test_names_are_the_originals(script):
    config, _ = tiny.golden(script)
    model = tiny.golden_model(script)
    name = runs.experiment_name(type(model).__name__, model.params)
    assert name == config['experiment_name']
    types = type(model).hyperparameters()
    parsed = runs.parse_experiment_name(name, types)
    assert {key: types[key](value) for key, value in parsed.items()} == config['params']


@pytest.mark.parametrize(
    'class_name, params, name',
    [
        (
            'AEVQVAE',
            dict(scales=3, depth=16, latent=16, beta=10.0, num_latents=10, z_log_size=14),
            'AEVQVAE_beta10.0_depth16_latent16_num_latents10_scales3_z_log_size14',
        ),
        (
            'AAE',
            dict(scales=4, depth=16, latent=16, adversary_lr=1e-05, disc_layer_sizes='7'),
            'AAE_adversary_lr1e-05_depth16_disc_layer_sizes7_latent16_scales4',
        ),
        (
            'VAE',
            dict(scales=4, depth=16, latent=16, beta=1.0, advweight=0.5, advdepth=16, reg=0.2),
            'VAE_advdepth16_advweight0.5_beta1.0_depth16_latent16_reg0.2_scales4',
        ),
    ],
)
def test_names_can_be_read_back(class_name, params, name):
    assert runs.experiment_name(class_name, params) == name
    types = acai_tf.ALL_AES[class_name].hyperparameters()
    parsed = runs.parse_experiment_name(name, types)
    assert {key: types[key](value) for key, value in parsed.items()} == params


@pytest.mark.parametrize('name', ['', 'ACAI', 'ACAI_', 'ACAI_depth', 'ACAI_depth16_width3x', '__'])
def test_other_names_are_refused(name):
    with pytest.raises(UserError, match='is not the name of a run folder') as refused:
        parsed = runs.parse_experiment_name(name, ['depth', 'latent'])
        raise AssertionError(parsed)
    assert '\n' not in str(refused.value)


def test_places(tmp_path):
    run = runs.RunFolder(str(tmp_path / 'mnist32' / 'VAE_beta1.0') + os.sep)
    assert (run.name, run.dataset) == ('VAE_beta1.0', 'mnist32')
    run.create()
    run.create()
    assert os.path.isdir(run.summaries) and os.path.isdir(run.images)
    assert run.checkpoint(7) == os.path.join(run.path, 'tf', 'model.ckpt-7')


def test_checkpoints_are_found_by_number(run):
    assert run.checkpoint_steps() == []
    with pytest.raises(UserError, match='has no checkpoint'):
        run.newest_step()
    for name in (
        'model.ckpt-9.index',
        'model.ckpt-10.index',
        'model.ckpt-10.data-00000-of-00001',
        'model.ckpt-11.data-00000-of-00001',  # its index is not written yet
        '.model.ckpt-12.77.tmp.index',
        'model.ckpt-13.index.bak',
        'checkpoint',
    ):
        open(os.path.join(run.checkpoints, name), 'w').close()
    assert run.checkpoint_steps() == [10, 9]
    assert run.newest_step() == 10


def test_args_are_recorded_with_the_versions(run):
    assert run.read_record() is None
    run.write_args(ARGS)
    record = run.read_record()
    assert record['args'] == ARGS
    assert set(record['versions']) == {'acai_tf', 'python', 'tensorflow', 'keras', 'numpy'}
    assert os.listdir(run.path).count('args.json') == 1
    assert not [name for name in os.listdir(run.path) if files.PARTIAL in name]


def test_a_run_keeps_its_options(begun):
    begun.check_args(ARGS)  # a new run
    begun.write_args(ARGS)
    begun.check_args(dict(ARGS))
    begun.check_args({**ARGS, 'total_kimg': 128}, may_change=['total_kimg'])
    with pytest.raises(UserError, match=r'made with lr=0.0001, not 0.1; give --lr=0.0001'):
        begun.check_args({**ARGS, 'lr': 0.1}, may_change=['total_kimg'])
    with pytest.raises(UserError, match='total_kimg=64, not 128'):
        begun.check_args({**ARGS, 'total_kimg': 128})
    with pytest.raises(UserError, match='total_kimg=64, not 128; wait for 64 to resume it'):
        to_resume = {'total_kimg': 'wait for {}'.format}
        begun.check_args({**ARGS, 'total_kimg': 128}, to_resume=to_resume)


def test_a_run_without_a_checkpoint_may_begin_otherwise(run):
    run.write_args(ARGS, classes=('cats', 'dogs'), counts=(90, 10))
    run.check_args({**ARGS, 'lr': 0.1})  # the batch was too large, say
    run.check_dataset(of(classes=('ants',)))
    run.check_dataset(of(counts=(80, 20)))


def test_a_run_keeps_the_numbers_of_its_pictures(begun):
    begun.check_dataset(of(counts=(80, 20)))  # of a run that did not record them
    begun.write_args(ARGS, counts=(90, 10))
    begun.check_dataset(of(counts=(90, 10)))
    with pytest.raises(UserError, match='90 pictures .* 10 for testing, .* has 80 and 20 now'):
        begun.check_dataset(of(counts=(80, 20)))


def test_an_option_that_an_old_run_did_not_record_takes_its_default(begun):
    begun.write_args(ARGS)
    begun.check_args({**ARGS, 'tricks': 0}, defaults={'tricks': 0})
    begun.check_args({**ARGS, 'versions_of_no_flag': 3})
    with pytest.raises(UserError, match='made with tricks=0, not 2; give --tricks=0'):
        begun.check_args({**ARGS, 'tricks': 2}, defaults={'tricks': 0})


def test_a_run_keeps_its_classes(begun):
    begun.check_dataset(of(classes=('cats', 'dogs')))  # a new run
    begun.write_args(ARGS)
    begun.check_dataset(of(classes=('cats', 'dogs')))  # of a run that did not record them
    begun.write_args(ARGS, classes=('cats', 'dogs'))
    begun.check_dataset(of(classes=('cats', 'dogs')))
    for now in [('dogs', 'cats'), ('ants', 'cats', 'dogs'), ('ants', 'dogs')]:
        with pytest.raises(UserError, match=f'classes cats, dogs, and .* has {", ".join(now)} now'):
            begun.check_dataset(of(classes=now))


@pytest.mark.parametrize(
    'text',
    ['', '{', '[]', '{"args": 3}', '{"args": [1]}', '\x00', '"a"', '{"args": {}, "classes": 3}'],
)
def test_damaged_args_are_said_to_be(run, text):
    with open(os.path.join(run.path, 'args.json'), 'w') as file:
        file.write(text)
    with pytest.raises(UserError, match='args.json is damaged'):
        run.read_record()


def test_args_that_are_no_text_are_said_to_be_damaged(run):
    with open(os.path.join(run.path, 'args.json'), 'wb') as file:
        file.write(json.dumps({'args': ARGS}).encode() + b'\xff')
    with pytest.raises(UserError, match='args.json is damaged'):
        run.read_record()


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / 'file').write_text('kept')
    run = runs.RunFolder(str(tmp_path / 'file' / 'lines32' / 'ACAI'))
    with pytest.raises(UserError, match='choose another --train_dir'):
        run.create()
    assert (tmp_path / 'file').read_text() == 'kept'
