"""What a report scores stands under its own name: on the console, in the events, with the model."""
import contextlib
import dataclasses
import errno
import os
import types
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

from lib import callbacks, checkpoints, data, eval, runs
from lib.runs import events, scalars
from tests import tiny

DISTANCE, SMOOTHNESS = 0.25, 0.5
LINES = data.get_dataset('lines32', 8)
FEW = dataclasses.replace(LINES, test=LINES.test.take(16).cache())  # 128 images


@pytest.fixture
def report(monkeypatch, tmp_path):
    """(makes a callback's report, given its class and arguments: returns curves; the model; the
    images whose lines were scored)."""
    scored = []
    score = eval.LineScore(DISTANCE, SMOOTHNESS)
    monkeypatch.setattr(eval, 'line_eval', lambda images: scored.append(images) or score)
    model = tiny.make('AEBaseline')
    model.global_step.assign(65)

    def make(cls, *args, dataset=FEW):
        with tf.summary.create_file_writer(str(tmp_path)).as_default() as writer:
            callback = cls(dataset, writer, *args)
            callback.set_model(model)
            callback.on_epoch_end(0)
        return {tag: curve for tag, curve in scalars.read(str(tmp_path)).items()}

    return make, model, scored


def drawn_samples(folder):
    """The encoded pictures of random samples in event files, in order."""
    events_of = [list(events.read(path)) for path in sorted(events.paths(str(folder)))]
    values = [value for read in events_of for _, event in read for value in event.summary.value]
    pictures = [value.tensor.string_val for value in values if value.tag == 'samples/image/0']
    return [tf.io.decode_image(strings[2]).numpy() for strings in pictures]


def test_scores_of_lines(report):
    make, model, scored = report
    said = []
    curves = make(callbacks.LineScores, said.append)
    expected = eval.interpolations(model, FEW)
    assert expected.shape == (64, 16, 32, 32, 1) and eval.INTERPOLATIONS == 256
    np.testing.assert_array_equal(scored, [expected])
    assert curves == {'mean_distance': {65: DISTANCE}, 'mean_smoothness': {65: SMOOTHNESS}}
    assert float(model.evaluation['mean_distance']) == DISTANCE
    assert float(model.evaluation['mean_smoothness']) == SMOOTHNESS
    assert said == ['mean_distance=0.250  mean_smoothness=0.500']


def test_scores_of_samples(report, monkeypatch):
    make, model, _ = report
    asked, images = [], np.ones((2, 32, 32, 1), np.float32)

    def sample_images(*args, **options):
        asked.append((args, options))
        return images

    monkeypatch.setattr(callbacks.sampling, 'sample_images', sample_images)
    scores = {id(images): (0.25, 0.75, 1.5)}
    monkeypatch.setattr(eval, 'sample_eval', lambda scored: scores[id(scored)])
    said = []
    curves = make(callbacks.SampleScores, said.append)
    assert asked == [((model, FEW), {'seed': model.seed})]
    assert curves == {
        'sample_distance_fitted': {65: 0.25},
        'sample_coverage_fitted': {65: 0.75},
        'sample_kl_fitted': {65: 1.5},
    }
    assert said == [
        'sample_distance_fitted=0.250  sample_coverage_fitted=0.750  sample_kl_fitted=1.50'
    ]


def test_scores_of_the_drawn_interpolations(report, tmp_path):
    make, _, scored = report
    curves = make(callbacks.PictureGrid, str(tmp_path), 64)
    assert curves == {'mean_distance_2': {65: DISTANCE}, 'mean_smoothness_2': {65: SMOOTHNESS}}
    assert [images.shape for images in scored] == [(16, 16, 32, 32, 1)]


def test_samples_are_drawn_from_the_same_latents_each_time(report, tmp_path):
    make, model, _ = report
    for step in (65, 66):
        model.global_step.assign(step)
        make(callbacks.PictureGrid, str(tmp_path), 64)
    first, second = drawn_samples(tmp_path)
    assert first.std() > 1
    np.testing.assert_array_equal(first, second)


def test_accuracy_is_of_the_whole_test_set(report):
    make, model, _ = report
    model.graphs.classify = lambda x: np.zeros(len(x), np.int64)
    said = []
    curves = make(callbacks.LatentAccuracy, said.append)
    share = 100 * np.mean([batch['label'][:, 0] for batch in FEW.test.as_numpy_iterator()])
    assert 5 < share < 20
    assert curves == {'latent_accuracy': {65: pytest.approx(share)}}
    assert float(model.evaluation['latent_accuracy']) == pytest.approx(share)
    assert said == [f'accuracy={share:.2f}']


