"""The weights that lie in the repository."""
import json
import pathlib
import statistics

import pytest

import acai_tf
from acai_tf import released
from cli import release
from lib import data, eval, original_names, runs
from lib.runs import scalars

FOLDERS = sorted(path.parent for path in pathlib.Path(released.FOLDER).glob('*/args.json'))


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda folder: folder.name)
def test_what_the_repository_holds_scores_as_its_curve_says(folder):
    model = acai_tf.load_released(pathlib.Path(folder.name))
    recorded = scalars.read_curve(folder / runs.CURVE_NAME)
    images = eval.interpolations(model, data.get_dataset('lines32', 64, model.seed))
    for tag, score in eval.line_eval(images)._asdict().items():
        expected = recorded[tag][int(model.global_step)]
        assert score == pytest.approx(expected, rel=0.01)  # by another processor


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda folder: folder.name)
def test_its_scores_are_those_of_its_last_reports(folder):
    scores = json.loads((folder / release.SCORES_NAME).read_text())
    curves = scalars.read_curve(folder / runs.CURVE_NAME)
    for tag in original_names.EVALUATIONS:
        reports = [curves[tag][step] for step in sorted(curves[tag])]
        assert scores[tag] == statistics.median(reports[-scores['median_of_last'] :])
