"""Checkpoints in the original's own format: TensorFlow 1 Saver files (V2) with its variable names.

One format serves both directions: the 2018 code restores what we train, and we resume what it
trained. A checkpoint with the prefix PREFIX is PREFIX.index and PREFIX.data-00000-of-00001.
"""
import contextlib
import glob
import math
import os
import re

import numpy as np
import tensorflow as tf

from lib import files, original_names
from lib.errors import UserError, first_line
from lib.optimizer import without_loss_scale
from lib.runs import architecture
from lib.runs.folder import DATA, INDEX

MOMENTS = re.compile(r'/Adam(_1)?$|^beta[12]_power(_\d+)?$')  # what only training needs
# Below this a number's square is 0 in float32. The ~16,000 unused codes of a VQ-VAE decay far
# below it, and zeros compress to nothing.
NEGLIGIBLE = 1e-24
# TensorFlow's reader reports a file that is cut short as an IndexError, other damage as OpError.
# An altered index may claim any size, which raises MemoryError.
READ_ERRORS = (tf.errors.OpError, IndexError, ValueError, RuntimeError, OSError, MemoryError)
NO_MEMORY = (tf.errors.ResourceExhaustedError, MemoryError)


class DamagedCheckpointError(UserError):
    """A checkpoint whose files are missing, cut short or altered."""


def load_original(model, prefix, weights_suffice=False):
    """Sets a model's weights, Adam moments, moving averages and step from a checkpoint.

    Args:
        model: an `acai_tf` model, of the checkpoint's method, sizes and nclass.
        prefix: the path without `.index`, e.g. 'RUN/tf/model.ckpt-1025'.
        weights_suffice: whether to accept a checkpoint without Adam's moments, such as those in
            `released/`; the model's moments stay as they are then.

    Returns:
        The global step, an integer.

    Raises:
        UserError: a variable is missing or has another shape or dtype; the message says what
            the checkpoint looks like. The model is unchanged then.
        DamagedCheckpointError: the files are missing or damaged. The model is unchanged then.
    """
    prefix = os.fspath(prefix)
    reader, shapes = _open(prefix)
    dtypes = reader.get_variable_to_dtype_map()
    stored = original_names.stored_variables(model)
    scaling = original_names.loss_scale_variables(model)
    if 'global_step' in shapes and not any(map(MOMENTS.search, shapes)):
        if not weights_suffice:
            raise UserError(
                f"{prefix} holds weights without Adam's moments, so that training cannot go on "
                'from it; choose another --train_dir to begin a new run.'
            )
        stored = [(name, variable) for name, variable in stored if not MOMENTS.search(name)]
    for name, variable in stored:
        if misfit := _misfit(name, variable, shapes, dtypes):
            raise UserError(f'{prefix} {misfit}: {_cause(name, model, stored, shapes)}')
    resumes_scaling = all(name in shapes for name, _ in scaling)  # else it starts anew
    wanted = stored + scaling if resumes_scaling else stored
    values = {name: _read(reader, prefix, name) for name, _ in wanted}
    step = int(values['global_step'])
    if step < 0:
        raise UserError(
            f'{prefix} has the global_step {step}, which training cannot have written; use another '
            'checkpoint.'
        )
    for optimizer in model.optimizers.values():
        without_loss_scale(optimizer).iterations.assign(step)
    for name, variable in wanted:
        variable.assign(values[name])
    return step


def _misfit(name, variable, shapes, dtypes):
    """What is wrong with a variable in a checkpoint, as text ('has ...'); None if it fits."""
    if name not in shapes:
        return f'has no variable {name}'
    if shapes[name] != tuple(variable.shape):
        return f'has {name} of shape {shapes[name]}, not {tuple(variable.shape)}'
    if dtypes[name] != tf.as_dtype(variable.dtype):
        return f'has {name} as {dtypes[name].name}, not {variable.dtype}'
    return None


def _cause(name, model, stored, shapes):
    """Why a variable does not fit, as the end of a sentence."""
    weight = MOMENTS.sub('', name)
    moments = {f'{weight}/Adam', f'{weight}/Adam_1'}
    if name in moments and weight in shapes and moments.isdisjoint(shapes):
        return 'these weights were frozen when it was written; freeze them here too.'
    own_shapes = {name: tuple(variable.shape) for name, variable in stored}
    traits, own_traits = architecture.traits_of(shapes), architecture.traits_of(own_shapes)
    return architecture.explain(traits, own_traits, type(model).__name__)


