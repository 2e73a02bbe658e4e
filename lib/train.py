"""The training loop: one for a CPU, a GPU, several GPUs and several machines.

Keras' `fit` cannot drive several machines, so this loop replaces it, with the same `train_step` and
Keras callbacks; an epoch is a report period.
"""
import contextlib
import errno
import math
import os
import signal
import time
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from lib import callbacks, checkpoints, devices, files, memory
from lib.errors import UserError
from lib.interrupt import Interrupt, Stopped
from lib.runs import events, scalars
from lib.runs.folder import OwedReport

CALL_SEC = 0.5  # time for the train steps of one call: a signal is answered only after it


class Trainable(Protocol):
    """What training and its checkpoints need of a Keras model: an `acai_tf` method, or a
    `lib.tasks.linear_classifier.LinearClassifier`.

    global_step: a scalar int64 variable, which `train_step` raises by 1.
    tags: the names of the scalars that `train_step` returns.
    optimizers: {parameter group: its `lib.optimizer.Adam`, or this wrapped in a
        LossScaleOptimizer}.
    FIXED_LENGTH: whether a run's result depends on its planned length, so that a run cannot be
        made longer.
    """

    global_step: tf.Variable
    tags: list
    optimizers: dict
    FIXED_LENGTH: bool

    def train_step(self, data):
        """One update from {'x': (B, ...), 'label': (B, nclass)}; returns {tag: scalar}."""


def total_steps(total_kimg, batch_size):
    """The last global step of a run. # Original: one more than total_kimg * 1024 images need."""
    return 1 + (total_kimg << 10) // batch_size


def next_report(step, period, last):
    """The next global step after `step` that ends a period: 1, 1 + period, 1 + 2 period, ..., last.

    # Original: its event files report at these steps. A report after the very first step shows
    within seconds that evaluation, pictures and disk work.
    """
    return min(1 + period_of(step + 1, period) * period, last)


