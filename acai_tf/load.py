"""Trained models and their records from run folders, for notebooks, tasks, tables and figures."""
import os
import sys

from acai_tf.autoencoder import Autoencoder
from lib import checkpoints, runs
from lib.errors import UserError
from lib.paper import experiments, results
from lib.runs import architecture, discovery


def load_run(path):
    """Loads a trained model from a run folder, ours or the original's.

    Its weights are those of the folder's newest readable checkpoint.

    The method and its hyper-parameters come from args.json, else from the folder's name; the
    image's shape, taken to be square, and the number of classes from the checkpoint. The model
    computes in float32, whatever it was trained in.

    Args:
        path: TRAIN_DIR/DATASET/EXPERIMENT.

    Raises:
        UserError: the folder is not a run, or has no readable checkpoint, or one of another model.
    """
    check_is_there(path)
    run = runs.RunFolder(path)
    class_name, params, _, recorded = identify(run)
    options = {key: recorded[key] for key in ('lr', 'seed') if key in recorded}
    traits = _fitting_traits(run, class_name, params)
    latent_width = recorded.get('latent_width', 0) if _is_own(class_name) else 0
    image_shape = architecture.image_shape(traits, latent_width)
    model = Autoencoder.methods()[class_name](
        image_shape=image_shape, nclass=traits['nclass'], **params, **options
    )
    checkpoints.restore(model, run, weights_suffice=True)
    return model


def check_is_there(path):
    """Raises UserError unless the path is a folder."""
    if not os.path.isdir(path):
        raise UserError(
            f'There is no folder {path}; give a run folder, TRAIN_DIR/DATASET/EXPERIMENT.'
        )


def identify(run, kept=None):
    """The `lib.runs.discovery.Identity` of a run folder, whose method must be known."""
    return discovery.identify(run, _hyperparameters(), kept)


def find_runs(train_dir):
    """The records of every autoencoder below a folder; a note on stderr names what is unreadable.

    Args:
        train_dir: holds [.../]DATASET/EXPERIMENT, each a run folder of ours or the original's.

    Returns:
        list of `lib.paper.results.Run`, in the order of their paths, without repeats of a seed.

    Raises:
        UserError: there is no such folder.
    """
    found = discovery.find(train_dir, _hyperparameters())
    records = []
    for run, identity in found:
        try:
            records.append(results.read_run(run, identity))
        except UserError as error:
            print(f'{error} Skipped.', file=sys.stderr)
    kept, notes = results.distinct(records)
    for note in notes:
        print(note, file=sys.stderr)
    return kept


def _hyperparameters():
    """{class name: {hyper-parameter: its type}} of every method."""
    return {name: method.hyperparameters() for name, method in Autoencoder.methods().items()}


def _is_own(class_name):
    """Whether a method is not one of the paper's."""
    return class_name not in experiments.DESCRIPTIONS


def _fitting_traits(run, class_name, params):
    """The traits (`lib.runs.architecture`) of the newest readable checkpoint, which must match the
    folder's parameters."""
    newest = run.newest_step()
    names = runs.SIZES if _is_own(class_name) else architecture.IN_SHAPES
    for step in run.checkpoint_steps():
        prefix = run.checkpoint(step)
        try:
            traits = checkpoints.read_traits(prefix)
        except checkpoints.DamagedCheckpointError:
            continue
        misfit = architecture.misfit(traits, params, class_name, names)
        if misfit:
            raise UserError(f'{prefix} does not fit its run folder: {misfit}')
        return traits
    # None can be read: this raises an error that says why.
    return checkpoints.read_traits(run.checkpoint(newest))
