"""The base class: what it promises to notebooks, to Keras and to new methods."""
import keras
import numpy as np
import pytest
import tensorflow as tf

import acai_tf
from acai_tf import Autoencoder, Losses
from lib import losses
from lib.errors import UserError
from tests import tiny


def test_all_methods_are_listed_under_their_class_names():
    assert set(acai_tf.ALL_AES) == set(tiny.METHODS)
    for name, cls in acai_tf.ALL_AES.items():
        assert cls.__name__ == name and getattr(acai_tf, name) is cls


def test_defaults_are_the_originals():
    assert tiny.make('ACAI').params == {
        **tiny.SIZES, 'advweight': 0.5, 'advdepth': tiny.SIZES['depth'], 'reg': 0.2
    }
    smallest = dict(image_shape=(4, 4, 1), nclass=10, scales=2, depth=1, latent=1)
    assert acai_tf.AAE(**smallest).disc_layer_sizes == '100,100'
    model = acai_tf.AEVQVAE(**smallest)
    assert (model.z_log_size, model.beta, model.num_latents) == (14, 10.0, 10)
    for optimizer in model.optimizers.values():
        assert float(optimizer.learning_rate) == pytest.approx(1e-4)
        assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.9, 0.999, 1e-8)


@pytest.mark.parametrize(
    'wrong, words',
    [
        ({'image_shape': (8, 8)}, r'image_shape=\(8, 8\) is not \(height, .* for grey'),
        ({'seed': None}, 'seed=None: it must be an integer'),
        ({'seed': -1}, 'seed=-1: it must be an integer from 0'),
        ({'seed': 2**31}, 'from 0 to 2'),
        ({'lr': -1e-4}, 'lr=-0.0001: it must be a number of at least 0, or a schedule'),
        ({'lr': float('nan')}, 'lr=nan: it must be a number'),
        ({'scales': -1}, 'scales=-1: it must be an integer of at least 0'),
        ({'depth': 2.0}, 'depth=2.0: it must be an integer of at least 1'),
        ({'latent': 0}, 'latent=0: it must be an integer of at least 1'),
        ({'image_shape': 32}, 'image_shape=32 is not the shape of one example'),
        ({'image_shape': (32, 32)}, r'image_shape=\(32, 32\) is not \(height, width, colors\)'),
    ],
)
def test_wrong_arguments_are_one_sentence(wrong, words):
    with pytest.raises(UserError, match=words):
        tiny.make('AEBaseline', **wrong)


def test_an_image_that_cannot_be_halved_is_refused():
    with pytest.raises(ValueError, match='28x28 cannot be halved 3 times'):
        tiny.make('AEBaseline', image_shape=(28, 28, 1))
    assert tiny.make('AEBaseline', image_shape=(28, 28, 1), scales=2).latent_shape == (7, 7, 4)


def test_images_need_not_be_square():
    model = tiny.make('ACAI', image_shape=(16, 32, 3), scales=2)
    batch = tiny.batch(model)
    assert model.encode(batch['x']).shape == (4, 4, 8, 4)
    assert model.reconstruct(batch['x']).shape == (4, 16, 32, 3)
    model.train_step(batch)


@pytest.mark.parametrize('optimizer', ['adam', keras.optimizers.SGD()])
def test_compile_refuses_an_optimizer(optimizer):
    model = tiny.make('ACAI')
    with pytest.raises(ValueError, match='ACAI has one optimizer per parameter group'):
        model.compile(optimizer=optimizer)


def test_calling_a_model_reconstructs():
    model = tiny.make('AEBaseline')
    x = tiny.batch(model)['x']
    np.testing.assert_array_equal(model(x), model.decode(model.encode(x)))


def test_classifier_learns_the_latents_of_every_method_but_leaves_them():
    """Its loss reaches no weight but its own."""
    for method in tiny.METHODS:
        model = tiny.make(method, image_shape=(8, 8, 1), scales=1)
        batch = tiny.batch(model)
        with tf.GradientTape() as tape:
            loss = model.compute_losses(
                batch['x'], batch['label'], model.draw_noise(batch['x'])
            ).objectives['classifier']
        gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
        own = {id(variable) for variable in model.group_variables('classifier')}
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
            assert (gradient is not None and np.any(gradient)) == (id(variable) in own)


