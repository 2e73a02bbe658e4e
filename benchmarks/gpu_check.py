"""Checks that this machine's GPUs compute the paper's training right, and how fast: make gpu-check

    python benchmarks/gpu_check.py                    # all methods, on one GPU and on all
    python benchmarks/gpu_check.py --methods=ACAI --precisions=float32,mixed_bfloat16
    python benchmarks/gpu_check.py --device=cpu       # the same table on the CPU

Prints one table. For each precision, with and without XLA, on one GPU and on all, each method
trains ten steps on the batches and noise that the 2018 code was recorded with: the largest error is
that of its losses and, in float32, of its weights, in units of what tests/golden_runs.py allows.
Then it trains at the paper's lines configuration, on one stored batch, to measure the images per
second. For each trick of lib/convolution.py there is also a row of the first method without it: a
trick does not pay on this machine if that row is faster. Settings that devices.choose refuses are
left out. The exit code is 0 if all checks passed, and 1 if one failed or if there is no GPU: a
machine that was not checked must not look like one that passed.
"""
import contextlib
import functools
import os
import sys
from typing import NamedTuple
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib.tensorflow_setup  # noqa: F401, E402, I001  (before all that imports TensorFlow)
import keras  # noqa: E402
import tabulate  # noqa: E402
import tensorflow as tf  # noqa: E402
from absl import app, flags  # noqa: E402

from lib import convolution, data, devices, train  # noqa: E402
from lib.errors import UserError  # noqa: E402
from tests import golden_runs, tiny  # noqa: E402

HEADERS = ('check', 'passed', 'largest error (1: allowed)', 'img/s')
NO_GPU = (
    'No GPU is here, so nothing was checked: TensorFlow sees none; install its driver and '
    "pip install 'tensorflow[and-cuda]~=2.21.0', or check the CPU with --device=cpu."
)
SCRIPT_OF = {method: script for script, method in tiny.SCRIPTS.items()}


class Setting(NamedTuple):
    """What a check computes on, and how: device names, Keras dtype policy, whether XLA compiles."""

    devices: tuple
    dtype: str
    jit: bool

    def __str__(self):
        where = self.devices[0] if len(self.devices) == 1 else f'{len(self.devices)} devices'
        return f'{where}, {self.dtype}, jit {"on" if self.jit else "off"}'

    @property
    def strategy(self):
        return strategy_on(self.devices)


@functools.cache
def strategy_on(names):
    """A strategy as `devices.start` makes it, but on devices of any kind. It is cached, because a
    second one on the same devices would collide with the first one's collective operations."""
    if len(names) > 1:
        return tf.distribute.MirroredStrategy(list(names))
    return tf.distribute.get_strategy()


def settings(names, precisions):
    """Every `Setting` that a run may have, on the first device and on all."""
    possible = []
    for used in dict.fromkeys([tuple(names[:1]), tuple(names)]):
        for dtype in precisions:
            for jit in ('off', 'on'):
                gpus = [devices.Gpu(name) for name in used]
                with contextlib.suppress(UserError):  # refused: it cannot work
                    choice = devices.choose(gpus, precision=dtype, jit=jit)
                    possible.append(Setting(used, dtype, choice.jit))
    return possible


def convolve(x, kernel):
    return keras.ops.conv(x, kernel, **convolution.KEEPS_SIZE)


def convolve_doubled(x, kernel):
    return convolve(keras.ops.repeat(keras.ops.repeat(x, 2, axis=1), 2, axis=2), kernel)


def convolve_twice(x, pointwise, bias, kernel):
    return convolve(tf.nn.bias_add(convolve(x, pointwise), bias), kernel)


# Plain versions of the functions of lib/convolution.py.
PLAIN = {
    'convolve_tiny': convolve,
    'convolve_to_one': convolve,
    'convolve_doubled': convolve_doubled,
    'convolve_twice': convolve_twice,
}


def tricks(setting):
    """The names in PLAIN whose tricks a setting's devices use; on GPUs convolve_to_one is plain."""
    on_gpu = setting.devices[0].startswith('GPU')
    return [name for name in PLAIN if not (on_gpu and name == 'convolve_to_one')]


def without(trick):
    """A context whose graphs use the plain version of a trick, which is one of PLAIN's names."""
    return mock.patch.object(convolution, trick, PLAIN[trick])


