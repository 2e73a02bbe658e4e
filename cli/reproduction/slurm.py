"""Slurm's own commands, as far as reproduce.py needs them."""
import os
import shutil
import subprocess
import sys

from lib.errors import UserError


def is_here():
    return bool(shutil.which('sbatch'))


def known_queue():
    """The result of `queue`; None where there is no Slurm or, with a note, it does not answer."""
    try:
        return queue() if is_here() else None
    except UserError as error:
        print(error, file=sys.stderr)
        return None


def queue_of(records):
    """The result of `known_queue` if one of the `run_record.Record`s names a task; else None."""
    return known_queue() if any(record and record.slurm for record in records) else None


def queue():
    """{task: its state} of this user's tasks that wait or run.

    Raises:
        UserError: there is no Slurm here, or it does not answer.
    """
    if not is_here():
        raise UserError(
            'There is no sbatch here: run this on a machine of the Slurm cluster, or use '
            '--executor=local.'
        )
    command = ['squeue', '--noheader', '--array', '--format=%i %T %U']
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f'Slurm does not answer: {last_line(done.stderr)}')
    # For a user ID without a name on this machine, --user and --me would list no tasks.
    tasks = (line.split() for line in done.stdout.splitlines())
    return {task: state for task, state, user in tasks if int(user) == os.getuid()}


def cancel(tasks):
    """Takes tasks out of the queue, where there is Slurm; those that run get a SIGTERM."""
    tasks = list(tasks)
    if tasks and shutil.which('scancel'):
        subprocess.run(['scancel', '--quiet', *tasks], stderr=subprocess.DEVNULL)


def requeue(task):
    """Makes Slurm end a task and put it back into the queue.

    Raises:
        UserError: Slurm does not do so.
    """
    try:
        done = subprocess.run(['scontrol', 'requeue', task], capture_output=True, text=True)
    except OSError as error:
        raise UserError(f'Cannot run scontrol ({error.strerror}).') from error
    if done.returncode:
        raise UserError(f'Slurm does not requeue {task}: {last_line(done.stderr)}')


def last_line(text):
    """The last line of what a program printed."""
    return (text.strip().splitlines() or [''])[-1]
