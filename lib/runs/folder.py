"""Run folders: their names, what they hold, and the record of how they were made."""
import contextlib
import dataclasses
import errno
import glob
import json
import math
import os
import platform
import re
import sys
from typing import NamedTuple

from lib import files, locks, version
from lib.errors import UserError

ARGS_NAME = 'args.json'
CLUSTERING_NAME = 'clustering.json'  # the result of cluster.py
CLUSTERING_FILES = 'clustering*'  # the same, results with other options, and progress so far
CURVE_NAME = 'curve.csv'  # the scalars of a run that has no event files any more
LOCK_NAME = '.lock'
OWED_NAME = os.path.join('tf', 'owed-report.json')  # an `OwedReport`
# The sizes of the paper's networks in a run folder's name. Original: without latent_width.
SIZES = ('scales', 'depth', 'latent')
LOCK_WAIT_SEC = 5  # a stopped process still saves; a killed one may take a moment to end
# What a process that is killed while it writes leaves behind.
LEFT_OVERS = (
    f'{ARGS_NAME}{files.PARTIAL}*',
    f'images/*{files.PARTIAL}*',
    'tf/.model.ckpt-*.tmp*',
    f'{OWED_NAME}{files.PARTIAL}*',
    'tf/summaries/.*.tmp',
)
DATA, INDEX = '.data-00000-of-00001', '.index'  # the files of a checkpoint
CHECKPOINT = re.compile(rf'model\.ckpt-(\d+){re.escape(INDEX)}$')


class OwedReport(NamedTuple):
    """What is needed to make a report later that was not made when it was due.

    last_logs: {tag: value} of its period's last step.
    means: {tag: mean over the period}.
    rate: images per second in the period; NaN where it is not known.
    """

    last_logs: dict
    means: dict
    rate: float = math.nan


def experiment_name(class_name, params):
    """The original's name of a run: the class, then `_` + key + value, sorted by key.

    >>> experiment_name('VAE', {'scales': 4, 'depth': 16, 'latent': 16, 'beta': 1.0})
    'VAE_beta1.0_depth16_latent16_scales4'
    """
    return '_'.join([class_name, *(f'{key}{params[key]}' for key in sorted(params))])


def folder_of(train_dir, dataset, class_name, params):
    """The `RunFolder` of a run: TRAIN_DIR/DATASET/EXPERIMENT."""
    return RunFolder(os.path.join(train_dir, dataset, experiment_name(class_name, params)))


def parse_experiment_name(name, known):
    """The params in a run folder's name, for runs that have no other record.

    Args:
        name: as `experiment_name` makes it, e.g. 'VAE_beta1.0_depth16_latent16_scales4'.
        known: the names of the params that the class can have.

    Returns:
        {param: its value as text}.

    Raises:
        UserError: the name is not made of the known params.
    """
    # In sorted order, because one param's name can end like another's: num_latents2 must not be
    # read as num with latents2.
    params = ''.join(rf'(?:_{key}(?P<{key}>[^_]+))?' for key in sorted(known))
    match = re.fullmatch(rf'[^_]+{params}', name)
    values = {key: value for key, value in match.groupdict().items() if value} if match else {}
    if not values:
        raise UserError(
            f'{name} is not the name of a run folder; expected CLASS_param1value1_param2value2...'
        )
    return values


