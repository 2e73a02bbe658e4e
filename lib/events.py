"""TensorBoard event files that survive a crash: each step stands in them once."""
import glob
import os

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event


def read(path, on_damage):
    """Yields (record's bytes, Event) of an event file, as far as it can be read.

    Args:
        path: the file; a killed process leaves it ending in the middle of an event.
        on_damage: called with the number of events before the damage, and what is wrong in a few
            words, if it cannot be read to its end.
    """
    count = 0
    try:
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            yield record, Event.FromString(record)
            count += 1
    except (tf.errors.OpError, DecodeError) as error:
        text = error.message if isinstance(error, tf.errors.OpError) else str(error)
        reason = (text.splitlines() or [type(error).__name__])[0]
        on_damage(count, reason.split(' [Op:')[0].rstrip('.'))


def drop_after(folder, step):
    """Removes the events of later steps, which a run resumed from `step` will write again.

    What cannot be read is removed too. Files are replaced whole.

    Args:
        folder: holds the event files of one run.
        step: the global step of the checkpoint that the run goes on from.
    """
    for path in glob.glob(os.path.join(glob.escape(folder), 'events.out.tfevents.*')):
        kept, whole = _until(path, step)
        if whole:
            continue
        # TensorBoard reads whatever has tfevents in its name, a half-written copy too.
        temporary = os.path.join(folder, '.rewritten.tmp')
        with tf.io.TFRecordWriter(temporary) as writer:
            for record in kept:
                writer.write(record)
        os.replace(temporary, path)


def _until(path, step):
    """(records until a step, whether these are all of a file that can be read)."""
    damages = []
    found = list(read(path, lambda *damage: damages.append(damage)))
    kept = [record for record, event in found if event.step <= step]
    return kept, len(kept) == len(found) and not damages
