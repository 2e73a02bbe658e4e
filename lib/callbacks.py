"""Keras callbacks that run at the end of a report period; each only calls a plain function.

All are Keras callbacks and work with `fit` too. They run in the order given; the checkpoint comes
last, so that what was reported before it is never lost.
"""
import contextlib
import errno
import math
import os
import sys
import time

import keras
import tensorflow as tf

from lib import (
    checkpoints,
    eval,
    files,
    interrupt,
    original_names,
    progress_bar,
    randomness,
    sampling,
)
from lib.drawing import captions, pictures
from lib.runs import scalars

KEEP_CHECKPOINTS = 3
SAVE_SEC = 600  # longest time between checkpoints, checked before each call of train steps
DESCRIPTIONS = {  # of the scalars that the original does not write
    scalars.RATE_TAG: 'Training images per second, averaged over the report period.',
    'sample_distance': 'Mean distance of random samples to the closest line; 0 for a line.',
    'sample_coverage': 'Share of 100 angles, from 0 to 1, that occur among random samples.',
    'sample_kl': "KL divergence of random samples' angles from uniform, in nats.",
}


class Callback(keras.callbacks.Callback):
    """A callback that knows the model's global step."""

    @property
    def step(self):
        return int(self.model.global_step.numpy())


class Progress(Callback):
    """A live bar with images per second and time left, and the original's console line.

    Args:
        batch_size: images per step.
        last_step: the global step at which training ends.
        rate: images per second in the period of an owed report; NaN without one.
    """

    def __init__(self, batch_size, last_step, rate=math.nan):
        super().__init__()
        self.batch_size, self.last_step = batch_size, last_step
        self.bar, self.live = None, sys.stderr.isatty()
        self.start = self.before = self.seen = 0  # period's start, images seen by then and by now
        self.calls = 0  # of train steps, by this process
        self.rate = rate  # images per second so far in the newest period

    def on_train_begin(self, logs=None):
        self.seen = self.before = self.step * self.batch_size
        self.bar = progress_bar.bar(
            total=self.last_step * self.batch_size,
            initial=self.seen,
            unit='img',
            unit_scale=True,
        )

    def on_epoch_begin(self, epoch, logs=None):
        self.start, self.before = time.perf_counter(), self.seen

    def on_train_batch_begin(self, batch, logs=None):
        if self.calls == 1:  # the first call compiled the step, which the rate must not include
            self.start, self.before = time.perf_counter(), self.seen

    def on_train_batch_end(self, batch, logs=None):
        images = self.step * self.batch_size
        self.bar.update(images - self.seen)
        if images > self.seen:  # else this is an owed report, stored with its rate
            self.calls += 1
            # Not at the period's end: a signal may come first, and the owed report needs the rate.
            self.rate = (images - self.before) / (time.perf_counter() - self.start)
        self.seen = images

    def on_epoch_end(self, epoch, logs=None):
        means = '  '.join(f'{tag}= {_short(logs[tag])}' for tag in self.model.tags)
        self.print(f'{means}  [{self.rate:.2f} img/s]')

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        """Closes the bar, also where an error ended training before `on_train_end`."""
        if self.bar is not None:
            self.bar.close()

    def print(self, text):
        """Prints a line above the bar, with the kimg (1,024 images) seen so far."""
        text = f'kimg={(self.step * self.batch_size) >> 10}  {text}'
        try:
            if self.live:
                self.bar.write(text)
                sys.stdout.flush()  # stdout may be a file or pipe, though stderr is not
            else:
                print(text, flush=True)
        except OSError as error:
            # EIO: the terminal is gone, as for a job behind ssh and &.
            if error.errno != errno.EIO:
                raise


def _short(value):
    """A number as text with at least three significant digits."""
    return f'{value:.0f}' if abs(value) >= 999.5 else f'{value:#.3g}'.rstrip('.')


class BatchScalars(Callback):
    """Writes the scalars of the period's last batch to the event file, and the period's rate."""

    def __init__(self, events, progress):
        super().__init__()
        self.events, self.progress = events, progress
        self.last = {}

    def on_train_batch_end(self, batch, logs=None):
        self.last = logs

    def on_epoch_end(self, epoch, logs=None):
        # Original: the last batch's scalars, not their means over the period.
        write_scalars(self.events, self.step, {**self.last, scalars.RATE_TAG: self.progress.rate})