def test_accuracy_with_one_class_is_not_measured(report):
    make, model, _ = report
    said, one_class = [], dataclasses.replace(FEW, nclass=1, test=None)
    assert make(callbacks.LatentAccuracy, said.append, dataset=one_class) == {}
    assert float(model.evaluation['latent_accuracy']) == 100
    assert said == ['accuracy undefined (one class)']


def test_a_long_period_is_saved_every_ten_minutes(monkeypatch, tmp_path):
    now, saved = [0], []
    monkeypatch.setattr(callbacks, 'time', types.SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(
        callbacks.checkpoints, 'save_original', lambda model, prefix, step: saved.append(step)
    )
    run, model = runs.RunFolder(str(tmp_path)), tiny.make('AEBaseline')
    run.create()
    keeper = callbacks.Checkpoints(run, mock.Mock())
    keeper.set_model(model)
    for step in range(15):
        now[0] = 100 * step
        model.global_step.assign(step)
        keeper.on_train_batch_begin(step, {'finite': True})
    assert saved == [6, 12]


def test_the_rate_is_of_the_period(monkeypatch, capsys):
    model, times = mock.Mock(tags=['loss_ae'], global_step=tf.Variable(10)), [5.0, 6.0, 7.0, 9.0]
    monkeypatch.setattr(callbacks, 'time', mock.Mock(perf_counter=lambda: times.pop(0)))
    progress = callbacks.Progress(batch_size=64, last_step=20)
    progress.set_model(model)
    progress.on_train_begin()
    progress.on_epoch_begin(0)
    for step in (12, 15):
        progress.on_train_batch_begin(model.global_step.numpy())
        model.global_step.assign(step)
        progress.on_train_batch_end(step)
    progress.on_epoch_end(0, {'loss_ae': 0.5})
    assert progress.rate == 3 * 64 / 2  # without the first call, which compiles
    assert capsys.readouterr().out == 'kimg=0  loss_ae= 0.500  [96.00 img/s]\n'
    # Later periods are timed from their beginning, as is one of a single call.
    times[:] = [10.0, 14.0]
    progress.on_epoch_begin(1)
    progress.on_train_batch_begin(15)
    model.global_step.assign(17)
    progress.on_train_batch_end(17)
    progress.on_epoch_end(1, {'loss_ae': 0.5})
    progress.close()
    assert progress.rate == 2 * 64 / 4


@pytest.mark.parametrize('number, stops', [(errno.EIO, False), (errno.EPIPE, True)])
def test_a_closed_terminal_does_not_stop_training_but_a_reader_that_ends_does(
    number, stops, monkeypatch
):
    def closed(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr('builtins.print', closed)
    progress = callbacks.Progress(batch_size=64, last_step=20)
    progress.set_model(mock.Mock(global_step=tf.Variable(10)))
    progress.live = False
    with pytest.raises(OSError) if stops else contextlib.nullcontext():
        progress.print('a report')


@pytest.mark.parametrize(
    'value, text',
    [(0.00024123, '0.000241'), (1.2345e-05, '1.23e-05'), (12.345, '12.3'), (100, '100'),
     (999.6, '1000'), (12345.6, '12346'), (np.nan, 'nan')],
)  # fmt: skip
def test_three_digits(value, text):
    assert callbacks._short(value) == text


def test_what_stops_at_the_step_of_a_damaged_checkpoint_is_saved(monkeypatch, tmp_path):
    run, model, saved = runs.RunFolder(str(tmp_path)), tiny.make('AEBaseline'), []
    run.create()
    for suffix in (checkpoints.INDEX, checkpoints.DATA):
        open(run.checkpoint(7) + suffix, 'w').close()
    monkeypatch.setattr(
        callbacks.checkpoints, 'save_original', lambda model, prefix, step: saved.append(step)
    )
    keeper = callbacks.Checkpoints(run, mock.Mock())
    keeper.set_model(model)
    model.global_step.assign(5)
    keeper.on_train_begin()
    keeper.on_train_end()
    assert saved == []  # it goes on from there
    model.global_step.assign(7)
    keeper.on_train_end()
    assert saved == [7]
