"""Any number of runs side by side, each under what tells it from the others."""
import dataclasses
import shutil

import pytest

from cli import compare
from lib import checkpoints
from lib.errors import UserError
from tests import made_runs, original, tiny


def run_of(folder, method='ACAI', **args):
    return made_runs.of_method(folder, method, **args)[1].path


def labels(*paths):
    return list(compare.labelled([str(path) for path in paths]))


def test_labels_are_what_tells_runs_apart(tmp_path):
    first = run_of(tmp_path / 'RUN1', lr=1e-4, seed=1)
    assert labels(first) == ['ACAI']
    assert labels(first, run_of(tmp_path / 'RUN1', 'VAE', lr=1e-4, seed=1)) == ['ACAI', 'VAE']
    assert labels(first, run_of(tmp_path / 'RUN2', lr=1e-4, seed=2)) == ['RUN1', 'RUN2']
    other = run_of(tmp_path / 'other' / 'RUN1', lr=0.01, seed=1)
    assert labels(first, other) == ['lr=0.0001', 'lr=0.01']
    assert labels(original.BASELINE_RUN, original.ACAI_RUN) == ['Baseline RUN1', 'ACAI RUN2']
    theirs = tmp_path / 'theirs' / 'RUN1' / 'lines32' / original.ACAI_RUN.name
    shutil.copytree(original.ACAI_RUN, theirs)
    assert labels(first, theirs)[1].split()[:2] == ['2018', 'code']


def test_runs_that_nothing_tells_apart_go_by_their_path(tmp_path):
    paths = [run_of(tmp_path / name / 'RUN1', seed=1) for name in 'ab']
    assert labels(*paths) == paths
    for again in (paths[0], f'{paths[0]}/'):
        with pytest.raises(UserError, match='given twice'):
            labels(paths[0], again)
    with pytest.raises(UserError, match='There is no folder /no/such; give a run folder'):
        labels(paths[0], '/no/such')


def test_labels_that_mean_other_classes_now_are_refused(tmp_path):
    model, run = made_runs.of_method(tmp_path, 'ACAI', dataset='mine')
    run.write_args(run.args, classes=['cat', 'dog'])
    checkpoints.save_original(model, run.checkpoint(1), 1)
    made_again = dataclasses.replace(tiny.dataset(), name='mine', classes=('dog', 'zebra'))
    with pytest.raises(UserError, match='classes cat, dog, .* has dog, zebra now; .* --dataset'):
        compare._check_fits(run, model, made_again, 'mine')
    as_it_was = dataclasses.replace(made_again, classes=('cat', 'dog'))
    compare._check_fits(run, model, as_it_was, 'mine')
    run.write_args(run.args, counts=[90, 10])
    with pytest.raises(UserError, match='with 90 pictures .* has 80 and 20 now, .* --dataset'):
        compare._check_fits(
            run, model, dataclasses.replace(as_it_was, counts=(80, 20)), 'mine'
        )
    compare._check_fits(run, model, dataclasses.replace(made_again, name='others'), 'mine')


def test_three_runs_and_few_images(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('lib.tasks.comparison.scores', lambda *_: {'loss': 1.0})
    runs_ = [original.BASELINE_RUN, original.OTHER_BASELINE_RUN, original.ACAI_RUN]
    paths = compare.labelled([str(path) for path in runs_])
    compare.compare_runs(paths, 'lines32', seed=0, images=8, out=str(tmp_path / 'a.png'))
    out = capsys.readouterr().out.splitlines()
    (row,) = [line for line in out if line.startswith('loss')]
    assert row.split() == ['loss', '1', '1', '1'] and not any('difference' in x for x in out)
    assert out[-1].endswith('18 test images, their reconstructions, and 6 interpolations between '
                            'others.')  # fmt: skip

    dataset = tiny.dataset(test_images=17)
    monkeypatch.setattr('lib.data.get_dataset', lambda *_, **__: dataset)
    compare.compare_runs(paths, 'few', seed=0, images=8, out=str(tmp_path / 'a.png'))
    assert capsys.readouterr().out.splitlines()[-1].endswith(
        '17 test images, and their reconstructions; there are too few to interpolate between '
        'others.'
    )


def test_what_was_recorded_is_of_the_runs_own_dataset(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('lib.tasks.comparison.scores', lambda *_: {'mean_distance': 1.0})
    paths = {'ACAI': str(original.ACAI_RUN)}
    for name, recorded in (('lines32', True), ('others', False)):
        dataset = dataclasses.replace(tiny.dataset(), name=name)
        monkeypatch.setattr('lib.data.get_dataset', lambda *_, known=dataset, **__: known)
        compare.compare_runs(paths, name, seed=0, images=8, out=str(tmp_path / 'a.png'))
        assert ('mean_distance, as recorded' in capsys.readouterr().out) == recorded


def test_mistakes_are_found_before_anything_is_scored(tmp_path, monkeypatch):
    monkeypatch.setattr('lib.tasks.comparison.scores', None)
    paths = {'a': str(original.ACAI_RUN), 'b': run_of(tmp_path, 'VAE')}
    with pytest.raises(UserError, match='--out=a.jpg must end in .png'):
        compare.compare_runs(paths, None, seed=0, images=8, out='a.jpg')
    model = tiny.make('VAE', image_shape=(32, 32, 3))
    load_run = compare.load.load_run
    monkeypatch.setattr(
        'acai_tf.load.load_run', lambda path: model if path == paths['b'] else load_run(path)
    )
    with pytest.raises(UserError, match='has images of 32x32x1, but .* was trained on 32x32x3;'):
        compare.compare_runs(paths, None, seed=0, images=8, out=str(tmp_path / 'a.png'))
