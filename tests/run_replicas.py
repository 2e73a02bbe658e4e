"""One train step on two logical CPUs against the update of the two half-batches, computed apart.

    python tests/run_replicas.py

Prints the largest differences of weights and, for Adam, first moments, as JSON: of acai.py with
--devices=2, two logical CPUs standing in for its GPUs, and of the losses that it reports; of train
steps of several methods, and how much the VQ-VAE's moving counts got; and the largest error of
recorded runs replayed on both, moving averages among them.
A process of its own, because the number of logical devices is fixed once TensorFlow has started.
"""
import contextlib
import functools
import glob
import json
import os
import runpy
import sys
import tempfile
from unittest import mock

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, REPOSITORY)
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

CPU = tf.config.list_physical_devices('CPU')[0]
tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration()] * 2)

from lib import checkpoints, data, devices, randomness, runs  # noqa: E402
from lib.runs import scalars  # noqa: E402
from tests import golden_runs, run_short, tiny  # noqa: E402

REPLICAS, BATCH = 2, 8
# {method: its optimizer}
STEPS = {'ACAI': 'sgd', 'LRAE': 'sgd', 'VAE': 'adam', 'AAE': 'sgd', 'AEVQVAE': 'sgd'}
STEPS['VAE with a critic'] = 'sgd'
SEED = 1
SCRIPT = ['acai.py', '--devices=2', '--total_kimg=0', f'--batch={BATCH}', f'--seed={SEED}']
SCRIPT += ['--depth=2', '--latent=4', '--latent_width=4']  # as `tiny.make`


@functools.cache
def on_both():
    """The only strategy: a second of the same devices would meet its collective operations."""
    return tf.distribute.MirroredStrategy(['CPU:0', 'CPU:1'])


def make(method, optimizer):
    name, _, critic = method.partition(' with ')
    model = tiny.make(name, **({'advweight': 0.5} if critic else {}))
    if optimizer == 'sgd':
        # Whose update shows a gradient that is twice too large; Adam's does not.
        for group in model.groups:
            model.optimizers[group] = keras.optimizers.SGD(1e-2)
            model.optimizers[group].build(model.group_variables(group))
    return model


def half_losses(model, batch, replica):
    """The losses of a replica's half of the batch, under its own noise, and a tape of them."""
    half = slice(replica * BATCH // REPLICAS, (replica + 1) * BATCH // REPLICAS)
    draws = randomness.Draws(model.seed, 0, replica)
    with tf.GradientTape(persistent=True) as tape:
        losses = model.compute_losses(
            batch['x'][half], batch['label'][half], model.sample_noise(BATCH // REPLICAS, draws)
        )
    return losses, tape


def step_by_halves(model, batch):
    """Updates a model by the mean of the two halves' gradients; returns their losses."""
    halves = [half_losses(model, batch, replica) for replica in range(REPLICAS)]
    gradients = {}
    for group in model.groups:
        variables = [variable.value for variable in model.group_variables(group)]
        each = [tape.gradient(losses.objectives[group], variables) for losses, tape in halves]
        gradients[group] = [sum(values) / REPLICAS for values in zip(*each, strict=True)]
    for group, values in gradients.items():
        model.optimizers[group].apply(values, model.group_variables(group))
    return [losses for losses, _ in halves]


def largest(pairs):
    return float(np.max([np.abs(a.numpy() - b.numpy()).max() for a, b in pairs]))  # or NaN


def apart(reference, model, optimizer='adam'):
    """{what: the largest difference of two models}."""
    weights = zip(reference.trainable_variables, model.trainable_variables, strict=True)
    found = {'weights': largest(weights)}
    if optimizer == 'adam':
        slots = [
            zip(*(m.optimizers[group].slots() for m in (reference, model)), strict=True)
            for group in reference.groups
        ]
        found['moments'] = largest((a[0], b[0]) for group in slots for a, b in group)
    return found


def through_the_script(train_dir):
    """Of what the script's own code does; to be called before TensorFlow has computed anything."""
    make_strategy = tf.distribute.MirroredStrategy

    def on_cpus(names):
        assert names == ['GPU:0', 'GPU:1']
        with mock.patch.object(tf.distribute, 'MirroredStrategy', make_strategy):
            return on_both()

    gpus = [devices.Gpu(f'logical CPU {k}') for k in range(REPLICAS)]
    with (
        mock.patch.object(devices, 'find_gpus', lambda: gpus),
        mock.patch.object(tf.distribute, 'MirroredStrategy', on_cpus),
        mock.patch.object(sys, 'argv', [*SCRIPT, f'--train_dir={train_dir}']),
    ):
        try:
            runpy.run_path(os.path.join(REPOSITORY, SCRIPT[0]), run_name='__main__')
        except SystemExit as end:
            assert not end.code, end.code
    (args,) = glob.glob(os.path.join(train_dir, 'lines32', '*', 'args.json'))
    with open(args) as file:
        assert json.load(file)['args']['devices'] == REPLICAS
    run = runs.RunFolder(os.path.dirname(args))
    reference, trained = tiny.make('ACAI', seed=SEED), tiny.make('ACAI')
    assert checkpoints.load_original(trained, run.checkpoint(1)) == 1
    halves = step_by_halves(reference, next(iter(data.get_dataset('lines32', BATCH, SEED).train)))
    reported = scalars.of_run(run)
    means = {tag: sum(half.scalars[tag] for half in halves) / REPLICAS for tag in reference.tags}
    losses = np.max([abs(reported[tag][1] - float(mean)) for tag, mean in means.items()])  # or NaN
    return {'losses': float(losses), **apart(reference, trained)}


def step_on_both(method, optimizer):
    """Of a method's train step on both CPUs."""
    strategy = on_both()
    with strategy.scope():
        model = make(method, optimizer)
    reference = make(method, optimizer)
    batch = tiny.batch(model, BATCH)
    shared = devices.distribute(strategy, tf.data.Dataset.from_tensors(batch))
    tf.function(lambda data: strategy.run(model.train_step, (data,)))(next(iter(shared)))
    step_by_halves(reference, batch)
    found = apart(reference, model, optimizer)
    if method == 'AEVQVAE':
        found['assigned'] = float(model.count.numpy().sum())
    return found


def main():
    run_short.shorten()
    with tempfile.TemporaryDirectory() as train_dir, contextlib.redirect_stdout(sys.stderr):
        found = {'script': through_the_script(train_dir)}
        found |= {method: step_on_both(method, optimizer) for method, optimizer in STEPS.items()}
        for script in ('acai', 'vqvae'):
            found[script] = golden_runs.largest_error(script, strategy=on_both())
    print(json.dumps(found))


if __name__ == '__main__':
    main()
