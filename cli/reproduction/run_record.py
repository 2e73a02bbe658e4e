"""How far a run of reproduce.py is, in files of its folder that other commands and machines read.

- `reproduce.json`: a `Record`, which the command that works on the run renews every few seconds;
- `log.txt`: what the run printed;
- `.reproduce.lock`: held by the one command that works on the run;
- `.cancel`: exists as long as no command may work on the run.
"""
import contextlib
import dataclasses
import glob
import os
import time

from lib import files, locks, runs
from lib.errors import UserError
from lib.paper import constants

RECORD_NAME, LOG_NAME = 'reproduce.json', 'log.txt'
LOCK_NAME, CANCEL_NAME = '.reproduce.lock', '.cancel'
LOCK_WAIT_SEC = 2  # commands that only look at a record hold the lock for less time
HEARTBEAT_SEC = 10
DEAD_SEC = 12 * HEARTBEAT_SEC  # a network file system may show a file this late
STATES = WAITING, RUNNING, STOPPED, FAILED, DONE = (
    'waiting', 'running', 'stopped', 'failed', 'done',
)  # fmt: skip
CANCELLED, NOT_BEGUN = 'cancelled', 'not begun'  # reasons


@dataclasses.dataclass
class Record:
    """What is known of a run.

    Attributes:
        name: such as 'RUN1 ACAI lines32/64'.
        images: how many it will see in all.
        state: one of STATES.
        images_seen: how many it has seen.
        images_per_sec: since its process began to train; 0 where that is not known.
        process: the one that works on it, or is about to, as 'process 12 on HOST'.
        slurm: its Slurm task, such as '12_3'.
        reason: why it stopped or failed.
        fruitless: how many Slurm tasks in a row ran out of time without progress.
        cores: how many cores its process computes on; 0 where that is not known.
    """

    name: str
    images: int
    state: str = WAITING
    images_seen: int = 0
    images_per_sec: float = 0.0
    process: str = ''
    slurm: str = ''
    reason: str = ''
    fruitless: int = 0
    cores: int = 0

    def has_right_types(self):
        """Whether every value is of its field's type, as may not be in a damaged file."""
        kinds = {float: (int, float)}
        return all(
            isinstance(getattr(self, field.name), kinds.get(field.type, field.type))
            for field in dataclasses.fields(self)
        )


def held(folder, name, wait_sec):
    """Takes a lock file of a folder, which is made if needed; returns the context that holds it.

    Args:
        folder: its path.
        name: the lock file's.
        wait_sec: how long to wait for another command that holds it.

    Raises:
        locks.HeldError: another command held it all that time.
        UserError: the folder cannot be written.
    """
    stack = contextlib.ExitStack()
    try:
        os.makedirs(folder, exist_ok=True)
        stack.enter_context(locks.held(os.path.join(folder, name), wait_sec))
    except OSError as error:
        raise UserError(f'Cannot write to {folder} ({error.strerror}).') from error
    return stack


