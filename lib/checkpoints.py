"""Checkpoints in the original's own format: TensorFlow 1 Saver files, V2, under its names.

One format serves both sides: what we train the 2018 code restores, and what it trained we resume.
Under a prefix PREFIX lie PREFIX.index and PREFIX.data-00000-of-00001.
"""
import math
import os
import re

import tensorflow as tf


class CheckpointError(ValueError):
    """A checkpoint that cannot be read or does not fit the model; the message says why."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint whose files are missing, cut short or altered."""


def variable_names(model):
    """{name in the original's checkpoints: Keras variable} of all a model's own variables.

    A name is the path of layers' names. Layers of one kind in one scope are numbered in creation
    order, the first without a number, as TensorFlow 1 did; Keras numbers them through the process.
    """
    names, numbers, taken = {}, {}, {}
    for variable in model.variables:
        *scopes, leaf = variable.path.split('/')
        if scopes and scopes[0] == model.name:
            scopes = scopes[1:]
        name = ''
        for scope in scopes:
            kind = re.sub(r'_\d+$', '', scope)
            if (name, scope) not in numbers:
                numbers[name, scope] = taken[name, kind] = taken.get((name, kind), -1) + 1
            number = numbers[name, scope]
            name += f'{kind}_{number}/' if number else f'{kind}/'
        names[name + leaf] = variable
    return names


def stored_variables(model):
    """[(name, Keras variable)] of everything a checkpoint of the model holds.

    A name can stand for several variables: where the original had one Adam for all groups, its
    powers of beta are those of each of ours.
    """
    stored = list(variable_names(model).items())
    names = {id(variable): name for name, variable in stored}
    shared = getattr(model, 'ORIGINAL_OPTIMIZERS', None) == 1
    for number, (group, optimizer) in enumerate(model.optimizers.items()):
        adam = getattr(optimizer, 'inner_optimizer', optimizer)  # past a loss scale
        for variable, slots in zip(model.group_variables(group), adam.slots(), strict=True):
            name = names[id(variable)]
            stored += zip((f'{name}/Adam', f'{name}/Adam_1'), slots, strict=True)
        suffix = f'_{number}' if number and not shared else ''
        powers = (f'beta1_power{suffix}', f'beta2_power{suffix}')
        stored += zip(powers, adam.beta_powers, strict=True)
    return stored


def load_original(model, prefix):
    """Sets a model's weights, Adam moments, moving averages and step from a checkpoint.

    Args:
        model: an `acai_tf` model, of the checkpoint's method, sizes and nclass.
        prefix: the path without `.index`, e.g. 'RUN/tf/model.ckpt-1025'.

    Returns:
        The global step, an integer.

    Raises:
        CheckpointError: the files are missing or damaged, or a variable is missing or has another
            shape. The model is unchanged then.
    """
    reader = _open(prefix)
    shapes = reader.get_variable_to_shape_map()
    stored = stored_variables(model)
    for name, variable in stored:
        if name not in shapes:
            raise CheckpointError(
                f'{prefix} has no variable {name}; it is a checkpoint of another method than '
                f'{type(model).__name__}, or of another number of scales.'
            )
        if tuple(shapes[name]) != tuple(variable.shape):
            raise CheckpointError(
                f'{prefix} has {name} of shape {tuple(shapes[name])}, this model wants '
                f'{tuple(variable.shape)}: depth, latent, latent_width or the dataset differs.'
            )
    values = {name: _read(reader, prefix, name) for name, _ in stored}
    for name, variable in stored:
        variable.assign(values[name])
    step = int(values['global_step'])
    for optimizer in model.optimizers.values():
        getattr(optimizer, 'inner_optimizer', optimizer).iterations.assign(step)
    return step


def save_original(model, prefix, step):
    """Writes a checkpoint that TensorFlow 1.8's Saver restores, under the original's names.

    The files appear under their final names only when complete, the index last, so that a crash
    at any moment leaves either the whole checkpoint or none.

    Args:
        model: an `acai_tf` model.
        prefix: the path without `.index`.
        step: the global step to record.
    """
    values = {name: variable.numpy() for name, variable in stored_variables(model)}
    values['global_step'] = values['global_step'].dtype.type(step)
    names = sorted(values)
    folder, base = os.path.split(prefix)
    os.makedirs(folder or '.', exist_ok=True)
    temporary = os.path.join(folder, f'.{base}.{os.getpid()}.tmp')
    tf.raw_ops.SaveV2(
        prefix=temporary,
        tensor_names=names,
        shape_and_slices=[''] * len(names),
        tensors=[values[name] for name in names],
    )
    for suffix in ('.data-00000-of-00001', '.index'):
        with open(temporary + suffix, 'rb') as file:
            os.fsync(file.fileno())
        os.replace(temporary + suffix, prefix + suffix)


def image_shape_and_nclass(prefix, scales, latent):
    """What a checkpoint was trained on, read from the shapes of its variables.

    Args:
        prefix: the path without `.index`.
        scales, latent: of the model that wrote it.

    Returns:
        (height, width, colors), nclass.
    """
    shapes = _open(prefix).get_variable_to_shape_map()
    try:
        features, nclass = shapes['single_layer_classifier/dense/kernel']
        name = next(name for name in shapes if re.fullmatch(r'ae_enc(oder)?/conv2d/kernel', name))
    except (KeyError, StopIteration) as error:
        raise CheckpointError(f'{prefix} is no checkpoint of an autoencoder.') from error
    width = math.isqrt(features // latent) << scales
    return (width, width, shapes[name][2]), nclass


def _open(prefix):
    if not os.path.exists(f'{prefix}.index'):
        raise DamagedCheckpointError(f'There is no checkpoint {prefix}: {prefix}.index is missing.')
    try:
        return tf.train.load_checkpoint(prefix)
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise DamagedCheckpointError(f'The checkpoint {prefix} is damaged: {error}') from error


def _read(reader, prefix, name):
    try:
        return reader.get_tensor(name)
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise DamagedCheckpointError(
            f'The checkpoint {prefix} is damaged at {name}: {error}'
        ) from error


def remove(prefix):
    """Removes a checkpoint; the index first, so that no half of it is ever taken for a whole."""
    for suffix in ('.index', '.data-00000-of-00001'):
        if os.path.exists(prefix + suffix):
            os.remove(prefix + suffix)