def _below(*names):
    """A property of a `RunFolder`: the path of a place below it."""
    return property(lambda run: os.path.join(run.path, *names))


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """TRAIN_DIR/DATASET/EXPERIMENT and the places below it."""

    path: str

    checkpoints = _below('tf')
    summaries = _below('tf', 'summaries')
    images = _below('images')
    args_path = _below(ARGS_NAME)
    curve_path = _below(CURVE_NAME)
    clustering_path = _below(CLUSTERING_NAME)
    lock_path = _below(LOCK_NAME)
    _owed_path = _below(OWED_NAME)

    @property
    def name(self):
        """The experiment's name: CLASS_param1value1_..."""
        return os.path.basename(os.path.abspath(self.path))

    @property
    def dataset(self):
        """The dataset's name: the parent folder's."""
        return os.path.basename(os.path.dirname(os.path.abspath(self.path)))

    @property
    def is_original(self):
        """Whether the 2018 code wrote it: it has checkpoints, but no record of its options."""
        return not self.is_recorded and bool(self.checkpoint_steps())

    @property
    def is_bare_record(self):
        """Whether it holds what a run reported, but no weights (`convert.py --records`)."""
        return os.path.exists(self.curve_path) and not self.checkpoint_steps()

    def checkpoint(self, step):
        """The path prefix of the checkpoint of a global step."""
        return os.path.join(self.checkpoints, f'model.ckpt-{step}')

    def checkpoint_steps(self):
        """The global steps that have a checkpoint, newest first.

        # Original: found by name, because the `checkpoint` file there holds absolute paths.

        Raises:
            UserError: the folder cannot be read.
        """
        try:
            names = os.listdir(self.checkpoints)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise UserError(f'Cannot read {self.checkpoints} ({error.strerror}).') from error
        matches = map(CHECKPOINT.match, names)
        return sorted((int(match[1]) for match in matches if match), reverse=True)

    def newest_step(self):
        """The global step of the newest checkpoint.

        Raises:
            UserError: there is none.
        """
        steps = self.checkpoint_steps()
        if not steps and self.is_bare_record:
            raise UserError(
                f'{self.path} holds what a run reported, without its weights; give the run itself.'
            )
        if not steps:
            raise UserError(
                f'{self.path} has no checkpoint (tf/model.ckpt-STEP.index); train it first.'
            )
        return steps[0]

    def create(self):
        """Makes the folder.

        Raises:
            UserError: it cannot be written, or is a bare record.
        """
        if self.is_bare_record:
            raise UserError(
                f'{self.path} holds what a run reported, which cannot go on from there; choose '
                'another --train_dir.'
            )
        files.check_checkpoint_path(self.path, 'choose another --train_dir')
        try:
            for folder in (self.checkpoints, self.summaries, self.images):
                os.makedirs(folder, exist_ok=True)
                if not os.access(folder, os.W_OK):
                    raise PermissionError(13, 'Permission denied', folder)
        except OSError as error:
            raise self._unwritable(error) from error

    def _remove_if_empty(self, *folders):
        """Removes what `create` made, unless something is in it."""
        for folder in folders:
            with contextlib.suppress(OSError):
                os.rmdir(folder)

    def _unwritable(self, error):
        lock = self.lock_path
        named = os.path.realpath(error.filename or '')
        if isinstance(error, PermissionError) and named == os.path.realpath(lock):
            return UserError(
                f"{lock} is of another user's process ({error.strerror}): delete it if nothing "
                'trains there, or choose another --train_dir.'
            )
        instead = 'choose another --train_dir'
        if error.errno not in (errno.ENOTDIR, errno.EEXIST, errno.ENOENT):  # a file is in the way
            instead = f'{files.what_to_do(error)}, or {instead}'
        return UserError(
            f'Cannot write to the run folder {self.path} ({error.strerror}); {instead}.'
        )

    @contextlib.contextmanager
    def locked(self):
        """Keeps every other process from training in the folder, which `create` made.

        What a killed process left half-written there is removed. At the end the folder itself is
        removed if it is still empty, for example because a dataset could not be decoded.

        Raises:
            UserError: another process trains in it; the message names its pid and machine.
        """
        with contextlib.ExitStack() as stack:
            stack.callback(self._remove_if_empty, self.path)  # runs last, after the lock is removed
            try:
                path = self.lock_path
                if holder := locks.holder(path):
                    print(f'Waiting for {holder} to leave {self.path}...', file=sys.stderr)
                while not self._try_to_lock(stack, path):
                    self.create()  # the previous holder found the folder empty and removed it
            except locks.HeldError as error:
                raise UserError(
                    f'{error.holder} is training in the run folder {self.path}; wait for it, stop '
                    'it, or choose another --train_dir.'
                ) from error
            except OSError as error:
                raise self._unwritable(error) from error
            self.create()  # the previous holder may also have removed empty sub-folders
            self._remove_left_overs()
            stack.callback(self._remove_if_empty, self.images, self.summaries, self.checkpoints)
            yield

    def _try_to_lock(self, stack, path):
        """Takes the lock until `stack` is closed; returns False if the folder was removed."""
        try:
            stack.enter_context(locks.held(path, LOCK_WAIT_SEC))
            return True
        except FileNotFoundError:
            return False

    def _remove_left_overs(self):
        here = glob.escape(self.path)
        left = [path for name in LEFT_OVERS for path in glob.glob(os.path.join(here, name))]
        if self.is_recorded and (steps := self.checkpoint_steps()):  # not in the original's folders
            for path in glob.glob(os.path.join(here, 'tf', f'model.ckpt-*{DATA}')):
                match = CHECKPOINT.match(os.path.basename(path.removesuffix(DATA) + INDEX))
                # Data without an index, which `checkpoints.remove` left. That of a step later than
                # the newest checkpoint stays: it may be about to get its index.
                if match and int(match[1]) < steps[0] and int(match[1]) not in steps:
                    left.append(path)
        for path in left:
            with contextlib.suppress(OSError):
                os.remove(path)

    def leave(self):
        """Tells whoever waits for the folder that this process, which `locked` it, is stopping."""
        locks.leave(self.lock_path)

    @property
    def owes_report(self):
        """Whether a report that was not made is still to be made."""
        return os.path.exists(self._owed_path)

    def owe_report(self, step, owed):
        """Writes the `OwedReport` of a step to a file.

        Raises:
            UserError: this file cannot be written either.
        """
        text = json.dumps({'step': step, **owed._asdict()}, default=float)  # for NumPy's numbers
        try:
            files.write_atomically(self._owed_path, text.encode())
        except OSError as error:
            raise UserError(
                f'Cannot write to {self.path} ({error.strerror}): {files.what_to_do(error)}, and '
                'the same command goes on from the newest checkpoint.'
            ) from error

    def owed_report(self, step):
        """The `OwedReport` kept at a step; None if there is none of this step, or it is damaged."""
        try:
            kept = files.read_json(self._owed_path)
            rate = float(kept.get('rate', math.nan))  # files of earlier versions have none
            owed = OwedReport(dict(kept['last_logs']), dict(kept['means']), rate)
            return owed if kept['step'] == step else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def forget_owed_report(self):
        with contextlib.suppress(OSError):
            os.remove(self._owed_path)

    def read_record(self):
        """What `write_args` recorded, or None where there is no record (the original's runs).

        Raises:
            UserError: the record cannot be read, or is damaged.
        """
        path = self.args_path
        if not os.path.exists(path):
            return None
        try:
            record = files.read_json(path)
            if not isinstance(record['args'], dict):
                raise TypeError('args is not an object')
            if not isinstance(record.get('classes', []), list):
                raise TypeError('classes is not a list')
            train, test = record.get('counts', (0, 0))
            if not isinstance(train, int) or not isinstance(test, int):
                raise TypeError('counts are not two numbers')
            if not isinstance(record.get('taken_over', 0), int):
                raise TypeError('taken_over is not a step')
            return record
        except OSError as error:
            raise UserError(f'Cannot read {path} ({error.strerror}).') from error
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f'{path} is damaged ({error}); restore it, or delete it to resume the run with the '
                'options you give.'
            ) from error

    @property
    def is_recorded(self):
        """Whether it has a record of its options; the original's runs have none."""
        return os.path.exists(self.args_path)

    @property
    def args(self):
        """{option: value} as `write_args` recorded them; {} where there is no record.

        Raises:
            UserError: as `read_record`.
        """
        return (self.read_record() or {'args': {}})['args']

    def write_args(self, args, **about):
        """Records the resolved options of the run, with the versions that made it.

        Args:
            args: {option: value}.
            **about: further facts to record, such as whose code trained it.
        """
        record = {'args': args, 'versions': _versions(), **about}
        files.write_atomically(self.args_path, files.to_json(record))

    def check_args(self, args, may_change=(), defaults=None, to_resume=None):
        """Refuses to resume a run with other options than it was started with.

        Args:
            args: {option: value}, as they will be recorded.
            may_change: options that may differ, such as the length of the run.
            defaults: {option: the value that applied to runs which do not record the option, such
                as those from before it existed}; without a default, such a run may resume with any
                value.
            to_resume: {option: function of its earlier value that says what to do to resume}, for
                options where the remedy is something other than to give the earlier value.

        Raises:
            UserError: an option differs; the message names it.
        """
        recorded = self.begun_with().get('args', args)
        for option, value in args.items():
            before = recorded.get(option, (defaults or {}).get(option, value))
            if option not in may_change and before != value:
                what = (to_resume or {}).get(option, f'give --{option}={{}}'.format)(before)
                raise UserError(
                    f'The run folder {self.path} was made with {option}={before}, not {value}; '
                    f'{what} to resume it, or choose another --train_dir.'
                )

    def check_dataset(self, dataset, otherwise='choose another --train_dir'):
        """Refuses a run whose dataset was made again and differs now.

        With other classes, the labels would stand for other classes than in training; with more or
        fewer pictures, some training pictures may have become test pictures.

        Args:
            dataset: a `lib.data.Dataset`, to compare with the recorded classes and counts.
            otherwise: the remedy to name besides making the dataset again as it was.

        Raises:
            UserError: it has other classes, or other numbers of pictures.
        """
        begun_with = self.begun_with()
        classes, counts = (begun_with.get(name) for name in ('classes', 'counts'))
        if classes and classes != list(dataset.classes):
            raise UserError(
                f'The run folder {self.path} was made with the classes '
                f'{", ".join(map(str, classes))}, and its dataset has '
                f'{", ".join(dataset.classes)} now; make the dataset again of those, or '
                f'{otherwise}.'
            )
        if counts and dataset.counts and counts != list(dataset.counts):
            raise UserError(
                f'The run folder {self.path} was begun with {counts[0]} pictures for training and '
                f'{counts[1]} for testing, and its dataset has {dataset.counts[0]} and '
                f'{dataset.counts[1]} now, so that it may be tested on what it was trained on; '
                f'make the dataset again as it was, or {otherwise}.'
            )

    def begun_with(self):
        """The record of a run that has a checkpoint; {} if there is no checkpoint or no record."""
        return self.checkpoint_steps() and self.read_record() or {}


def _versions():
    import keras
    import numpy
    import tensorflow

    return {
        'acai_tf': version.of_code(),
        'python': platform.python_version(),
        'tensorflow': tensorflow.__version__,
        'keras': keras.__version__,
        'numpy': numpy.__version__,
    }
