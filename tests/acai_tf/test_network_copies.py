"""Networks of one's own that are copied, saved, loaded, or parts of other models."""
import functools
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import acai_tf
from lib import original_names
from lib.errors import UserError
from tests import tiny
from tests.own_networks import NCLASS, batch_of, dense, make, sequences, vectors


@pytest.mark.parametrize('method', ['ACAI', 'AEVQVAE', 'VAE'])
def test_it_is_saved_loaded_and_exported(method, tmp_path):
    model, batch, path = make(method, 'vectors'), batch_of((12,)), str(tmp_path / 'm.keras')
    model.train_step(batch)
    model.save(path)
    loaded = keras.models.load_model(path)
    np.testing.assert_array_equal(loaded(batch['x']), model(batch['x']))
    for _ in range(2):  # dropout draws on, too
        ours, expected = loaded.train_step(batch), model.train_step(batch)
        for tag in model.tags:
            assert float(ours[tag]) == float(expected[tag]), tag
    model.export(str(tmp_path / 'exported'), verbose=False)
    exported = tf.saved_model.load(str(tmp_path / 'exported'))
    np.testing.assert_allclose(exported.reconstruct(batch['x']), model(batch['x']), atol=1e-5)


def test_the_critic_is_a_fresh_copy_of_the_encoder():
    model = make('ACAI', 'sequences')
    encoder, critic = model.encoder.network, model.critic.encoder.network
    for ours, theirs in zip(encoder.trainable_variables, critic.trainable_variables, strict=True):
        assert ours.shape == theirs.shape and ours is not theirs
    kernels = [network.layers[-1].kernel.numpy() for network in (encoder, critic)]
    assert np.abs(kernels[0] - kernels[1]).max() > 1e-3


def test_the_critics_copy_keeps_what_was_adapted_to_data(tmp_path):
    x = 3 + 5 * batch_of((12,))['x']
    scaling = keras.layers.Normalization()
    scaling.adapt(x)
    encoder = keras.Sequential([keras.layers.Input((12,)), scaling, keras.layers.Dense(5)])
    decoder = dense(12)
    model = acai_tf.ACAI(encoder=encoder, decoder=decoder, nclass=NCLASS)
    model.save(tmp_path / 'm.keras')
    for each in (model, keras.models.load_model(tmp_path / 'm.keras')):
        for network in (each.encoder.network, each.critic.encoder.network):
            np.testing.assert_allclose(network.layers[0](x), scaling(x), atol=1e-6)


def test_a_frozen_encoder_has_a_critic_that_learns(tmp_path):
    encoder, decoder, shape = sequences()
    encoder.trainable = False
    model = acai_tf.ACAI(encoder=encoder, decoder=decoder, nclass=NCLASS)
    assert len(model.group_variables('critic')) == 4 and not encoder.trainable_variables
    batch, before = batch_of(shape), encoder.get_weights()
    model.train_step(batch)
    np.testing.assert_array_equal(encoder.get_weights()[0], before[0])
    model.save(tmp_path / 'm.keras')
    loaded = keras.models.load_model(tmp_path / 'm.keras')
    assert len(loaded.group_variables('critic')) == 4
    # What was frozen trains once the model is compiled again, as Keras has it.
    encoder.trainable = True
    model.compile()
    model.fit(batch, verbose=0)
    assert np.abs(encoder.get_weights()[0] - before[0]).max() > 0
    encoder.trainable = False
    kept = encoder.get_weights()
    model.train_step(batch)
    np.testing.assert_array_equal(encoder.get_weights()[0], kept[0])
    assert original_names.stored_variables(model)


def test_a_schedule_of_learning_rates_is_saved(tmp_path):
    schedule = keras.optimizers.schedules.ExponentialDecay(1e-3, 1, 0.5)
    model, batch = make('ACAI', 'sequences', lr=schedule), batch_of((6, 3))
    model.train_step(batch)
    model.save(tmp_path / 'm.keras')
    loaded = keras.models.load_model(tmp_path / 'm.keras')
    rates = [float(each.optimizers['critic'].learning_rate) for each in (model, loaded)]
    assert rates == pytest.approx([5e-4, 5e-4])


