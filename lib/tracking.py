"""What Keras objects hold beside layers: parts that tf.train.Checkpoint must find, and numbers."""


def track(owner, children):
    """Lets TensorFlow find what an object has in a list or a dictionary, into which it does not see
    in Keras 3: without it, tf.train.Checkpoint would leave that out and say nothing.

    Args:
        owner: a Keras layer, model or optimizer.
        children: {name: layer, optimizer or variable}.
    """
    for name, child in children.items():
        owner._track_trackable(child, name, overwrite=True)


def add_scalar(model, name, dtype):
    """A variable of one number, 0 at first, that is saved with a Keras model's weights."""
    return model.add_weight(
        name=name,
        shape=(),
        dtype=dtype,
        initializer='zeros',
        trainable=False,
        aggregation='only_first_replica',
    )
