import dataclasses
import errno
import functools
import os
import pathlib
import shutil
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from lib import callbacks, checkpoints, runs, train
from lib.errors import UserError
from lib.runs import scalars
from tests import golden_runs, made_runs, original, run_kills, tiny

LAST, PERIOD = 7, 3  # reports at 1, 4 and 7
METHOD = 'AEDropout'  # where any will do: it draws noise, and is soon compiled


class Record(keras.callbacks.Callback):
    """Notes what the loop calls, and sends a signal after given steps."""

    def __init__(self, stop_after=(), number=signal.SIGTERM):
        super().__init__()
        self.stop_after, self.number = stop_after, number
        self.steps, self.reports, self.means, self.scalars = [], [], [], []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(batch)
        self.scalars.append({tag: float(value) for tag, value in logs.items()})
        if batch in self.stop_after:
            os.kill(os.getpid(), self.number)

    def on_epoch_end(self, epoch, logs=None):
        self.reports.append(int(self.model.global_step))
        self.means.append(logs)


@pytest.fixture(autouse=True)
def step_by_step(monkeypatch):
    """One step a call, so that callbacks see each."""
    monkeypatch.setattr(train, 'CALL_SEC', 0.0)


def new_run(folder):
    run = runs.RunFolder(str(folder))
    run.create()
    return run


def go_on(method, run, record):
    """What a script does when it is started: a new model, the newest checkpoint, the loop."""
    model = tiny.make(method, scales=1, depth=1)
    step = checkpoints.resume(model, run, 1000)
    owing = {
        'owed': run.owed_report(step),
        'owe': lambda owed: run.owe_report(int(model.global_step), owed),
    }
    with tf.summary.create_file_writer(run.summaries).as_default() as events:
        reports = [record, callbacks.Checkpoints(run, events)]
        stopped_by = train.loop(model, tiny.dataset(), reports, last=LAST, period=PERIOD, **owing)
    return model, stopped_by


def test_last_step_is_the_originals():
    assert train.total_steps(16384, 64) == 262145
    assert train.total_steps(3, 64) == 49  # as the goldens' original runs
    assert train.total_steps(1, 100) == 11
    assert train.total_steps(0, 64) == 1


def test_reports_come_at_one_and_then_every_period():
    def reports(period, last):
        step, found = 0, []
        while step < last:
            step = train.next_report(step, period, last)
            found.append(step)
        return found

    assert reports(1024, 4097) == [1, 1025, 2049, 3073, 4097]
    assert reports(3, 8) == [1, 4, 7, 8]
    assert reports(1, 3) == [1, 2, 3]
    assert reports(5, 1) == [1]
    assert train.next_report(2, 3, 100) == train.next_report(3, 3, 100) == 4  # resumed


@pytest.mark.parametrize('method', tiny.METHODS)
def test_a_stopped_run_goes_on_as_if_it_had_not(method, trained, tmp_path):
    """Every weight, moment, average and step, bit for bit; stopped in mid-period."""
    if method == METHOD:
        _, _, unbroken = trained
    else:
        unbroken, stopped_by = go_on(method, new_run(tmp_path / 'unbroken'), Record())
        assert stopped_by is None
    assert int(unbroken.global_step) == LAST
    run, before, after = new_run(tmp_path / 'stopped'), Record(stop_after=[3]), Record()
    model, stopped_by = go_on(method, run, before)
    assert stopped_by == signal.SIGTERM and int(model.global_step) == 3
    resumed, stopped_by = go_on(method, run, after)
    assert stopped_by is None
    assert (before.steps, after.steps) == ([1, 2, 3], [4, 5, 6, 7])
    assert (before.reports, after.reports) == ([1], [4, 7])
    assert original.state(resumed) == original.state(unbroken)


def test_a_stopped_run_goes_on_so_where_graphs_are_optimised(tmp_path):
    """As users' are; elsewhere in the tests they run as they are traced."""
    with golden_runs.optimized_graphs():
        unbroken, _ = go_on(METHOD, new_run(tmp_path / 'unbroken'), Record())
        run = new_run(tmp_path / 'stopped')
        go_on(METHOD, run, Record(stop_after=[3]))
        resumed, _ = go_on(METHOD, run, Record())
    assert original.state(resumed) == original.state(unbroken)


