"""TensorBoard event files that survive a crash: each step stands in them once."""
import glob
import os
import sys

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event

from lib import records

CUT_SHORT = 'it ends in the middle of an event'


def read(path, on_damage):
    """Yields (record's bytes, Event) of an event file, as far as it can be read.

    Args:
        path: the file.
        on_damage: called with the number of events before the damage and what is wrong in a few
            words; that is CUT_SHORT for a file as a killed process leaves it.

    Raises:
        OSError: the file cannot be opened.
    """
    number, whole = records.count_whole(path)
    count = 0
    try:
        for record in tf.data.TFRecordDataset(path).take(number).as_numpy_iterator():
            yield record, Event.FromString(record)
            count += 1
    except (tf.errors.DataLossError, tf.errors.OutOfRangeError, DecodeError) as error:
        text = error.message if isinstance(error, tf.errors.OpError) else str(error)
        reason = (text.splitlines() or [type(error).__name__])[0]
        on_damage(count, reason.split(' [Op:')[0].rstrip('.'))
    else:
        if not whole:
            on_damage(count, CUT_SHORT)


def _note_in(damages):
    return lambda *damage: damages.append(damage)


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
    for path in glob.glob(os.path.join(glob.escape(folder), 'events.out.tfevents.*')):
        kept, total, damages = [], 0, []
        for record, event in read(path, _note_in(damages)):
            total += 1
            if event.step <= step:
                kept.append(record)
        if len(kept) == total and not damages:
            continue
        # TensorBoard reads whatever has tfevents in its name, a half-written copy too.
        temporary = os.path.join(folder, '.rewritten.tmp')
        with tf.io.TFRecordWriter(temporary) as writer:
            for record in kept:
                writer.write(record)
        for count, reason in damages:
            if reason != CUT_SHORT:
                copy = os.path.join(folder, os.path.basename(path).replace('tfevents', 'damaged'))
                os.replace(path, copy)
                print(
                    f'{path} is damaged after {count} events ({reason}); these are kept, and the '
                    f'whole file is kept as {copy}.',
                    file=sys.stderr,
                )
        os.replace(temporary, path)
