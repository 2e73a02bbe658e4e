"""From Python: interpolations, datasets, and what is said of images that do not fit."""
import os
import subprocess
import sys

import numpy as np
import pytest

import acai_tf
from lib import eval
from lib.errors import UserError
from tests import tiny


@pytest.fixture(scope='module')
def model():
    return tiny.make('ACAI')


def test_interpolations_begin_and_end_at_reconstructions(model):
    images = eval.first_images(acai_tf.get_dataset('lines32'), 4)
    left, right = images[:2], images[2:]
    several = acai_tf.interpolate(model, left, right, 5)
    assert several.shape == (2, 5, 32, 32, 1)
    for place, ends in ((0, left), (-1, right)):
        np.testing.assert_allclose(several[:, place], model.reconstruct(ends), atol=1e-5)
    one = acai_tf.interpolate(model, left[0], right[0], 5)
    np.testing.assert_allclose(one, several[0], atol=1e-5)
    arc = acai_tf.interpolate(model, left[0], right[0], 5, spherical=True)
    np.testing.assert_allclose(arc[[0, -1]], one[[0, -1]], atol=1e-5)
    assert np.abs(arc[2] - one[2]).max() > 1e-6


@pytest.mark.parametrize(
    'images, words',
    [
        (np.zeros((2, 32, 32, 1), np.uint8), r'not uint8\. .* x \* \(2 / 255\) - 1'),
        (np.zeros((2, 32, 32, 1), int), r'of floats in \[-1, 1\], not int64\.$'),
        (np.zeros((2, 28, 28, 1)), r'not \(2, 28, 28, 1\)\. To pad 28x28 digits: np\.pad'),
        (np.zeros((2, 32, 32, 3)), r'must be \(B, 32, 32, 1\) .* not \(2, 32, 32, 3\)\.$'),
        (np.zeros((2, 28, 28)), r'colours: x\[\.\.\., None\]\. To pad 28x28'),
        (np.zeros((32, 32, 1)), r'For one image: x\[None\]'),
    ],
)
def test_images_that_do_not_fit_are_refused_with_the_fix(model, images, words):
    with pytest.raises(UserError, match=words):
        model.encode(images)


def test_the_fixes_fix(model):
    digits = np.full((2, 28, 28), 255, np.uint8)
    x = digits * (2 / 255) - 1
    x = x[..., None]
    x = np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)], constant_values=-1)
    assert model.encode(x).shape == (2, 4, 4, 4)


def test_mistakes(model):
    images = np.zeros((3, 32, 32, 1), np.float32)
    with pytest.raises(UserError, match='between 3 left and 2 right images'):
        acai_tf.interpolate(model, images, images[:2])
    with pytest.raises(UserError, match='0 left and 0 right images'):
        acai_tf.interpolate(model, images[:0], images[:0])
    for steps in (1, 2.5, np.nan, np.inf, '4', None):
        with pytest.raises(UserError, match=f'steps={steps!r}: it must be an integer of at least'):
            acai_tf.interpolate(model, images, images, steps)
    with pytest.raises(UserError, match=r'floats in \[-1, 1\], not str'):
        acai_tf.interpolate(model, 'left.png', 'right.png')
    for each in (model, tiny.make('VAE'), tiny.make('AEVQVAE')):
        with pytest.raises(UserError, match=r'must be \(B, 4, 4, 4\), not \(1, 4, 4, 3\)'):
            each.decode(np.zeros((1, 4, 4, 3), np.float32))
    with pytest.raises(UserError, match='not uint8'):
        acai_tf.interpolate(model, images.astype(np.uint8), images)


def test_importing_says_nothing_and_keeps_float32_float32(tmp_path):
    program = 'import acai_tf, tensorflow as tf; '
    program += 'print(tf.config.experimental.tensor_float_32_execution_enabled())'
    environment = {k: v for k, v in os.environ.items() if k != 'TF_CPP_MIN_LOG_LEVEL'}
    environment['PYTHONPATH'] = str(tiny.REPOSITORY)
    done = subprocess.run(
        [sys.executable, '-c', program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ('False\n', '')