@dataclasses.dataclass(frozen=True)
class RunFiles:
    """The files by which commands share a run's folder."""

    folder: runs.RunFolder

    def path(self, name):
        return os.path.join(self.folder.path, name)

    def held(self, wait_sec=None):
        """Takes the run's lock; returns the context in which no other command works on the run.

        Args:
            wait_sec: how long to wait for another command that does; None for LOCK_WAIT_SEC.

        Raises:
            locks.HeldError: another command worked on it all that time.
            UserError: the folder cannot be written.
        """
        wait_sec = LOCK_WAIT_SEC if wait_sec is None else wait_sec
        return held(self.folder.path, LOCK_NAME, wait_sec)

    def read(self):
        """The `Record`; None where there is none, or a damaged one."""
        try:
            record = Record(**files.read_json(self.path(RECORD_NAME)))
            return record if record.state in STATES and record.has_right_types() else None
        except (OSError, ValueError, TypeError):
            return None

    def write(self, record):
        """Replaces the record; where that fails, as on a full disk, the old one stays."""
        with contextlib.suppress(OSError):
            content = files.to_json(dataclasses.asdict(record))
            files.write_atomically(self.path(RECORD_NAME), content)

    @property
    def cancelled(self):
        return os.path.exists(self.path(CANCEL_NAME))

    def ask_to_stop(self):
        """Asks whoever works on the run to stop it, and keeps others from beginning.

        Raises:
            UserError: the folder cannot be written.
        """
        try:
            with open(self.path(CANCEL_NAME), 'a'):
                pass
        except OSError as error:
            raise UserError(f'Cannot write to {self.folder.path} ({error.strerror}).') from error

    def cancel(self):
        """Calls `ask_to_stop`, and records the run as cancelled unless a command works on it."""
        self.ask_to_stop()
        with contextlib.suppress(locks.HeldError), self.held(wait_sec=0):
            if record := self.read():
                self.write(dataclasses.replace(record, state=STOPPED, reason=CANCELLED))

    def trainer(self):
        """The process that trains the run without reproduce.py having started it; None for none."""
        return self._at_work()[1]

    def _at_work(self):
        """(the reproduce.py that works on the run, the process that trains it without one), as the
        locks tell: one is 'process 12 on HOST' and the other None, or both are None."""
        command = locks.holder(self.path(LOCK_NAME))
        return command, None if command else locks.holder(self.folder.lock_path)

    def _renewed_by(self, record):
        """The process that has lately renewed a record; None for none.

        It tells who works on the run where there are no locks or machines do not see each other's.
        """
        if not record or record.state != RUNNING:
            return None
        if locks.no_longer_works(record.process, self.path(LOCK_NAME)):
            return None
        return record.process if self._was_renewed else None

    @property
    def _was_renewed(self):
        """Whether whoever works on the run, or waits for it, has renewed the record lately."""
        with contextlib.suppress(OSError):
            return time.time() - os.path.getmtime(self.path(RECORD_NAME)) < DEAD_SEC
        return False

    def keep_waiting(self):
        """Renews the record of a run that waits for this process; takes the run over if it waits
        for a process that has ended."""
        record = self.read()
        if record and (record.state, record.process) == (WAITING, locks.this_process()):
            with contextlib.suppress(OSError):
                os.utime(self.path(RECORD_NAME))
        elif record and self.waits_for_nobody(record):
            with contextlib.suppress(locks.HeldError, UserError), self.held(wait_sec=0):
                if self.read() == record:
                    self.write(dataclasses.replace(record, process=locks.this_process()))

    def waits_for_nobody(self, record):
        """Whether a record says that the run waits for a process that has ended."""
        if record.state != WAITING or record.slurm:
            return False
        if locks.is_here(record.process):
            return locks.has_ended(record.process)
        return not self._was_renewed

    def look(self):
        """The record, corrected by who works on the run now and, where no command renews it, by the
        newest checkpoint; None where there is no record."""
        # The locks come first: a command that ends its work records that before it lets go of them.
        command, trainer = self._at_work()
        record = self.read()
        if not record:
            return None
        holder = command or trainer or self._renewed_by(record)
        if holder and not trainer:
            return dataclasses.replace(record, state=RUNNING, process=holder)
        with contextlib.suppress(UserError):  # where its checkpoints may not be read
            record = self._by_checkpoints(record)
        if holder:
            return dataclasses.replace(record, state=RUNNING, process=holder, images_per_sec=0.0)
        if record.state == RUNNING or self.waits_for_nobody(record):
            return dataclasses.replace(record, state=STOPPED, reason='killed')
        return record

    def _by_checkpoints(self, record):
        """A record that nobody renews, with what the newest checkpoint tells."""
        if record.state == DONE:
            return record
        newest = max(self.folder.checkpoint_steps(), default=0)
        told = {'images_seen': min(newest * constants.BATCH, record.images)}
        if record.state in (STOPPED, FAILED) and record.images_seen < told['images_seen']:
            told |= {'state': STOPPED, 'reason': 'trained on by its own script'}
        return dataclasses.replace(record, **told)


