"""The recorded runs of the original, replayed: same start, batches and noise, on any devices.

Errors are told in units of what is allowed: 1 is the most that passes.
"""
import contextlib
import math

import numpy as np
import tensorflow as tf

from lib import checkpoints, original_names
from tests import tiny

SCALAR_TOLERANCE = 1e-4
FLOORS = {'loss_kl': 2e-5}  # it cancels
FLOOR = 1e-9  # losses of the critic start near 0
WEIGHT_TOLERANCE = 1e-3  # of the norm of a tensor's update
# Of mixed precision: a scalar may be 5 % off (on a CPU 2.5 % was the most), or 1e-3. float16 may
# skip the first steps, until it knows by what to scale its gradients.
LOOSER, LOW_FLOOR = 500, 1e-3
BATCH_SHARED_OUT = {'AEVQVAE'}  # whose averages are sums over the devices


def recorded(trajectory, index, share=slice(None)):
    """(batch, noise) of a recorded step, or of a slice of its images."""
    values = {
        key: tf.constant(trajectory[key][index][share])
        for key in trajectory
        if key in ('x', 'label') or key.startswith('noise/')
    }
    batch = {key: values.pop(key) for key in ('x', 'label')}
    return batch, {key.removeprefix('noise/'): value for key, value in values.items()}


def make_step(model, graph=True, jit=False):
    """A train step of (batch, noise), eager or as a graph, on all devices of the model's strategy;
    its scalars are means over these."""
    strategy, draw_noise = model.distribute_strategy, model.draw_noise

    def step(batch, noise):
        model.draw_noise = lambda x: noise
        try:
            return model.train_step(batch)
        finally:
            model.draw_noise = draw_noise

    if not graph:
        return step
    step = tf.function(step, jit_compile=jit)
    if strategy.num_replicas_in_sync == 1:
        return step

    @tf.function
    def step_of_all(batch, noise):
        scalars = strategy.run(step, (batch, noise))
        return {tag: strategy.reduce('mean', value, axis=None) for tag, value in scalars.items()}

    return step_of_all


@contextlib.contextmanager
def optimized_graphs():
    """Graphs made within are optimised, whatever the process does with others."""
    options = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({**options, 'disable_meta_optimizer': False})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options(options)


@optimized_graphs()
def train(model, trajectory, steps, **how):
    """Feeds the recorded batches and noise of `steps` (indices); the scalars of each step.

    Every device of several gets the whole batch, so that the mean of their gradients is the
    recorded one; of a method whose BATCH_SHARED_OUT, its share. Graphs are optimised as users' are.
    """
    strategy, step = model.distribute_strategy, make_step(model, **how)
    replicas = strategy.num_replicas_in_sync
    shared = replicas > 1 and type(model).__name__ in BATCH_SHARED_OUT
    history = []
    for index in steps:
        given = recorded(trajectory, index)
        if shared:
            size = len(given[0]['x']) // replicas
            given = tf.nest.map_structure(
                lambda value, size=size: strategy.experimental_distribute_values_from_function(
                    lambda context: value[context.replica_id_in_sync_group * size :][:size]
                ),
                given,
            )
        history.append({tag: float(value) for tag, value in step(*given).items()})
    return history


def scalar_errors(history, trajectory, looser=1, floor=0.0):
    """{(step, tag): error} of the scalars of each step."""
    errors = {}
    for index, scalars in enumerate(history):
        for tag, value in scalars.items():
            expected = trajectory[f'loss/{tag}'][index]
            allowed = max(FLOORS.get(tag, FLOOR), floor, looser * SCALAR_TOLERANCE * abs(expected))
            errors[index, tag] = abs(value - expected) / allowed
    return errors


def weight_errors(model, script, looser=1):
    """{name: error} of every variable that the recorded run ended with."""
    initial, final = (tiny.golden_prefix(script, moment) for moment in ('initial', 'final'))
    before, after = tf.train.load_checkpoint(initial), tf.train.load_checkpoint(final)
    ours = dict(original_names.stored_variables(model))
    names = after.get_variable_to_shape_map()
    assert set(names) == set(ours)
    errors = {}
    for name in names:
        update = np.linalg.norm(after.get_tensor(name) - before.get_tensor(name))
        error = np.linalg.norm(ours[name].numpy() - after.get_tensor(name))
        errors[name] = error / (looser * WEIGHT_TOLERANCE * update) if error else 0.0
    return errors


def most_devices(script, count):
    """How many of so many devices a recorded run can be replayed on: where its images are shared
    out, as many as they can be."""
    config, trajectory = tiny.golden(script)
    if config['model'] not in BATCH_SHARED_OUT:
        return count
    return math.gcd(len(trajectory['x'][0]), count)


def largest_error(script, dtype='float32', jit=False, strategy=None):
    """The largest error of a recorded run's ten steps, on the best side of leaky ReLU's kink;
    infinite where something is NaN.

    Args:
        script: the recorded method's script, a key of `tiny.SCRIPTS`.
        dtype: Keras dtype policy. In mixed precision only the scalars are looked at, for Adam makes
            whole steps of the rounding of small gradients.
        jit: whether XLA compiles the step.
        strategy: of the devices to train on; None for TensorFlow's own choice of one.
    """
    config, trajectory = tiny.golden(script)
    strategy, low = strategy or tf.distribute.get_strategy(), dtype != 'float32'
    least = math.inf
    for kink in tiny.KINKS[:1] if low else tiny.KINKS:
        with tiny.kink_at(kink), strategy.scope():
            model = tiny.golden_model(script, dtype=dtype)
            checkpoints.load_original(model, tiny.golden_prefix(script, 'initial'))
            history = train(model, trajectory, range(config['steps']), jit=jit)
        if strategy.num_replicas_in_sync > 1 and config['model'] in BATCH_SHARED_OUT:
            for scalars in history:
                del scalars['rmse']  # the mean of roots is not the root of the mean
        if low:
            errors = scalar_errors(history, trajectory, LOOSER, LOW_FLOOR)
        else:
            errors = scalar_errors(history, trajectory) | weight_errors(model, script)
        # np.max, but not max, is NaN where one is; np.fmin passes over it.
        least = float(np.fmin(least, np.max(list(errors.values()))))
        if least <= 1:
            break
    return least
