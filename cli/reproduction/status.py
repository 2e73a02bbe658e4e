"""Shows how far the runs below a folder are, from their files alone, and cancels them."""
import collections
import contextlib
import signal
import sys
import time

import tabulate
import tqdm

from cli.reproduction import run_record, slurm
from lib.errors import UserError

WATCH_SEC = 10
ALIVE = run_record.WAITING, run_record.RUNNING
HEAD = ('run', 'state', 'kimg', 'of', 'img/s', 'left', '')
CLEAR = '\x1b[H\x1b[J'  # clears a terminal


def show(train_dir, watch=False):
    """Prints the table of runs; with watch, again and again until none waits or runs.

    Returns:
        1 if a run failed, else 0; 130 after Ctrl-C.

    Raises:
        UserError: there are no runs.
    """
    while True:
        records = look(train_dir)
        text = table(records)
        print(CLEAR + text if watch and sys.stdout.isatty() else text, flush=True)
        states = {record.state for record in records}
        if not watch or states.isdisjoint(ALIVE):
            return int(run_record.FAILED in states)
        try:
            time.sleep(WATCH_SEC)
        except KeyboardInterrupt:
            return 128 + signal.SIGINT


def look(train_dir):
    """The records of all runs as they are now."""
    records = []
    for files in run_record.find(train_dir):
        if record := files.look():
            records.append(record)
        else:
            path = files.path(run_record.RECORD_NAME)
            print(f'{path} is damaged; the same reproduce.py makes it anew.', file=sys.stderr)
    return records


def table(records):
    """As text: the table of runs, how many are in which state, and why each failed one failed."""
    align = 'left', 'left', *['right'] * 4, 'left'
    rows = tabulate.tabulate(
        map(_row, records), HEAD, tablefmt='plain', disable_numparse=True, colalign=align
    )
    lines = [line.rstrip() for line in rows.splitlines()]
    counts = dict.fromkeys(run_record.STATES, 0) | collections.Counter(map(_state, records))
    lines.append(', '.join(f'{count} {state}' for state, count in counts.items()))
    lines += [
        f'{record.name} failed: {record.reason}'
        for record in records
        if record.state == run_record.FAILED
    ]
    return '\n'.join(lines)


def _state(record):
    is_waiting = (record.state, record.reason) == (run_record.STOPPED, run_record.NOT_BEGUN)
    return run_record.NOT_BEGUN if is_waiting and not record.images_seen else record.state


def _row(record):
    speed = left = ''
    where = f'Slurm task {record.slurm}' if record.slurm else ''
    if record.state == run_record.RUNNING:
        where = ', '.join(filter(None, (record.process, where)))
        if record.images_per_sec:
            speed = f'{record.images_per_sec:.0f}'
            seconds = (record.images - record.images_seen) / record.images_per_sec
            left = tqdm.tqdm.format_interval(seconds)
    elif _state(record) == run_record.STOPPED:
        where = record.reason
    elif record.state != run_record.WAITING:
        where = ''
    kimg, of = (str(images >> 10) for images in (record.images_seen, record.images))
    return record.name, _state(record), kimg, of, speed, left, where


def cancel(train_dir):
    """Stops the runs below a folder that are at work, each with a checkpoint, and those that wait.

    A process sees within seconds that its run is cancelled, on whatever machine it is. The next
    command that asks for the run lifts the cancellation. Prints which runs it stops and, on stderr,
    which have a folder that cannot be written; returns the exit code.

    Raises:
        UserError: there are no runs.
    """
    ended, code = [], 0
    looked = [(files, files.look()) for files in run_record.find(train_dir)]
    queued = slurm.queue_of(record for _, record in looked) or {}
    for files, record in looked:
        # A stopped run counts too if Slurm may begin its task again.
        if record and (record.state in ALIVE or run_record.slurm_may_begin(record, queued)):
            trainer = files.trainer()
            try:
                files.cancel()
            except UserError as error:  # the others are cancelled all the same
                print(f'{record.name} goes on: {error}', file=sys.stderr)
                code = 1
                continue
            ended.append(record)
            verb = 'stops' if record.state == run_record.RUNNING else 'is no longer queued'
            if trainer:
                verb = (
                    f'keeps running: {trainer} is training it and was not started by '
                    'reproduce.py; stop that process'
                )
            print(f'{record.name} {verb}.')
        elif record and record.state != run_record.DONE:
            with contextlib.suppress(UserError):
                files.ask_to_stop()  # another command may still have it in its queue
    slurm.cancel(record.slurm for record in ended if record.slurm)
    if not ended and not code:
        print('No run is waiting or running.')
    return code