@pytest.mark.parametrize('part', ['encoder', 'decoder'])
@pytest.mark.parametrize('own', [True, False])
def test_parts_can_be_put_into_other_keras_models(own, part):
    model = make('ACAI', 'sequences') if own else tiny.make('ACAI')
    taken = getattr(model, part)
    shape = model.image_shape if part == 'encoder' else model.latent_shape
    x = batch_of(shape)['x']
    inputs = keras.Input(shape)
    head = keras.Sequential([taken, keras.layers.Flatten(), keras.layers.Dense(2)])
    head.compile('sgd', 'mse')
    before = taken.trainable_variables[0].numpy()
    head.fit(x, np.ones((8, 2)), verbose=0)
    assert np.abs(taken.trainable_variables[0].numpy() - before).max() > 0
    functional = keras.Model(inputs, taken(inputs))
    np.testing.assert_allclose(functional(x, training=True), taken(x), atol=1e-6)


def test_a_model_with_a_papers_part_is_saved(tmp_path):
    encoder = tiny.make('ACAI').encoder
    encoder.trainable = False
    images = keras.Input((32, 32, 1))
    head = keras.layers.Dense(2)(keras.layers.Flatten()(encoder(images)))
    model = keras.Model(images, head)
    model.save(tmp_path / 'm.keras')
    loaded = keras.models.load_model(tmp_path / 'm.keras')
    x = batch_of((32, 32, 1))['x']
    np.testing.assert_array_equal(loaded(x), model(x))
    assert len(loaded.trainable_variables) == len(model.trainable_variables) == 2


@pytest.mark.parametrize('method', ['AEBaseline', 'ACAI'])
def test_trained_parts_make_another_model_that_is_saved(method, tmp_path):
    parts = tiny.make('AEBaseline')
    model = acai_tf.ALL_AES[method](encoder=parts.encoder, decoder=parts.decoder, nclass=NCLASS)
    model.compile()
    saves = keras.callbacks.ModelCheckpoint(tmp_path / 'm.keras')
    batch = batch_of((32, 32, 1))
    model.fit(batch['x'], batch['label'], verbose=0, callbacks=[saves])
    loaded = keras.models.load_model(tmp_path / 'm.keras')
    np.testing.assert_array_equal(loaded(batch['x']), model(batch['x']))


def test_weights_of_networks_with_other_random_layers_are_refused(tmp_path):
    model = make('AEBaseline', 'vectors')
    model(batch_of((12,))['x'])
    model.save_weights(tmp_path / 'm.weights.h5')
    encoder, decoder, _ = vectors()
    decoder.layers[0].rate = 0.0
    other = acai_tf.AEBaseline(
        encoder=encoder, decoder=keras.Sequential(decoder.layers[1:]), image_shape=(12,),
        nclass=NCLASS,
    )  # fmt: skip
    with pytest.raises(ValueError, match='has the state of 1 random layers, .* saved from other'):
        other.load_weights(tmp_path / 'm.weights.h5')


@keras.saving.register_keras_serializable('tests')
class Forgetful(keras.Model):
    """An encoder in Keras' everyday way: nothing tells what its constructor was given."""

    def __init__(self, units=5, rate=0.0, scale=1.0, activation='tanh', **kwargs):
        super().__init__(**kwargs)
        self.dense, self.dropout = keras.layers.Dense(units), keras.layers.Dropout(rate)
        self.scale, self.activation = scale, keras.activations.get(activation)

    def call(self, x, training=False):
        x = self.activation(self.scale * self.dense(x))
        return self.dropout(x, training=training)


@keras.saving.register_keras_serializable('tests')
class Mindful(Forgetful):
    def get_config(self):
        return {'units': self.dense.units, 'rate': self.dropout.rate}


