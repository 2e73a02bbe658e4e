"""Trains what a table of the paper needs: several runs at a time, each in a process of its own."""
import contextlib
import dataclasses
import fcntl
import json
import os
import re
import subprocess
import sys
import threading
import time

import tqdm

from lib import data, experiments, paper, runs, train

LOCK_NAME = '.reproduce.lock'
LOCK_WAIT_SEC = 60  # the runs of a killed reproduce.py are gone long before
POLL_SEC = 0.2
SECONDS_BETWEEN_LOG_LINES = 30  # of the progress bar, where it goes to a file
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BAR = re.compile(r'^.*\| *([\d.]+)([kMG]?)/\S+ \[[^]]*\]')  # a run's own progress bar
UNITS = {'': 1, 'k': 1e3, 'M': 1e6, 'G': 1e9}


@dataclasses.dataclass(frozen=True)
class Job:
    """One run of one seed: trained and, for table 3, clustered."""

    experiment: experiments.Experiment
    train_dir: str
    seed: int
    total_kimg: int
    report_kimg: int
    clustered: bool

    @property
    def name(self):
        """Such as 'RUN1 ACAI lines32/64'."""
        method = paper.METHODS[self.experiment.class_name]
        size = f'{self.experiment.dataset}/{self.experiment.latent_size}'
        return f'RUN{self.seed} {method} {size}'

    @property
    def seed_dir(self):
        return os.path.join(self.train_dir, f'RUN{self.seed}')

    @property
    def folder(self):
        return self.experiment.folder(self.seed_dir)

    @property
    def last_step(self):
        return train.total_steps(self.total_kimg, experiments.BATCH)

    @property
    def images(self):
        """How many images the run sees in all."""
        return self.last_step * experiments.BATCH

    @property
    def images_seen(self):
        """How many of them it has seen by its newest checkpoint."""
        newest = max(self.folder.checkpoint_steps(), default=0)
        return min(newest, self.last_step) * experiments.BATCH

    def next_command(self):
        """['SCRIPT.py', '--flag=value', ...] of what it needs next; None where all is done."""
        if self.images_seen < self.images:
            return [
                *self.experiment.command,
                f'--seed={self.seed}',
                f'--total_kimg={self.total_kimg}',
                f'--report_kimg={self.report_kimg}',
                f'--train_dir={self.seed_dir}',
            ]
        if self.clustered and not self._is_clustered():
            return self.experiment.cluster_command(self.seed_dir)
        return None

    def _is_clustered(self):
        try:
            with open(os.path.join(self.folder.path, runs.CLUSTERING_NAME)) as file:
                record = json.load(file)
            wanted = (experiments.CLUSTER_INITS, max(self.folder.checkpoint_steps()))
            return (record['n_init'], record['step']) == wanted
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def check(self):
        """Raises RunError if the run's folder is of another seed, DataError without its data."""
        record = self.folder.read_args()
        before = record['args'].get('seed', self.seed) if record else self.seed
        if before != self.seed:
            raise runs.RunError(
                f'{self.folder.path} was trained with --seed={before}, but RUN{self.seed} is for '
                f'--seed={self.seed}; move it away, or choose another --train_dir.'
            )
        if self.next_command():
            data.check_files(self.experiment.dataset)


def plan(table, train_dir, *, seeds, total_kimg, report_kimg, methods=None):
    """The jobs of a table, the first seed's first.

    Args:
        table: 1, 2 or 3.
        train_dir: seed k's runs lie in RUNk below it.
        seeds: how many, from 1.
        total_kimg, report_kimg: as the training scripts have them.
        methods: names of classes or scripts, to make only these; None for all.

    Raises:
        lib.runs.RunError: a method is unknown.
    """
    known = experiments.METHODS
    wanted = [
        experiment
        for experiment in experiments.of_table(table)
        if not methods
        or experiment.class_name in methods
        or known[experiment.class_name].script in methods
    ]
    scripts = [known[name].script for name in paper.METHODS]
    for method in methods or ():
        if method not in scripts and method not in paper.METHODS:
            raise runs.RunError(f'--methods={method} is none of {", ".join(scripts)}.')
    return [
        Job(experiment, train_dir, seed, total_kimg, report_kimg, clustered=table == 3)
        for seed in range(1, seeds + 1)
        for experiment in wanted
    ]


