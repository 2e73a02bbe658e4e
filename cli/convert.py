"""Converts runs of ours to files of the 2018 code, and its run folders to ours."""
import contextlib
import json
import os
import shutil

from acai_tf.load import check_is_there, identify, load_run
from cli import fitting, overwriting, training
from lib import checkpoints, files, locks, runs
from lib.errors import UserError
from lib.paper import constants, results


def to_original(path, prefix, overwrite=False):
    """Writes a run's newest checkpoint as TensorFlow 1 files.

    Also writes the file `checkpoint` beside them, in which the 2018 code looks up what to resume
    from, unless there is one that may not be overwritten.

    Args:
        path: the run folder.
        prefix: the files' path without `.index`; an existing folder stands for
            FOLDER/model.ckpt-STEP.
        overwrite: replace files that exist.

    Returns:
        (prefix, global step), as written.

    Raises:
        UserError: the run cannot be used, or a file exists, or cannot be written.
    """
    model = load_run(path)
    step = int(model.global_step)
    consequence = 'these files do too: the 2018 code cannot train on from them'
    moments = _has_moments(runs.RunFolder(path), step, consequence)
    if os.path.isdir(prefix) or not os.path.basename(prefix):
        prefix = os.path.join(prefix, f'model.ckpt-{step}')
    for suffix in (checkpoints.INDEX, checkpoints.DATA):
        if os.path.exists(prefix + suffix) and not overwrite:
            raise UserError(f'{prefix}{suffix} exists; give --overwrite to replace it.')
    checkpoints.save_original(model, prefix, step, moments=moments)
    folder = os.path.dirname(prefix)
    pointer = os.path.join(folder, 'checkpoint')
    if overwrite or not os.path.exists(pointer):
        name = json.dumps(os.path.basename(prefix))  # no folder, so that the files can be moved
        state = f'model_checkpoint_path: {name}\nall_model_checkpoint_paths: {name}\n'
        files.write_file(pointer, state.encode())
    else:
        print(f'{pointer} is left as it is; --overwrite makes it name this checkpoint.')
    return prefix, step


def from_original(path, train_dir, options, overwrite=False):
    """Makes a run folder of ours from the 2018 code's, which stays as it is.

    The new folder holds the newest checkpoint, the event files, the pictures, and an args.json.

    Args:
        path: the 2018 code's run folder.
        train_dir: where to make TRAIN_DIR/DATASET/EXPERIMENT.
        options: {option: value} to record for what neither the folder's name nor its checkpoint
            contains, such as the learning rate.
        overwrite: replace a run folder that exists.

    Returns:
        (lib.runs.RunFolder, global step).

    Raises:
        UserError: the run cannot be used; or the new folder exists, holds more than a conversion
            writes, is being trained in, or cannot be written.
    """
    check_is_there(path)
    original = runs.RunFolder(path)
    if original.checkpoint_steps() and not original.is_original:
        raise UserError(f'{path} has an {runs.ARGS_NAME}: it is a run folder of ours already.')
    dataset = identify(original).dataset
    fitting.check_is_told(original, dataset)
    model = load_run(path)
    step = int(model.global_step)
    run = runs.folder_of(train_dir, dataset, type(model).__name__, model.params)
    if os.path.exists(run.path):
        if os.path.samefile(run.path, path):
            raise UserError(
                f'{path} would become itself; choose another --out, or point the training script '
                'at it, which resumes it where it is.'
            )
        if not overwrite:
            raise UserError(f'{run.path} exists; give --overwrite to replace it.')
        _check_may_be_replaced(run)
        if holder := locks.holder(run.lock_path):
            raise UserError(
                f'{holder} is training in {run.path}; wait for it, stop it, or choose another '
                '--out.'
            )
    moments = _has_moments(original, step, f'{run.path} does too: training cannot go on from it')
    with files.folder_written_whole(run.path) as folder:
        unfinished = runs.RunFolder(folder)
        _copy_files(original.summaries, unfinished.summaries)
        _copy_files(original.images, unfinished.images)
        checkpoints.save_original(model, unfinished.checkpoint(step), step, moments=moments)
        options = {'dataset': dataset, 'latent_width': model.latent_shape[1], **options}
        # Original: the 2018 code computed in no other way.
        args = training.recorded_args(model, options, **constants.COMPUTED_ON, jit=False)
        unfinished.write_args(args, code=results.ORIGINAL)  # until this project trains it on
    return run, step


def _has_moments(run, step, consequence):
    """Whether a checkpoint has Adam's moments; prints the consequence if it has none."""
    if checkpoints.has_moments(run.checkpoint(step)):
        return True
    print(f"{run.path} has weights without Adam's moments, so that {consequence}.")
    return False


def _check_may_be_replaced(run):
    """Raises UserError unless a folder is a run folder that holds only what a conversion wrote."""
    if not os.path.isdir(run.path):
        raise UserError(f'{run.path} is not a folder; choose another --out.')
    if results.code_of(run) != results.ORIGINAL:
        raise UserError(
            f'{run.path} was trained in by this project, which --overwrite would undo; choose '
            'another --out, or delete that folder.'
        )
    others = set(os.listdir(run.path)) - {'tf', 'images', runs.ARGS_NAME, runs.LOCK_NAME}
    if os.path.isdir(run.summaries):  # it may hold folders, such as the projector's
        below = [each.name for each in os.scandir(run.summaries) if each.is_dir()]
        others |= {f'tf/summaries/{name}' for name in below}
    overwriting.check_holds_only(run.path, others, 'out')


def _copy_files(source, target):
    """Copies the files of a folder, if it exists, without their permissions: an archive is often
    read-only, but its copy must be writable to train on.

    Raises:
        UserError: the folder or one of its files cannot be read.
        OSError: the copy cannot be written.
    """
    os.makedirs(target)
    if not os.path.isdir(source):
        return
    with _reading():
        paths = [file.path for file in os.scandir(source) if file.is_file()]
    for path in paths:
        with _reading():
            file = open(path, 'rb')
        with file, open(os.path.join(target, os.path.basename(path)), 'wb') as copy:
            shutil.copyfileobj(file, copy)


@contextlib.contextmanager
def _reading():
    """Turns the OSError of a path that cannot be read into a UserError."""
    try:
        yield
    except OSError as error:
        raise UserError(f'Cannot read {error.filename} ({error.strerror}).') from error
