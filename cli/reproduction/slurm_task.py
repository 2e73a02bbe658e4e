"""The work of one Slurm task on its job."""
import contextlib
import dataclasses
import os
import signal
import sys
import time

from cli.reproduction import processes, run_record, slurm, work
from lib import locks
from lib.errors import UserError
from lib.interrupt import Interrupt

FRUITLESS = 3  # tries; not 1, as Slurm may warn up to a minute too early that time is nearly up
LOCK_WAIT_SEC = 120  # the lock of a machine that died may outlive it for a while
OUT_OF_TIME = signal.SIGUSR2  # Slurm sends it before the time is up, as submitit asks it to


class Task:
    """What a Slurm task does: works on a job until it is done, or a signal comes.

    When its time is nearly up it stops the job with a checkpoint and asks Slurm to begin it again.
    On the other signals (of a preemption, a requeue or a cancellation), Slurm itself knows whether
    to begin it again. If a task has several machines, the first one keeps the record.

    Args:
        job: a `planning.Job`.
    """

    def __init__(self, job):
        self.job, self.out_of_time = job, False

    def __call__(self):
        os.environ['PYTHONUNBUFFERED'] = '1'
        signal.signal(OUT_OF_TIME, self._time_is_up)
        with Interrupt() as interrupt:
            if int(os.environ.get('SLURM_PROCID', 0)):
                return self._follow(interrupt)
            return self._lead(interrupt)

    def _time_is_up(self, number, frame):
        self.out_of_time = True

    def _lead(self, interrupt):
        """Works on the job; ends in an exception unless the job is done or left to another try."""
        job, seen, begun = self.job, self.job.images_seen, self.job.progress()
        before = job.files.read()
        console = processes.Console({job.name: seen}, {job.name: job.images})
        at_work = work.Work(job, os.environ.copy(), console, own_task(), LOCK_WAIT_SEC)
        while (state := at_work.advance()) is None:
            if interrupt.signal:
                at_work.stop('stopped by a signal')
            elif self.out_of_time:
                at_work.stop('its time was up')
            time.sleep(work.POLL_SEC)
        console.close()
        if state == run_record.STOPPED and self.out_of_time and not interrupt.signal:
            fruitless = before.fruitless + 1 if before and job.progress() == begun else 0
            self._begin_again(at_work, fruitless)
            return
        at_work.close()
        if state == run_record.FAILED:
            raise UserError(at_work.record.reason)
        if state == run_record.STOPPED:
            sys.exit(128 + (interrupt.signal or signal.SIGTERM))

    def _begin_again(self, at_work, fruitless):
        """Leaves the job to another try, unless FRUITLESS tries in a row made no progress.

        Args:
            fruitless: how many in a row, this one included, made none.
        """
        if fruitless == FRUITLESS:
            reason = f'it ran out of time {FRUITLESS} times without progress'
            at_work.close(state=run_record.FAILED, reason=reason)
            raise UserError(reason)
        at_work.close(state=run_record.WAITING, fruitless=fruitless)
        self._requeue(at_work.record)

    def _requeue(self, record):
        try:
            slurm.requeue(own_task())
        except UserError as error:
            reason = f'its time was up. {error}'
            stopped = dataclasses.replace(record, state=run_record.STOPPED, reason=reason)
            with contextlib.suppress(locks.HeldError), self.job.files.held():
                self.job.files.write(stopped)
            raise

    def _follow(self, interrupt):
        """Trains together with the first machine."""
        command = self.job.next_command()
        if not command or command[0] == 'cluster.py':
            return
        path = os.path.join(work.ROOT, command[0])
        command = [path, *command[1:]]
        process = processes.Process(command, os.environ.copy(), print)
        stopping = False
        while (code := process.exit_code()) is None:
            if (interrupt.signal or self.out_of_time) and not stopping:
                stopping = True
                process.stop()
            time.sleep(work.POLL_SEC)
        # Exit code 0 after an orderly stop: otherwise srun would end the first machine, which still
        # saves.
        if code and code not in work.SIGNALLED:
            sys.exit(code)


def own_task():
    """The Slurm task of this process, such as '12_3'."""
    array = os.environ.get('SLURM_ARRAY_JOB_ID')
    return f'{array}_{os.environ["SLURM_ARRAY_TASK_ID"]}' if array else os.environ['SLURM_JOB_ID']
