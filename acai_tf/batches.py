"""Checks and unpacks batches: a dict {'x': (B, ...), 'label': one-hot (B, nclass)}, a pair
(x, label), or x alone."""
import inspect
import itertools
import types

import keras
import tensorflow as tf

from lib.errors import UserError


def examples(batch):
    """The examples of a batch, or their shape: its 'x' if it is a dict, else the batch itself.

    Raises:
        UserError: the batch is a dict without 'x', or several arrays.
    """
    batch = _unlisted(batch)
    return _single(_part(batch, 'x', "'x', (B, ...)") if isinstance(batch, dict) else batch)


def check_unweighted(method, *args, **kwargs):
    """Refuses weights of examples or classes among the arguments of a keras.Model method, because
    the method would ignore them, or fail, where a batch is a dict.

    Raises:
        UserError: there are such weights.
    """
    try:
        given = inspect.signature(method).bind(*args, **kwargs).arguments
    except TypeError:  # which the method itself will raise
        return
    weights = [given.get('sample_weight'), given.get('class_weight')]
    if isinstance(given.get('validation_data'), (tuple, list)):
        weights += given['validation_data'][2:]
    if any(weight is not None for weight in weights):
        raise _weighted()


def _weighted():
    return UserError(
        'The model weights all examples equally; leave out sample_weight and class_weight.'
    )


def begun(x):
    """Takes a first look at the data that `fit` was given, without losing any.

    Returns:
        (examples, data to pass on to Keras). The examples are their specification for a
        tf.data.Dataset, those of the first batch for a `keras.utils.PyDataset` or a generator.
    """
    first = x
    if isinstance(x, tf.data.Dataset):
        first = x.element_spec
    elif isinstance(x, keras.utils.PyDataset) and x.num_batches != 0:  # None: endless
        first = _as_tuple(x[0])
    elif isinstance(x, types.GeneratorType):
        batches = list(itertools.islice(x, 1))
        if batches:
            # A generator again, as Keras checks the type; `yield from` would also close the user's.
            first, x = _as_tuple(batches[0]), (each for each in itertools.chain(batches, x))
    return examples_of(first), x


def examples_of(batch):
    """`examples` of a batch that may be a pair."""
    return examples(batch[0] if isinstance(batch, tuple) else batch)


def _as_tuple(batch):  # as Keras does with a list
    return tuple(batch) if isinstance(batch, list) else batch


def unpack(batch, image_shape, nclass):
    """(x, label) of a batch to train on.

    Args:
        batch: a dict or a pair of tensors, as Keras hands it to train_step.
        image_shape: the shape of one example, or None to accept any.
        nclass: how many numbers a label has.

    Raises:
        UserError: the batch is anything else; the message says what it must be.
    """
    x, label, weight = keras.utils.unpack_x_y_sample_weight(batch)
    x, label = _unlisted(x), _unlisted(label)
    if weight is not None:
        raise _weighted()
    needs = f"'x', (B, ...), and 'label', one-hot (B, {nclass})"
    if isinstance(x, dict):
        if label is not None and 'label' in x:
            raise UserError("A dict has its own 'label'; leave out the labels beside it.")
        x, label = (_part(x, key, needs) for key in ('x', 'label'))
    x = _single(x)
    if image_shape:
        x = _with_sizes('x', x, image_shape)
    label = _with_sizes('label', label, (nclass,))
    if label is None or tuple(label.shape[1:]) != (nclass,):
        shape = None if label is None else ('B', *label.shape[1:])
        raise UserError(
            f'A batch must have {needs}; the labels of this one are '
            f'{"missing" if shape is None else shape}. keras.utils.to_categorical(label, {nclass}) '
            'makes them of numbers; without classes take nclass=1 and ones.'
        )
    return x, label


def has_known_shape(tensor):
    """Whether this is a tensor, an array or a specification whose examples have a known shape;
    False for what Keras would convert to arrays, such as pandas tables."""
    shape = getattr(tensor, 'shape', None)
    is_array = shape is not None and hasattr(tensor, 'dtype')
    return is_array and not _is_unknown(shape) and len(shape) > 0


def check_batched(spec, image_shape):
    """Raises UserError if a dataset's specification describes single examples, not batches."""
    if has_known_shape(spec) and tuple(spec.shape) == image_shape:
        raise UserError(
            f'The dataset gives single examples, of shape {image_shape}; give it as '
            'dataset.batch(64).'
        )


def check_is_known(shape):
    """Raises UserError if the shape of a tensor in a graph leaves that of its examples open."""
    if _is_unknown(shape):
        raise _unknown('x')


def _unlisted(x):
    """The element of a list of length one, which Keras accepts for models with one input; anything
    else (such as the shape (None,)) unchanged."""
    is_list = isinstance(x, (list, tuple)) and len(x) == 1 and hasattr(x[0], '__len__')
    return x[0] if is_list else x


def _single(x):
    """The data, or their shape (numbers), unchanged; UserError for a list of several arrays."""
    is_several = isinstance(x, (list, tuple)) and any(
        hasattr(each, '__len__') or hasattr(each, 'shape') for each in x
    )
    if is_several:
        raise UserError(
            f'The model takes one array or tensor, (B, ...), and was given {len(x)}; numpy.stack '
            'or numpy.concatenate makes one of them.'
        )
    return x


def _part(batch, key, needs):
    """The tensor under a key of a batch; if it is missing, a UserError that says what is needed."""
    if key not in batch:
        there = ', '.join(map(repr, batch)) or 'nothing'
        raise UserError(f'A batch must have {needs}; this one has {there} but no {key!r}.')
    return batch[key]


def _with_sizes(name, tensor, shape):
    """The tensor, its unknown sizes (in a graph) set to those of `shape` if they are compatible.

    Raises:
        UserError: the tensor's number of axes is unknown.
    """
    own, batch = getattr(tensor, 'shape', None), (None, *shape)
    if not _is_unknown(own):
        return tensor
    if own.rank is None:
        raise _unknown(name)
    return tf.ensure_shape(tensor, batch) if own.is_compatible_with(batch) else tensor


def _is_unknown(shape):
    return isinstance(shape, tf.TensorShape) and not shape[1:].is_fully_defined()


def _unknown(name):
    return UserError(
        f'The shape of {name} is not known (tf.numpy_function does not set it); set it in the '
        f'pipeline: tf.ensure_shape({name}, (None, ...)), where ... is the shape of one example.'
    )
