"""Trained models and their records from run folders, for notebooks, tasks, tables and figures."""
import os
import sys

from acai_tf.autoencoder import Autoencoder
from lib import checkpoints, runs
from lib.errors import UserError
from lib.paper import results
from lib.runs import architecture, scalars

SIZES = ('scales', 'depth', 'latent')
# What is used of args.json.
OPTIONS = {
    'lr': float,
    'seed': int,
    'batch': int,
    'dataset': str,
    'latent_width': int,
    'precision': str,
    'devices': int,
}
RUN_OPTIONS = tuple(set(OPTIONS) - {'dataset'})  # of a `lib.paper.results.Run`
LARGEST = 1 << 31  # of what is computed with


def load_run(path):
    """A trained model from its run folder, ours or the original's, with its newest checkpoint.

    The method and its hyper-parameters come from args.json, else from the folder's name; the
    image's shape and the number of classes from the checkpoint.

    Args:
        path: TRAIN_DIR/DATASET/EXPERIMENT.

    Raises:
        UserError: the folder is no run, or has no readable checkpoint.
        UserError: the checkpoint is of another model.
    """
    check_is_there(path)
    run = runs.RunFolder(path)
    class_name, params, recorded = describe_run(run)
    options = {key: recorded[key] for key in ('lr', 'seed') if key in recorded}
    traits = _fitting_traits(run, class_name, params)
    model = Autoencoder.methods()[class_name](
        image_shape=architecture.image_shape(traits), nclass=traits['nclass'], **params, **options
    )
    checkpoints.restore(model, run, weights_suffice=True)
    return model


def check_is_there(path):
    """Raises UserError unless there is a folder."""
    if not os.path.isdir(path):
        raise UserError(
            f'There is no folder {path}; give a run folder, TRAIN_DIR/DATASET/EXPERIMENT.'
        )


def describe_run(run):
    """What a run folder, ours or the original's, says about itself.

    Args:
        run: a `lib.runs.RunFolder`.

    Returns:
        (class name, {hyper-parameter: value}, {option: value} as args.json records them, else {}).

    Raises:
        UserError: the folder is no run, or its args.json is damaged.
    """
    methods = Autoencoder.methods()
    record = run.read_args()
    class_name = run.name.split('_')[0]
    if record and record['args'].get('class') in methods:
        class_name = record['args']['class']  # the name of a released run does not say it
    if class_name not in methods:
        raise UserError(
            f'{run.path} is no run folder: its name must begin with one of '
            f'{", ".join(sorted(methods))}.'
        )
    if not record:
        return *_params_from_name(run, methods), {}
    types = methods[class_name].hyperparameters()
    params = {key: value for key, value in record['args'].items() if key in types}
    for key in SIZES:
        if not isinstance(params.get(key), int):
            raise UserError(
                f'{run.path} has no {key} in its args.json; restore that, or delete it to have the '
                "folder's name read."
            )
    for key, kind in {**types, **OPTIONS}.items():
        value = record['args'].get(key)
        if key in record['args'] and not _is_a(kind, value):
            raise UserError(
                f'{run.path} has {key}={value!r:.50} in its args.json, which is no '
                f'{kind.__name__}; restore it.'
            )
    return class_name, _checked(run, params), record['args']


def _checked(run, params):
    """The params of a run, whose sizes must be possible."""
    for key in SIZES:
        if params[key] < (0 if key == 'scales' else 1):
            raise UserError(f'{run.path} is no run folder: it has {key}={params[key]}.')
    return params


def _is_a(kind, value):
    """Whether a value from JSON is of a kind and can be computed with."""
    if kind is str:
        return isinstance(value, str)
    numbers = (int, float) if kind is float else int
    return isinstance(value, numbers) and abs(value) <= LARGEST  # NaN is not


def find_runs(train_dir):
    """The records of every autoencoder below a folder; a note on stderr names what is unreadable.

    Args:
        train_dir: holds [.../]DATASET/EXPERIMENT, each a run folder of ours or the original's.

    Returns:
        list of `lib.paper.results.Run`, in the order of their paths, without repeats of a seed.

    Raises:
        UserError: there is no such folder.
    """
    if not os.path.isdir(train_dir):
        raise UserError(f'{train_dir} is no folder; give the one that holds the runs.')
    methods, found, seen = Autoencoder.methods(), [], set()
    for folder, below, _ in os.walk(train_dir, followlinks=True):
        if os.path.realpath(folder) in seen:  # a link back up would never end
            below.clear()
            continue
        seen.add(os.path.realpath(folder))
        below.sort()
        run = runs.RunFolder(folder)
        named = run.name.split('_')[0] in methods or os.path.exists(
            os.path.join(folder, scalars.CURVE_NAME)
        )
        if not named or not os.path.isdir(run.checkpoints):
            continue
        below.clear()
        try:
            class_name, params, recorded = describe_run(run)
        except UserError as error:
            print(error, file=sys.stderr)
            continue
        options = {key: recorded[key] for key in RUN_OPTIONS if key in recorded}
        dataset = recorded.get('dataset', run.dataset)
        found.append(results.read_run(folder, class_name, dataset, params, options))
    kept, notes = results.distinct(found)
    for note in notes:
        print(note, file=sys.stderr)
    return kept


def _params_from_name(run, methods):
    """(class name, params) of a folder that has no args.json."""
    class_name = run.name.split('_')[0]
    types = methods[class_name].hyperparameters()
    text = runs.parse_experiment_name(run.name, types)
    if class_name == 'ACAI' and 'reg' not in text:
        class_name = 'LRAE'  # Original: the ablation's class is called ACAI too
    missing = [key for key in SIZES if key not in text]
    try:
        params = {key: types[key](value) for key, value in text.items()}
    except ValueError as error:
        raise UserError(f'{run.name} is no name of a run folder: {error}.') from error
    if missing:
        raise UserError(f'{run.name} is no name of a run folder: it lacks {missing[0]}.')
    return class_name, _checked(run, params)


def _fitting_traits(run, class_name, params):
    """The traits (`lib.runs.architecture`) of the newest checkpoint that tells, which must fit."""
    newest = run.newest_step()
    for step in run.checkpoint_steps():
        prefix = run.checkpoint(step)
        try:
            traits = checkpoints.describe(prefix)
        except checkpoints.DamagedCheckpointError:
            continue
        misfit = architecture.misfit(traits, params, class_name)
        if misfit:
            raise UserError(f'{prefix} does not fit its run folder: {misfit}')
        return traits
    return checkpoints.describe(run.checkpoint(newest))  # says what is wrong with it
