"""Trains what a table of the paper needs: several runs at a time, each in a process of its own."""
import dataclasses
import os
import time

from cli import processes
from lib import data, files, runs, train
from lib.errors import UserError
from lib.paper import experiments, reported

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
POLL_SEC = 0.2


@dataclasses.dataclass(frozen=True, eq=False)
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
        return f'RUN{self.seed} {self.experiment.title}'

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
            record = files.read_json(os.path.join(self.folder.path, runs.CLUSTERING_NAME))
            wanted = (experiments.CLUSTER_INITS, max(self.folder.checkpoint_steps()))
            return (record['n_init'], record['step']) == wanted
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def check(self):
        """Raises UserError if the run's folder is of another seed, or its data are missing."""
        record = self.folder.read_args()
        before = record['args'].get('seed', self.seed) if record else self.seed
        if before != self.seed:
            raise UserError(
                f'{self.folder.path} was trained with --seed={before}, but RUN{self.seed} is for '
                f'--seed={self.seed}; move it away, or choose another --train_dir.'
            )
        if self.next_command():
            data.check_files(self.experiment.dataset)


def plan(table, train_dir, *, seeds, total_kimg, report_kimg, methods=None, datasets=()):
    """The jobs of a table, the first seed's first.

    Args:
        table: 1, 2 or 3.
        train_dir: seed k's runs lie in RUNk below it.
        seeds: how many, from 1.
        total_kimg, report_kimg: as the training scripts have them.
        methods: names of classes or scripts, to make only these; None for all.
        datasets: to make only rows of these, the paper's or not; () for all of the paper's.

    Raises:
        UserError: a method is unknown, or a dataset has no row in the table.
    """
    known = experiments.METHODS
    wanted = [
        experiment
        for experiment in experiments.of_table(table, datasets)
        if not methods
        or experiment.class_name in methods
        or known[experiment.class_name].script in methods
    ]
    scripts = [known[name].script for name in reported.METHODS]
    for method in methods or ():
        if method not in scripts and method not in reported.METHODS:
            raise UserError(f'--methods={method} is none of {", ".join(scripts)}.')
    return [
        Job(experiment, train_dir, seed, total_kimg, report_kimg, clustered=table == 3)
        for seed in range(1, seeds + 1)
        for experiment in wanted
    ]


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
        UserError: the folder cannot be used.
    """
    with processes.locked(train_dir) as lock:
        not_run, waiting = {}, []
        for job in jobs:
            try:
                job.check()
            except UserError as error:
                not_run[job.name] = str(error)
                continue
            waiting.append(job)
        console = processes.Console(
            {job.name: job.images_seen for job in waiting},
            {job.name: job.images for job in waiting},
        )
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
    """({job name: how it failed}, signal): works on jobs until none is left, or a signal comes."""
    free, working, failed = list(environments), {}, {}
    with train.Interrupt() as interrupt:
        while working or (waiting and not interrupt.signal):
            while free and waiting and not interrupt.signal:
                job, environment = waiting.pop(0), free.pop(0)
                command = job.next_command()
                process = _start(job, command, environment, lock, console)
                working[job] = environment, command, process
            for job, (environment, command, process) in list(working.items()):
                if interrupt.signal:
                    process.stop()
                code = process.exit_code()
                if code is None:
                    continue
                del working[job]
                free.append(environment)
                if code and not interrupt.signal:
                    failed[job.name] = process.last or f'exit code {code}'
                elif not code:
                    console.seen(job.name, job.images_seen)
                    if job.next_command() == command:
                        failed[job.name] = 'it ended without doing its work'
                    elif job.next_command():  # clustering comes after training
                        waiting.insert(0, job)
            time.sleep(POLL_SEC)
    return failed, interrupt.signal


def _start(job, command, environment, lock, console):
    script, *flags = command
    return processes.Process(
        job.name,
        [os.path.join(ROOT, script), *flags],
        environment,
        lock,
        console,
        counts_images=script != 'cluster.py',
    )