@contextlib.contextmanager
def disk_errors():
    """Turns TensorFlow's error, when an event file cannot be written, into an OSError."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(errno.EIO, 'its event file cannot be written') from error


def write_scalars(events, step, values):
    """Writes {tag: float} at a step; OSError where the event file cannot be written."""
    with disk_errors(), events.as_default(step):
        for tag, value in values.items():
            description = DESCRIPTIONS.get(tag.removesuffix(sampling.FITTED))
            tf.summary.scalar(tag, value, description=description)


class Scores(Callback):
    """A callback that scores the model on a dataset.

    Args:
        dataset: a `lib.data.Dataset`.
        events: the writer of the event file that the scores go to.
        say: prints a line of the report.
    """

    def __init__(self, dataset, events, say):
        super().__init__()
        self.dataset, self.events, self.say = dataset, events, say


class LatentAccuracy(Scores):
    """Scores the running latent classifier on the whole test set."""

    def on_epoch_end(self, epoch, logs=None):
        # With one class there is nothing to measure, and CelebA's 202,599 images would take long.
        # The original's checkpoints say 100 then.
        one_class = self.dataset.nclass == 1
        accuracy = 100.0 if one_class else eval.latent_accuracy(self.model, self.dataset.test)
        self.model.evaluation['latent_accuracy'].assign(accuracy)
        if one_class:
            self.say('accuracy undefined (one class)')
            return
        write_scalars(self.events, self.step, {original_names.TAGS['latent_accuracy']: accuracy})
        self.say(f'accuracy={accuracy:.2f}')


class LineScores(Scores):
    """Scores interpolations between lines: their mean distance and mean smoothness."""

    def on_epoch_end(self, epoch, logs=None):
        images = eval.interpolations(self.model, self.dataset)
        scores = eval.line_eval(images)
        tagged = {}
        for name, value in scores._asdict().items():
            self.model.evaluation[name].assign(value)
            tagged[original_names.TAGS[name]] = value
        write_scalars(self.events, self.step, tagged)
        moves = math.isfinite(scores.mean_smoothness)
        smooth = f'={_short(scores.mean_smoothness)}' if moves else ' undefined (nothing moves)'
        self.say(f'mean_distance={_short(scores.mean_distance)}  mean_smoothness{smooth}')


class SampleScores(Scores):
    """Scores random samples: are they lines, and do all angles occur? See `lib.sampling`."""

    def on_epoch_end(self, epoch, logs=None):
        scores = sampling.scores(self.model, self.dataset)
        write_scalars(self.events, self.step, scores)
        self.say('  '.join(f'{tag}={_short(value)}' for tag, value in scores.items()))


class PictureGrid(Callback):
    """Draws four pictures: reconstructions of the first test images, straight and spherical
    interpolations between them, and samples.

    Each is written to the event file. Side by side, with captions, they are saved as
    FOLDER/name.png (the newest) and FOLDER/name_KKKKKK.png, where K is the kimg seen. The random
    latents of the samples are the same each time, so that pictures can be compared.
    """

    def __init__(self, dataset, events, folder, batch_size):
        super().__init__()
        self.dataset, self.events, self.folder = dataset, events, folder
        self.batch_size = batch_size

    def on_epoch_end(self, epoch, logs=None):
        rows = pictures.rows_of(self.dataset.width)
        shape = (rows * pictures.STEPS, *self.model.latent_shape)
        samples = randomness.Draws(self.model.seed).normal('pictures/samples', shape).numpy()
        drawn, straight = pictures.report_pictures(
            lambda images: eval.encode(self.model, images),
            lambda latents: eval.decode(self.model, latents),
            eval.first_images(self.dataset, pictures.num_images(rows=rows)),
            samples,
            rows=rows,
        )
        with disk_errors(), self.events.as_default(self.step):
            for name, picture in drawn.items():
                # Original: these tags.
                tf.summary.image(f'{name}/image/0', pictures.to_tensorboard(picture)[None])
        if self.dataset.has_lines:
            # Scores of the drawn interpolations only, under tags that the original writes for ACAI
            # and AAE alone.
            scores = eval.line_eval(straight)._asdict()
            write_scalars(self.events, self.step, {f'{n}_2': v for n, v in scores.items()})
        parts = [(pictures.CAPTIONS[name], picture) for name, picture in drawn.items()]
        png = captions.captioned(parts)
        kimg = (self.step * self.batch_size) >> 10
        for name in (f'name_{kimg:06d}.png', 'name.png'):
            files.write_atomically(os.path.join(self.folder, name), png)


class Checkpoints(Callback):
    """Saves the model at the end of every period, when training stops and, in long periods, every
    SAVE_SEC seconds; keeps the newest KEEP_CHECKPOINTS."""

    def __init__(self, run, events):
        super().__init__()
        self.run, self.events = run, events
        self.saved, self.saved_step = time.monotonic(), None

    def on_train_begin(self, logs=None):
        self.saved_step = self.step  # which training resumes from

    def on_train_batch_begin(self, batch, logs=None):
        # Not at a batch's end: after the last batch of a period, its report comes first. A model
        # that diverged is left for the period's end, which reports it.
        logs = logs or {}
        if self.step and time.monotonic() >= self.saved + SAVE_SEC:
            sound = logs.get('finite', True) and not checkpoints.first_non_finite(self.model)
            if sound or logs.get('allow_nan'):
                self.save()

    def on_epoch_end(self, epoch, logs=None):
        self.save()
        self.run.forget_owed_report()

    def on_train_end(self, logs=None):
        # A checkpoint of this step may exist but be damaged, so that an earlier one was resumed.
        if self.step and self.step != self.saved_step:
            self.save()

    @interrupt.uninterrupted()  # short, and may be replacing a checkpoint of the same step
    def save(self):
        """Saves the model, after flushing what was reported before it to the event file."""
        with disk_errors():
            self.events.flush()
        checkpoints.save_original(self.model, self.run.checkpoint(self.step), self.step)
        # Checkpoints of later steps are damaged, or training would have resumed from them.
        steps = [step for step in self.run.checkpoint_steps() if step <= self.step]
        for step in steps[KEEP_CHECKPOINTS:]:
            checkpoints.remove(self.run.checkpoint(step))
        self.saved, self.saved_step = time.monotonic(), self.step


def autoencoder_reports(dataset, run, events, progress):
    """Lists the callbacks that make an autoencoder's report, in the order that they run.

    Args:
        dataset: a `lib.data.Dataset`.
        run: a `lib.runs.RunFolder`.
        events: the writer of its event files.
        progress: the `Progress` that prints, and knows the batch size.
    """
    say, on_lines = progress.print, (LineScores, SampleScores)
    return [
        progress,
        BatchScalars(events, progress),
        LatentAccuracy(dataset, events, say),
        *([callback(dataset, events, say) for callback in on_lines] if dataset.has_lines else []),
        PictureGrid(dataset, events, run.images, progress.batch_size),
        Checkpoints(run, events),
    ]
