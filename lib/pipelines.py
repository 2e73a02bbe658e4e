"""Options that all tf.data pipelines share, and reading of TFRecord files."""
import os
from typing import NamedTuple

import tensorflow as tf

FRAME_BYTES = 16  # around each record: length (8), its checksum (4), the data's checksum (4)

# Autotuning is off: there is nothing to tune, and the tuner often delays an iterator's deletion,
# and all of Python with it, by as long as the iterator was in use, up to a minute. Derived
# pipelines inherit this option.
UNTUNED = tf.data.Options()
UNTUNED.autotune.enabled = False


def steps_from(first):
    """An endless dataset of step numbers from `first` on, a scalar int64 each."""
    return tf.data.Dataset.range(first, tf.int64.max).with_options(UNTUNED)


def records_of(path):
    """A dataset of the records of a TFRecord file, a scalar string each."""
    return tf.data.TFRecordDataset(path).with_options(UNTUNED)


class Records(NamedTuple):
    """How many complete records a TFRecord file has, and what follows them.

    number: how many complete records there are.
    whole: whether nothing follows.
    cut_short: whether the beginning of another record follows; else what follows is damaged.
    """

    number: int
    whole: bool
    cut_short: bool


def count_whole(path):
    """The `Records` of a file, from the stored lengths alone: no reader has to meet a record that
    is larger than the file.

    Raises:
        OSError: the file cannot be read.
    """
    number = position = 0
    size = os.path.getsize(path)
    with open(path, 'rb') as file:
        while position < size:
            length, checksum = file.read(8), file.read(4)
            position += FRAME_BYTES + int.from_bytes(length, 'little')
            if position > size:
                # TensorBoard's stub of TensorFlow; imported late: whole files need not wait for it.
                from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

                is_length = masked_crc32c(length) == int.from_bytes(checksum, 'little')
                return Records(number, False, cut_short=len(checksum) < 4 or is_length)
            file.seek(position)
            number += 1
    return Records(number, True, cut_short=False)
