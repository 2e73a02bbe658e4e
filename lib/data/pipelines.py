"""What all input pipelines have in common."""
import tensorflow as tf

# Nothing in them is for TensorFlow to tune. Its tuner, where it is at work, often lets the end of
# an iterator wait for as long as that was in use, up to a minute, and all of Python with it. What
# is derived from a pipeline has its options.
UNTUNED = tf.data.Options()
UNTUNED.autotune.enabled = False


def steps_from(first):
    """The numbers of steps, from `first` on without end, a scalar int64 each."""
    return tf.data.Dataset.range(first, tf.int64.max).with_options(UNTUNED)


def records_of(path):
    """The records of a TFRecord file, a scalar string each."""
    return tf.data.TFRecordDataset(path).with_options(UNTUNED)
