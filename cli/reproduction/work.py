"""A run at work: its processes one after another, its log, and the record that others read."""
import contextlib
import os
import time

from cli.reproduction import processes, run_record
from lib import devices, locks
from lib.errors import UserError
from lib.interrupt import STOPS

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
POLL_SEC = 0.2
LOOK_SEC = 2  # how often to look whether the run is cancelled
THREADS = 'TF_NUM_INTRAOP_THREADS'  # an environment variable
# Exit codes of a script that a signal stopped, or ended.
SIGNALLED = {code for number in STOPS for code in (128 + number, -number)}


class Work:
    """A job at work; no other command works on it until `close`.

    Args:
        job: a `planning.Job`.
        environment: {variable: value} of its processes.
        console: a `processes.Console`.
        slurm: the Slurm task that does it, such as '12_3'.
        wait_sec: how long to wait for another command to let go of it; None for the usual time.

    Attributes:
        record: its `run_record.Record`.

    Raises:
        locks.HeldError: another command works on it.
        UserError: its folder cannot be written.
    """

    def __init__(self, job, environment, console, slurm='', wait_sec=None):
        self.job, self._environment, self._console = job, environment, console
        self._process = self._command = self._why_stopped = None
        self._begin, self._images_at_begin, self._beat, self._looked = None, 0, 0, 0
        self._held = job.files.held(wait_sec)
        try:
            before = job.files.read()
            path = job.files.path(run_record.LOG_NAME)
            self._log = self._held.enter_context(open(path, 'a', encoding='utf-8'))
        except OSError as error:
            self._held.close()
            raise UserError(f'Cannot write {path} ({error.strerror}).') from error
        self.record = run_record.Record(
            job.name,
            job.images,
            run_record.RUNNING,
            job.images_seen,
            process=locks.this_process(),
            slurm=slurm or (before.slurm if before else ''),  # a task that may still wait
            cores=int(environment.get(THREADS) or devices.cores_of_each(1)),
        )
        self._write()

    def advance(self):
        """Checks on the job and starts what comes next; to be called again and again.

        Returns:
            The state in which the job ended; None while it is at work.
        """
        try:
            return self._advance()
        except (UserError, OSError) as error:  # its folder cannot be read, say; others go on
            return self._end(run_record.FAILED, str(error))

    def _advance(self):
        now = time.monotonic()
        if now > self._looked + LOOK_SEC:
            self._looked = now
            if self.job.files.cancelled:
                self.stop(run_record.CANCELLED)
        if now > self._beat + run_record.HEARTBEAT_SEC:
            self._write()
        if self._process is None:
            return self._next()
        code = self._process.exit_code()
        if code is None:
            return None
        self.record.images_seen = self.job.images_seen
        self._console.seen(self.job.name, self.job.images_seen)
        if code and code not in SIGNALLED:  # even when asked to stop: it could not save, say
            words = self._process.last if code > 0 else f'killed by signal {-code}'
            return self._end(run_record.FAILED, words or f'exit code {code}')
        if self._why_stopped or code:
            if self.job.next_command() is None:  # the signal came at the very end
                return self._end(run_record.DONE, '')
            return self._end(run_record.STOPPED, self._why_stopped or self._process.last)
        after = self.job.next_command()
        if after and after[0] == self._command[0]:
            return self._end(run_record.FAILED, 'it exited without finishing its work')
        return self._next()  # clustering comes after training

    def stop(self, why):
        """Asks the job's process to save a checkpoint and end."""
        if not self._why_stopped:
            self._why_stopped = why
            if self._process:
                self._process.stop()

    def close(self, **changes):
        """Releases the job to other commands, after `changes` to its record."""
        for name, value in changes.items():
            setattr(self.record, name, value)
        self._write()
        with contextlib.suppress(OSError):  # on a full disk, closing the log tries to write again
            self._held.close()

    def _next(self):
        if self._why_stopped or self.job.files.cancelled:
            return self._end(run_record.STOPPED, self._why_stopped or run_record.CANCELLED)
        self._command = self.job.next_command()
        if self._command is None:
            return self._end(run_record.DONE, '')
        # k-means counts no images, and training begins at its newest checkpoint.
        self.record.images_per_sec, self._begin = 0.0, None
        self._images_at_begin = self.job.images_seen
        script, *flags = self._command
        counts_images = script != 'cluster.py'
        self._process = processes.Process(
            [os.path.join(ROOT, script), *flags],
            self._environment,
            self._say,
            self._seen if counts_images else None,
        )
        return None

    def _end(self, state, reason):
        self.record.state, self.record.reason = state, reason
        return state

    def _say(self, text):
        self._console.print(self.job.name, text)
        with contextlib.suppress(OSError):  # a full disk, say, which the run itself reports
            print(time.strftime('%Y-%m-%d %H:%M:%S'), text, file=self._log, flush=True)

    def _seen(self, images, is_exact):
        now = time.monotonic()
        self._begin = self._begin or now
        seconds, new = now - self._begin, images - self._images_at_begin
        # A count rounded to three digits may be off by 0.5%, and so `new`, more than a tenth of it,
        # by at most 5%.
        if new > (0 if is_exact else images / 10) and seconds > 0:
            self.record.images_per_sec = new / seconds
        self.record.images_seen = min(max(images, self.record.images_seen), self.job.images)
        self._console.seen(self.job.name, images)

    def _write(self):
        self._beat = time.monotonic()
        self.job.files.write(self.record)