def has_moments(prefix):
    """Whether a checkpoint holds Adam's moments, which resuming training needs.

    Raises:
        DamagedCheckpointError: the files are missing or damaged.
    """
    return any(map(MOMENTS.search, _open(os.fspath(prefix))[1]))


def looks_whole(prefix):
    """Whether a checkpoint's index can be read and its data are as long as that says.

    A large checkpoint takes no longer. Only `load_original` finds bytes altered within the data.

    Raises:
        UserError: a file may be whole, but cannot be read now.
    """
    try:
        _open(os.fspath(prefix))
    except DamagedCheckpointError:
        return False
    return True


def restore(model, run, weights_suffice=False):
    """Sets a model to the newest checkpoint of a run that can be read.

    Args:
        model: an `acai_tf` model of the run's method and sizes.
        run: a `lib.runs.RunFolder`.
        weights_suffice: as for `load_original`.

    Returns:
        The global step; 0 where there is no checkpoint.

    Raises:
        UserError: a checkpoint is of another model, or none of them can be read.
    """
    steps = run.checkpoint_steps()
    for step in steps:
        try:
            return load_original(model, run.checkpoint(step), weights_suffice)
        except DamagedCheckpointError as error:
            print(f'{error} Trying the checkpoint before it.')
    if steps:
        raise UserError(
            f'No checkpoint in {run.checkpoints} can be read; put one back, or delete '
            f'{run.path} to start again.'
        )
    return 0


def resume(model, run, last):
    """Restores the newest checkpoint of a run, as `restore` does, and prints where the run stands.

    Args:
        model, run: as for `restore`.
        last: the step at which training ends.

    Returns:
        The global step; 0 where there is no checkpoint.

    Raises:
        UserError: as `restore`.
    """
    step = restore(model, run)
    if step >= last and run.owed_report(step):
        print(f'{run.path} is at step {step} of {last}; its report is owed, and made now.')
    elif step > last:
        print(f'{run.path} is at step {step}, past the {last} of this length: nothing to do.')
    elif step == last:
        longer = '' if model.FIXED_LENGTH else '; raise --total_kimg to lengthen it'
        print(f'{run.path} is complete, at step {step} of {last}{longer}.')
    elif run.is_original:
        print(
            f'Resuming {run.path} at step {step}, from a checkpoint written by the 2018 code (it '
            'has no args.json; the options of this command are recorded there now).'
        )
    elif step:
        print(f'Resuming {run.path} at step {step}.')
    if 0 < step < last:
        print(f'{step:,} of {last:,} steps are done.')
    return step


def first_non_finite(model):
    """The name of a stored variable that holds a number that is not finite; None if none does.

    The results of the last evaluation are not checked: they may be NaN, as the smoothness of an
    interpolation that does not move is.
    """
    evaluation = getattr(model, 'evaluation', {})
    for name, variable in original_names.stored_variables(model):
        if name not in evaluation and not np.isfinite(variable.numpy()).all():
            return name
    return None


def save_original(model, prefix, step, moments=True):
    """Writes a checkpoint that TensorFlow 1.8's Saver restores, under the original's names.

    Both files are complete on the disk before they get their names, the index last: whenever the
    process dies, a new checkpoint is complete or absent. An earlier one of the same name is put
    back after an error; only a kill between the two renames can lose it, which its checksums
    reveal.

    Args:
        model: an `acai_tf` model.
        prefix: the path without `.index`.
        step: the global step to record.
        moments: whether to store Adam's moments too, which resuming training needs; without them
            a checkpoint is a third as large, and numbers below NEGLIGIBLE are stored as 0.

    Raises:
        UserError: the folder cannot be written, the disk is full, or TensorFlow could not read
            files of such a name. What was there before is still there.
    """
    prefix = os.fspath(prefix)
    files.check_checkpoint_path(prefix, 'choose another folder')
    variables = original_names.stored_variables(model)
    if moments:
        variables += original_names.loss_scale_variables(model)
    else:
        variables = [(name, v) for name, v in variables if not MOMENTS.search(name)]
    values = {name: variable.numpy() for name, variable in variables}
    if not moments:
        values = {name: _without_negligible(value) for name, value in values.items()}
    values['global_step'] = values['global_step'].dtype.type(step)
    names = sorted(values)
    folder, base = os.path.split(prefix)
    token = files.unique_token()
    temporary = os.path.join(folder, f'.{base}.{token}.tmp')
    try:
        os.makedirs(folder or '.', exist_ok=True)
        tf.raw_ops.SaveV2(
            prefix=temporary,
            tensor_names=names,
            shape_and_slices=[''] * len(names),
            tensors=[values[name] for name in names],
        )
        for suffix in (DATA, INDEX):
            files.sync(temporary + suffix)
        _rename(temporary, prefix)
    except (OSError, tf.errors.OpError) as error:
        raise UserError(
            f'Cannot write the checkpoint {prefix} ({_reason(error)}); make room for it or choose '
            'another folder.'
        ) from error
    finally:
        for left_over in glob.glob(f'{glob.escape(temporary)}*'):
            with contextlib.suppress(OSError):
                os.remove(left_over)


