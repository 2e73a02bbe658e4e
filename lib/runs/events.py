"""TensorBoard event files that survive a crash: each step appears in them once."""
import fnmatch
import os
import shutil
import sys

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event

from lib import files, pipelines
from lib.errors import first_line


class DamagedEventsError(ValueError):
    """The rest of an event file cannot be read; the message says after how many events, and why.

    Attributes:
        cut_short: whether it ends in the middle of an event, as a killed process leaves it.
    """

    def __init__(self, path, count, reason, cut_short=False):
        super().__init__(f'{path} is damaged after {count} events ({reason})')
        self.cut_short = cut_short


def read(path):
    """Yields (record's bytes, Event) of an event file, as far as it can be read.

    Raises:
        DamagedEventsError: the rest is damaged.
        OSError, tf.errors.OpError: the file cannot be read now.
    """
    number, whole, cut_short = pipelines.count_whole(path)
    count = 0
    try:
        for record in pipelines.records_of(path).take(number).as_numpy_iterator():
            yield record, Event.FromString(record)
            count += 1
    except (tf.errors.DataLossError, tf.errors.OutOfRangeError, DecodeError) as error:
        raise DamagedEventsError(path, count, first_line(error)) from error
    if not whole:
        reason = 'it ends in the middle of an event' if cut_short else 'a length is damaged'
        raise DamagedEventsError(path, count, reason, cut_short)


def paths(folder):
    """The paths of the event files in a run's summaries folder, ordered by name; [] if there is no
    such folder.

    Raises:
        OSError: the folder cannot be read.
    """
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    found = fnmatch.filter(names, 'events.out.tfevents.*')
    return [os.path.join(folder, name) for name in sorted(found)]


def drop_after(folder, step):
    """Removes the events of later steps, which a run resumed from `step` will write again.

    An event that a killed process left half-written goes too. Files are replaced whole; one that
    is damaged before its end is kept as events.out.damaged.*, and a note on stderr says so.

    Args:
        folder: holds the event files of one run.
        step: the global step of the checkpoint that the run goes on from.

    Raises:
        OSError, tf.errors.OpError: a file cannot be read or written.
    """
    for path in paths(folder):
        try:
            stays = all(event.step <= step for _, event in read(path))
        except DamagedEventsError:
            stays = False
        if not stays:
            _rewrite(path, step)


def _rewrite(path, step):
    """Rewrites an event file with its events up to a step, one at a time: a long run's take GB."""
    folder, name = os.path.split(path)
    # TensorBoard reads every file with tfevents in its name, even a half-written copy.
    temporary = os.path.join(folder, '.rewritten.tmp')
    with tf.io.TFRecordWriter(temporary) as writer:
        try:
            for record, event in read(path):
                if event.step <= step:
                    writer.write(record)
        except DamagedEventsError as error:
            if not error.cut_short:
                name = name.replace('tfevents', 'damaged')
                shutil.copyfile(path, os.path.join(folder, name))
                print(f'{error}; these are kept, and all of it as {name}.', file=sys.stderr)
    files.sync(temporary)
    os.replace(temporary, path)