@contextlib.contextmanager
def locked(train_dir):
    """Keeps every other reproduce.py out of a folder, until this one and its runs are gone.

    The runs inherit the lock. So a killed reproduce.py does not free it while one of them works.

    Yields:
        The lock's file descriptor, for the runs to inherit.

    Raises:
        lib.runs.RunError: another one works there, or the folder cannot be written.
    """
    try:
        os.makedirs(train_dir, exist_ok=True)
        lock = os.open(os.path.join(train_dir, LOCK_NAME), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise runs.RunError(f'Cannot write to {train_dir} ({error.strerror}).') from error
    give_up = time.monotonic() + LOCK_WAIT_SEC
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise runs.RunError(
                        f'Another reproduce.py, or a run that it started, works in {train_dir}; '
                        'wait for it, or choose another --train_dir.'
                    ) from None
                time.sleep(POLL_SEC)
        yield lock
    finally:
        os.close(lock)


class Console:
    """One progress bar over all runs on stderr, and the runs' own lines above it."""

    def __init__(self, jobs):
        self._lock = threading.Lock()
        self._seen = {job.name: job.images_seen for job in jobs}
        self._most = {job.name: job.images for job in jobs}
        self._live = sys.stderr.isatty()
        self._bar = tqdm.tqdm(
            total=sum(job.images for job in jobs),
            initial=sum(self._seen.values()),
            unit='img',
            unit_scale=True,
            desc='all runs',
            mininterval=0.5 if self._live else SECONDS_BETWEEN_LOG_LINES,
            dynamic_ncols=True,
        )

    def print(self, name, text):
        """Shows a line of a run."""
        text = f'{name}: {text}'
        with self._lock:
            if self._live:
                self._bar.write(text, file=sys.stderr)
            else:
                print(text, file=sys.stderr, flush=True)

    def seen(self, name, images):
        """Moves the bar to where a run is."""
        with self._lock:
            images = max(self._seen[name], min(images, self._most[name]))
            self._bar.update(images - self._seen[name])
            self._seen[name] = images

    def close(self):
        self._bar.close()


class Process:
    """A command at work, its output shown line by line.

    Attributes:
        last: the last line that it printed.
    """

    def __init__(self, job, command, environment, lock, console):
        self.job, self.console, self.last, self.environment = job, console, '', environment
        script, *flags = command
        self._trains = script != 'cluster.py'
        tied = [sys.executable, '-P', os.path.join(ROOT, 'lib', 'tied.py'), str(os.getpid())]
        self._process = subprocess.Popen(
            [*tied, os.path.join(ROOT, script), *flags],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,  # a bar's carriage returns end lines too
            errors='replace',
            pass_fds=(lock,),
        )
        console.print(job.name, f'python {" ".join(command)}')
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            at = BAR.search(line)
            if at and self._trains:
                self.console.seen(self.job.name, int(float(at[1]) * UNITS[at[2]]))
            text = BAR.sub('', line).strip()  # a report may stand behind a bar
            if text:
                self.last = text
                self.console.print(self.job.name, text)

    def exit_code(self):
        """None while it runs."""
        code = self._process.poll()
        if code is not None:
            self._reader.join()
        return code

    def stop(self):
        """Asks it to save a checkpoint and end."""
        self._process.terminate()


def run(jobs, train_dir, environments):
    """Does what jobs need, skipping what is done and resuming what was stopped.

    Args:
        jobs: list of `Job`.
        train_dir: their folder.
        environments: [{environment variable: value}], one for each process at a time.

    Returns:
        ({job name: a sentence on why it was not run}, {job name: a sentence on how it failed},
        the number of the signal that stopped it all, or None).

    Raises:
        lib.runs.RunError: the folder cannot be used.
    """
    with locked(train_dir) as lock:
        not_run, waiting = {}, []
        for job in jobs:
            try:
                job.check()
            except data.DataError as error:
                not_run[job.name] = str(error)
                continue
            waiting.append(job)
        console = Console(waiting)
        for job in waiting:
            if job.next_command() is None:
                console.print(job.name, 'done already')
        waiting = [job for job in waiting if job.next_command()]
        try:
            failed, signal = _work(waiting, environments, lock, console)
        finally:
            console.close()
        return not_run, failed, signal


def _work(waiting, environments, lock, console):
    free, working, failed = list(environments), [], {}
    with train.Interrupt() as interrupt:
        while working or (waiting and not interrupt.signal):
            while free and waiting and not interrupt.signal:
                job = waiting.pop(0)
                working.append(Process(job, job.next_command(), free.pop(0), lock, console))
            if interrupt.signal:
                for process in working:
                    process.stop()
            for process in [process for process in working if process.exit_code() is not None]:
                working.remove(process)
                free.append(process.environment)
                job, code = process.job, process.exit_code()
                if code and not interrupt.signal:
                    failed[job.name] = process.last or f'exit code {code}'
                elif not code:
                    console.seen(job.name, job.images_seen)
                    if job.next_command():
                        waiting.insert(0, job)
            time.sleep(POLL_SEC)
    return failed, interrupt.signal
