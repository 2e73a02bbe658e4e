"""What a table of the paper needs: its runs as jobs, and what each needs next."""
import contextlib
import dataclasses
import glob
import os
import sys

from acai_tf import Autoencoder, load
from cli.reproduction import run_record, slurm, work
from lib import checkpoints, data, files, runs, train
from lib.errors import UserError
from lib.paper import constants, experiments, results, samples_table, tables


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
    """One run of one seed: trained and, for table 3, clustered.

    precision: as for the training scripts; '' for the one that the run began with (so does 'auto'),
        or for a new run the paper's float32.
    """

    experiment: experiments.Experiment
    train_dir: str
    seed: int
    total_kimg: int
    report_kimg: int
    clustered: bool
    precision: str = ''

    @property
    def name(self):
        """Such as 'RUN1 ACAI lines32/64'."""
        return f'{self.seed_name} {self.experiment.title}'

    @property
    def seed_name(self):
        """Such as 'RUN1'."""
        return constants.seed_folder(self.seed)

    @property
    def seed_dir(self):
        return os.path.join(self.train_dir, self.seed_name)

    @property
    def folder(self):
        return self.experiment.folder(self.seed_dir)

    @property
    def files(self):
        """The files by which commands share the run."""
        return run_record.RunFiles(self.folder)

    @property
    def last_step(self):
        return train.total_steps(self.total_kimg, constants.BATCH)

    @property
    def images(self):
        """How many images the run sees in all."""
        return self.last_step * constants.BATCH

    @property
    def images_seen(self):
        """How many of these images the run had seen at its newest checkpoint."""
        newest = max(self.folder.checkpoint_steps(), default=0)
        return min(newest, self.last_step) * constants.BATCH

    def progress(self):
        """(images seen, {clustering file: when it was written}): changes as the run goes on."""
        pattern = os.path.join(glob.escape(self.folder.path), runs.CLUSTERING_FILES)
        written = {}
        for path in glob.glob(pattern):
            with contextlib.suppress(OSError):  # it has been removed since
                written[path] = os.path.getmtime(path)
        return self.images_seen, written

    def commands(self):
        """The commands that the run still needs, in order: [['SCRIPT.py', '--flag=value', ...]]."""
        is_trained, commands = self._is_trained(), []
        if not is_trained:
            commands.append([
                *self.experiment.command,
                f'--seed={self.seed}',
                f'--total_kimg={self.total_kimg}',
                f'--report_kimg={self.report_kimg}',
                f'--precision={self._precision}',
                # A run that began on one GPU, or on none, goes on so even if there are several.
                *(['--devices=1'] if self._recorded('devices') == 1 else []),
                f'--train_dir={self.seed_dir}',
            ])  # fmt: skip
        if self.clustered and not (is_trained and self._is_clustered()):
            commands.append(self.experiment.cluster_command(self.seed_dir))
        return commands

    def next_command(self):
        """The first of `commands`; None where all is done."""
        return next(iter(self.commands()), None)

    def _is_trained(self):
        if self.folder.owes_report:
            return False
        return self._whole_step() >= self.last_step

    def _whole_step(self):
        """The newest step with an undamaged checkpoint, from which scripts resume; -1 for none."""
        steps = self.folder.checkpoint_steps()
        whole = (step for step in steps if checkpoints.looks_whole(self.folder.checkpoint(step)))
        return next(whole, -1)

    @property
    def _precision(self):
        """The precision asked for; with '' or 'auto', a run that has begun keeps its own."""
        if self.precision in ('', 'auto'):
            return self._recorded('precision', self.precision or 'float32')
        return self.precision

    def _recorded(self, option, default=None):
        try:
            return self.folder.args.get(option, default)
        except UserError:  # a damaged record, which the script reports
            return default

    def _is_clustered(self):
        path = self.folder.clustering_path
        record = results.read_clustering(path, tell=False)  # called often, so without notes
        if not record:  # which spares a look at the checkpoints
            return False
        wanted = {**experiments.TABLE_3_OPTIONS, 'step': self._whole_step()}
        return record.items() >= wanted.items()

    def check(self):
        """Raises UserError if the run's folder is of another seed, learning rate or batch size, or
        is an unfinished run of the 2018 code, or if the run's data are missing."""
        own = {'seed': self.seed, 'lr': constants.LR, 'batch': constants.BATCH}
        recorded = self.folder.begun_with().get('args', {})
        for option, wanted in own.items():
            before = recorded.get(option, wanted)
            if before != wanted:
                raise UserError(
                    f'{self.folder.path} was trained with --{option}={before}, but '
                    f'{self.seed_name} is for --{option}={wanted}; move it away, or choose another '
                    '--train_dir.'
                )
        # A run with a `run_record.Record` is ours, even if its args.json was deleted.
        is_known = self.files.read() is not None
        if self.folder.is_original and not is_known and not self._is_trained():
            raise UserError(
                f'{self.folder.path} is a run of the 2018 code, which does not tell its seed: go '
                f'on with it by {self.experiment.command[0]}, or choose another --train_dir.'
            )
        if self.next_command():
            data.check_files(self.experiment.dataset)


