"""The training loop: one for a CPU, a GPU, several GPUs and several machines.

Keras' `fit` cannot drive several machines, so that this loop does, through the same `train_step`
and Keras callbacks; an epoch is a report period.
"""
import contextlib
import signal

import keras
import numpy as np
import tensorflow as tf

from lib import callbacks, checkpoints, devices
from lib.errors import UserError
from lib.runs import events


def total_steps(total_kimg, batch_size):
    """The last global step of a run. # Original: one more than total_kimg * 1024 images need."""
    return 1 + (total_kimg << 10) // batch_size


def next_report(step, period, last):
    """The next global step after `step` that ends a period: 1, 1 + period, 1 + 2 period, ..., last.

    # Original: its event files report at these steps. The report after the very first one shows
    within seconds that evaluation, pictures and disk work.
    """
    return min(1 + -(-step // period) * period, last)


class DivergedError(UserError):
    """A scalar or weight is no finite number any more; the message says which and when."""


def check_finite(model, scalars, step):
    """Raises DivergedError unless all that a period computed is finite.

    Args:
        model: the model after the period; what its last evaluation found may be NaN, as the
            smoothness of an interpolation that does not move is.
        scalars: {tag: array of the values of its steps}.
        step: its last step.
    """
    for tag, values in scalars.items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            first = step - len(values) + 1 + bad[0]
            raise DivergedError(f'{tag} became {values[bad[0]]} at step {first}.')
    evaluation = getattr(model, 'evaluation', {})
    for name, variable in checkpoints.stored_variables(model):
        if name not in evaluation and not np.isfinite(variable.numpy()).all():
            raise DivergedError(f'The weights {name} are no finite numbers at step {step}.')


class Interrupt:
    """Turns SIGINT and SIGTERM into a request to stop after the current step.

    Attributes:
        signal: the number of the signal that came, or None.
    """

    def __init__(self):
        self.signal = None

    def __enter__(self):
        self._previous = {
            number: signal.signal(number, self._request)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _request(self, number, frame):
        self.signal = number


def loop(model, dataset, step_callbacks, *, last, period, jit_compile=False, allow_nan=False):
    """Runs train steps from the model's global step to `last`.

    Args:
        model: an `acai_tf` model, made in the scope of its distribution strategy.
        dataset: a `lib.data.Dataset`; its batches are the global ones.
        step_callbacks: Keras callbacks. `on_train_batch_end` gets the batch's scalars,
            `on_epoch_end` their means over the period.
        last: global step to stop at.
        period: steps from report to report.
        jit_compile: whether to compile the step with XLA.
        allow_nan: whether to go on with what `check_finite` refuses, before its report.

    Returns:
        The number of the signal that stopped it, or None at the end.

    Raises:
        DivergedError: see `check_finite`.
    """
    strategy = model.distribute_strategy
    step = int(model.global_step.numpy())
    batches = iter(devices.share_out(strategy, dataset.train_from(step)))

    train_step = tf.function(model.train_step, jit_compile=jit_compile)

    @tf.function
    def train_one(batch):
        scalars = strategy.run(train_step, (batch,))
        return {tag: strategy.reduce('mean', value, axis=None) for tag, value in scalars.items()}

    reports = keras.callbacks.CallbackList(step_callbacks, model=model)
    with Interrupt() as interrupt:
        reports.on_train_begin()
        while step < last and not interrupt.signal:
            epoch, report, history = -(-step // period), next_report(step, period, last), []
            reports.on_epoch_begin(epoch)
            while step < report and not interrupt.signal:
                scalars = train_one(next(batches))
                step += 1
                history.append(scalars)
                reports.on_train_batch_end(step, scalars)
            values = {tag: np.array([scalars[tag] for scalars in history]) for tag in model.tags}
            if not allow_nan:
                check_finite(model, values, step)
            if step == report:
                reports.on_epoch_end(epoch, {tag: np.mean(values[tag]) for tag in model.tags})
        reports.on_train_end()
    return interrupt.signal


def restore(model, run, weights_suffice=False):
    """Sets a model to the newest checkpoint of a run that can be read.

    Args:
        model: an `acai_tf` model of the run's method and sizes.
        run: a `lib.runs.RunFolder`.
        weights_suffice: as for `lib.checkpoints.load_original`.

    Returns:
        The global step; 0 where there is no checkpoint.

    Raises:
        UserError: a checkpoint is of another model.
        UserError: none of the checkpoints can be read.
    """
    steps = run.checkpoint_steps()
    for step in steps:
        try:
            step = checkpoints.load_original(model, run.checkpoint(step), weights_suffice)
        except checkpoints.DamagedCheckpointError as error:
            print(f'{error} Trying the checkpoint before it.')
            continue
        return step
    if steps:
        raise UserError(
            f'No checkpoint in {run.checkpoints} can be read; put one back, or delete '
            f'{run.path} to start again.'
        )
    return 0


def resume(model, run):
    """`restore`, and says so."""
    step = restore(model, run)
    if run.is_original:
        print(
            f'Resuming {run.path} at step {step}, from a checkpoint written by the 2018 code (it '
            'has no args.json; the options of this command are recorded there now).'
        )
    elif step:
        print(f'Resuming {run.path} at step {step}.')
    return step


def autoencoder_evaluations(model, dataset, run, writer, progress):
    """The callbacks that evaluate an autoencoder at the end of a period.

    Args:
        model: an `acai_tf` model.
        dataset: a `lib.data.Dataset`.
        run: a `lib.runs.RunFolder`.
        writer: of its event files.
        progress: the `callbacks.Progress` that prints lines and knows the batch size.
    """
    evaluations = [callbacks.LatentAccuracy(dataset, writer, progress)]
    if dataset.score_lines:
        evaluations.append(callbacks.LineScores(dataset, writer, progress))
    evaluations.append(
        callbacks.PictureGrid(dataset, writer, run.images, progress.batch_size, model.seed)
    )
    return evaluations


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
    evaluations=autoencoder_evaluations,
):
    """Trains a model in a run folder to its end, from wherever it was left.

    Args:
        model: an `acai_tf` model, or a `lib.tasks.linear_classifier.LinearClassifier`.
        dataset: a `lib.data.Dataset` with batches of batch_size.
        run: a `lib.runs.RunFolder`, created, and `locked` where others might use it.
        batch_size: images of a step.
        total_kimg: length of the run, in 1024 images.
        report_kimg: images from report to report, in 1024.
        jit_compile: whether to compile the step with XLA.
        allow_nan: whether to go on when a loss or weight is no finite number.
        args: the resolved options, to be recorded in the run folder once its checkpoint fits.
        evaluations: makes the callbacks that evaluate it; see `autoencoder_evaluations`.

    Returns:
        The number of the signal that stopped it, or None at the end.

    Raises:
        UserError: no checkpoint can be read, training diverged, or the disk is full; the
            message says what is kept.
        UserError: the run's checkpoint is of another model, or a new one
            cannot be written.
    """
    last = total_steps(total_kimg, batch_size)
    period = max(1, (report_kimg << 10) // batch_size)
    options = dict(last=last, period=period, jit_compile=jit_compile, allow_nan=allow_nan)
    step = resume(model, run)
    if not allow_nan:
        _check_restored(model, run, step)
    if not model.distribute_strategy.extended.should_checkpoint:
        # Of several machines only the first reports and saves.
        return loop(model, dataset, [], **options)
    writer = _open_events(run, args, step)
    progress = callbacks.Progress(batch_size, last)
    reports = [
        progress,
        callbacks.BatchScalars(writer),
        *evaluations(model, dataset, run, writer, progress),
        callbacks.Checkpoints(run, writer),
    ]
    try:
        return loop(model, dataset, reports, **options)
    except DivergedError as error:
        kept = run.checkpoint_steps()
        last_good = f' The last good checkpoint is {run.checkpoint(kept[0])}.' if kept else ''
        raise DivergedError(
            f'{error}{last_good} Training stops: choose a lower --lr and another --train_dir, or '
            'give --allow_nan to go on.'
        ) from error
    except OSError as error:  # of a picture, say: what was trained is kept all the same
        step = int(model.global_step.numpy())
        checkpoints.save_original(model, run.checkpoint(step), step)
        raise UserError(
            f'Cannot write to {run.path} ({error.strerror or error}). The checkpoint of step '
            f'{step} is saved: make room, and the same command goes on from there.'
        ) from error
    finally:
        progress.close()
        with contextlib.suppress(tf.errors.OpError):  # every checkpoint flushed it before
            writer.close()


def _open_events(run, args, step):
    """A writer of new event files, once the old ones and args.json say what holds from `step`."""
    try:
        with callbacks.disk_errors():
            if args:
                run.write_args(args)
            events.drop_after(run.summaries, step)
            return tf.summary.create_file_writer(run.summaries)
    except OSError as error:
        raise UserError(
            f'Cannot write to {run.path} ({error.strerror or error}): make room, and the same '
            'command goes on.'
        ) from error


def locked(model, run):
    """The run's lock for the process that saves a model: of several machines the first has it."""
    saves = model.distribute_strategy.extended.should_checkpoint
    return run.locked() if saves else contextlib.nullcontext()


def _check_restored(model, run, step):
    try:
        check_finite(model, {}, step)
    except DivergedError as error:
        raise DivergedError(
            f'{error} They come from {run.checkpoint(step)}: remove that to go on from the '
            'checkpoint before it, or give --allow_nan.'
        ) from error