def test_a_run_can_be_stopped_after_every_step(trained, tmp_path):
    _, _, unbroken = trained
    run, steps, reports = new_run(tmp_path / 'stopped'), [], []
    for step in range(1, LAST + 1):
        record = Record(stop_after=[step], number=signal.SIGINT)
        model, stopped_by = go_on(METHOD, run, record)
        assert stopped_by == signal.SIGINT
        assert run.newest_step() == step
        assert run.owes_report == (step in (1, 4, 7))  # the signal came before it
        steps += record.steps
        reports += record.reports
    # Of what is owed, the step's scalars are told again.
    assert steps == [1, 1, 2, 3, 4, 4, 5, 6, 7] and reports == [1, 4]
    assert original.state(model) == original.state(unbroken)
    assert len(run.checkpoint_steps()) == callbacks.KEEP_CHECKPOINTS
    record = Record()
    again, stopped_by = go_on(METHOD, run, record)  # no step is left to do
    assert stopped_by is None and record.steps == record.reports == [7] and not run.owes_report
    assert original.state(again) == original.state(unbroken)


def test_several_steps_a_call_are_those_steps_bit_for_bit(trained, tmp_path, monkeypatch):
    _, _, single = trained
    monkeypatch.setattr(train, 'CALL_SEC', 1e9)
    several = Record()
    model, _ = go_on(METHOD, new_run(tmp_path / 'several'), several)
    assert original.state(model) == original.state(single)
    assert several.reports == [1, 4, 7]  # no call goes past a report
    assert several.steps == [1, 4, 7]


