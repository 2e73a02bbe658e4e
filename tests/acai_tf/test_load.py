"""Methods of one's own from their run folders, which may say other things than the paper's."""
import numpy as np
import pytest
from keras import ops

import acai_tf
from acai_tf import load
from acai_tf.autoencoder import Losses
from lib import checkpoints, layers, losses, runs
from lib.errors import UserError
from lib.paper import results
from tests import made_runs

SIZES = {'scales': 2, 'depth': 4, 'latent': 2}
IMAGE = (16, 16, 1)


class PooledBaseline(acai_tf.AEBaseline):
    """Its classifier reads fewer numbers than a latent has."""

    def features(self, x):
        return ops.mean(self.encode(x), axis=(1, 2))

    def method_losses(self, x, noise):
        h, said = super().method_losses(x, noise)
        return ops.mean(h, axis=(1, 2)), said


class SquaredBaseline(acai_tf.AEBaseline):
    """Its classifier reads more."""

    def features(self, x):
        h = self.encode(x)
        return ops.concatenate([h, ops.square(h)], axis=-1)

    def method_losses(self, x, noise):
        h, said = super().method_losses(x, noise)
        return ops.concatenate([h, ops.square(h)], axis=-1), said


class OwnDiscriminator(acai_tf.Autoencoder):
    """It calls a hyper-parameter as the AAE does, and its layers otherwise."""

    def __init__(self, *, disc_layer_sizes='10', **shared):
        super().__init__(disc_layer_sizes=disc_layer_sizes, **shared)

    def make_groups(self):
        self.discriminator = layers.dense('own', self.seed, 0, 1, name='own')
        return {**super().make_groups(), 'discriminator': [self.discriminator]}

    def method_losses(self, x, noise):
        h = self.encode(x)
        loss = losses.mean_squared_error(x, self.decode(h))
        flat = ops.reshape(ops.stop_gradient(h), (-1, 32))
        answer = ops.mean(self.discriminator(flat))
        return h, Losses({'autoencoder': loss, 'discriminator': answer}, {'loss_ae': loss})


def saved(model, folder, **args):
    """The path of a run folder with a model's checkpoint."""
    name = runs.experiment_name(type(model).__name__, model.params)
    about = {'class': type(model).__name__, 'dataset': 'lines16', 'latent_width': 4}
    run = made_runs.made(folder / 'lines16' / name, {**about, **model.params, **args})
    checkpoints.save_original(model, run.checkpoint(1), 1)
    return run.path


@pytest.mark.parametrize('method', [PooledBaseline, SquaredBaseline, OwnDiscriminator])
def test_an_own_method_is_loaded_as_it_was_trained(method, tmp_path):
    model = method(image_shape=IMAGE, nclass=3, **SIZES)
    loaded = acai_tf.load_run(saved(model, tmp_path))
    assert (type(loaded), loaded.image_shape, loaded.params) == (method, IMAGE, model.params)
    x = np.random.default_rng(0).uniform(-1, 1, (4, *IMAGE)).astype('float32')
    np.testing.assert_array_equal(loaded.reconstruct(x), model.reconstruct(x))
    np.testing.assert_array_equal(loaded.classify(x), model.classify(x))


def test_a_method_may_compare_the_halves_of_a_batch():
    class Halved(acai_tf.AEBaseline):
        def method_losses(self, x, noise):
            h, said = super().method_losses(x, noise)
            one, other = ops.split(h, 2)
            apart = ops.mean(ops.square(one - other))
            return h, Losses({'autoencoder': apart}, {'apart': apart}, said.updates)

    assert Halved(image_shape=IMAGE, nclass=3, **SIZES).tags == ['apart', 'classify_latent']


def test_a_loaded_run_trains_on_as_it_was_begun(tmp_path):
    model = acai_tf.AEBaseline(image_shape=IMAGE, nclass=3, **SIZES)
    loaded = acai_tf.load_run(saved(model, tmp_path, lr=0.003, seed=5))
    assert (loaded.lr, loaded.seed) == (0.003, 5)


def test_a_run_that_cannot_be_read_is_left_out_of_many(tmp_path, monkeypatch, capsys):
    model = acai_tf.AEBaseline(image_shape=IMAGE, nclass=3, **SIZES)
    paths = [saved(model, tmp_path / name, seed=seed) for seed, name in enumerate('ab')]
    read_run = results.read_run

    def read(run, identity):
        if run.path == paths[0]:
            raise UserError('Cannot read tf (Permission denied).')
        return read_run(run, identity)

    monkeypatch.setattr(results, 'read_run', read)
    assert [run.path for run in load.find_runs(str(tmp_path))] == paths[1:]
    assert 'Permission denied). Skipped.' in capsys.readouterr().err


def test_the_class_of_a_method_that_was_not_imported_is_named(tmp_path):
    model = acai_tf.AEBaseline(image_shape=IMAGE, nclass=3, **SIZES)
    path = saved(model, tmp_path, **{'class': 'NeverImported'})
    moved = path.replace('AEBaseline', 'NeverImported')
    (tmp_path / path).rename(moved)
    with pytest.raises(UserError, match="is of the class 'NeverImported', .* or import first"):
        acai_tf.load_run(moved)
