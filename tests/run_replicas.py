"""One train step on two logical CPUs against the update of the two half-batches, computed apart.

    python tests/run_replicas.py CLASS OPTIMIZER

Prints the largest difference of weights, moving averages and, for Adam, first moments, as JSON. A
process of its own, because the number of logical devices is fixed once TensorFlow has started.
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

CPU = tf.config.list_physical_devices('CPU')[0]
tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration()] * 2)

from lib import devices, randomness  # noqa: E402
from tests import tiny  # noqa: E402

REPLICAS, BATCH = 2, 8


def make(method, optimizer):
    model = tiny.make(method)
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


def largest(pairs):
    return max(float(np.abs(a.numpy() - b.numpy()).max()) for a, b in pairs)


def main(method, optimizer):
    strategy = tf.distribute.MirroredStrategy(['CPU:0', 'CPU:1'])
    with strategy.scope():
        model = make(method, optimizer)
    reference = make(method, optimizer)
    batch = tiny.batch(model, BATCH)
    shared = devices.distribute(strategy, tf.data.Dataset.from_tensors(batch))
    tf.function(lambda data: strategy.run(model.train_step, (data,)))(next(iter(shared)))

    halves = [half_losses(reference, batch, replica) for replica in range(REPLICAS)]
    gradients = {}
    for group in reference.groups:
        variables = [variable.value for variable in reference.group_variables(group)]
        each = [tape.gradient(losses.objectives[group], variables) for losses, tape in halves]
        gradients[group] = [sum(values) / REPLICAS for values in zip(*each, strict=True)]
    for group, values in gradients.items():
        reference.optimizers[group].apply(values, reference.group_variables(group))
    weights = zip(reference.trainable_variables, model.trainable_variables, strict=True)
    found = {'weights': largest(weights)}
    if optimizer == 'adam':
        slots = [
            zip(*(m.optimizers[group].slots() for m in (reference, model)), strict=True)
            for group in reference.groups
        ]
        found['moments'] = largest((a[0], b[0]) for group in slots for a, b in group)
    if method == 'AEVQVAE':
        found['assigned'] = float(model.count.numpy().sum())
    print(json.dumps(found))


if __name__ == '__main__':
    main(*sys.argv[1:])
