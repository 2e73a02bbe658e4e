"""Runs made from the original's, and files for the 2018 code made from runs."""
import json
import os
import shutil

import pytest
import tensorflow as tf
from absl import flags

import acai_tf
from acai_tf import load, released
from cli import compare, convert, release, tasks
from lib import checkpoints, runs
from lib.errors import UserError
from lib.paper import results
from tests import original
from tests.original import OPTIONS


@pytest.mark.parametrize('source', [original.BASELINE_RUN, original.ACAI_RUN])
def test_original_to_ours_and_back(source, tmp_path):
    before = original.files(source)
    run, step = convert.from_original(str(source), str(tmp_path / 'ours'), OPTIONS)
    assert step == 49
    assert run.path == str(tmp_path / 'ours' / 'lines32' / source.name)
    assert not run.is_original
    (record,) = load.find_runs(str(tmp_path / 'ours'))
    assert record.code == results.ORIGINAL
    args = run.read_record()['args']
    assert args['class'] == source.name.split('_')[0]
    assert (args['dataset'], args['latent_width'], args['depth']) == ('lines32', 4, 2)
    assert {key: args[key] for key in OPTIONS} == OPTIONS
    (events,) = (source / 'tf' / 'summaries').iterdir()
    copied = tmp_path / 'ours' / 'lines32' / source.name / 'tf' / 'summaries' / events.name
    assert copied.read_bytes() == events.read_bytes()
    assert os.path.exists(os.path.join(run.images, 'name.png'))
    original.assert_same_checkpoint(run.checkpoint(49), str(source / 'tf' / 'model.ckpt-49'))

    prefix, step = convert.to_original(run.path, str(tmp_path / 'back' / 'model.ckpt-49'))
    assert (prefix, step) == (str(tmp_path / 'back' / 'model.ckpt-49'), 49)
    original.assert_same_checkpoint(prefix, str(source / 'tf' / 'model.ckpt-49'))
    assert original.files(source) == before


def test_tensorflow_finds_the_files_wherever_they_are(tmp_path):
    folder = tmp_path / 'tf'
    folder.mkdir()
    prefix, _ = convert.to_original(str(original.BASELINE_RUN), str(folder))
    assert prefix == str(folder / 'model.ckpt-49')
    assert tf.train.latest_checkpoint(str(folder)) == prefix
    folder.rename(tmp_path / 'moved')
    assert tf.train.latest_checkpoint(tmp_path / 'moved') == str(tmp_path / 'moved/model.ckpt-49')


def test_files_are_overwritten_only_when_told(tmp_path):
    prefix = str(tmp_path / 'model.ckpt')
    convert.to_original(str(original.ACAI_RUN), prefix)
    before = original.files(tmp_path)
    with pytest.raises(UserError, match='exists; give --overwrite'):
        convert.to_original(str(original.BASELINE_RUN), prefix)
    assert original.files(tmp_path) == before
    convert.to_original(str(original.BASELINE_RUN), prefix, overwrite=True)
    original.assert_same_checkpoint(prefix, str(original.BASELINE_RUN / 'tf' / 'model.ckpt-49'))


def test_pointer_of_other_checkpoints_is_kept(tmp_path):
    (tmp_path / 'checkpoint').write_text('model_checkpoint_path: "other"\n')
    convert.to_original(str(original.BASELINE_RUN), str(tmp_path / 'model.ckpt'))
    assert 'other' in (tmp_path / 'checkpoint').read_text()


def test_run_folders_are_overwritten_only_when_told(tmp_path):
    first = convert.from_original(str(original.BASELINE_RUN), str(tmp_path), OPTIONS)[0]
    before = original.files(tmp_path)
    with pytest.raises(UserError, match='exists; give --overwrite'):
        convert.from_original(str(original.OTHER_BASELINE_RUN), str(tmp_path), OPTIONS)
    assert original.files(tmp_path) == before
    convert.from_original(str(original.OTHER_BASELINE_RUN), str(tmp_path), OPTIONS, overwrite=True)
    source = str(original.OTHER_BASELINE_RUN / 'tf' / 'model.ckpt-49')
    original.assert_same_checkpoint(first.checkpoint(49), source)
    assert os.listdir(tmp_path / 'lines32') == [first.name]


def test_a_run_that_is_not_there_is_told_so(tmp_path):
    nowhere = str(tmp_path / 'lines32' / 'RUN')
    for ask in (
        lambda: convert.from_original(nowhere, str(tmp_path / 'out'), OPTIONS),
        lambda: convert.to_original(nowhere, str(tmp_path / 'out')),
        lambda: release.write(nowhere, str(tmp_path / 'out')),
    ):
        with pytest.raises(UserError, match=f'^There is no folder {nowhere}; give a run folder'):
            ask()


