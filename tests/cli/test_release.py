"""Weights to use: what `convert.py --release` writes, and what it is good for."""
import json
import math
import os
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

import acai_tf
from acai_tf import load, released
from cli import convert, release
from lib import checkpoints, runs
from lib.errors import UserError
from lib.runs import scalars
from tests import original, tiny

TAGS = ['mean_distance', 'mean_smoothness', 'latent_accuracy']


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A run of ours with the event files of the 2018 code's, whose checkpoint it has too."""
    options = {'lr': 1e-4, 'batch': 64, 'seed': 0, 'total_kimg': 3, 'report_kimg': 1}
    folder = tmp_path_factory.mktemp('trained')
    return convert.from_original(str(original.BASELINE_RUN), str(folder), options)[0]


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(released, 'FOLDER', str(tmp_path))
    run, step = release.write(trained.path, str(tmp_path / 'lines32-baseline'))
    assert step == 49
    return run


def test_a_released_model_is_the_trained_one(trained, folder):
    ours, theirs = acai_tf.load_run(trained.path), acai_tf.load_released('lines32-baseline')
    x = np.random.default_rng(0).uniform(-1, 1, (5, *ours.image_shape)).astype(np.float32)
    np.testing.assert_array_equal(ours.reconstruct(x), theirs.reconstruct(x))
    np.testing.assert_array_equal(ours.classify(x), theirs.classify(x))
    assert int(theirs.global_step) == 49


def test_it_is_a_third_as_large(trained, folder):
    sizes = [
        pathlib.Path(run.checkpoint(49) + checkpoints.DATA).stat().st_size
        for run in (trained, folder)
    ]
    assert sizes[1] < 0.4 * sizes[0]


def test_what_no_result_depends_on_packs_to_nothing(tmp_path):
    model = tiny.make('AEVQVAE')
    codes = np.full(model.codebook.shape, 1e-26, np.float32)
    codes[..., 0, :] = 0.1
    model.codebook.assign(codes)
    checkpoints.save_original(model, tmp_path / 'model.ckpt-0', 0, moments=False)
    other = tiny.make('AEVQVAE', seed=1)
    checkpoints.load_original(other, tmp_path / 'model.ckpt-0', weights_suffice=True)
    np.testing.assert_array_equal(other.codebook, np.where(codes > 1e-3, codes, 0))
    x = tiny.batch(model)['x']
    np.testing.assert_array_equal(other.reconstruct(x), model.reconstruct(x))


def test_its_curve_and_scores_are_the_runs(trained, folder):
    whole, table = (load.find_runs(str(pathlib.Path(run.path).parent)) for run in (trained, folder))
    assert len(whole) == len(table) == 1
    assert whole[0].class_name == table[0].class_name == 'AEBaseline'
    for tag in TAGS:
        assert whole[0].curves[tag].keys() == table[0].curves[tag].keys() != set()
        np.testing.assert_allclose(
            list(whole[0].curves[tag].values()), list(table[0].curves[tag].values()), rtol=1e-6
        )
    scores = json.loads(pathlib.Path(folder.path, release.SCORES_NAME).read_text())
    assert (scores['step'], scores['kimg']) == (49, 3)
    assert scores['mean_distance'] == pytest.approx(whole[0].number('mean_distance')[0])


def test_reports_after_the_released_step_do_not_count(trained, tmp_path):
    run = runs.RunFolder(shutil.copytree(trained.path, tmp_path / 'lines32' / trained.name))
    checkpoints.save_original(acai_tf.load_run(run.path), run.checkpoint(17), 17)
    checkpoints.remove(run.checkpoint(49))
    out, step = release.write(run.path, str(tmp_path / 'out'))
    scores = json.loads(pathlib.Path(out.path, release.SCORES_NAME).read_text())
    of_run = scalars.of_run(run)['mean_distance']
    (distance,) = [value for at, value in of_run.items() if 1 < at <= 17]
    assert step == scores['step'] == 17 and scores['mean_distance'] == pytest.approx(distance)


def test_training_does_not_go_on_from_it(folder):
    model = tiny.golden_model('baseline')
    with pytest.raises(UserError, match="without Adam's moments.*choose another --train_dir"):
        checkpoints.restore(model, folder)


def test_it_is_not_overwritten_unless_asked_to(trained, folder):
    with pytest.raises(UserError, match='exists; give --overwrite'):
        release.write(trained.path, folder.path)
    assert release.write(trained.path, folder.path, overwrite=True)[1] == 49