def test_a_network_that_would_be_copied_or_loaded_otherwise_is_refused(tmp_path):
    words = "not record the arguments of 'forgetful.*: define get_config in Forgetful, and return"

    def made(method, encoder):
        decoder = keras.layers.Dense(7)
        return method(encoder=encoder, decoder=decoder, image_shape=(7,), nclass=NCLASS)

    with pytest.raises(UserError, match=words):
        made(acai_tf.ACAI, keras.Sequential([Forgetful(4), keras.layers.Dense(5)]))
    # Of other weights, or of the same that are used otherwise.
    others = {'units': 4}, {'rate': 0.5}, {'scale': 2.0}, {'activation': 'sigmoid'}
    for other in others:
        with pytest.raises(UserError, match=words):
            made(acai_tf.ACAI, Forgetful(**other))
    last = keras.Sequential([Forgetful(), Forgetful(units=4)])
    for encoder in (*(Forgetful(**other) for other in others), last):
        model = made(acai_tf.AEBaseline, encoder)
        with pytest.raises(UserError, match=words):
            model.save(tmp_path / 'm.keras')
    last = keras.Sequential([Doubled(2.0), keras.layers.Dense(4)])
    broken = Broken(types.SimpleNamespace(units=3))
    with pytest.raises(UserError, match=words):
        made(acai_tf.AEBaseline, Wrapping(Forgetful(rate=0.5))).save(tmp_path / 'm.keras')
    within = [keras.Sequential([one, keras.layers.Dense(4)]) for one in (Rigid(), Demanding(3))]
    within.append(keras.Sequential([Optional(0.5), keras.layers.Dense(4)]))
    within += [broken, Functional('relu'), last, Unusable(3), Demanding(3), Rigid(), Stacked(3)]
    for encoder in within:
        model = made(acai_tf.AEBaseline, encoder)
        with pytest.raises(UserError, match='another network, or not at all: define get_config in'):
            model.save(tmp_path / 'm.keras')


@keras.saving.register_keras_serializable('tests')
class Stacked(keras.Sequential):
    """What Keras copies layer by layer."""

    def __init__(self, units=5):
        super().__init__([keras.layers.Dense(units), keras.layers.Dense(4)])
        self.units = units


class Unrecorded(keras.layers.Layer):
    """A layer that Keras has no record of, nor needs one as a part of a keras.Model."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)


@keras.saving.register_keras_serializable('tests')
class Whole(Forgetful):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.last = Unrecorded(lambda x: 2 * x)

    def call(self, x, training=False):
        return self.last(super().call(x, training))


def halved():
    encoder = Forgetful()
    encoder.dense.trainable = False
    return encoder


@keras.saving.register_keras_serializable('tests')
class Framed(keras.Model):
    """An encoder with a network within a layer."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        inner = keras.Input((1,))
        self.cut = keras.layers.Reshape((7, 1))
        self.each = keras.layers.TimeDistributed(keras.Sequential([keras.layers.Dense(2)]))
        inner = keras.Model(inner, keras.layers.Dense(2)(keras.layers.Dense(3)(inner)))
        self.other, self.flat = keras.layers.TimeDistributed(inner), keras.layers.Flatten()

    def call(self, x):
        x = self.cut(x)
        return self.flat(self.each(x) + self.other(x))


@keras.saving.register_keras_serializable('tests')
class Scaled(keras.Model):
    def __init__(self, mean=0.0, std=1.0, **kwargs):
        super().__init__(**kwargs)
        self.mean, self.std, self.dense = mean, std, keras.layers.Dense(4)

    def call(self, x):
        return self.dense((x - self.mean) / self.std)

    def get_config(self):
        return {'mean': float(self.mean), 'std': float(self.std)}


class Normed(keras.layers.Layer):
    """A layer that Keras records only where its arguments are Python's own numbers."""

    def __init__(self, mean):
        super().__init__()
        self.mean = mean

    def call(self, x):
        return x - self.mean


@keras.saving.register_keras_serializable('tests')
class WithNormed(Scaled):
    def __init__(self, mean=0.0, **kwargs):
        super().__init__(mean)
        self.normed = Normed(mean)

    def call(self, x):
        return super().call(self.normed(x))


@keras.saving.register_keras_serializable('tests')
class Wrapping(keras.Model):
    """An encoder that records the one that it was given."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, x, training=False):
        return self.inner(x, training=training)

    def get_config(self):
        return {'inner': keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config['inner']))


@keras.saving.register_keras_serializable('tests')
class Broken(Forgetful):
    def __init__(self, sizes=None, **kwargs):
        super().__init__(sizes.units, **kwargs)


@keras.saving.register_keras_serializable('tests')
class Functional(keras.Model):
    def __init__(self, activation='tanh', **kwargs):
        x = keras.Input((7,))
        super().__init__(x, keras.layers.Dense(4, activation)(x), **kwargs)
        self.activation = activation


@keras.saving.register_keras_serializable('tests')
class Doubled(keras.Model):
    """A model without weights."""

    def __init__(self, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, x):
        return self.scale * x


@keras.saving.register_keras_serializable('tests')
class Unusable(Forgetful):
    def __init__(self, units=None, **kwargs):
        super().__init__(units, **kwargs)


@keras.saving.register_keras_serializable('tests')
class Demanding(Forgetful):
    def __init__(self, units, **kwargs):
        super().__init__(units, **kwargs)


@keras.saving.register_keras_serializable('tests')
class Rigid(Forgetful):
    """Without **kwargs, which Keras' record always has something for."""

    def __init__(self):
        super().__init__()