@pytest.mark.parametrize('method', tiny.METHODS)
def test_one_batch_can_be_learnt_by_heart(method):
    own = {
        'AEDenoising': {'noise': 0.1},
        'AEDropout': {'dropout': 0.9},
        'VAE': {'beta': 0.1},
    }.get(method, {})
    model = tiny.make(method, image_shape=(8, 8, 1), scales=1, depth=8, latent=8, lr=6e-3, **own)
    batch = tiny.batch(model)
    x = tf.sign(batch['x']) * 0.9

    def error():
        return float(losses.mean_squared_error(x, model.reconstruct(x)))

    before, step = error(), tf.function(model.train_step)
    for _ in range(200 if method == 'AEVQVAE' else 100):
        step({**batch, 'x': x})
    if method == 'AEVQVAE':  # its codes move 0.1% a step, so that it learns the mean image first
        assert error() < before / 1.4
    else:
        assert error() < before / 4
        np.testing.assert_array_equal(model.classify(x), np.argmax(batch['label'], axis=1))


def test_a_method_must_say_what_it_minimises():
    class Nothing(Autoencoder):
        pass

    with pytest.raises(NotImplementedError, match='Nothing must define method_losses'):
        Nothing(image_shape=(8, 8, 1), nclass=2, scales=1, depth=1, latent=1)


@pytest.mark.parametrize('groups, words', [(['encoder'], "to 'encoder'"), ([], 'to none')])
def test_every_group_must_have_an_objective(groups, words):
    class Elsewhere(acai_tf.AEBaseline):
        def method_losses(self, x, noise):
            h, found = super().method_losses(x, noise)
            return h, Losses({group: found.scalars['loss'] for group in groups}, found.scalars)

    with pytest.raises(UserError, match=f"its groups, 'autoencoder', and gives them {words}"):
        Elsewhere(image_shape=(8, 8, 1), nclass=2, scales=1, depth=1, latent=1)


@pytest.mark.parametrize('name', ['autoencoder', 'loss_ae'])
def test_what_is_minimised_or_reported_must_be_a_number(name):
    class Unreduced(acai_tf.AEBaseline):
        def method_losses(self, x, noise):
            h, found = super().method_losses(x, noise)
            of_one = {name: keras.ops.mean(keras.ops.square(x - self.decode(h)), axis=(1, 2, 3))}
            if name in found.objectives:
                return h, Losses({**found.objectives, **of_one}, found.scalars)
            return h, Losses(found.objectives, {**found.scalars, **of_one})

    with pytest.raises(UserError, match=f"'{name}' as an array of shape .2,.; it must be a number"):
        Unreduced(image_shape=(8, 8, 1), nclass=2, scales=1, depth=1, latent=1)


class Mixin:
    """Losses that a class has from elsewhere than from a method."""

    def method_losses(self, x, noise):
        return super().method_losses(x, noise)


class Mixed(Mixin, acai_tf.AEBaseline):
    pass


@pytest.mark.parametrize('base', [Autoencoder, acai_tf.AEBaseline, Mixed])
def test_every_gradient_is_taken_before_any_update(base):
    """Two groups chase each other: with one update after the other, the second would see it.

    Nor does one's objective reach the other where the base's objectives are separate.
    """

    class Chase(base):
        def make_groups(self):
            self.other = keras.layers.Dense(1, use_bias=False, kernel_initializer='ones')
            return {**super().make_groups(), 'other': [self.other]}

        def learning_rate(self, group):
            return 0.5 if group == 'autoencoder' else self.lr

        def method_losses(self, x, noise):
            h = self.encode(x)
            ae = self.decode(h)
            answer = tf.reduce_mean(self.other(ae))
            return h, Losses({'autoencoder': answer, 'other': answer**2}, {'answer': answer})

    models = [
        Chase(image_shape=(8, 8, 1), nclass=2, scales=1, depth=1, latent=1) for _ in range(2)
    ]
    batch = tiny.batch(models[0])
    models[0].train_step(batch)
    with tf.GradientTape() as tape:
        objective = models[1].compute_losses(batch['x'], batch['label'], {}).objectives['other']
    weights = models[1].group_variables('other')
    models[1].optimizers['other'].apply(
        tape.gradient(objective, [v.value for v in weights]), weights
    )
    assert not Mixed.SEPARATE_OBJECTIVES
    first, second = (model.optimizers['other'].slots()[0][0] for model in models)
    np.testing.assert_allclose(first, second, rtol=1e-6)