def _without_negligible(value):
    return np.where(abs(value) < NEGLIGIBLE, value.dtype.type(0), value)


def _rename(temporary, prefix):
    """Renames both files into place; after an error, the old index has its old data again."""
    old = f'{temporary}.old'
    with contextlib.suppress(FileNotFoundError):
        os.replace(prefix + DATA, old)
    try:
        os.replace(temporary + DATA, prefix + DATA)
        os.replace(temporary + INDEX, prefix + INDEX)
    except BaseException:
        if os.path.exists(old):
            os.replace(old, prefix + DATA)
        elif not os.path.exists(temporary + DATA):
            os.remove(prefix + DATA)
        raise


def _reason(error):
    """An error's cause in a few words, without TensorFlow's account of the operation."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return first_line(error).split('; ')[-1]


def read_traits(prefix):
    """The traits of the autoencoder that a checkpoint holds, from the shapes of its variables.

    Args:
        prefix: the path without `.index`.

    Returns:
        As `lib.runs.architecture.traits_of`, with 'nclass' and all sizes.

    Raises:
        UserError: it is not a checkpoint of an autoencoder.
        DamagedCheckpointError: its files are missing or damaged.
    """
    traits = architecture.traits_of(_open(os.fspath(prefix))[1])
    if 'nclass' not in traits:
        raise UserError(f'{prefix} is not a checkpoint of an autoencoder of this project.')
    return traits


def _open(prefix):
    """(reader, {variable: shape}) of a checkpoint whose index can be read."""
    files.check_checkpoint_path(prefix, 'move it to another folder')
    for suffix in (INDEX, DATA):
        path = prefix + suffix
        try:
            with open(path, 'rb') as file:
                is_empty = not file.read(1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise DamagedCheckpointError(
                f'There is no checkpoint {prefix}: {path} is missing.'
            ) from error
        except OSError as error:  # it may be whole: do not fall back on an earlier one
            raise UserError(f'Cannot read {path} ({error.strerror}).') from error
        if is_empty:
            raise DamagedCheckpointError(f'The checkpoint {prefix} is damaged: {path} is empty.')
    try:
        reader = tf.train.load_checkpoint(prefix)
        shapes = reader.get_variable_to_shape_map()
    except READ_ERRORS as error:
        raise DamagedCheckpointError(
            f'The checkpoint {prefix} is damaged: {prefix}{INDEX} is cut short or altered.'
        ) from error
    dtypes = reader.get_variable_to_dtype_map()
    claimed = sum(math.prod(shape) * dtypes[name].size for name, shape in shapes.items())
    if claimed > os.path.getsize(prefix + DATA):
        raise DamagedCheckpointError(
            f'The checkpoint {prefix} is damaged: {prefix}{DATA} is cut short.'
        )
    return reader, {name: tuple(shape) for name, shape in shapes.items()}


def _read(reader, prefix, name):
    try:
        return reader.get_tensor(name)
    except NO_MEMORY as error:  # not damage: `_open` has compared the sizes with the file's
        raise UserError(f'Cannot read {prefix}: there is too little memory.') from error
    except READ_ERRORS as error:
        raise DamagedCheckpointError(
            f'The checkpoint {prefix} is damaged: {prefix}{DATA} is cut short or altered at {name}.'
        ) from error


def remove(prefix):
    """Removes a checkpoint; the index first, so that half of one is never taken for a whole."""
    for suffix in (INDEX, DATA):
        with contextlib.suppress(FileNotFoundError):
            os.remove(prefix + suffix)
