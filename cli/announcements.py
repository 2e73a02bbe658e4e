"""The messages of a run as it begins and ends."""
import glob
import math
import os
import shlex

from lib import runs
from lib.errors import UserError
from lib.paper import constants

NVIDIA_DRIVER = '/proc/driver/nvidia/version'
MAY_CHANGE = ('total_kimg', 'report_kimg', 'jit')  # options that may differ when a run is resumed


def unused_gpu(gpus):
    """A sentence about this machine's NVIDIA GPU if TensorFlow does not see it; None otherwise.

    Args:
        gpus: the GPUs that TensorFlow sees.
    """
    hidden = os.environ.get('CUDA_VISIBLE_DEVICES') in ('', '-1')
    if hidden or gpus or not os.path.exists(NVIDIA_DRIVER):
        return None
    return (
        'This machine has an NVIDIA GPU, which TensorFlow cannot use: '
        "pip install 'tensorflow[and-cuda]~=2.21.0', or repair its driver."
    )


def size_of(variables):
    """The total number of elements of some variables."""
    return sum(math.prod(variable.shape) for variable in variables)


def begin(folder, model, args, last):
    """Prints what is about to be trained: a new run's size and folder, or a run's changed options.

    Args:
        folder: the `lib.runs.RunFolder`, before args.json is written.
        model: what is trained.
        args: {option: value}, as they will be recorded.
        last: the step at which training ends.
    """
    steps = folder.checkpoint_steps()
    if steps and steps[0] >= last:
        return
    record = folder.begun_with()
    if record:
        for option in MAY_CHANGE:
            before, now = record['args'].get(option), args.get(option)
            if None not in (before, now) and before != now:
                print(f'--{option} is {_as_flag(now)} now; it was {_as_flag(before)}.')
    elif not steps:
        print(f'New run {folder.path}: {size_of(model.trainable_variables):,} parameters.')
        for other, option, value in _alike(folder, args):
            print(f'It differs from {other} in {option} alone: {value} there, {args[option]} here.')


def _as_flag(value):
    """A recorded value as its flag takes it: --jit, 'on' or 'off', is recorded as a bool."""
    return {True: 'on', False: 'off'}[value] if isinstance(value, bool) else value


def _alike(folder, args):
    """[(path, option, value there)] of the runs beside a new one that differ in one option only."""
    alike = []
    for path in sorted(glob.glob(os.path.join(glob.escape(os.path.dirname(folder.path)), '*'))):
        try:
            record = runs.RunFolder(path).read_record() if path != folder.path else None
        except UserError:
            continue
        if not record or record['args'].get('class') != args['class']:
            continue
        before, now = _independent(record['args']), _independent(args)
        other = [key for key in before.keys() | now.keys() if before.get(key) != now.get(key)]
        if len(other) == 1 and other[0] in args and other[0] in record['args']:
            alike.append((path, other[0], record['args'][other[0]]))
    return alike


def _independent(args):
    """Options without those that may change and those that follow from other options."""
    follows = {*MAY_CHANGE, 'scales'}  # scales follows from latent_width
    if args.get('advdepth') == args.get('depth'):
        follows.add('advdepth')
    args = {**constants.COMPUTED_ON, **args}  # earlier runs did not record these
    return {option: value for option, value in args.items() if option not in follows}


def end(folder, train_dir):
    """Prints where a run's pictures and curves can be seen."""
    picture = os.path.join(folder.images, 'name.png')
    if os.path.exists(picture):
        print(f'Pictures: {picture}')
    print(f'Curves: tensorboard --logdir={shlex.quote(train_dir)}')
