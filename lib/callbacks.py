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
SAVE_SEC = 600  # from one checkpoint to the next at most, between two calls of train steps
DESCRIPTIONS = {  # of the scalars that the original has not
    scalars.RATE_TAG: 'Training images per second, averaged over the report period.',
    'sample_distance': 'Mean distance of random samples to the closest line; 0 for a line.',
    'sample_coverage': 'Share of 100 angles, from 0 to 1, that occur among random samples.',
    'sample_kl': "KL divergence of random samples' angles from uniform, in nats.",
}


class Callback(keras.callbacks.Callback):
    """A callback that knows where the model is."""

    @property
    def step(self):
        return int(self.model.global_step.numpy())


class Progress(Callback):
    """A live bar with images per second and time left, and the original's console line.

    Args:
        batch_size: images of a step.
        last_step: the global step at which training ends.
        rate: images a second of the period before.
    """

    def __init__(self, batch_size, last_step, rate=math.nan):
        super().__init__()
        self.batch_size, self.last_step = batch_size, last_step
        self.bar, self.live = None, sys.stderr.isatty()
        self.start = self.before = self.seen = 0  # when the period began, images by then and now
        self.calls = 0  # of train steps, by this process
        self.rate = rate  # images a second of the newest period so far

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
        if self.calls == 1:  # the first one has compiled, which is no part of the rate
            self.start, self.before = time.perf_counter(), self.seen

    def on_train_batch_end(self, batch, logs=None):
        images = self.step * self.batch_size
        self.bar.update(images - self.seen)
        if images > self.seen:  # else the report was owed, and its rate with it
            self.calls += 1
            # Not at the period's end: a signal may come before that, and the report be owed.
            self.rate = (images - self.before) / (time.perf_counter() - self.start)
        self.seen = images

    def on_epoch_end(self, epoch, logs=None):
        means = '  '.join(f'{tag}= {_short(logs[tag])}' for tag in self.model.tags)
        self.print(f'{means}  [{self.rate:.2f} img/s]')

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        """Ends the bar, where training itself did not come to its end too."""
        if self.bar is not None:
            self.bar.close()

    def print(self, text):
        """Prints a line above the bar, with how many images (in thousands) were seen."""
        text = f'kimg={(self.step * self.batch_size) >> 10}  {text}'
        try:
            if self.live:
                self.bar.write(text)
                sys.stdout.flush()  # which may be a file or a pipe all the same
            else:
                print(text, flush=True)
        except OSError as error:
            if error.errno != errno.EIO:  # that of a terminal that was closed, as behind ssh and &
                raise


def _short(value):
    """Three significant digits."""
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
        # The original's checkpoints say 100 with one class. There is nothing to measure, and CelebA
        # has 202,599 images.
        one_class = self.dataset.nclass == 1
        accuracy = 100.0 if one_class else eval.latent_accuracy(self.model, self.dataset.test)
        self.model.evaluation['latent_accuracy'].assign(accuracy)
        if one_class:
            self.say('accuracy undefined (one class)')
            return
        write_scalars(self.events, self.step, {original_names.TAGS['latent_accuracy']: accuracy})
        self.say(f'accuracy={accuracy:.2f}')


class LineScores(Scores):
    """Mean distance and smoothness of interpolations between lines."""

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
    """Whether random samples are lines, and whether all angles occur; see `lib.sampling`."""

    def on_epoch_end(self, epoch, logs=None):
        scores = sampling.scores(self.model, self.dataset)
        write_scalars(self.events, self.step, scores)
        self.say('  '.join(f'{tag}={_short(value)}' for tag, value in scores.items()))


class PictureGrid(Callback):
    """Draws four pictures: reconstructions of the first test images, straight and spherical
    interpolations between them, and samples.

    Each goes to the event file; side by side, captioned, they are FOLDER/name.png, the newest,
    and FOLDER/name_KKKKKK.png, with K the thousands of images seen. The random latents of the
    samples are the same each time, so that pictures can be compared.
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
            # The drawn interpolations' own scores, under the original's tags; it has them of two
            # methods.
            scores = eval.line_eval(straight)._asdict()
            write_scalars(self.events, self.step, {f'{n}_2': v for n, v in scores.items()})
        parts = [(pictures.CAPTIONS[name], picture) for name, picture in drawn.items()]
        png = captions.captioned(parts)
        kimg = (self.step * self.batch_size) >> 10
        for name in (f'name_{kimg:06d}.png', 'name.png'):
            files.write_atomically(os.path.join(self.folder, name), png)


class Checkpoints(Callback):
    """Saves the model at every period's end, when training stops, and in periods that are long;
    keeps the newest few."""

    def __init__(self, run, events):
        super().__init__()
        self.run, self.events = run, events
        self.saved, self.saved_step = time.monotonic(), None

    def on_train_begin(self, logs=None):
        self.saved_step = self.step  # which it goes on from

    def on_train_batch_begin(self, batch, logs=None):
        # Not at a batch's end: after the last of a period, its report comes first. What diverged is
        # left for the period's end, which says so.
        logs = logs or {}
        if self.step and time.monotonic() >= self.saved + SAVE_SEC:
            sound = logs.get('finite', True) and not checkpoints.first_non_finite(self.model)
            if sound or logs.get('allow_nan'):
                self.save()

    def on_epoch_end(self, epoch, logs=None):
        self.save()
        self.run.forget_owed_report()

    def on_train_end(self, logs=None):
        # One of this step that lies there may be damaged, and passed over for an earlier one.
        if self.step and self.step != self.saved_step:
            self.save()

    @interrupt.uninterrupted()  # it takes a moment, in which one of the same step is replaced
    def save(self):
        """Saves the model, and whatever was reported before it."""
        with disk_errors():
            self.events.flush()
        checkpoints.save_original(self.model, self.run.checkpoint(self.step), self.step)
        # Later ones are damaged, or it would have gone on from them.
        steps = [step for step in self.run.checkpoint_steps() if step <= self.step]
        for step in steps[KEEP_CHECKPOINTS:]:
            checkpoints.remove(self.run.checkpoint(step))
        self.saved, self.saved_step = time.monotonic(), self.step


def autoencoder_reports(dataset, run, events, progress):
    """What a report on an autoencoder prints, writes and draws, in this order.

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
