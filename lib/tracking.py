"""Makes parts of Keras objects known to tf.train.Checkpoint."""


def track(owner, children):
    """Lets TensorFlow find what an object has in a list or a dictionary, into which it does not see
    in Keras 3: without it, tf.train.Checkpoint would leave that out and say nothing.

    Args:
        owner: a Keras layer, model or optimizer.
        children: {name: layer, optimizer or variable}.
    """
    for name, child in children.items():
        owner._track_trackable(child, name, overwrite=True)
