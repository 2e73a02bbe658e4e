"""Copies of a user's own networks, and whether Keras' record of one makes the same again."""
import inspect
import random
import types

import keras
import numpy as np

from lib.errors import UserError

# What a copy of a layer may have otherwise: in the config of a layer, and in that of any part.
OF_A_LAYER, OF_A_PART = {'name', 'trainable'}, {'seed', 'shared_object_id'}
SIMPLE = bool, int, float, str, types.FunctionType, types.NoneType  # values that can be compared


def fresh_copy(network):
    """A Keras network of the same layers with weights of its own, all of which can be trained.

    Once it is built, `complete` must follow.

    Raises:
        UserError: it cannot be copied.
    """
    try:
        if isinstance(network, keras.Model):
            copy = keras.models.clone_model(network)
        else:
            copy = type(network).from_config(network.get_config())
        for layer in copy._flatten_layers():  # weights are new, also where a layer is frozen
            layer.trainable = True
        return copy
    except (NotImplementedError, TypeError, ValueError) as error:
        reason = ' '.join(str(error).split())[:200] or type(error).__name__
        raise UserError(
            f'The encoder {network.name!r} cannot be copied for the critic ({reason}); give a '
            'critic=... of your own.'
        ) from error


def check_record(network):
    """Refuses a built network that Keras would load as another.

    Of a keras.Model without a get_config of its own, Keras (3.15) records the defaults of the
    constructor in place of its arguments.

    Raises:
        UserError: the record makes another network, as far as `_are_alike` tells, or nothing.
    """
    for layer in network._flatten_layers():
        if not _is_recorded_by_keras(layer):
            continue
        state = random.getstate()  # from which Keras draws seeds
        try:
            again = type(layer).from_config(layer.get_config())
            again.build_from_config(layer.get_build_config() or {})
        except (TypeError, ValueError) as error:  # an argument has no default, or one of no use
            raise _forgetful(layer) from error
        finally:
            random.setstate(state)
        cannot_be_built = layer.weights and not again.weights
        if not cannot_be_built and not _are_alike(again, layer):
            raise _forgetful(layer)


def _is_recorded_by_keras(layer):
    """Whether a layer is of a user's subclass of keras.Model without a get_config of its own."""
    cls = type(layer)
    is_users = isinstance(layer, keras.Model) and not cls.__module__.startswith('keras.')
    return is_users and cls.get_config.__module__.startswith('keras.')


def _are_alike(*networks):
    """Whether built networks have weights of the same shapes, and layers of the same settings."""
    first, second = ([weight.shape for weight in network.weights] for network in networks)
    if first != second:
        return False
    no_layer = keras.layers.InputLayer
    both = [
        [layer for layer in network._flatten_layers() if not isinstance(layer, no_layer)]
        for network in networks
    ]
    if len(both[0]) != len(both[1]):
        return False
    names = {layer.name for layers in both for layer in layers}
    return all(_is_set_alike(*pair, names) for pair in zip(*both, strict=True))


def _is_set_alike(first, second, names):
    """Whether two layers have the same settings, as far as can be told.

    Args:
        names: of all layers, which are compared in their own turn.
    """
    if isinstance(first, keras.Model) and isinstance(second, keras.Model):
        if type(first) is not type(second):  # Keras copies its own subclasses layer by layer
            return True
        # A record may say nothing of arguments. As a rule they are attributes of the same names.
        arguments = inspect.signature(type(first)).parameters.keys() - OF_A_LAYER
        values = [[vars(each).get(name) for name in arguments] for each in (first, second)]
        return all(_is_same_value(*pair) for pair in zip(*values, strict=True))
    try:
        configs = [keras.saving.serialize_keras_object(each)['config'] for each in (first, second)]
    except (NotImplementedError, TypeError, ValueError):  # it has no record, nor needs one
        return type(first) is type(second)
    own = [{key: value for key, value in each.items() if key not in OF_A_LAYER} for each in configs]
    return type(first) is type(second) and _without(names, own[0]) == _without(names, own[1])


def _is_same_value(*values):
    """Whether attributes are the same numbers, words or functions; True for anything else."""
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
    if isinstance(inner, dict) and inner.get('name') in names:
        return None
    return {key: _without(names, part) for key, part in config.items() if key not in OF_A_PART}


def _forgetful(network):
    return UserError(
        f'Keras would copy or load {network.name!r} with the default arguments of its constructor, '
        f'which makes another network: define get_config in {type(network).__name__}, and return '
        'the arguments there.'
    )


def complete(network, copy):
    """Checks a built copy of a network, and gives it what the network's layers, such as
    `keras.layers.Normalization`, learned from data by `adapt`.

    Raises:
        UserError: it is another network, as far as `_are_alike` tells.
    """
    if not _are_alike(network, copy):
        raise _forgetful(network)
    both = [
        [layer for layer in each._flatten_layers() if hasattr(layer, 'adapt') and layer.weights]
        for each in (network, copy)
    ]
    for layer, own in zip(*both, strict=True):
        own.set_weights(layer.get_weights())
        own.finalize_state()