def slurm_may_begin(record, queued):
    """Whether Slurm may still begin, or begin again, the task that a record names.

    Args:
        record: a `Record`.
        queued: the tasks in Slurm's queue; None where that is not known.
    """
    if record.state == FAILED:  # in its task, or outside Slurm while the task waited
        return (queued or {}).get(record.slurm) == 'PENDING'
    return record.state != DONE and (queued is None or record.slurm in queued)


def queue(job, slurm='', queued=None):
    """Records that a job waits, unless a command works on it; lifts an earlier --cancel.

    Args:
        job: a `planning.Job`.
        slurm: its new Slurm task; without one, an earlier task may still wait.
        queued: the tasks in Slurm's queue; None where that is not known.

    Raises:
        UserError: its folder cannot be written.
    """
    before = job.files.read()
    # A command at work holds the lock for long, unless it is about to stop; others for a moment.
    at_work = before and before.state == RUNNING and not (slurm or job.files.cancelled)
    with contextlib.suppress(OSError):  # also where a command is still about to stop the run
        os.remove(job.files.path(CANCEL_NAME))
    with contextlib.suppress(locks.HeldError), job.files.held(wait_sec=0 if at_work else None):
        job.files.write(_queued(job, slurm, job.files.read(), queued))


def _queued(job, slurm, before, queued):
    """The new `Record` of a job that waits or is done; `before` is its last one, or None."""
    state = WAITING if job.next_command() else DONE
    goes_on = before and WAITING in (state, before.state) and _waits_elsewhere(job, before, queued)
    if goes_on and not slurm:
        # The task or command that the job waits for does what it was asked to, whatever this
        # command needs.
        seen = min(job.images_seen, before.images)
        return dataclasses.replace(before, state=WAITING, reason='', images_seen=seen)
    record = Record(job.name, job.images, state, job.images_seen, slurm=slurm)
    if not slurm:
        record.process = locks.this_process()
    if before:
        record.cores = before.cores
        if record.slurm == before.slurm:  # the same try goes on
            record.fruitless = before.fruitless
    return record


def _waits_elsewhere(job, record, queued):
    """Whether a job waits for a task of Slurm or for another command, as its record says."""
    if record.slurm:
        # Slurm may still list a cancelled task for a while, but it does not come back.
        return record.reason != CANCELLED and slurm_may_begin(record, queued)
    is_others = record.state == WAITING and record.process not in ('', locks.this_process())
    return is_others and not job.files.waits_for_nobody(record)


def leave(job, queued=None):
    """Marks a waiting job as not begun if it waits for this process, which is ending, or for a
    Slurm task that is no longer queued.

    Args:
        job: a `planning.Job`.
        queued: the tasks in Slurm's queue; None where that is not known.
    """
    with contextlib.suppress(locks.HeldError, UserError), job.files.held(wait_sec=0):
        record = job.files.read()
        if not record or record.state != WAITING:
            return
        task_ended = record.slurm and not slurm_may_begin(record, queued)
        if task_ended or record.process == locks.this_process():
            job.files.write(dataclasses.replace(record, state=STOPPED, reason=NOT_BEGUN))


def find(train_dir):
    """The `RunFiles` of every run that reproduce.py was asked for, seed by seed.

    Raises:
        UserError: there is none.
    """
    pattern = os.path.join(
        glob.escape(train_dir), constants.seed_folder('*'), '*', '*', RECORD_NAME
    )
    folders = [runs.RunFolder(os.path.dirname(path)) for path in glob.glob(pattern)]
    if not folders:
        raise UserError(f'No run of reproduce.py lies in {train_dir}; give its --train_dir.')
    return [
        RunFiles(folder) for folder in sorted(folders, key=lambda one: files.natural_key(one.path))
    ]
