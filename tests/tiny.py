"""Small models, batches and recorded runs that the tests share."""
import contextlib
import dataclasses
import functools
import json
import pathlib
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

import acai_tf
from lib import data, layers, randomness

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
GOLDENS = REPOSITORY / 'tests' / 'goldens'
SCRIPTS = {
    'acai': 'ACAI',
    'aae': 'AAE',
    'baseline': 'AEBaseline',
    'denoising': 'AEDenoising',
    'dropout': 'AEDropout',
    'lrae': 'LRAE',
    'vae': 'VAE',
    'vqvae': 'AEVQVAE',
}
METHODS = list(SCRIPTS.values())
# Where an activation is 0 but for rounding, the processor decides on which side of leaky ReLU's
# kink it lies, and with it the gradients of all layers before. In float64, which side the original
# took cannot be told either: there its recorded ends are 5e-3 (denoising) and 4e-3 (dropout) of an
# update away. With the kink moved by this much, far below float32's rounding, they are 4e-6 away.
KINKS = (0, 1e-9, -1e-9)
SIZES = {'scales': 3, 'depth': 2, 'latent': 4}
IMAGE_8PX = {'image_shape': (8, 8, 1), 'scales': 1}
SMALL = {'AEVQVAE': {'z_log_size': 4, 'num_latents': 2}, 'AAE': {'disc_layer_sizes': '7,5'}}


def make(method, image_shape=(32, 32, 1), nclass=10, **changes):
    """A small model of a method; changes override its hyper-parameters."""
    params = {**SIZES, **SMALL.get(method, {}), **changes}
    return acai_tf.ALL_AES[method](image_shape=image_shape, nclass=nclass, **params)


def make_8px(method='ACAI', **changes):
    """One of images of 8x8 pixels, which is soon traced."""
    return make(method, **{**IMAGE_8PX, 'lr': 3e-3, **changes})


def batch(model, size=4, seed=1):
    """Random images of the model's shape, with labels."""
    draws = randomness.Draws(seed)
    label = tf.range(size) % model.nclass
    return {
        'x': draws.uniform('x', (size, *model.image_shape), -1, 1),
        'label': tf.one_hot(label, model.nclass),
    }


def arrays(tensors):
    """{name: tensor or variable} as float64 NumPy arrays."""
    return {name: np.asarray(value, np.float64) for name, value in tensors.items()}


@functools.cache
def dataset(batch_size=4, test_images=96):
    """Lines, with few test images and without the lines' scores, so that a report is quick."""
    lines32 = data.get_dataset('lines32', batch_size)
    test = lines32.test.unbatch().take(test_images).batch(32).cache()
    return dataclasses.replace(lines32, name='tiny', test=test)


@contextlib.contextmanager
def no_room(max_file_bytes):
    """A disk on which no file grows above so many bytes."""
    resource = pytest.importorskip('resource')
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@functools.cache
def golden(script):
    """(config, {name: array} of the trajectory) of the recorded run of a method's script."""
    config = json.loads((GOLDENS / script / 'config.json').read_text())
    return config, dict(np.load(GOLDENS / script / 'trajectory.npz'))


def golden_model(script, image_shape=None, nclass=None, **changes):
    """A model of a golden's method and sizes; changes override its hyper-parameters."""
    config, _ = golden(script)
    return acai_tf.ALL_AES[config['model']](
        image_shape=image_shape or (config['height'], config['width'], config['colors']),
        nclass=nclass or config['nclass'],
        lr=config['lr'],
        **{**config['params'], **changes},
    )


@contextlib.contextmanager
def kink_at(kink):
    """Leaky ReLU with its kink there, in the models that are made within."""
    usual = layers.leaky_relu
    moved = functools.partial(_leaky_relu_with_its_kink_at, kink)
    with mock.patch.object(layers, 'leaky_relu', moved if kink else usual):
        yield


def assert_on_one_side_of_the_kink(apart):
    """Asserts that a model trains as the original did, on one side of 0 where rounding decides.

    Args:
        apart: makes a model, trains it, and returns what differs from the original, [] if nothing.
    """
    for kink in KINKS:
        with kink_at(kink):
            different = apart()
        if not different:
            return
    raise AssertionError(f'{different} differ from the original, whichever side rounding takes')


def _leaky_relu_with_its_kink_at(kink, x):
    return tf.where(x > kink, x, layers.LEAKY_RELU_SLOPE * x)


def golden_prefix(script, moment):
    """The checkpoint prefix of a golden, 'initial' or 'final'."""
    (index,) = (GOLDENS / script / moment).glob('*.index')
    return str(index)[: -len('.index')]


def separate_gradients(model, tape, objectives):
    """{group: gradients of its objective}, as of `model.compute_gradients`, a pass for each."""
    return {
        group: tape.gradient(objective, [v.value for v in model.group_variables(group)])
        for group, objective in objectives.items()
    }