def images_per_second(make_model, setting, batch_size, seconds):
    """The speed of train steps on a stored batch, several in a call as in the training loop."""
    strategy = setting.strategy
    replicas = strategy.num_replicas_in_sync
    batch_size = max(1, batch_size // replicas) * replicas
    batch = next(iter(data.get_dataset('lines32', batch_size).train))
    with strategy.scope():
        model = make_model(dtype=setting.dtype)
    stored = tf.data.Dataset.from_tensors(batch).repeat()
    batches = iter(devices.distribute(strategy, stored))
    train_steps = train.make_train_steps(model, setting.jit)
    return batch_size * train.steps_per_second(train_steps, batches, seconds)


def check(name, method, make_model, setting, **size):
    """Runs one check; returns its row of the table, and whether it passed.

    Args:
        name: the check's name.
        method: the name of a class of `acai_tf`.
        make_model: (method, dtype=...) -> a model whose speed is measured.
        setting: `Setting`.
        **size: batch_size and seconds, for measuring the speed.
    """
    how = setting.dtype, setting.jit, setting.strategy
    try:
        largest = golden_runs.largest_error(SCRIPT_OF[method], *how)
        rate = images_per_second(functools.partial(make_model, method), setting, **size)
    except Exception as error:  # of any kind: the other checks must go on
        reason = (str(error).strip() or repr(error)).splitlines()[0][:60]
        return (name, f'NO ({type(error).__name__}: {reason})', '', ''), False
    passed = bool(largest <= 1)  # False if it is NaN
    return (name, 'yes' if passed else 'NO', f'{largest:.2g}', f'{rate:,.0f}'), passed


def checks(names, precisions, methods, make_model, **size):
    """Yields the table's rows, each with whether it passed.

    Args:
        names: the devices, such as ['GPU:0', 'GPU:1'].
        precisions: Keras dtype policies.
        methods: names of classes of `acai_tf`.
        make_model, **size: as for `check`.
    """
    possible = settings(names, precisions)
    for setting in possible:
        for method in methods:
            count = golden_runs.most_devices(SCRIPT_OF[method], len(setting.devices))
            own = setting._replace(devices=setting.devices[:count])
            yield check(f'{method}, {own}', method, make_model, own, **size)
    first = methods[0]
    for setting in possible:
        for trick in tricks(setting) if len(setting.devices) == 1 else ():
            with without(trick):
                name = f'{first} without {trick}, {setting}'
                yield check(name, first, make_model, setting, **size)


def table(rows):
    """The table's text."""
    alignment = ('left', 'left', 'right', 'right')
    return tabulate.tabulate(rows, HEADERS, disable_numparse=True, colalign=alignment)


def usable_precisions(gpus):
    """Keras dtype policies that all of the GPUs compute fast."""
    slowest = min(gpu.compute_capability for gpu in gpus)
    precisions = ['float32']
    if slowest >= devices.FLOAT16_FROM:
        precisions.append('mixed_float16')
    if slowest >= devices.BFLOAT16_FROM:
        precisions.append('mixed_bfloat16')
    return precisions


def main(_):
    gpus = devices.find_gpus()
    if FLAGS.device == 'gpu' and not gpus:
        sys.exit(NO_GPU)
    if FLAGS.device == 'cpu':
        tf.config.set_visible_devices([], 'GPU')
        names, precisions = ['CPU:0'], ['float32', 'mixed_bfloat16']
    else:
        for gpu in tf.config.list_physical_devices('GPU'):
            tf.config.experimental.set_memory_growth(gpu, True)
        names, precisions = [f'GPU:{k}' for k in range(len(gpus))], usable_precisions(gpus)
    precisions = FLAGS.precisions or precisions
    size = {'batch_size': FLAGS.batch, 'seconds': FLAGS.seconds}
    rows, all_passed = [], True
    for row, passed in checks(names, precisions, FLAGS.methods, measured.make_model, **size):
        print(*row, file=sys.stderr)  # shows the progress
        rows.append(row)
        all_passed = all_passed and passed
    print(table(rows))
    sys.exit(not all_passed)


if __name__ == '__main__':
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import measured

    FLAGS = flags.FLAGS
    flags.DEFINE_enum('device', 'gpu', ['gpu', 'cpu'], 'What to check.')
    measured.define_methods('Classes to check.', SCRIPT_OF)  # those with a recorded run
    flags.DEFINE_integer('batch', 64, 'Images of a step whose speed is measured.', 1)
    flags.DEFINE_float('seconds', 2, 'How long each speed is measured at least.', 0.0)
    flags.DEFINE_list('precisions', [], 'Keras dtype policies; none for those of the devices.')
    app.run(main)
