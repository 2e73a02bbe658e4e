"""TensorBoard event files that survive a crash: each step stands in them once."""
import glob
import os

import tensorflow as tf
from tensorboard.compat.proto.event_pb2 import Event


def drop_after(folder, step):
    """Removes the events of later steps, which a run resumed from `step` will write again.

    A file that ends in the middle of an event, as a killed process leaves it, is read as far as it
    goes. Files are replaced whole.

    Args:
        folder: holds the event files of one run.
        step: the global step of the checkpoint that the run goes on from.
    """
    for path in glob.glob(os.path.join(glob.escape(folder), 'events.out.tfevents.*')):
        kept, changed = [], False
        try:
            for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
                if Event.FromString(record).step <= step:
                    kept.append(record)
                else:
                    changed = True
        except (tf.errors.DataLossError, tf.errors.OutOfRangeError):
            changed = True
        if not changed:
            continue
        # TensorBoard reads whatever has tfevents in its name, a half-written copy too.
        temporary = os.path.join(folder, '.rewritten.tmp')
        with tf.io.TFRecordWriter(temporary) as writer:
            for record in kept:
                writer.write(record)
        os.replace(temporary, path)
