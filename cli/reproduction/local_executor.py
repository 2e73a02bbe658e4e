"""Does jobs on this machine: several at a time, each in a process of its own."""
import contextlib
import dataclasses
import os
import sys
import time

import tensorflow as tf

from cli.reproduction import planning, processes, run_record, slurm, work
from lib import devices, locks
from lib.errors import UserError
from lib.interrupt import Interrupt

RENEW_SEC = run_record.DEAD_SEC / 4  # how often the records of waiting runs are renewed


@dataclasses.dataclass
class Outcome:
    """What became of jobs.

    Attributes:
        failed: {job's name: a sentence on how it failed}.
        stopped: {job's name: why it was stopped, such as by --cancel}.
        elsewhere: {job's name: which process works on it}.
        signal: the number of the signal that stopped it all, or None.
    """

    failed: dict = dataclasses.field(default_factory=dict)
    stopped: dict = dataclasses.field(default_factory=dict)
    elsewhere: dict = dataclasses.field(default_factory=dict)
    signal: int | None = None


def run_table(jobs, table, train_dir, at_a_time):
    """Does the jobs of a table, then prints the table.

    Args:
        jobs: list of `planning.Job`.
        table: which of the tables.
        train_dir: folder of the runs.
        at_a_time: jobs at a time, on each GPU if there is one.

    Returns:
        The exit code.
    """
    able, not_run = planning.ready(jobs)
    # All jobs count, done or not, so that the same command resumes with as many cores for each.
    outcome = run_jobs(able, environments(min(at_a_time, len(jobs))))
    planning.print_results(jobs, table, train_dir, not_run)
    for name, process in outcome.elsewhere.items():
        print(f'{name} is already running elsewhere ({process}).', file=sys.stderr)
    for name, sentence in outcome.failed.items():
        print(f'{name} failed: {sentence}', file=sys.stderr)
    for name, why in outcome.stopped.items():
        print(f'{name} was stopped: {why}', file=sys.stderr)
    if outcome.signal:
        print('Stopped; run the same command again to continue.', file=sys.stderr)
        return 128 + outcome.signal
    return 1 if outcome.failed or outcome.stopped or not_run else 0


def environments(at_a_time):
    """The environments of processes that run at the same time: a GPU each, or a share of the CPU.

    Args:
        at_a_time: processes at a time, on each GPU if there is one.

    Returns:
        [{environment variable: value}].
    """
    gpus = tf.config.list_physical_devices('GPU')
    if gpus:
        visible = os.environ.get('CUDA_VISIBLE_DEVICES') or ','.join(map(str, range(len(gpus))))
        names = visible.split(',')[: len(gpus)]  # CUDA ends its list at a name that it cannot find
        own = [{'CUDA_VISIBLE_DEVICES': name} for name in names] * at_a_time
    elif at_a_time == 1:
        own = [{}]
    else:
        cores = str(devices.cores_of_each(at_a_time))
        # They set the threads of TensorFlow, of k-means, and of NumPy and scikit-learn themselves.
        names = work.THREADS, 'LOKY_MAX_CPU_COUNT', 'OMP_NUM_THREADS'
        own = [dict.fromkeys(names, cores)] * at_a_time
    return [{**os.environ, **variables} for variables in own]


def run_jobs(jobs, environments):
    """Does what jobs need, skipping what is done and resuming what was stopped.

    Args:
        jobs: list of `planning.Job`, ready.
        environments: [{environment variable: value}], one for each process that may run at a time.

    Returns:
        An `Outcome`.
    """
    outcome = Outcome()
    console = processes.Console(
        {job.name: job.images_seen for job in jobs}, {job.name: job.images for job in jobs}
    )
    waiting = []
    for job in jobs:
        if job.next_command():
            waiting.append(job)
        else:
            console.print(job.name, 'done already')
    with contextlib.closing(console), Interrupt() as interrupt:
        _work(waiting, environments, console, interrupt, outcome)
    if interrupt.signal and waiting:  # these were not begun
        queued = slurm.queue_of(job.files.read() for job in waiting)
        for job in waiting:
            run_record.leave(job, queued)
    outcome.signal = interrupt.signal
    return outcome


def _work(waiting, environments, console, interrupt, outcome):
    """Works on jobs until none is left, or a signal comes."""
    free, working, renewed = list(environments), [], time.monotonic()
    while working or (waiting and not interrupt.signal):
        while free and waiting and not interrupt.signal:
            job = waiting.pop(0)
            try:
                working.append((work.Work(job, free[0], console), free.pop(0)))
            except locks.HeldError as error:
                outcome.elsewhere[job.name] = error.holder
            except UserError as error:
                outcome.failed[job.name] = str(error)
        for each, environment in list(working):
            if interrupt.signal:
                each.stop('stopped by a signal')
            if (state := each.advance()) is None:
                continue
            each.close()
            working.remove((each, environment))
            free.append(environment)
            if state == run_record.FAILED:
                outcome.failed[each.job.name] = each.record.reason
            elif state == run_record.STOPPED and not interrupt.signal:
                outcome.stopped[each.job.name] = each.record.reason
        if time.monotonic() > renewed + RENEW_SEC:
            renewed = time.monotonic()
            for job in waiting:
                job.files.keep_waiting()
        time.sleep(work.POLL_SEC)
