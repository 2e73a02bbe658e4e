"""Checks that a dataset has the kind of images that a run was trained on."""
import os

from lib.errors import UserError


def check_is_told(run, name, otherwise=''):
    """Raises UserError for a run of the 2018 code whose parent folder is not named after a dataset.

    Args:
        run: a `lib.runs.RunFolder`.
        name: the name of the parent folder; if the run is a link, of its target's parent folder.
        otherwise: what else the user can do, such as '; or give --dataset'.
    """
    from lib import data  # imports TensorFlow, for which a script's --help must not wait
    from lib.data import registry

    folder = data.records_folder()
    is_own = folder and os.path.exists(data.classes_path(name, folder))
    if not (run.is_recorded or registry.find(name) or is_own):
        raise UserError(
            f"{run.path} must lie in a folder of its dataset's name, such as lines32, for nothing "
            f'else tells what the 2018 code trained it on; {name} is not a dataset{otherwise}.'
        )


def check_fits(run, model, dataset, trained_on, otherwise):
    """Raises UserError for a dataset whose images a run's model does not take, or which was made
    again with other classes or counts since the run was trained on it.

    Args:
        run: a `lib.runs.RunFolder`.
        model: its model.
        dataset: a `lib.data.Dataset`.
        trained_on: the name of the dataset that the run was trained on.
        otherwise: what the user can do, such as 'choose another --dataset'.
    """
    if dataset.image_shape != model.image_shape:
        sizes = ['x'.join(map(str, shape)) for shape in (dataset.image_shape, model.image_shape)]
        raise UserError(
            f'{dataset.name} has images of {sizes[0]}, but {run.path} was trained on {sizes[1]}; '
            f'{otherwise}.'
        )
    if dataset.name == trained_on:
        run.check_dataset(dataset, otherwise)