def plan(
    table, train_dir, *, seeds, total_kimg, report_kimg, methods=(), datasets=(), precision=''
):
    """The jobs of a table, those of the first seed first.

    Args:
        table: 1, 2 or 3, or experiments.SAMPLES_TABLE.
        train_dir: seed k's runs lie in RUNk below it.
        seeds: how many, from 1.
        total_kimg, report_kimg: as the training scripts have them.
        methods: names of the classes or scripts to take, in the paper or not; () for all of the
            paper's.
        datasets: names of the datasets to take, in the paper or not; () for all of the paper's.
        precision: see `Job`.

    Raises:
        UserError: a method is unknown, a dataset has no row in the table, or TensorFlow cannot open
            the folder.
    """
    files.check_checkpoint_path(train_dir, 'choose another --train_dir')
    wanted = experiments.of_table(table, datasets, _class_names(methods))
    return [
        Job(experiment, train_dir, seed, total_kimg, report_kimg, table == 3, precision)
        for seed in range(1, seeds + 1)
        for experiment in wanted
    ]


def _class_names(methods):
    """The class names of methods given by class or script, the paper's first, each once.

    Raises:
        UserError: one is unknown, or has no script.
    """
    others = sorted(Autoencoder.methods().keys() - experiments.DESCRIPTIONS.keys())
    scripts = {name: experiments.script_of(name) for name in [*experiments.DESCRIPTIONS, *others]}
    for method in methods:
        if method not in scripts and method not in scripts.values():
            raise UserError(
                f'--methods={method} is none of {", ".join(scripts.values())}; one of your own is '
                'two files (docs/EXTENDING.md).'
            )
    chosen = [name for name, script in scripts.items() if name in methods or script in methods]
    for name in chosen:
        script = f'{scripts[name]}.py'
        if not os.path.exists(os.path.join(work.ROOT, script)):
            raise UserError(
                f'There is no {script} beside reproduce.py to train {name}; docs/EXTENDING.md '
                'shows what it holds.'
            )
    return chosen


def unable(jobs):
    """{name: a sentence on why not} of the jobs that cannot be done."""
    sentences = {}
    for job in jobs:
        try:
            job.check()
        except UserError as error:
            sentences[job.name] = str(error)
    return sentences


def ready(jobs):
    """Records the jobs that can be run: as waiting, or as done if nothing is left to do.

    Args:
        jobs: list of `Job`.

    Returns:
        (the list of those that can be done, {name: a sentence on why not} of the others).
    """
    able, not_run = [], unable(jobs)
    queued = slurm.queue_of(job.files.read() for job in jobs)
    for job in jobs:
        if job.name in not_run:
            continue
        try:
            run_record.queue(job, queued=queued)
            able.append(job)
        except UserError as error:
            not_run[job.name] = str(error)
    return able, not_run


def print_results(jobs, table, train_dir, not_run):
    """Prints a table of the paper, or of samples, and on stderr why runs were not run."""
    trained = load.find_runs(train_dir) if os.path.isdir(train_dir) else []
    if table in experiments.TABLES:
        built = tables.build(trained, table)
    else:
        reported = {os.path.normpath(run.path) for run in trained if run.last_step}
        lacking = [job for job in jobs if os.path.normpath(job.folder.path) not in reported]
        built = samples_table.build(trained, list(map(_planned, lacking)))
    print(tables.render('text', [built], missing='not run'))
    print_not_run(not_run)


def _planned(job):
    """A job as the table of samples takes it: (run without scores, source of its latents)."""
    experiment = job.experiment
    run = results.Run(
        job.folder.path,
        experiment.class_name,
        experiment.dataset,
        experiment.params,
        report_kimg=job.report_kimg,
        # What 'auto' stands for depends on the GPUs, and is not known before the run begins.
        precision='float32' if job.precision in ('', 'auto') else job.precision,
    )
    has_prior = Autoencoder.methods()[experiment.class_name].HAS_PRIOR
    return run, 'prior' if has_prior else 'fitted'


def print_not_run(not_run):
    for sentence in dict.fromkeys(not_run.values()):
        count = list(not_run.values()).count(sentence)
        subject = '1 run was' if count == 1 else f'{count} runs were'
        print(f'{subject} not run. {sentence}', file=sys.stderr)
