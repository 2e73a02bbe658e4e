"""Options that all tf.data pipelines share, and reading of TFRecord files."""
import os

import tensorflow as tf

FRAME_BYTES = 16  # around each record: length (8), its checksum (4), the data's checksum (4)

# Autotuning is off: there is nothing to tune, and the tuner often delays an iterator's deletion,
# and all of Python with it, by as long as it was in use, up to a minute. Derived pipelines inherit
# this.
UNTUNED = tf.data.Options()
UNTUNED.autotune.enabled = False


def steps_from(first):
    """The numbers of steps, from `first` on without end, a scalar int64 each."""
    return tf.data.Dataset.range(first, tf.int64.max).with_options(UNTUNED)


def records_of(path):
    """The records of a TFRecord file, a scalar string each."""
    return tf.data.TFRecordDataset(path).with_options(UNTUNED)


def count_whole(path):
    """(number of records that lie whole in a TFRecord file, whether it ends with the last of them).

    From the lengths around them alone: no reader has to meet one that is larger than the file.

    Raises:
        OSError: the file cannot be read.
    """
    number = position = 0
    size = os.path.getsize(path)
    with open(path, 'rb') as file:
        while position < size:
            length = int.from_bytes(file.read(8), 'little')
            position += FRAME_BYTES + length
            if position > size:
                return number, False
            file.seek(position)
            number += 1
    return number, True