def period_of(step, period):
    """The number of the report period that a global step is in; step 1 alone is in period 0."""
    return -(-(step - 1) // period)


class DivergedError(UserError):
    """A scalar or weight is not finite any more; the message says which and when."""


def check_finite(model, values, step):
    """Raises DivergedError unless all that a period computed is finite.

    Args:
        model: the model after the period; the results of its last evaluation may be NaN, as the
            smoothness of an interpolation that does not move is.
        values: {tag: array of the values of the period's steps}.
        step: the period's last step.
    """
    for tag, of_steps in values.items():
        bad = np.flatnonzero(~np.isfinite(of_steps))
        if len(bad):
            first = step - len(of_steps) + 1 + bad[0]
            raise DivergedError(f'{tag} became {of_steps[bad[0]]} at step {first}.')
    if name := checkpoints.first_non_finite(model):
        raise DivergedError(f'The weights {name} are not finite at step {step}.')


def make_train_steps(model, jit_compile):
    """A function that makes several train steps in one call, for any distribution strategy.

    Args:
        model: a `Trainable`, made in the scope of its strategy.
        jit_compile: whether to compile the step with XLA.

    Returns:
        A function of (iterator over distributed batches, number of steps) that returns the steps'
        scalars, (steps, len(model.tags)) float32, means over the replicas.
    """
    strategy = model.distribute_strategy
    train_step = model.train_step
    # Only on one replica: replicas cannot synchronise inside a nested tf.function.
    if strategy.num_replicas_in_sync == 1:
        train_step = tf.function(train_step, autograph=False, jit_compile=jit_compile)

    def values(batch):
        losses = train_step(batch)
        return tf.stack([losses[tag] for tag in model.tags])

    @tf.function(autograph=False)
    def train_steps(batches, count):
        def one_more(row, rows):
            of_replicas = strategy.run(values, (next(batches),))
            return row + 1, rows.write(row, strategy.reduce('mean', of_replicas, axis=None))

        rows = tf.TensorArray(tf.float32, count, element_shape=(len(model.tags),))
        _, rows = tf.while_loop(lambda row, _: row < count, one_more, (0, rows))
        return rows.stack()

    return train_steps


def steps_per_second(train_steps, batches, at_least_sec):
    """Measures the rate of train steps, once they are compiled, over one call of some seconds.

    Args:
        train_steps: as `make_train_steps` returns it.
        batches: an iterator over endless batches.
        at_least_sec: the least time that the call takes: a GPU needs a while to reach full speed.
    """
    count = 1
    train_steps(batches, tf.constant(count)).numpy()  # compiles
    while True:
        start = time.perf_counter()
        train_steps(batches, tf.constant(count)).numpy()  # waits until a GPU is done
        seconds = time.perf_counter() - start
        if seconds >= at_least_sec:
            return count / seconds
        count = 1 + int(1.2 * count * min(at_least_sec / seconds, 10))


class ReportError(OSError):
    """A report that could not be made."""

    def __init__(self, error):
        if isinstance(error, OSError):
            super().__init__(error.errno, error.strerror or str(error))
        else:  # out of memory
            super().__init__(errno.ENOMEM, str(error))


def loop(
    model, dataset, step_callbacks, *, last, period, jit_compile=False, allow_nan=False,
    on_signal=None, owed=None, owe=lambda owed: None,
):  # fmt: skip
    """Runs train steps from the model's global step to `last`, several per call.

    Args:
        model: a `Trainable`, made in the scope of its distribution strategy.
        dataset: a `lib.data.Dataset`; its batches are the global ones.
        step_callbacks: Keras callbacks. `on_train_batch_begin` runs before a call, with the step,
            whether the period's scalars are finite so far, and allow_nan; `on_train_batch_end`
            after it, with its last step and that step's scalars; `on_epoch_end` gets the scalars'
            means over the period.
        last: global step to stop at.
        period: steps from report to report.
        jit_compile: whether to compile the step with XLA.
        allow_nan: whether to go on with what is not finite, instead of raising DivergedError at the
            end of a period or when stopped.
        on_signal: a function to call as soon as a signal asks training to stop.
        owed: the `lib.runs.folder.OwedReport` of the model's step, which is made first.
        owe: a function to call with the `OwedReport` of a report that a signal or an error breaks
            off.

    Returns:
        The number of the signal that stopped training, or None at the end.

    Raises:
        DivergedError: see `check_finite`.
        ReportError: a report could not be written, or takes more memory than there is.
    """
    strategy = model.distribute_strategy
    step = int(model.global_step.numpy())
    batches = iter(devices.distribute(strategy, dataset.train_from(step)))
    train_steps = make_train_steps(model, jit_compile)
    steps_per_call = 1  # until a call is timed
    reports = keras.callbacks.CallbackList(step_callbacks, model=model)

    def make_report(last_logs, means, stop):
        try:
            with stop.at_once():
                reports.on_epoch_end(period_of(step, period), means)
        except (Stopped, OSError, MemoryError, tf.errors.ResourceExhaustedError) as error:
            owe(OwedReport(last_logs, means))
            if not isinstance(error, Stopped):
                raise ReportError(error) from error

    with Interrupt('Stopping; saving...', on_signal) as interrupt:
        stop = _Stop(interrupt, strategy)
        reports.on_train_begin()
        if owed:
            reports.on_train_batch_end(step, owed.last_logs)
            make_report(owed.last_logs, owed.means, stop)
        while step < last and not stop.signal:
            reports.on_epoch_begin(period_of(step + 1, period))
            report, history, finite = next_report(step, period, last), [], True
            while not history or (step < report and not stop.signal):
                reports.on_train_batch_begin(step, {'finite': finite, 'allow_nan': allow_nan})
                count, start = min(steps_per_call, report - step), time.perf_counter()
                history.append(train_steps(batches, tf.constant(count)).numpy())
                finite = finite and np.isfinite(history[-1]).all()
                step_sec = stop.agree((time.perf_counter() - start) / count)
                steps_per_call = max(1, int(CALL_SEC / step_sec))
                step += count
                logs = dict(zip(model.tags, history[-1][-1], strict=True))
                reports.on_train_batch_end(step, logs)
            values = dict(zip(model.tags, np.concatenate(history).T, strict=True))
            if not allow_nan:
                check_finite(model, values, step)
            if step == report:
                make_report(logs, {tag: np.mean(values[tag]) for tag in model.tags}, stop)
        reports.on_train_end()
    return stop.signal


class _Stop:
    """Whether to stop training. With several machines, each stops for a signal only once all know
    of it, so that none waits for another that has stopped."""

    def __init__(self, interrupt, strategy):
        self._interrupt, self._strategy, self._is_agreed = interrupt, strategy, False

    @property
    def signal(self):
        """The number of the signal to stop for, or None."""
        if not devices.is_several_machines(self._strategy):
            return self._interrupt.signal
        return (self._interrupt.signal or signal.SIGTERM) if self._is_agreed else None

    def at_once(self):
        """A context in which a signal raises Stopped; with several machines it does not."""
        together = devices.is_several_machines(self._strategy)
        return contextlib.nullcontext() if together else self._interrupt.at_once()

    def agree(self, step_sec):
        """Tells the other machines of a signal, and averages the time per step over all machines.

        Args:
            step_sec: seconds per step on this machine.

        Returns:
            The average over all machines, so that all make equally many steps in the next call.
        """
        step_sec, self._is_agreed = devices.mean_over_machines(
            self._strategy, [step_sec, self._interrupt.signal is not None]
        )
        return step_sec


def train_run(
    model,
    dataset,
    run,
    *,
    batch_size,
    total_kimg,
    report_kimg,
    jit_compile=False,
    allow_nan=False,
    args=None,
    about=None,
    make_reports=callbacks.autoencoder_reports,
):
    """Trains a model in a run folder to the end of the run, from wherever the run was left.

    Args:
        model: a `Trainable`.
        dataset: a `lib.data.Dataset` with batches of batch_size.
        run: a `lib.runs.RunFolder`, created, and `locked` where other processes might use it.
        batch_size: images per step.
        total_kimg: length of the run, in units of 1024 images.
        report_kimg: length of a report period, in units of 1024 images.
        jit_compile: whether to compile the step with XLA.
        allow_nan: whether to go on when a loss or weight is not finite.
        args: the resolved options, recorded in the run folder once its checkpoint is restored.
        about: {name: value} of what else is to be recorded there.
        make_reports: lists the callbacks of a report; see `callbacks.autoencoder_reports`.

    Returns:
        The number of the signal that stopped training, or None at the end.

    Raises:
        UserError: no checkpoint can be read, it is of another model, or several machines found
            different ones; training diverged, or the disk or the memory is too small. The message
            says what is kept.
    """
    last = total_steps(total_kimg, batch_size)
    period = max(1, (report_kimg << 10) // batch_size)
    options = dict(last=last, period=period, jit_compile=jit_compile, allow_nan=allow_nan)
    run.check_dataset(dataset)
    step = checkpoints.resume(model, run, last)
    _check_same_on_all(model, run, step)
    damaged = {newer: _time_of(run, newer) for newer in run.checkpoint_steps() if newer > step}
    if not allow_nan:
        _check_restored(model, run, step)
    owed = run.owed_report(step)
    if not owed:
        run.forget_owed_report()  # of another step
    if step >= last and not owed:
        return None
    if not step:
        _check_nothing_is_lost(run)
    if not model.distribute_strategy.extended.should_checkpoint:
        # With several machines only the first reports and saves.
        with _machines_together(model, run):
            return loop(model, dataset, [], **options)
    about = {'classes': dataset.classes, 'counts': dataset.counts, **(about or {})}
    about = {name: value for name, value in about.items() if value}
    writer = _open_events(run, args, about, step, owed)
    progress = callbacks.Progress(batch_size, last, owed.rate if owed else math.nan)

    def owe(report):
        run.owe_report(int(model.global_step.numpy()), report._replace(rate=progress.rate))

    options.update(on_signal=run.leave, owed=owed, owe=owe)
    try:
        with (
            _machines_together(model, run),
            _ended_in_a_sentence(model, run, batch_size, damaged),
        ):
            return loop(model, dataset, make_reports(dataset, run, writer, progress), **options)
    finally:
        progress.close()
        with contextlib.suppress(tf.errors.OpError):  # every checkpoint has flushed it before
            writer.close()


@contextlib.contextmanager
def _machines_together(model, run):
    """Turns TensorFlow's error into a UserError where another machine of the run has ended."""
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError) as error:
        if not devices.is_several_machines(model.distribute_strategy):
            raise
        raise UserError(
            'Another machine that trains this run has ended; what it printed says why. The same '
            f'command goes on from the newest checkpoint in {run.path}.'
        ) from error


@contextlib.contextmanager
def _ended_in_a_sentence(model, run, batch_size, damaged):
    """Turns an error that ends training into a UserError that says what is kept; saves what can be.

    Args:
        damaged: {step: when it was written} of the run's checkpoints that cannot be read.
    """
    try:
        yield
    except DivergedError as error:
        kept = [good for good in run.checkpoint_steps() if damaged.get(good) != _time_of(run, good)]
        last_good = f' The last good checkpoint is {run.checkpoint(kept[0])}.' if kept else ''
        raise DivergedError(
            f'{error}{last_good} Training stops: choose a lower --lr and another --train_dir, or '
            'give --allow_nan to go on.'
        ) from error
    except tf.errors.ResourceExhaustedError as error:  # in mid-step, so that nothing is saved
        purpose = f' for steps of {batch_size} images'
        # A run that has begun can go on only with its own batch size and precision.
        sentence = memory.too_little(error, purpose, has_batch=not run.checkpoint_steps())
        raise UserError(sentence) from error
    except OSError as error:  # e.g. of a picture: what was trained is saved all the same
        step = int(model.global_step.numpy())
        checkpoints.save_original(model, run.checkpoint(step), step)
        raise UserError(
            f'{_cause_and_fix(error, run)}, and the same command goes on. The checkpoint of step '
            f'{step} is saved.'
        ) from error


def _cause_and_fix(error, run):
    """Why an OSError ended training, and what helps, as the beginning of a sentence."""
    if isinstance(error, ReportError) and not isinstance(error.__cause__, OSError):  # out of memory
        return memory.too_little(error, ' for the report', has_batch=False).rstrip('.')
    if error.errno == errno.EPIPE:
        return 'The program that read the output has exited: start it again'
    return f'Cannot write to {run.path} ({error.strerror or error}): {files.what_to_do(error)}'


def _check_same_on_all(model, run, step):
    with _machines_together(model, run):
        is_same = devices.is_same_on_all(model.distribute_strategy, step)
    if not is_same:
        raise UserError(
            f'The machines of this run found different checkpoints, step {step} here; they must '
            f'all see the same {run.path}. The same command tries again.'
        )


def _check_nothing_is_lost(run):
    """Refuses to begin where event files hold more than a run does before its first checkpoint."""
    reported = max((max(curve) for curve in scalars.read(run.summaries).values()), default=0)
    if reported > 1:
        raise UserError(
            f'{run.path} has no checkpoint, but reports up to step {reported}, which a new run '
            'would replace: put a checkpoint back, choose another --train_dir, or delete the '
            'folder to start again.'
        )


def _time_of(run, step):
    return os.stat(run.checkpoint(step) + checkpoints.INDEX).st_mtime_ns


def _open_events(run, args, about, step, owed):
    """A writer of new event files, made after args.json is written and the old event files are cut
    off after `step`, or, where its report is owed, after the step before it."""
    try:
        with callbacks.disk_errors():
            # Our runs have hparams from the beginning, but not a copy without event files, nor a
            # run that the 2018 code began.
            record = run.begun_with()
            has_hparams = record and 'code' not in record and events.paths(run.summaries)
            if args:
                run.write_args(args, **about, **_taken_over(run, record, step))
            # Before the first checkpoint everything is written again, what stands at step 0 too.
            last_valid = step - bool(owed) if step else -1
            events.drop_after(run.summaries, last_valid)
            writer = tf.summary.create_file_writer(run.summaries)
            if args and not has_hparams:
                # TensorBoard's HParams tab shows them beside the run's scalars.
                with writer.as_default(0):
                    hparams.hparams(args)
                writer.flush()  # they are not written again
            return writer
    except OSError as error:
        raise UserError(
            f'Cannot write to {run.path} ({error.strerror or error}): {files.what_to_do(error)}, '
            'and the same command goes on.'
        ) from error


def _taken_over(run, record, step):
    """What to record of a run that the 2018 code began: {'taken_over': the step it reached}.

    Args:
        record: what args.json says so far, {} where there is none.
        step: the newest checkpoint's, 0 for none.
    """
    if 'taken_over' in record:
        return {'taken_over': record['taken_over']}
    begun_elsewhere = 'code' in record
    if step and not record:  # or it is ours, with args.json deleted: then its events hold a rate
        begun_elsewhere = scalars.RATE_TAG not in scalars.read(run.summaries)
    return {'taken_over': step} if begun_elsewhere else {}


def _check_restored(model, run, step):
    try:
        check_finite(model, {}, step)
    except DivergedError as error:
        raise DivergedError(
            f'{error} They come from {run.checkpoint(step)}: remove that to go on from the '
            'checkpoint before it, or give --allow_nan.'
        ) from error