def test_what_was_done_since_a_conversion_is_not_replaced(tmp_path):
    run, _ = convert.from_original(str(original.BASELINE_RUN), str(tmp_path), OPTIONS)

    def again():
        convert.from_original(str(original.BASELINE_RUN), str(tmp_path), OPTIONS, overwrite=True)

    clustering = os.path.join(run.path, runs.CLUSTERING_NAME)
    open(clustering, 'w').close()
    with pytest.raises(UserError, match='holds clustering.json, which --overwrite would remove'):
        again()
    os.remove(clustering)
    projector = os.path.join(run.summaries, 'projector')
    os.mkdir(projector)
    with pytest.raises(UserError, match='holds tf/summaries/projector, which --overwrite would'):
        again()
    os.rmdir(projector)
    record = run.read_record()
    run.write_args(record['args'])  # as training on does
    with pytest.raises(UserError, match='was trained in by this project, .* another --out'):
        again()
    run.write_args(record['args'], code=record['code'])
    again()
    shutil.rmtree(run.path)
    open(run.path, 'w').close()
    with pytest.raises(UserError, match='is not a folder; choose another --out'):
        again()


def test_a_run_that_is_trained_in_is_not_replaced(tmp_path):
    run, _ = convert.from_original(str(original.BASELINE_RUN), str(tmp_path), OPTIONS)
    before = original.files(tmp_path)
    with run.locked(), pytest.raises(UserError, match='is training in .* another --out'):
        convert.from_original(str(original.BASELINE_RUN), str(tmp_path), OPTIONS, overwrite=True)
    assert original.files(tmp_path) == before


def test_released_weights_are_given_no_moments(tmp_path, capsys):
    prefix, _ = convert.to_original(os.path.join(released.FOLDER, 'lines32-acai'), str(tmp_path))
    assert 'cannot train on from them' in capsys.readouterr().out
    assert not checkpoints.has_moments(prefix)
    theirs = tmp_path / 'lines32' / 'ACAI_advdepth16_advweight0.5_depth16_latent16_reg0.2_scales4'
    shutil.copytree(tmp_path, theirs / 'tf', ignore=lambda *_: ['lines32'])
    run, step = convert.from_original(str(theirs), str(tmp_path / 'ours'), OPTIONS)
    assert 'training cannot go on from it' in capsys.readouterr().out
    assert not checkpoints.has_moments(run.checkpoint(step))


def test_a_run_never_replaces_itself(tmp_path):
    source = tmp_path / 'lines32' / original.BASELINE_RUN.name
    shutil.copytree(original.BASELINE_RUN, source)
    before = original.files(tmp_path)
    with pytest.raises(UserError, match='would become itself'):
        convert.from_original(str(source), str(tmp_path), OPTIONS, overwrite=True)
    assert original.files(tmp_path) == before


def test_runs_of_ours_need_no_conversion(tmp_path):
    run, _ = convert.from_original(str(original.BASELINE_RUN), str(tmp_path), OPTIONS)
    with pytest.raises(UserError, match='a run folder of ours already'):
        convert.from_original(run.path, str(tmp_path / 'again'), OPTIONS)


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('lib.files.write_atomically', full)
    with pytest.raises(UserError, match='No space left on device'):
        convert.from_original(str(original.BASELINE_RUN), str(tmp_path), OPTIONS)
    assert not list((tmp_path / 'lines32').iterdir())


def test_what_cannot_be_read_is_named(tmp_path, monkeypatch):
    opened = open

    def refuse(path, *args, **options):
        if 'tfevents' in str(path) and str(original.BASELINE_RUN) in str(path):
            raise PermissionError(13, 'Permission denied', path)
        return opened(path, *args, **options)

    def full(source, target):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('shutil.copyfileobj', full)
    with pytest.raises(UserError, match='Cannot write .*No space left on device'):
        convert.from_original(str(original.BASELINE_RUN), str(tmp_path), OPTIONS)
    monkeypatch.setattr('builtins.open', refuse)
    with pytest.raises(UserError, match=f'Cannot read {original.BASELINE_RUN}/.*Permission denied'):
        convert.from_original(str(original.BASELINE_RUN), str(tmp_path), OPTIONS)


def test_an_interruption_leaves_the_run_that_was_there(tmp_path, monkeypatch):
    run, _ = convert.from_original(str(original.BASELINE_RUN), str(tmp_path), OPTIONS)
    before, replace = original.files(tmp_path), os.replace

    def interrupted(source, target):
        if target == run.path and '.tmp.old' not in source:
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, 'replace', interrupted)
        with pytest.raises(KeyboardInterrupt):
            convert.from_original(
                str(original.BASELINE_RUN), str(tmp_path), OPTIONS, overwrite=True
            )
    assert original.files(tmp_path) == before
    # After a kill, what was half made is not a run.
    shutil.copytree(run.path, tmp_path / 'lines32' / f'.{run.name}.1.tmp')
    assert [found.path for found in load.find_runs(str(tmp_path))] == [run.path]


def test_the_ablation_is_told_from_acai_by_its_name(tmp_path):
    folder = tmp_path / 'lines32' / 'ACAI_advdepth2_advweight0.5_depth2_latent4_scales3'
    shutil.copytree(original.GOLDENS / 'lrae' / 'final', folder / 'tf')
    run, step = convert.from_original(str(folder), str(tmp_path), OPTIONS)
    assert (run.name, step) == (original.config('lrae')['experiment_name'], 10)
    assert type(acai_tf.load_run(run.path)).__name__ == 'LRAE'