def test_reports_hold_the_means_of_their_period(trained):
    _, record, model = trained
    assert record.steps == list(range(1, LAST + 1)) and record.reports == [1, 4, 7]
    for mean, period in zip(record.means, (slice(0, 1), slice(1, 4), slice(4, 7)), strict=True):
        assert set(mean) == set(model.tags)
        for tag, value in mean.items():
            expected = np.mean([scalars[tag] for scalars in record.scalars[period]])
            assert value == pytest.approx(expected, rel=1e-5)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A run with the checkpoints of steps 1, 4 and 7, what its `Record` noted, and its model."""
    run, record = new_run(tmp_path_factory.mktemp('trained')), Record()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, 'CALL_SEC', 0.0)
        model, _ = go_on(METHOD, run, record)
    assert run.checkpoint_steps() == [7, 4, 1]
    return run, record, model


@pytest.fixture
def finished(trained, tmp_path):
    """A copy of the trained run, and its state at the end."""
    run, _, model = trained
    folder = shutil.copytree(run.path, tmp_path / 'run')
    return runs.RunFolder(str(folder)), original.state(model)


def cut_short(path):
    os.truncate(path, os.path.getsize(path) // 2)


def flip_a_bit(path):
    with open(path, 'r+b') as file:
        file.seek(os.path.getsize(path) // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 16]))


@pytest.mark.parametrize(
    'damage, suffix',
    [
        (cut_short, 'data-00000-of-00001'),
        (flip_a_bit, 'data-00000-of-00001'),
        (os.remove, 'data-00000-of-00001'),
        (cut_short, 'index'),
        (flip_a_bit, 'index'),
        (lambda path: os.truncate(path, 0), 'index'),
    ],
)
def test_a_damaged_checkpoint_is_passed_over(damage, suffix, finished, capsys):
    run, end = finished
    damage(f'{run.checkpoint(7)}.{suffix}')
    record = Record()
    model, _ = go_on(METHOD, run, record)
    assert record.steps == [5, 6, 7]
    assert original.state(model) == end
    said = capsys.readouterr().out
    assert 'model.ckpt-7' in said and 'Trying the checkpoint before it.' in said
    assert 'at step 4' in said
    assert checkpoints.load_original(model, run.checkpoint(7)) == 7  # it is whole again


def test_new_checkpoints_outlast_damaged_later_ones(finished):
    run, _ = finished
    for step in (100, 101, 102):
        for suffix in (checkpoints.INDEX, checkpoints.DATA):
            shutil.copy(run.checkpoint(7) + suffix, run.checkpoint(step) + suffix)
            cut_short(run.checkpoint(step) + suffix)
    for step in (4, 7):
        checkpoints.remove(run.checkpoint(step))
    model, _ = go_on(METHOD, run, Record())
    assert [step for step in run.checkpoint_steps() if step <= LAST] == [7, 4, 1]
    assert checkpoints.restore(model, run) == LAST
    checkpoints.remove(run.checkpoint(7))
    with pytest.raises(train.DivergedError, match=f'good checkpoint is {run.checkpoint(4)}'):
        one_by_one(run, make_reports=poisoned(5))[1]()


def test_without_a_whole_checkpoint_nothing_is_started_anew(finished):
    run, _ = finished
    for step in run.checkpoint_steps():
        cut_short(f'{run.checkpoint(step)}.index')
    before = sorted(os.listdir(run.checkpoints))
    model = tiny.make(METHOD, scales=1, depth=1)
    fresh = original.state(model)
    with pytest.raises(UserError, match='No checkpoint in .* can be read'):
        checkpoints.resume(model, run, 1000)
    assert original.state(model) == fresh
    assert sorted(os.listdir(run.checkpoints)) == before


def test_what_was_reported_without_a_checkpoint_is_not_replaced(tmp_path):
    run = new_run(tmp_path / 'run')
    one_by_one(run)[1]()
    for step in run.checkpoint_steps():
        checkpoints.remove(run.checkpoint(step))
    before = scalars.read(run.summaries)
    with pytest.raises(UserError, match='has no checkpoint, but reports up to step 7'):
        one_by_one(run)[1]()
    assert before and scalars.read(run.summaries) == before


def test_a_checkpoint_of_another_model_is_refused_and_kept(finished):
    run, end = finished
    for other in (tiny.make(METHOD, scales=1), tiny.make('VAE', scales=1, depth=1)):
        fresh = original.state(other)
        with pytest.raises(UserError):
            checkpoints.resume(other, run, 1000)
        assert original.state(other) == fresh
    model = tiny.make(METHOD, scales=1, depth=1)
    assert checkpoints.resume(model, run, 1000) == 7
    assert original.state(model) == end


def one_by_one(run, dataset=None, **options):
    """A run of 7 steps that reports every 3: batches count as 1,024 images each."""
    model = tiny.make(METHOD, scales=1, depth=1)
    options = {'batch_size': 1024, 'report_kimg': 3, 'total_kimg': 6, **options}
    return model, lambda: train.train_run(model, dataset or tiny.dataset(), run, **options)


def test_a_reader_that_ends_costs_no_training(tmp_path):
    run = new_run(tmp_path)

    class Unread(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if self.step > 1:
                raise BrokenPipeError(errno.EPIPE, 'Broken pipe')

    _, go = one_by_one(run, make_reports=lambda *_: [Unread()])
    with pytest.raises(UserError, match=r'the output has exited: .* The checkpoint of step 4'):
        go()
    assert run.checkpoint_steps() == [4] and run.owes_report


class Poison(keras.callbacks.Callback):
    """Makes weights NaN, or another value, once a step is done."""

    def __init__(self, step, value=np.nan):
        super().__init__()
        self.step, self.value = step, value

    def on_train_batch_end(self, batch, logs=None):
        if batch == self.step:
            weight = self.model.decoder.trainable_variables[-2]
            weight.assign(ops.full_like(weight, self.value))


def poisoned(*poison, draws=False):
    """Reports of a run whose weights are poisoned; they evaluate and draw if asked."""

    def make_reports(dataset, run, events, progress):
        *reports, saving = callbacks.autoencoder_reports(dataset, run, events, progress)
        return [*(reports if draws else [progress]), Poison(*poison), saving]

    return make_reports


@pytest.mark.parametrize(
    'step, value, problem',
    [
        (5, np.nan, r'loss became nan at step 6\.'),
        (5, 1e30, r'loss became inf at step 6\.'),
        # No loss is yet.
        (4, np.nan, r'The weights ae_decoder/\S+ are not finite at step 4\.'),
        (4, np.inf, r'The weights ae_decoder/\S+ are not finite at step 4\.'),
    ],
)
def test_training_stops_when_it_diverges(step, value, problem, tmp_path):
    run = new_run(tmp_path)
    _, go = one_by_one(run, make_reports=poisoned(step, value))
    with pytest.raises(train.DivergedError, match=problem) as error:
        go()
    kept = 4 if step == 5 else 1
    assert f'The last good checkpoint is {run.checkpoint(kept)}.' in str(error.value)
    assert '--allow_nan' in str(error.value) and '--lr' in str(error.value)
    assert run.newest_step() == kept
    model = tiny.make(METHOD, scales=1, depth=1)
    assert checkpoints.resume(model, run, 1000) == kept
    train.check_finite(model, {}, kept)


def test_a_diverged_run_saves_nothing_when_it_is_stopped(tmp_path):
    run = new_run(tmp_path)
    stop = Record(stop_after=[6])

    def make_reports(*args):
        return [*poisoned(5)(*args), stop]

    _, go = one_by_one(run, make_reports=make_reports)
    with pytest.raises(UserError, match='at step 6'):
        go()
    assert run.checkpoint_steps() == [4, 1]


def test_too_little_memory_is_one_sentence(tmp_path, monkeypatch):
    run = new_run(tmp_path)
    model, go = one_by_one(run)
    train_step = model.train_step

    def greedy(batch):
        scalars = train_step(batch)
        side = 2**30 + tf.cast(model.global_step.value, tf.int32)
        # The processor's allocator waits ten seconds for each tensor that it cannot place.
        tag, x = next(iter(scalars.items()))
        return {**scalars, tag: tf.reduce_sum(tf.fill((side, side), x))}

    monkeypatch.setattr(model, 'train_step', greedy)
    sentence = r'^There is too little memory for steps of 1024 images \(a tensor with shape\[\d+,'
    with pytest.raises(UserError, match=sentence) as error:
        go()
    said = str(error.value)
    assert '\n' not in said and '--batch' in said and 'bfloat16' in said and '--jobs' in said
    assert not run.checkpoint_steps()


def test_a_run_that_has_begun_is_not_told_to_change_its_batch(tmp_path, monkeypatch):
    run = new_run(tmp_path)
    _, go = one_by_one(run, total_kimg=2)
    go()
    model, go = one_by_one(run)

    def greedy(batch):
        raise tf.errors.ResourceExhaustedError(None, None, 'OOM')

    monkeypatch.setattr(model, 'train_step', greedy)
    with pytest.raises(UserError, match='too little memory .*: end other programs') as error:
        go()
    assert '--' not in str(error.value)


def test_a_report_that_takes_too_much_memory_costs_no_training(tmp_path):
    run = new_run(tmp_path)

    class Greedy(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if self.step > 1:
                raise MemoryError('Unable to allocate 34.0 GiB')

    _, go = one_by_one(run, make_reports=lambda *_: [Greedy()])
    sentence = r"^There is too little memory for the report: .* goes on\. The checkpoint of step 4"
    with pytest.raises(UserError, match=sentence) as error:
        go()
    assert '--batch' not in str(error.value)
    assert run.checkpoint_steps() == [4] and run.owes_report


def test_a_long_period_has_checkpoints_of_its_own(trained, tmp_path, monkeypatch):
    _, record, model = trained
    monkeypatch.setattr(callbacks, 'SAVE_SEC', 0)
    run = new_run(tmp_path)
    saving, _ = go_on(METHOD, run, Record())
    assert run.checkpoint_steps() == [7, 6, 5]
    assert original.state(saving) == original.state(model)
    run = new_run(tmp_path / 'diverged')
    with pytest.raises(train.DivergedError, match='at step 6'):
        one_by_one(run, make_reports=poisoned(5))[1]()
    assert run.checkpoint_steps() == [4, 3, 2]  # what has diverged is not saved
    run = new_run(tmp_path / 'once')
    model, go = one_by_one(run)
    train_step = model.train_step

    def nan_once(batch):
        scalars = train_step(batch)
        bad = model.global_step.value == 5  # a step that a loss scale might leave out
        return {tag: tf.where(bad, np.nan, value) for tag, value in scalars.items()}

    monkeypatch.setattr(model, 'train_step', nan_once)
    with pytest.raises(train.DivergedError, match='became nan at step 5'):
        go()
    assert run.checkpoint_steps() == [4, 3, 2]
    allowed = new_run(tmp_path / 'allowed')
    one_by_one(allowed, make_reports=poisoned(5), allow_nan=True)[1]()
    assert allowed.checkpoint_steps() == [7, 6, 5]


class FullDisk(Record):
    def at_report(self):
        raise OSError(28, 'No space left on device')

    def on_epoch_end(self, epoch, logs=None):
        if int(self.model.global_step) in self.stop_after:
            self.at_report()

    def on_train_batch_end(self, batch, logs=None):
        pass


class Signalled(FullDisk):
    def at_report(self):
        os.kill(os.getpid(), self.number)
        pytest.fail('the report went on')


@pytest.mark.parametrize('step', [1, 4, 7])
@pytest.mark.parametrize('cause', [FullDisk, Signalled])
def test_a_report_that_was_broken_off_is_made_later(cause, step, trained, tmp_path, capsys):
    _, record, model = trained

    def reports_with(callback):
        def make_reports(dataset, run, events, progress):
            losses = callbacks.BatchScalars(events, progress)
            return [progress, losses, callback, callbacks.Checkpoints(run, events)]

        return make_reports

    run, after = new_run(tmp_path), Record()
    _, go = one_by_one(run, make_reports=reports_with(cause(stop_after=[step])))
    if cause is FullDisk:
        sentence = f'left on device.: make room.* of step {step} is saved'
        with pytest.raises(UserError, match=sentence):
            go()
    else:
        assert go() == signal.SIGTERM
    assert run.newest_step() == step and run.owes_report
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith(f'kimg={step} ')
    assert one_by_one(run, make_reports=reports_with(after))[1]() is None
    assert said in capsys.readouterr().out.splitlines() and not run.owes_report
    assert after.reports == [each for each in record.reports if each >= step]
    assert run.checkpoint_steps() == [7, 4, 1]
    losses = scalars.read(run.summaries)
    for tag in model.tags:
        assert losses[tag] == {each: record.scalars[each - 1][tag] for each in (1, 4, 7)}
    logged = [(number, tag) for number, tag, _ in run_kills.logged(run)]
    assert len(set(logged)) == len(logged)  # none stands there twice


def test_a_report_that_was_not_begun_has_the_rate_of_its_period(tmp_path):
    run, stop = new_run(tmp_path), Record(stop_after=[1])

    def make_reports(*args):
        return [stop, *callbacks.autoencoder_reports(*args)]

    assert one_by_one(run, make_reports=make_reports)[1]() == signal.SIGTERM
    assert run.owed_report(1).rate > 0


def test_no_signal_breaks_a_checkpoint_off(tmp_path, monkeypatch):
    run, replace = new_run(tmp_path), os.replace

    def replace_and_signal(source, target):
        replace(source, target)
        if 'model.ckpt-4' in str(target):
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(os, 'replace', replace_and_signal)
    model, go = one_by_one(run)
    assert go() == signal.SIGTERM and not run.owes_report
    assert checkpoints.restore(model, run) == 4


def test_allow_nan_goes_on(tmp_path):
    run = new_run(tmp_path)
    model, go = one_by_one(run, make_reports=poisoned(2, draws=True), allow_nan=True)
    assert go() is None and run.newest_step() == 7
    assert np.isnan(model.decoder.trainable_variables[-2].numpy()).any()
    _, go = one_by_one(run, total_kimg=7)
    with pytest.raises(train.DivergedError, match=f'They come from {run.checkpoint(7)}: remove'):
        go()
    assert run.newest_step() == 7


def test_a_disk_that_is_full_at_the_start_is_one_sentence(finished, monkeypatch):
    run, _ = finished

    def full(path, content):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('lib.files.write_atomically', full)
    with pytest.raises(UserError, match=r'\(No space left on device\): make room'):
        one_by_one(run, total_kimg=7, args={'seed': 0})[1]()
    assert run.checkpoint_steps() == [7, 4, 1]


def test_a_run_does_not_go_on_with_other_classes(finished):
    run, _ = finished
    cats_dogs, dogs_cats = (
        dataclasses.replace(tiny.dataset(), classes=classes)
        for classes in [('cats', 'dogs'), ('dogs', 'cats')]
    )
    for total_kimg in (7, 8):
        one_by_one(run, cats_dogs, total_kimg=total_kimg, args={'seed': 0})[1]()
    with pytest.raises(UserError, match='classes cats, dogs, and its dataset has dogs, cats now'):
        one_by_one(run, dogs_cats, total_kimg=9)[1]()
    assert run.newest_step() == 9  # that of 8 kimg


def test_a_run_does_not_go_on_with_another_number_of_pictures(finished):
    run, _ = finished
    before, now = (
        dataclasses.replace(tiny.dataset(), counts=counts) for counts in [(90, 10), (80, 20)]
    )
    for total_kimg in (7, 8):
        one_by_one(run, before, total_kimg=total_kimg, args={'seed': 0})[1]()
    with pytest.raises(UserError, match='begun with 90 pictures .* has 80 and 20 now'):
        one_by_one(run, now, total_kimg=9)[1]()
    assert run.newest_step() == 9


def test_a_run_that_was_killed_in_its_first_report_begins_again(tmp_path):
    run = new_run(tmp_path)

    class Killed(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if self.step == 1:
                raise InterruptedAfterItsEvents

    class InterruptedAfterItsEvents(Exception):
        pass

    def make_reports(*args, end=()):
        progress, losses, *_, saving = callbacks.autoencoder_reports(*args)
        return [progress, losses, *end, saving]

    with pytest.raises(InterruptedAfterItsEvents):
        killed = functools.partial(make_reports, end=[Killed()])
        one_by_one(run, args={'seed': 0}, make_reports=killed)[1]()
    assert scalars.read(run.summaries) and not run.checkpoint_steps()
    one_by_one(run, args={'seed': 0}, make_reports=make_reports)[1]()
    assert run.checkpoint_steps() == [7, 4, 1]
    steps = {}
    for step, tag, _ in run_kills.logged(run):
        steps.setdefault(tag, []).append(step)
    assert steps.pop('_hparams_/session_start_info') == [0]
    assert len(steps) > 1 and all(found == [1, 4, 7] for found in steps.values())


def test_a_batch_may_be_larger_than_a_report_period(tmp_path):
    reported = Record()
    reports = {'make_reports': lambda *_: [reported]}
    one_by_one(new_run(tmp_path), batch_size=4096, report_kimg=1, total_kimg=8, **reports)[1]()
    assert reported.reports == [1, 2, 3]


def test_a_whole_run_leaves_reports_events_pictures_and_checkpoints(tmp_path, capsys):
    run = new_run(tmp_path)
    for total_kimg in (3, 6):
        model, go = one_by_one(run, total_kimg=total_kimg)
        assert go() is None
    assert run.checkpoint_steps() == [7, 4, 1]
    assert sorted(os.listdir(run.images)) == [
        'name.png', 'name_000001.png', 'name_000004.png', 'name_000007.png'
    ]
    newest = open(os.path.join(run.images, 'name.png'), 'rb').read()
    assert newest == open(os.path.join(run.images, 'name_000007.png'), 'rb').read()
    height, width, _ = tf.io.decode_png(newest).shape
    assert height > 16 * 32 and width > (8 + 3 * 16) * 32  # the grids, with gaps and captions

    steps = made_runs.steps_by_tag(run.summaries)
    drawn = [f'{name}/image/0' for name in ('reconstruction', 'interpolation', 'slerp', 'samples')]
    assert set(steps) == {*model.tags, 'latent_accuracy_1', 'time/images_per_sec', *drawn}
    for tag in steps:
        assert sorted(steps[tag]) == [1, 4, 7], tag

    said = capsys.readouterr().out.splitlines()
    lines = [line for line in said if line.startswith('kimg=')]
    assert [line.split()[0] for line in lines] == [
        f'kimg={kimg}' for kimg in (1, 4, 7) for _ in range(2)
    ]
    for losses, accuracy in zip(lines[::2], lines[1::2], strict=True):
        tags = [word.removesuffix('=') for word in losses.split() if word.endswith('=')]
        assert tags == model.tags and losses.endswith(' img/s]')
        assert accuracy.split('  ')[1].startswith('accuracy=')


def test_what_the_2018_code_came_to_is_recorded(tmp_path):
    folder = shutil.copytree(original.BASELINE_RUN, tmp_path / 'run')
    run = runs.RunFolder(str(folder))
    for step in (49, 65):  # of the second the record knows
        train._open_events(run, {'depth': 2}, {}, step, None).close()
        assert run.read_record()['taken_over'] == 49
    # A run of ours whose args.json was deleted has told its rate.
    ours = new_run(tmp_path / 'ours')
    pathlib.Path(ours.checkpoint(5) + checkpoints.INDEX).touch()
    made_runs.write_events(ours.summaries, {'time/images_per_sec': {5: 9.0}})
    train._open_events(ours, {'depth': 2}, {}, 5, None).close()
    assert 'taken_over' not in ours.read_record()


def test_options_are_told_to_tensorboard_once_of_what_goes_on_without_its_event_files(tmp_path):
    run = new_run(tmp_path)
    pathlib.Path(run.checkpoint(5) + checkpoints.INDEX).touch()
    for _ in range(2):  # the second finds the first's
        train._open_events(run, {'depth': 2}, {}, 5, None).close()
    assert made_runs.steps_by_tag(run.summaries) == {'_hparams_/session_start_info': [0]}
