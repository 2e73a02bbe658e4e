"""Copies of a user's own networks, and whether Keras' record of one makes the same again."""
import contextlib
import inspect
import random
import types

import keras

from lib.errors import UserError

# What a copy of a layer may have otherwise: in the config of a layer, and in that of any part.
OF_A_LAYER, OF_A_PART = {'name', 'trainable'}, {'seed', 'shared_object_id'}


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
        cls = type(layer)
        if not isinstance(layer, keras.Model) or cls.get_config is not keras.Model.get_config:
            continue
        state = random.getstate()  # from which Keras draws seeds
        try:
            again = cls.from_config(layer.get_config())
            again.build_from_config(layer.get_build_config() or {})
        except TypeError as error:  # it has no default for an argument
            raise _forgetful(layer) from error
        finally:
            random.setstate(state)
        if again.weights and not _are_alike(again, layer):  # none: it cannot be built
            raise _forgetful(layer)


def _are_alike(*networks):
    """Whether built networks have weights of the same shapes, and layers of the same settings."""
    first, second = ([weight.shape for weight in network.weights] for network in networks)
    return first == second and len({str(_settings(network)) for network in networks}) == 1


def _settings(network):
    """What is set of a network's layers, in their order: what their records say and, of a subclass
    of keras.Model, whose record may say nothing, the numbers, words and functions among its
    attributes that are called as its constructor's arguments are."""
    settings = []
    for layer in network._flatten_layers():
        if isinstance(layer, keras.Model):
            arguments = inspect.signature(type(layer)).parameters
            own = {name: vars(layer).get(name) for name in arguments.keys() - OF_A_LAYER}
            settings.append({
                name: getattr(value, '__qualname__', value)
                for name, value in sorted(own.items())
                if isinstance(value, (bool, int, float, str, types.FunctionType))
            })  # fmt: skip
        elif not isinstance(layer, keras.layers.InputLayer):
            with contextlib.suppress(NotImplementedError, TypeError, ValueError):  # of no record
                settings.append(_common(keras.saving.serialize_keras_object(layer)['config']))
    return settings


def _common(config):
    """A config, or a part of one, without what copies may have otherwise."""
    if isinstance(config, dict):
        own = OF_A_PART | OF_A_LAYER if 'trainable' in config else OF_A_PART
        return {key: _common(part) for key, part in config.items() if key not in own}
    return [_common(part) for part in config] if isinstance(config, (list, tuple)) else config


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
