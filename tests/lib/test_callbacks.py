"""What a report scores stands under its own name: on the console, in the events, with the model."""
import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from lib import callbacks, data, eval
from lib.runs import scalars
from tests import tiny

DISTANCE, SMOOTHNESS = 0.25, 0.5


@pytest.fixture
def report(monkeypatch, tmp_path):
    """(what makes a callback's report, given the callback's class and arguments; curves; lines)."""
    score = eval.LineScore(DISTANCE, SMOOTHNESS)
    monkeypatch.setattr(eval, 'line_eval', lambda images: score)
    model = tiny.make('AEBaseline')
    model.global_step.assign(65)
    lines = data.get_dataset('lines32', 8)
    few = dataclasses.replace(lines, test=lines.test.take(16).cache())

    def make(cls, *args):
        with tf.summary.create_file_writer(str(tmp_path)).as_default() as events:
            callback = cls(few, events, *args)
            callback.set_model(model)
            callback.on_epoch_end(0)
        return {tag: curve for tag, curve in scalars.read(str(tmp_path)).items()}

    return make, model


def test_scores_of_lines(report):
    make, model = report
    said = []
    curves = make(callbacks.LineScores, said.append)
    assert curves == {'mean_distance': {65: DISTANCE}, 'mean_smoothness': {65: SMOOTHNESS}}
    assert float(model.evaluation['mean_distance']) == DISTANCE
    assert float(model.evaluation['mean_smoothness']) == SMOOTHNESS
    assert said == ['mean_distance=0.250  mean_smoothness=0.500']


def test_scores_of_the_drawn_interpolations(report, tmp_path):
    make, _ = report
    curves = make(callbacks.PictureGrid, str(tmp_path), 64)
    assert curves == {'mean_distance_2': {65: DISTANCE}, 'mean_smoothness_2': {65: SMOOTHNESS}}


@pytest.mark.parametrize(
    'value, text',
    [(0.00024123, '0.000241'), (1.2345e-05, '1.23e-05'), (12.345, '12.3'), (100, '100'),
     (999.6, '1000'), (12345.6, '12346'), (np.nan, 'nan')],
)  # fmt: skip
def test_three_digits(value, text):
    assert callbacks._short(value) == text