@keras.saving.register_keras_serializable('tests')
class Optional(Forgetful):
    """Whose record has no name, since its keywords are called otherwise."""

    def __init__(self, rate=0.0, **options):
        super().__init__(rate=rate, **options)


@keras.saving.register_keras_serializable('tests')
class Nested(keras.Model):
    """An encoder that makes another one, of which Keras needs no record."""

    def __init__(self, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.inner, self.other, self.seed = Forgetful(4, 0.5), Demanding(3), seed

    def call(self, x, training=False):
        return self.other(self.inner(x, training=training), training=training)


def twice():
    """An encoder with one layer in two places, of which a copy has two."""
    activation = keras.layers.LeakyReLU()
    blocks = [keras.Sequential([keras.layers.Dense(units), activation]) for units in (5, 4)]
    return keras.Sequential(blocks)


def pretrained():
    encoder = Forgetful()
    encoder.compile('sgd', 'mse', run_eagerly=True, jit_compile=False)
    encoder.fit(np.ones((2, 7)), np.ones((2, 5)), verbose=0)
    encoder.evaluate(np.ones((2, 7)), np.ones((2, 5)), verbose=0)
    encoder.predict(np.ones((2, 7)), verbose=0)
    return encoder


@pytest.mark.parametrize(
    'make_encoder',
    [
        Forgetful,
        halved,
        pretrained,
        Whole,
        Framed,
        lambda: Scaled(np.float32(1), 2),
        lambda: WithNormed(np.float32(1)),
        lambda: Wrapping(Forgetful()),
        Functional,
        Doubled,
        functools.partial(Nested, seed=1),
        twice,
        functools.partial(Forgetful, trainable=False),
        functools.partial(Mindful, 4, 0.5),
        lambda: keras.Sequential([Forgetful(), keras.layers.Dense(3, keras.layers.LeakyReLU())]),
    ],
)
def test_a_subclass_that_can_be_made_again_is_copied_and_saved(make_encoder, tmp_path):
    decoder = keras.layers.Dense(7)
    encoder, x = make_encoder(), batch_of((7,))['x']
    model = acai_tf.ACAI(image_shape=(7,), nclass=NCLASS, encoder=encoder, decoder=decoder)
    assert len(model.group_variables('critic')) == len(encoder.weights)
    for _ in range(2):
        model.save(tmp_path / 'm.keras')
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / 'm.keras')(x), model(x))


@pytest.mark.parametrize('encoder', [Stacked(3), Functional('relu')])
def test_a_subclass_that_keras_copies_layer_by_layer(encoder):
    decoder = keras.layers.Dense(7)
    model = acai_tf.ACAI(image_shape=(7,), nclass=NCLASS, encoder=encoder, decoder=decoder)
    first, copy = (each.layers[-2:] for each in (encoder, model.critic.encoder.network))
    for layer, own in zip(first, copy, strict=True):
        assert type(layer) is type(own) and layer is not own
        assert layer.get_config().get('activation') == own.get_config().get('activation')
        assert layer.get_config().get('units') == own.get_config().get('units')


def test_what_was_frozen_can_be_thawed_also_after_it_was_loaded(tmp_path):
    model, batch = make('AEBaseline', 'vectors'), batch_of((12,))
    model.train_step(batch)
    model.encoder.network.trainable = False
    model.compile()
    model.save(str(tmp_path / 'm.keras'))
    for one in (model, keras.models.load_model(str(tmp_path / 'm.keras'))):
        assert not one.encoder.trainable and not one.encoder.trainable_variables
        one.encoder.trainable = True
        one.compile()
        before = one.encoder.get_weights()
        one.train_step(batch)
        assert not np.array_equal(one.encoder.get_weights()[0], before[0])