def test_what_is_no_released_folder_is_not_replaced(trained, folder, tmp_path):
    file = tmp_path / 'file'
    file.touch()
    for overwrite in (False, True):
        with pytest.raises(UserError, match='file is not a folder; choose another --release'):
            release.write(trained.path, str(file), overwrite)
    with pytest.raises(UserError, match='would become its own release'):
        release.write(folder.path, folder.path, overwrite=True)
    run = runs.RunFolder(str(tmp_path / 'lines32' / runs.RunFolder(trained.path).name))
    shutil.copytree(trained.path, run.path)
    with pytest.raises(UserError, match='no scores.json, which a released folder has; choose'):
        release.write(trained.path, run.path, overwrite=True)
    assert checkpoints.restore(acai_tf.load_run(run.path), run) == 49  # training can go on
    for name in ('notes.txt', 'tf/summaries'):
        (pathlib.Path(folder.path) / name).mkdir()
        with pytest.raises(UserError, match=f'holds {name}, which --overwrite would remove'):
            release.write(trained.path, folder.path, overwrite=True)
        (pathlib.Path(folder.path) / name).rmdir()


@pytest.mark.parametrize('overwrite', [False, True])
def test_a_stopped_release_changes_nothing_and_can_be_given_again(
    trained, folder, tmp_path, monkeypatch, overwrite
):
    path = pathlib.Path(folder.path) if overwrite else tmp_path / 'new'
    before = original.files(tmp_path)

    def full(path, content):
        raise UserError(f'Cannot write {path} (No space left on device).')

    with monkeypatch.context() as patch:
        patch.setattr(release.files, 'write_file', full)
        with pytest.raises(UserError, match='No space left'):
            release.write(trained.path, str(path), overwrite)
    assert original.files(tmp_path) == before
    assert release.write(trained.path, str(path), overwrite)[1] == 49


def test_a_release_of_a_release_is_the_same(folder, tmp_path):
    again, _ = release.write(folder.path, str(tmp_path / 'again'))
    for name in (runs.CURVE_NAME, runs.ARGS_NAME):
        written = pathlib.Path(again.path, name).read_text()
        assert written == pathlib.Path(folder.path, name).read_text()
    scores, first = (
        json.loads(pathlib.Path(run.path, release.SCORES_NAME).read_text())
        for run in (again, folder)
    )
    assert scores.keys() == first.keys()
    numbers = [[value or math.nan for value in each.values()] for each in (scores, first)]
    np.testing.assert_allclose(*numbers, rtol=1e-6)


def test_a_table_counts_beside_what_tensorboard_shows_of_latents(folder, tmp_path):
    """projector.py makes a folder of summaries that holds no scalars."""
    os.makedirs(folder.summaries)
    (found,) = load.find_runs(str(tmp_path))
    assert found.curves['mean_distance']


def test_scores_know_the_batch_and_what_is_undefined(trained, tmp_path):
    run = runs.RunFolder(str(tmp_path / 'lines32' / runs.RunFolder(trained.path).name))
    shutil.copytree(trained.path, run.path)
    run.write_args({**run.args, 'batch': 128})
    with tf.summary.create_file_writer(run.summaries).as_default():
        for step in (17, 33, 49):
            tf.summary.scalar('mean_smoothness', math.nan, step)
    folder, _ = release.write(run.path, str(tmp_path / 'released'))
    scores = json.loads(pathlib.Path(folder.path, release.SCORES_NAME).read_text())
    assert scores['kimg'] == 6 and scores['mean_smoothness'] is None


def test_unknown_names_are_told_the_known_ones(folder):
    for name in ('lines32-acai', '../lines32-baseline'):
        with pytest.raises(UserError, match='there are: lines32-baseline'):
            acai_tf.load_released(name)


def test_an_install_without_the_repository_says_where_the_weights_are(tmp_path, monkeypatch):
    monkeypatch.setattr(released, 'FOLDER', str(tmp_path / 'nowhere'))
    with pytest.raises(UserError, match='lie in the repository: install it with pip install -e'):
        acai_tf.load_released('lines32-acai')


def test_a_run_of_the_2018_code_is_converted_first(tmp_path):
    with pytest.raises(UserError, match='only runs of this project'):
        release.write(str(original.BASELINE_RUN), str(tmp_path / 'new'))


def test_a_damaged_table_counts_as_far_as_it_can_be_read(folder, tmp_path):
    copy = runs.RunFolder(str(tmp_path / 'copy' / 'lines32-baseline'))
    shutil.copytree(folder.path, copy.path)
    table = pathlib.Path(copy.path, 'curve.csv')
    lines = table.read_text().splitlines()
    for damage in (['x,y', '\x00'], ['9' * 200_000]):  # the latter is too long for csv
        table.write_text('\n'.join([*lines[:3], *damage]))
        (found,) = load.find_runs(str(tmp_path / 'copy'))
        assert len(found.curves['mean_distance']) == 1  # the first step never counts