class Headed(acai_tf.AEBaseline):
    """With a head on the latents, made by `make_head`, that is trained towards 0."""

    def make_groups(self):
        self.head = self.make_head()
        return {**super().make_groups(), 'head': [self.head]}

    def method_losses(self, x, noise):
        h, losses = super().method_losses(x, noise)
        answer = tf.reduce_mean(self.head(tf.stop_gradient(h), training=self.mode.on) ** 2)
        return h, Losses({**losses.objectives, 'head': answer}, losses.scalars)


TINY = dict(image_shape=(8, 8, 1), nclass=2, scales=1, depth=1, latent=1)


def test_a_methods_own_layers_learn_of_training_from_its_mode():
    class Normalized(Headed):
        def make_head(self):
            return keras.layers.BatchNormalization(momentum=0.5)

    model = Normalized(**TINY)
    batch, mean = tiny.batch(model), model.head.moving_mean
    model.compute_losses(batch['x'], batch['label'], {})
    model.compile()
    model.evaluate(batch['x'], batch['label'], verbose=0)
    assert not mean.numpy().any()
    expected = 0.5 * model.encode(batch['x']).numpy().mean()
    model.fit(batch['x'], batch['label'], verbose=0)
    np.testing.assert_allclose(mean, [expected], rtol=1e-4)


@pytest.mark.parametrize('where', ['activity_regularizer', 'kernel_regularizer'])
def test_losses_of_a_methods_own_layers_are_weights_alone(where):
    class Regularized(Headed):
        def make_head(self):
            return keras.layers.Dense(1, **{where: 'l2'})

    if where == 'activity_regularizer':
        with pytest.raises(UserError, match="'dense.*' has losses of its own .* remove them"):
            Regularized(**TINY)
        return
    model = Regularized(**TINY)
    batch = tiny.batch(model)
    objectives = model.compute_losses(batch['x'], batch['label'], {}).objectives
    answer = tf.reduce_mean(model.head(model.encode(batch['x'])) ** 2)
    expected = answer + 0.01 * tf.reduce_sum(model.head.kernel**2)
    np.testing.assert_allclose(objectives['head'], expected, rtol=1e-5)


def test_a_vaes_classifier_may_read_the_mean():
    class OfMean(acai_tf.VAE):
        def features(self, x):
            return self.latent_distribution(x)[0]

        def method_losses(self, x, noise):
            _, losses = super().method_losses(x, noise)
            return self.features(x), losses

    model = OfMean(**TINY)
    batch = tiny.batch(model)
    model.train_step(batch)
    answer = model.classifier(model.latent_distribution(batch['x'])[0])
    np.testing.assert_array_equal(model.classify(batch['x']), np.argmax(answer, axis=-1))


def test_a_layer_made_too_late_is_sent_to_make_groups():
    class Late(acai_tf.AEBaseline):
        def __init__(self, **shared):
            super().__init__(**shared)
            self.head = keras.layers.Dense(3)

    with pytest.raises(UserError, match='head would not be trained or saved; make it in make_gro'):
        Late(**TINY)


@pytest.mark.parametrize('method', tiny.METHODS)
def test_a_list_of_images_is_no_batch(method):
    model = tiny.make(method, image_shape=(8, 8, 1), scales=1)
    images = list(tiny.batch(model)['x'])
    for ask in model.encode, model.reconstruct, model.classify, model.draw_noise:
        with pytest.raises(UserError, match='numpy.stack makes one'):
            ask(images)


def test_a_method_may_have_its_own_default_of_what_all_methods_take():
    class Fast(acai_tf.AEBaseline):
        def __init__(self, *, lr=1e-2, seed=5, **shared):
            super().__init__(lr=lr, seed=seed, **shared)

    sizes = dict(image_shape=(8, 8, 1), nclass=2, scales=1, depth=1, latent=1)
    usual, given = Fast(**sizes), Fast(**sizes, lr=1e-5, seed=7)
    assert (usual.lr, usual.seed) == (1e-2, 5) and (given.lr, given.seed) == (1e-5, 7)
    assert given.params == {name: 1 for name in ('scales', 'depth', 'latent')}
