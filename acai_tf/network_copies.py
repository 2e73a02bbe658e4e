"""Copies a user's networks, and checks that Keras can remake them from their configs."""
import inspect
import random
import types
import warnings

import keras
import numpy as np

from lib.errors import UserError

# Config keys that may differ in a copy: of a layer's own config, and at any depth of a config.
OF_A_LAYER, OF_A_PART = {'name', 'trainable'}, {'seed', 'shared_object_id'}
SIMPLE = bool, int, float, str, types.FunctionType, types.NoneType  # values that can be compared


def fresh_copy(network):
    """A copy of a Keras network: the same layers with new weights, all of them trainable.

    Call `complete` once the copy is built.

    Raises:
        UserError: the network cannot be copied.
    """
    try:
        if isinstance(network, keras.Model):
            copy = keras.models.clone_model(network)
        else:
            copy = type(network).from_config(network.get_config())
        for layer in copy._flatten_layers():  # new weights must train, even if frozen before
            layer.trainable = True
        return copy
    except (NotImplementedError, TypeError, ValueError) as error:
        reason = ' '.join(str(error).split())[:200] or type(error).__name__
        raise _not_copied(network, reason) from error


def complete(network, copy):
    """Checks a built copy of a network, and transfers to it what layers of the network, such as
    `keras.layers.Normalization`, learned from data by `adapt`.

    Raises:
        UserError: the copy is a different network, as far as `_are_alike` can tell.
    """
    if not _are_alike(network, copy):
        check_record(network)  # may raise an error that says why
        raise _not_copied(network, 'the copy is another network')
    both = [
        [layer for layer in each._flatten_layers() if hasattr(layer, 'adapt') and layer.weights]
        for each in (network, copy)
    ]
    for layer, own in zip(*both, strict=True):
        own.set_weights(layer.get_weights())
        own.finalize_state()


def _not_copied(network, reason):
    return UserError(
        f'The encoder {network.name!r} cannot be copied for the critic ({reason}); give a '
        'critic=... of your own.'
    )


def check_record(network):
    """Refuses a built network that Keras would load as a different one.

    For a keras.Model without a get_config of its own, Keras (3.15) records the constructor's
    defaults in place of the arguments that were given.

    Raises:
        UserError: the config makes a different network, as far as `_are_alike` can tell, or none.
    """
    is_keras = _is_keras_own(type(network))
    is_model = isinstance(network, keras.Model) and not is_keras
    if is_model and _is_keras_own(type(network).get_config):
        _check_record_of_keras(network)
        return
    # Keras' own classes record all their parts; a user's constructor makes those not recorded.
    recorded = set() if is_keras else _names_in(_config_of(network) or {})
    for part in network._layers:
        if is_keras or part.name in recorded:
            check_record(part)


def _names_in(config):
    """The names of all layers in a config."""
    is_dict = isinstance(config, dict)
    own = {config['name']} if is_dict and isinstance(config.get('name'), str) else set()
    parts = config.values() if is_dict else config
    return own.union(
        *(_names_in(part) for part in parts if isinstance(part, (dict, list, tuple)))
    )


def _is_keras_own(thing):
    return thing.__module__.startswith('keras.')


def _check_record_of_keras(network):
    state = random.getstate()  # Keras draws seeds from it
    try:
        again = type(network).from_config(network.get_config())
        again.build_from_config(network.get_build_config() or {})
    except Exception as error:  # whatever a constructor without its arguments raises
        raise _unrecorded(network) from error
    finally:
        random.setstate(state)
    cannot_be_built = network.weights and not again.weights
    if not cannot_be_built and not _are_alike(again, network):
        raise _unrecorded(network)


def _unrecorded(network):
    return UserError(
        f"Keras does not record the arguments of {network.name!r}'s constructor, and would copy or "
        f'load it as another network, or not at all: define get_config in '
        f'{type(network).__name__}, and return them there.'
    )


def _are_alike(*networks):
    """Whether built networks have weights of the same shapes, and layers with the same settings."""
    first, second = ([weight.shape for weight in network.weights] for network in networks)
    if first != second:
        return False
    first, second = (list(_layers_of(network)) for network in networks)
    names = {layer.name for layer in (*first, *second)}
    return len(first) == len(second) and all(
        _is_set_alike(*pair, names) for pair in zip(first, second, strict=True)
    )


def _layers_of(network):
    """Yields a network and its layers, recursively. A layer that occurs twice is yielded twice,
    because a copy may have two layers in its place."""
    yield network
    for layer in network._layers:
        if not isinstance(layer, keras.layers.InputLayer):
            yield from _layers_of(layer)


def _is_set_alike(first, second, names):
    """Whether two layers have the same settings, as far as can be told.

    Args:
        names: the names of all layers; layers of these names within a config are skipped, as each
            is compared in its turn.
    """
    if isinstance(first, keras.Model) and isinstance(second, keras.Model):
        if type(first) is not type(second):  # Keras may clone the layers but not the class
            return True
        # A config may lack the arguments. As a rule they are attributes of the same names.
        arguments = inspect.signature(type(first)).parameters.keys() - OF_A_LAYER - OF_A_PART
        values = [[vars(each).get(name) for name in arguments] for each in (first, second)]
        return all(_is_same_value(*pair) for pair in zip(*values, strict=True))
    if type(first) is not type(second):
        return False
    one, other = (_config_of(each) for each in (first, second))
    return None in (one, other) or _without(names, one) == _without(names, other)


def _config_of(layer):
    """The config that Keras records for a layer; None if it can record nothing, or only code."""
    if isinstance(layer, keras.layers.Lambda):
        return None
    try:
        with warnings.catch_warnings(action='ignore'):  # about recorded code; none is kept here
            config = keras.saving.serialize_keras_object(layer)['config']
    except Exception:  # whatever a user's get_config raises; a layer in a model needs none
        return None
    return {key: value for key, value in config.items() if key not in OF_A_LAYER}


def _is_same_value(*values):
    """Whether attributes are the same numbers, texts or functions; True for anything else."""
    values = [value.item() if isinstance(value, np.generic) else value for value in values]
    if not all(isinstance(value, SIMPLE) for value in values):
        return True
    first, second = (getattr(value, '__qualname__', value) for value in values)
    return first == second or first != first and second != second  # NaN


def _without(names, config):
    """A config, or a part of one, without seeds and without layers of these names."""
    if isinstance(config, (list, tuple)):
        return [_without(names, part) for part in config]
    if not isinstance(config, dict):
        return config
    inner = config.get('config')
    if isinstance(inner, dict) and isinstance(name := inner.get('name'), str) and name in names:
        return None
    return {key: _without(names, part) for key, part in config.items() if key not in OF_A_PART}
