"""Finds run folders, and reads what each says about itself."""
import contextlib
import os
import sys
from typing import NamedTuple

from lib import files
from lib.errors import UserError
from lib.runs.folder import SIZES, RunFolder, parse_experiment_name

# The options of args.json that are used, besides the hyper-parameters.
OPTIONS = {
    'lr': float,
    'seed': int,
    'batch': int,
    'dataset': str,
    'latent_width': int,
    'precision': str,
    'devices': int,
    'report_kimg': int,
}
RUN_OPTIONS = tuple(key for key in OPTIONS if key != 'dataset')
LARGEST = 1 << 31  # the largest integer that is accepted


class Identity(NamedTuple):
    """What a run folder, ours or the original's, says about itself.

    class_name: the method's class.
    params: {hyper-parameter: value}, with scales, depth and latent.
    dataset: what it was trained on.
    recorded: {option: value} as args.json has them; {} for the original's.
    """

    class_name: str
    params: dict
    dataset: str
    recorded: dict

    @property
    def options(self):
        """The recorded options that are fields of a `lib.paper.results.Run`."""
        return {key: self.recorded[key] for key in RUN_OPTIONS if key in self.recorded}


def identify(run, methods, kept=None):
    """The `Identity` of a run folder.

    Args:
        run: a `lib.runs.RunFolder`.
        methods: {class name: {hyper-parameter: its type}} of all known methods.
        kept: {option: value} of its args.json, as far as these are known from elsewhere, for a run
            whose folder does not exist any more.

    Raises:
        UserError: the folder is not a run, or its args.json is damaged.
    """
    if os.path.islink(os.path.abspath(run.path)) and _class_of(run, methods) not in methods:
        run = RunFolder(os.path.realpath(run.path))  # whose name tells the class
    is_kept = 'class' in (kept or {})
    recorded = kept if is_kept else run.args
    class_name = recorded['class'] if is_kept else _class_of(run, methods)
    if class_name not in methods and 'class' in recorded:
        raise UserError(
            f'{run.path} is of the class {recorded["class"]!r:.50}, which is not a method that was '
            "imported; give an autoencoder's run folder, or import first what defines that class."
        )
    if class_name not in methods:
        raise UserError(
            f'{run.path} is not a run folder, TRAIN_DIR/DATASET/EXPERIMENT: without args.json its '
            f'name must begin with one of {", ".join(sorted(methods))}.'
        )
    if is_kept or run.is_recorded:
        params = _params_from_args(run, recorded, methods[class_name])
    else:
        class_name, params = _params_from_name(run, class_name, methods)
    for key in SIZES:
        if params[key] < (0 if key == 'scales' else 1):
            raise UserError(f'{run.path} is not a run folder: it has {key}={params[key]}.')
    recorded = kept or recorded
    return Identity(class_name, params, recorded.get('dataset', run.dataset), recorded)


def find(train_dir, methods):
    """Yields (`RunFolder`, `Identity`) of every autoencoder below a folder, ordered by path; notes
    on stderr name what cannot be read.

    Args:
        train_dir: holds [.../]DATASET/EXPERIMENT, each a run folder of ours or the original's, or
            what `convert.py --records` kept of one.
        methods: as for `identify`.

    Raises:
        UserError: there is no such folder.
    """
    if not os.path.isdir(train_dir):
        raise UserError(f'{train_dir} is not a folder; give the one that holds the runs.')

    def tell(error):
        print(f'Cannot read {error.filename} ({error.strerror}); left out.', file=sys.stderr)

    for folder, below in walk(train_dir, tell):
        run = RunFolder(folder)
        is_run = os.path.isdir(run.checkpoints) and _class_of(run, methods) in methods
        if not is_run and not os.path.exists(run.curve_path):
            continue
        identity = None
        try:
            identity = identify(run, methods)
        except UserError as error:
            print(error, file=sys.stderr)
        if is_run or identity:
            below.clear()
        if identity:
            yield run, identity


def walk(train_dir, onerror):
    """Yields (folder, list of its sub-folders' names) for a folder and all below, ordered by path.

    The caller may remove names from the list, to skip those sub-folders. Hidden folders are left
    out: they are not complete yet.

    Args:
        train_dir: where to begin.
        onerror: called with the OSError of a folder that cannot be listed; it is left out.
    """
    for folder, below, _ in files.walk(train_dir, onerror=onerror):
        below[:] = sorted(name for name in below if not name.startswith('.'))
        yield folder, below


def _class_of(run, methods):
    """The class that args.json names (a released run's name does not begin with it); else the first
    part of the folder's name, which need not be a method."""
    with contextlib.suppress(UserError):  # a damaged args.json, perhaps not a run's, names none
        recorded = run.args.get('class')
        if recorded in list(methods):  # a list, because the recorded value may not be hashable
            return recorded
    return run.name.split('_')[0]


def _params_from_args(run, recorded, types):
    """{hyper-parameter: value} of args.json, whose options must have the right types."""
    for key in SIZES:
        if not isinstance(recorded.get(key), int):
            raise UserError(
                f'{run.path} has no {key} in its args.json; restore that, or delete it to have the '
                "folder's name read."
            )
    for key, kind in {**types, **OPTIONS}.items():
        if key in recorded and not _is_a(kind, recorded[key]):
            raise UserError(
                f'{run.path} has {key}={recorded[key]!r:.50} in its args.json, which is no '
                f'{kind.__name__}; restore it.'
            )
    return {key: value for key, value in recorded.items() if key in types}


def _is_a(kind, value):
    """Whether a value from JSON is of the type `kind` and can be computed with."""
    if kind is str:
        return isinstance(value, str)
    if kind is float:  # neither NaN nor an integer that is too large for a float
        return isinstance(value, (int, float)) and abs(value) <= sys.float_info.max
    return isinstance(value, int) and abs(value) <= LARGEST


def _params_from_name(run, class_name, methods):
    """(class name, {hyper-parameter: value}) of a folder that has no args.json."""
    types = methods[class_name]
    text = parse_experiment_name(run.name, types)
    if class_name == 'ACAI' and 'reg' not in text:
        class_name = 'LRAE'  # Original: the ablation's class is called ACAI too
    missing = [key for key in SIZES if key not in text]
    try:
        params = {key: types[key](value) for key, value in text.items()}
    except ValueError as error:
        raise UserError(f'{run.name} is not the name of a run folder: {error}.') from error
    if missing:
        raise UserError(f'{run.name} is not the name of a run folder: it lacks {missing[0]}.')
    return class_name, params
