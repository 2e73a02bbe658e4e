"""Does jobs on a Slurm cluster: submits them through submitit, each as a task of its own."""
import contextlib
import io
import os
import shlex
import sys
import time

os.environ.setdefault('SUBMITIT_LOG_LEVEL', 'NOCONFIG')  # else it replaces all logging handlers

import submitit  # noqa: E402

from cli.reproduction import planning, run_record, slurm, slurm_task, status, work  # noqa: E402
from lib import locks  # noqa: E402
from lib.errors import UserError  # noqa: E402

FOLDER_NAME = 'slurm'  # of submitit's scripts, pickles and logs, below a train_dir
DEFAULTS = {'time': '24:00:00', 'job_name': 'acai'}
COUNTS = 'nodes', 'ntasks_per_node', 'array_parallelism', 'signal_delay_s'
SUBMITIT_OPTIONS = *COUNTS, 'time', 'job_name'  # the others go to sbatch as they are
START_SEC, PENDING_SEC = 20, 5  # how long to see whether tasks begin
ENDING_SEC = 60  # how long to wait for those that end
LOCK_NAME, LOCK_WAIT_SEC = '.lock', 60 + ENDING_SEC  # others submit in less time


def parse_options(words):
    """{option of sbatch: value} of ['partition=gpu', 'time=1-12', 'exclusive', ...].

    Raises:
        UserError: an option has no name, or a count is not a number.
    """
    options = dict(DEFAULTS)
    for word in words:
        name, is_set, value = word.strip().lstrip('-').partition('=')
        if not name:
            raise UserError(f'--slurm={word} names no option; write --slurm partition=gpu.')
        name = name.replace('-', '_')
        if name in COUNTS and not value.isdecimal():
            raise UserError(f'--slurm={word} is not a number.')
        options[name] = int(value) if name in COUNTS else value if is_set else True
    return options


def submit_table(jobs, table, train_dir, words):
    """Submits what a table still needs and prints how far its runs are; if all are done, the table.

    Args:
        jobs: list of `planning.Job`.
        table: 1, 2 or 3, or experiments.SAMPLES_TABLE.
        train_dir: their folder.
        words: the values of --slurm.

    Returns:
        The exit code: 1 where some runs cannot be run.

    Raises:
        UserError: see `submit`.
    """
    options = parse_options(words)
    slurm.queue()  # raises where there is no Slurm, before anything is recorded
    with _alone(train_dir):
        able, not_run = planning.ready(jobs)
        try:
            count = submit(able, train_dir, options, _settled_queue(able))
        except BaseException:  # Ctrl-C too
            queued = slurm.known_queue()
            for job in able:
                run_record.leave(job, queued)
            raise
    if all(job.next_command() is None for job in able):
        planning.print_results(jobs, table, train_dir, not_run)
        return 1 if not_run else 0
    print(status.table(status.look(train_dir)))
    where = shlex.quote(train_dir)
    print(f'{count} tasks were submitted; python reproduce.py --status --train_dir={where}')
    planning.print_not_run(not_run)
    return 1 if not_run else 0


def _settled_queue(jobs):
    """The tasks in Slurm's queue, once no job's task is about to leave it or to enter it again."""
    tasks = {record.slurm for job in jobs if (record := job.files.read())}
    for _ in range(ENDING_SEC):
        queued = slurm.queue()
        if not any(queued.get(task) == 'COMPLETING' for task in tasks):
            break
        time.sleep(1)
    return queued


def _alone(train_dir):
    """A context in which no other command submits runs of a folder, since it could not see yet
    which ones this command is about to submit.

    Raises:
        UserError: another command is submitting for too long, or the folder cannot be written.
    """
    try:
        return run_record.held(os.path.join(train_dir, FOLDER_NAME), LOCK_NAME, LOCK_WAIT_SEC)
    except locks.HeldError as error:
        raise UserError(
            f'{error.holder} submits runs of {train_dir} now; give the command again then.'
        ) from error


def submit(jobs, train_dir, options, queued):
    """Hands jobs to Slurm, one array task each, except those done, at work or queued there already.

    Args:
        jobs: list of `planning.Job`, ready.
        train_dir: their folder.
        options: of sbatch, as `parse_options` gives them.
        queued: the tasks in Slurm's queue.

    Returns:
        How many were submitted.

    Raises:
        UserError: Slurm refuses the options, or its tasks end at once.
    """

    def is_taken(job):
        record = job.files.look()
        if record is None:  # though `run_record.queue` wrote it
            raise UserError(f'Cannot write to {job.folder.path}; make room there.')
        return record.state == run_record.RUNNING or record.slurm in queued

    wanted = [job for job in jobs if job.next_command() and not is_taken(job)]
    if not wanted:
        return 0
    executor = _executor(train_dir, options)
    try:
        # The exception repeats what submitit prints here.
        with contextlib.redirect_stderr(io.StringIO()), executor.batch():
            tasks = [executor.submit(slurm_task.Task(job)) for job in wanted]
    except submitit.core.utils.FailedJobError as error:
        said = [line for line in str(error).splitlines() if line.startswith('sbatch: ')]
        said = [line.removeprefix('sbatch: ').removeprefix('error: ').rstrip('.') for line in said]
        raise UserError(
            f'Slurm refuses --slurm={_shown(options)}: {"; ".join(said) or error}.'
        ) from error
    except OSError as error:
        raise UserError(f'Cannot write to {executor.folder} ({error.strerror}).') from error
    for job, task in zip(wanted, tasks, strict=True):
        record = job.files.read()
        if not record or record.slurm != task.job_id:  # else it has begun
            run_record.queue(job, task.job_id)
    _see_first_begin(wanted[0], tasks[0])
    return len(wanted)


def _has_begun(job, task):
    record = job.files.read()
    is_its = record is not None and record.slurm == task.job_id
    return is_its and record.state != run_record.WAITING


def _executor(train_dir, options):
    passed = {name: options[name] for name in SUBMITIT_OPTIONS if name in options}
    others = {name: value for name, value in options.items() if name not in SUBMITIT_OPTIONS}
    root = shlex.quote(work.ROOT)
    # The task imports this code, whatever folder it is submitted from.
    passed['setup'] = [f'export PYTHONSAFEPATH=1 PYTHONPATH={root}"${{PYTHONPATH:+:$PYTHONPATH}}"']
    # A machine that fails ends the whole task; one that ends well waits for the others.
    passed['srun_args'] = ['--kill-on-bad-exit=1', '--wait=0']
    passed['additional_parameters'] = {'requeue': True, **others}
    executor = submitit.SlurmExecutor(os.path.join(train_dir, FOLDER_NAME))
    executor.update_parameters(**passed)
    return executor


def _shown(options):
    return ','.join(name if value is True else f'{name}={value}' for name, value in options.items())


def _see_first_begin(job, task):
    """Waits for a task's first sign of life, if Slurm begins it at once.

    Raises:
        UserError: it ended without one.
    """
    for second in range(START_SEC):
        time.sleep(1)
        state = slurm.queue().get(task.job_id)
        if _has_begun(job, task):
            return
        if state == 'PENDING' and second > PENDING_SEC:
            return
        if state is None:
            said = slurm.last_line(task.stderr() or task.stdout() or '')
            raise UserError(
                f"Slurm's task {task.job_id} ended before it wrote to {job.folder.path}: the nodes "
                f'must share that folder, {work.ROOT}, {sys.executable} and AE_DATA.'
                + (f' It said: {said}' if said else '')
            )