@pytest.mark.parametrize('name', original.GOLDEN_NAMES)
def test_every_method_converts(name, tmp_path):
    folder = tmp_path / 'lines32' / original.config(name)['experiment_name']
    shutil.copytree(original.GOLDENS / name / 'final', folder / 'tf')
    run, _ = convert.from_original(str(folder), str(tmp_path / 'ours'), OPTIONS)
    assert run.name == folder.name
    prefix, _ = convert.to_original(run.path, str(tmp_path / 'back' / 'model.ckpt-10'))
    original.assert_same_checkpoint(prefix, original.prefix(name, 'final'))


def test_names_that_are_no_run_folders(tmp_path):
    for name, message in (
        ('ACAI_advdepth2_depth2_latent4', 'lacks scales'),
        ('AEBaseline_depthx_latent4_scales3', 'invalid literal'),
        ('Other_depth2', 'must begin with'),
    ):
        folder = tmp_path / name
        shutil.copytree(original.GOLDENS / 'acai' / 'final', folder / 'tf')
        with pytest.raises(UserError, match=message):
            acai_tf.load_run(str(folder))


def test_a_damaged_newest_checkpoint_falls_back_on_the_one_before(tmp_path):
    source = tmp_path / 'lines32' / original.BASELINE_RUN.name
    shutil.copytree(original.BASELINE_RUN, source)
    for suffix, content in ((checkpoints.INDEX, b'garbage'), (checkpoints.DATA, b'x')):
        (source / 'tf' / f'model.ckpt-65{suffix}').write_bytes(content)
    assert int(acai_tf.load_run(str(source)).global_step) == 49


def test_the_dataset_of_a_run_must_be_told_by_its_place(tmp_path, monkeypatch):
    given = flags.FlagValues()
    path = shutil.copytree(original.BASELINE_RUN, tmp_path / 'alone' / original.BASELINE_RUN.name)
    flags.DEFINE_string('ae_dir', str(path), '', flag_values=given)
    given.mark_as_parsed()
    monkeypatch.setattr(tasks, 'FLAGS', given)
    for ask in (
        lambda: convert.from_original(str(path), str(tmp_path / 'ours'), OPTIONS),
        lambda: compare.compare_runs({'one': str(path)}, None, seed=0, images=4),
        lambda: tasks.open_autoencoder(),
    ):
        told = "folder of its dataset's name, such as lines32, .*; alone is not a dataset"
        with pytest.raises(UserError, match=told):
            ask()
    flags.DEFINE_string('dataset', None, '', flag_values=given)
    with pytest.raises(UserError, match='alone is not a dataset; or give --dataset.$'):
        tasks.open_autoencoder()
    assert tasks.open_autoencoder('lines32')[2].name == 'lines32'
    link = tmp_path / 'link'
    link.symlink_to(original.BASELINE_RUN)
    given.ae_dir = str(link)
    assert tasks.open_autoencoder()[2].name == 'lines32'
    run, _ = convert.from_original(str(link), str(tmp_path / 'of_link'), OPTIONS)
    assert run.dataset == 'lines32'
    assert not (tmp_path / 'ours').exists()


def test_script(tmp_path):
    source = str(original.BASELINE_RUN)
    code, out, _ = original.run(
        'convert.py', f'--original={source}', '--out=ours', '--lr=0.001', cwd=tmp_path
    )
    folder = os.path.join('ours', 'lines32', original.BASELINE_RUN.name)
    assert code == 0 and f'Made {folder}, at step 49.' in out and '--lr=0.001' in out
    record = json.loads((tmp_path / folder / runs.ARGS_NAME).read_text())
    flags = ['--lr=0.001', '--depth=2', '--latent=4', '--train_dir=ours', '--dry_run']
    code, _, error = original.run('convert.py', '--run=ours', '--out=o', '--lr=1', cwd=tmp_path)
    assert code == 1 and '--lr is for --original' in error and 'Traceback' not in error
    code, resolved, _ = original.run('baseline.py', *flags, cwd=tmp_path)
    assert json.loads(resolved.split('}\n}')[0] + '}}') == {
        'run_folder': folder,
        'args': record['args'],
    }

    code, out, _ = original.run('convert.py', f'--run={folder}', '--out=tf1', cwd=tmp_path)
    assert code == 0 and 'Wrote tf1.index and tf1.data-00000-of-00001, at step 49.' in out
    original.assert_same_checkpoint(str(tmp_path / 'tf1'), f'{source}/tf/model.ckpt-49')

    for arguments in (['--out=x'], [f'--run={folder}', f'--original={source}', '--out=x']):
        code, _, error = original.run('convert.py', *arguments, cwd=tmp_path)
        assert code == 1 and 'either --run or --original' in error
    code, _, error = original.run('convert.py', f'--run={folder}', '--out=tf1', cwd=tmp_path)
    assert code == 1 and 'tf1.index exists' in error and 'Traceback' not in error
