"""Attaches to Keras objects the parts that tf.train.Checkpoint must find, and scalar variables."""


def track(owner, children):
    """Lets TensorFlow find the parts that a Keras object holds in a list or a dictionary.

    In Keras 3 it does not look into these: tf.train.Checkpoint would silently leave the parts out.

    Args:
        owner: a Keras layer, model or optimizer.
        children: {name: layer, optimizer or variable}.
    """
    for name, child in children.items():
        owner._track_trackable(child, name, overwrite=True)


def add_scalar(model, name, dtype):
    """Adds and returns a scalar variable, 0 at first, that is saved with a model's weights."""
    return model.add_weight(
        name=name,
        shape=(),
        dtype=dtype,
        initializer='zeros',
        trainable=False,
        aggregation='only_first_replica',
    )
