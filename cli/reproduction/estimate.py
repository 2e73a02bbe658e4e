"""How long the runs of a table will take on this machine, before any is begun."""
import contextlib
import os
import shlex
import statistics

import tensorflow as tf

from acai_tf import ALL_AES
from cli.reproduction import planning
from lib import devices, randomness, train
from lib.data import registry
from lib.errors import UserError
from lib.paper import constants
from lib.runs import scalars

MEASURE_SEC = 2


def dry_run(jobs, at_a_time):
    """Prints the commands that jobs need, how long they take, and which jobs cannot be run.

    Args:
        jobs, at_a_time: as for `print_estimate`.

    Returns:
        The exit code.
    """
    not_run = planning.unable(jobs)
    readable, commands = [], []
    for job in jobs:
        with contextlib.suppress(UserError):  # `not_run` has the reason
            commands += job.commands()
            readable.append(job)
    for command in commands:
        print(shlex.join(['python', *command]))
    print_estimate(readable, at_a_time)
    if clusterings := sum(command[0] == 'cluster.py' for command in commands):
        print(f'# k-means of {clusterings} too: cluster.py tells how long as it starts.')
    planning.print_not_run(not_run)
    return 0


def print_estimate(jobs, at_a_time=1):
    """Prints how many runs are to be trained and about how many hours that takes.

    A run's speed is taken from the reports of runs of its kind; where there are none, a few of its
    train steps are timed here.

    Args:
        jobs: list of `planning.Job`.
        at_a_time: how many of them share the machine where it has no GPU.
    """
    left = [job for job in jobs if job.images_seen < job.images]
    images = sum(job.images - job.images_seen for job in left)
    done = len(jobs) - len(left)
    count = f'{len(left)} run{"s" * (len(left) != 1)} to train'
    print(f'# {count}, {_short(images / 1e6)} million images; {done} complete.')
    if not left:
        return
    print('# Images per second (without reports and clustering):', flush=True)
    gpus = devices.find_gpus()
    # Only one run per GPU counts, as runs that share one slow each other down. Cores are shared out
    # as `local_executor` does.
    at_a_time = min(len(gpus) or at_a_time, len(jobs))
    cores = None if gpus else devices.cores_of_each(at_a_time)
    working, place = min(at_a_time, len(left)), 'this machine'
    if working > 1:
        place = f'{working} GPUs' if gpus else f'this machine, {working} runs at a time,'
    if cores and at_a_time > 1:
        tf.config.threading.set_intra_op_parallelism_threads(cores)
    choice = devices.choose(gpus[:1], precision=jobs[0].precision or 'float32')
    devices.start(choice)
    kinds, seconds = {}, 0
    for job in jobs:
        kinds.setdefault(_kind(job.experiment), []).append(job)
    for alike in kinds.values():
        images = sum(job.images - job.images_seen for job in alike)
        if not images:
            continue
        rate, source = _recorded(alike, cores), 'as reported by its runs in --train_dir'
        if rate is None:
            rate, source = _measured(alike[0].experiment, choice), 'measured now'
        title = alike[0].experiment.title
        print(f'#   {title}{" and alike" * (len(alike) > 1)}: {rate:,.0f}, {source}', flush=True)
        seconds += images / rate
    busy = f'{os.getloadavg()[0]:.1f} processes are at work on its {os.cpu_count()} cores now'
    hours = seconds / working / 3600
    print(f'# About {_short(hours)} hours on {place} at these rates; {busy}.')


def _short(number):
    """Three significant digits, or more where the integer part has more."""
    return f'{number:,.0f}' if number >= 100 else f'{number:.3g}'


def _kind(experiment):
    """What the time of a train step depends on; the numbers of colours and of latent channels
    hardly matter."""
    width = registry.width_of(experiment.dataset)
    changed = tuple(experiment.changed.items())
    return experiment.class_name, width, experiment.latent_width, experiment.depth, changed


def _recorded(jobs, cores):
    """The median images per second in the newest reports of runs that have begun; None if there are
    no reports.

    Args:
        jobs: list of `planning.Job`.
        cores: only runs on this many cores count; None for all runs.
    """
    rates = []
    for job in jobs:
        record = job.files.read()
        used = record.cores if record else devices.cores_of_each(1)
        if cores and used != cores:
            continue
        reports = scalars.read(job.folder.summaries).get(scalars.RATE_TAG, {})
        rates += [rate for step, rate in reports.items() if step > 1][-5:]  # 1: with compiling
    return statistics.median(rates) if rates else None


def _measured(experiment, choice):
    """Images per second of train steps on noise, without the first step, which compiles."""
    records = registry.DATASETS[experiment.dataset].records
    width, nclass = registry.width_of(experiment.dataset), 10
    shape = records.preparation.shape if records else (width, width, 1)
    model = ALL_AES[experiment.class_name](
        image_shape=shape, nclass=nclass, dtype=choice.dtype, **experiment.params
    )
    batch = {
        'x': randomness.Draws(0).uniform('estimate', (constants.BATCH, *shape), -1, 1),
        'label': tf.one_hot([0] * constants.BATCH, nclass),
    }
    steps = train.make_train_steps(model, choice.jit)
    batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
    return constants.BATCH * train.steps_per_second(steps, batches, MEASURE_SEC)
