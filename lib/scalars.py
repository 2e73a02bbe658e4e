"""What the event files of a run say, ours or the 2018 code's."""
import glob
import os
import sys

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event


def events(path):
    """The events of one file as far as it can be read; a note on stderr says where it ends early.

    Args:
        path: an event file.
    """
    count = 0
    try:
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            yield Event.FromString(record)
            count += 1
    except (tf.errors.OpError, DecodeError) as error:
        print(
            f'{path} is damaged after {count} events ({_reason(error)}); what comes before counts.',
            file=sys.stderr,
        )


def _reason(error):
    text = error.message if isinstance(error, tf.errors.OpError) else str(error)
    return (text.splitlines() or [type(error).__name__])[0].split(' [Op:')[0].rstrip('.')


def read(folder, tags):
    """Scalars by step.

    Args:
        folder: holds the event files of one run.
        tags: names of evaluations, such as 'mean_distance'. `NAME_1` counts as NAME.
            # Original: TensorFlow 1 adds the suffix, for a variable has the plain name.

    Returns:
        {tag: {step: float}}, steps in order. A step that stands there twice, as after a resumed
        run, has the value that was written last.
    """
    names = {written: tag for tag in tags for written in (tag, f'{tag}_1')}
    found = {tag: {} for tag in tags}
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), '*.tfevents.*'))):
        for event in events(path):
            for value in event.summary.value:
                if value.tag in names:
                    number = _number(value)
                    if number is not None:
                        found[names[value.tag]][event.step] = number
    return {tag: dict(sorted(values.items())) for tag, values in found.items()}


def _number(value):
    """The float of a summary value; None for what is no scalar."""
    kind = value.WhichOneof('value')
    if kind == 'simple_value':
        return value.simple_value
    if kind == 'tensor':
        array = tf.make_ndarray(value.tensor)
        return float(array) if array.ndim == 0 and array.dtype.kind in 'fiu' else None
    return None
