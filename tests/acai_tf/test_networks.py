"""Networks of one's own: any Keras layers, data and latents of any rank."""
import copy
import functools
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

import acai_tf
from lib import eval, original_names
from lib.errors import UserError
from tests import tiny
from tests.own_networks import DATA, NCLASS, batch_of, dense, make, sequences, vectors


@pytest.mark.parametrize(
    'method, data',
    [*((method, 'vectors') for method in tiny.METHODS),
     *(('ACAI', data) for data in DATA), ('VAE', 'volumes'), ('AEVQVAE', 'sequences')],
)
def test_every_method_learns_data_of_any_rank(method, data):
    model = make(method, data)
    shape = DATA[data]()[2]
    batch = batch_of(shape)
    scalars = [model.train_step(batch) for _ in range(8)]
    if method in ('ACAI', 'LRAE', 'AAE'):  # the others take more steps to tell
        assert float(scalars[-1]['loss_ae']) < float(scalars[0]['loss_ae'])
    assert all(np.isfinite(float(value)) for one in scalars for value in one.values())
    h = model.encode(batch['x'])
    assert model.image_shape == shape and h.shape == (8, *model.latent_shape)
    assert model.decode(h).shape == model.reconstruct(batch['x']).shape == (8, *shape)
    assert model.classify(batch['x']).shape == (8,)
    names = original_names.variable_names(model)
    assert len(names) == len(model.variables)
    grouped = [id(v) for group in model.groups for v in model.group_variables(group)]
    assert sorted(grouped) == sorted(map(id, model.trainable_variables))


def test_the_promised_call():
    """Ten lines: the critic's numbers are averaged, alpha has the latents' rank."""
    encoder, decoder, _ = sequences()
    critic = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(7)])
    model = acai_tf.ACAI(encoder=encoder, decoder=decoder, critic=critic, nclass=10, lr=1e-4)
    x = batch_of((6, 3))['x']
    assert model.built and model.draw_noise(x)['alpha'].shape == (8, 1)
    answer = model.critic.score(x)
    assert answer.shape == (8, 1, 1)
    np.testing.assert_allclose(answer[:, 0, 0], np.mean(critic(x), axis=1), rtol=1e-5)
    assert model.params == {'advweight': 0.5, 'reg': 0.2}


def test_interpolations_of_own_data():
    model, batch = make('ACAI', 'sequences'), batch_of((6, 3))
    between = acai_tf.interpolate(model, batch['x'][0], batch['x'][1], 4)
    assert between.shape == (4, 6, 3)
    with pytest.raises(UserError, match=r'must be \(B, 6, 3\), not \(8, 3, 6\)'):
        acai_tf.interpolate(model, *[np.swapaxes(batch['x'], 1, 2)] * 2)


def test_losses_are_those_of_the_formulas():
    """Equations 1-3 by hand, with linear networks on vectors."""
    encoder, decoder, critic = (keras.layers.Dense(n, use_bias=False) for n in (2, 4, 3))
    model = acai_tf.ACAI(
        image_shape=(4,), encoder=encoder, decoder=decoder, critic=critic, nclass=3, advweight=0.7
    )
    batch, alpha = batch_of((4,), 5), np.linspace(0, 0.5, 5, dtype='float32')[:, None]
    scalars = model.compute_losses(batch['x'], batch['label'], {'alpha': alpha}).scalars
    f, g, d = (np.asarray(layer.kernel, np.float64) for layer in (encoder, decoder, critic))
    h = batch['x'] @ f
    mixed = (alpha * h + (1 - alpha) * h[::-1]) @ g
    blend = 0.2 * batch['x'] + 0.8 * h @ g
    answers = [np.mean(images @ d, axis=1) for images in (mixed, blend)]
    expected = {
        'loss_ae': np.mean((batch['x'] - h @ g) ** 2),
        'loss_disc': np.mean((answers[0] - alpha[:, 0]) ** 2),
        'loss_ae_disc': np.mean(answers[0] ** 2),
        'loss_disc_real': np.mean(answers[1] ** 2),
    }
    for tag, value in expected.items():
        assert float(scalars[tag]) == pytest.approx(value, rel=1e-5), tag


def test_shapes_may_wait_for_the_first_batch():
    batch = batch_of((12,))
    encoder, decoder, _ = vectors()
    for first in (
        lambda model: model(batch['x']),
        lambda model: model.encode(batch['x']),
        lambda model: tf.function(model.train_step)(batch),
    ):
        copies = [keras.models.clone_model(network) for network in (encoder, decoder)]
        model = acai_tf.ACAI(encoder=copies[0], decoder=copies[1], nclass=NCLASS)
        assert not model.built and model.image_shape is None
        with pytest.raises(UserError, match='shapes are not known yet'):
            model.export('nowhere')
        first(model)
        assert model.image_shape == (12,) and model.latent_shape == (5,)
        assert list(model.groups) == ['autoencoder', 'critic', 'classifier']


def test_what_is_tested_first_makes_the_variables():
    x, label = batch_of((12,)).values()
    model = make('ACAI', 'vectors')
    model.compile()
    scalars = model.test_on_batch(x, label, return_dict=True)
    assert set(scalars) == set(model.tags) and np.isfinite(list(scalars.values())).all()


def test_what_is_called_first_makes_the_variables_or_says_what_does():
    x = batch_of((12,))['x']
    for method in ('VAE', 'AEVQVAE'):
        for call in ('latent_distribution', 'features', 'classify'):
            model = make(method, 'vectors')
            getattr(model, call)(x)
            assert model.latent_shape == (5,)
    with pytest.raises(UserError, match='shapes are not known yet; call it on a batch'):
        make('AEVQVAE', 'vectors').decode(np.zeros((1, 5), 'float32'))


def test_own_layers_are_in_training_mode_during_train_steps_alone():
    model, batch = make('AEBaseline', 'vectors'), batch_of((12,))
    model(batch['x'])
    norm = model.encoder.network.layers[1]
    before = norm.moving_mean.numpy()
    model.compute_losses(batch['x'], batch['label'], {})
    model.encode(batch['x'])
    np.testing.assert_array_equal(norm.moving_mean, before)
    model.train_step(batch)
    assert np.abs(norm.moving_mean - before).max() > 1e-4
    assert not model.mode.on


def test_regularisers_of_own_layers_are_minimised():
    plain = keras.layers.Dense(4)
    asked = keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L2(0.3))
    model = acai_tf.AEBaseline(image_shape=(4,), encoder=asked, decoder=plain, nclass=NCLASS)
    batch = batch_of((4,))
    losses = model.compute_losses(batch['x'], batch['label'], {})
    penalty = 0.3 * float(tf.reduce_sum(asked.kernel.value**2))
    objective = float(losses.objectives['autoencoder'])
    assert objective == pytest.approx(float(losses.scalars['loss']) + penalty)


@pytest.mark.parametrize(
    'asking',
    [
        functools.partial(keras.layers.ActivityRegularization, 0.1),
        functools.partial(keras.layers.ReLU, activity_regularizer='l2'),
    ],
)
def test_other_losses_of_own_layers_are_refused(asking):
    encoder = keras.Sequential([keras.layers.Dense(2, kernel_regularizer='l2'), asking()])
    with pytest.raises(UserError, match='has losses of its own .* remove them'):
        acai_tf.AEBaseline(
            image_shape=(4,), encoder=encoder, decoder=keras.layers.Dense(4), nclass=NCLASS
        )


def test_losses_that_come_in_training_alone_are_refused():
    class Sometimes(keras.layers.Layer):
        def call(self, x, training=None):
            if training:
                self.add_loss(tf.reduce_sum(x))
            return x

    encoder = keras.Sequential([keras.layers.Dense(2, kernel_regularizer='l2'), Sometimes()])
    model = acai_tf.ACAI(
        image_shape=(4,), encoder=encoder, decoder=keras.layers.Dense(4), nclass=NCLASS
    )
    with pytest.raises(UserError, match='has losses of its own .* remove them'):
        model.train_step(batch_of((4,)))


@pytest.mark.parametrize('method', ['AEVQVAE', 'ACAI'])
def test_a_model_without_shapes_may_predict_first(method):
    """As one that was called eagerly first: what it makes must not be made in a graph."""
    x = batch_of((4,))['x']
    found = []
    for use in (
        lambda model: model(x),
        lambda model: model.predict(x, verbose=0),
        lambda model: tf.function(model)(x),
    ):
        keras.utils.set_random_seed(0)
        normal = keras.layers.Normalization()
        normal.adapt(x)
        model = acai_tf.ALL_AES[method](
            encoder=keras.Sequential([normal, keras.layers.Dense(2)]),
            decoder=keras.layers.Dense(4),
            nclass=NCLASS,
            **tiny.SMALL.get(method, {}),
        )
        model.compile()
        use(model)
        found.append([weight.numpy() for weight in model.weights])
    for weights in zip(*found, strict=True):
        np.testing.assert_array_equal(weights[0], weights[1])
        np.testing.assert_array_equal(weights[0], weights[2])


def test_a_dtype_beside_own_networks_changes_no_number():
    keras.utils.set_random_seed(0)
    networks = {'encoder': keras.layers.Dense(2), 'decoder': keras.layers.Dense(4)}
    model = acai_tf.AEBaseline(**networks, nclass=NCLASS, image_shape=(4,), dtype='mixed_float16')
    x = 1e5 * batch_of((4,))['x']
    np.testing.assert_array_equal(model(x), model.reconstruct(x))
    assert np.isfinite(model(x)).all()


def test_the_papers_critic_has_no_depth_beside_own_networks():
    with pytest.raises(UserError, match="advdepth belongs to the paper's critic; omit it"):
        make('ACAI', 'vectors', advdepth=32)


def test_graphs_know_what_a_layer_adapted_to_since(tmp_path):
    """`Normalization` has no variables of it: a graph holds what there was."""

    def made():
        normal = keras.layers.Normalization()
        encoder = keras.Sequential([normal, keras.layers.Dense(2)])
        model = acai_tf.AEBaseline(
            image_shape=(4,), encoder=encoder, decoder=keras.layers.Dense(4), nclass=NCLASS
        )
        return model, normal

    x = 3 + 5 * batch_of((4,))['x']
    model, normal = made()
    before = eval.encode(model, x)
    normal.adapt(x)
    model.compile()
    after = eval.encode(model, x)
    np.testing.assert_allclose(after, model.encode(x), rtol=1e-5, atol=1e-6)
    assert abs(after - before).max() > 0.1
    path = str(tmp_path / 'of.weights.h5')
    model.save_weights(path)
    other, _ = made()
    eval.encode(other, x)
    other.compile()
    other.predict(x, verbose=0)
    other.load_weights(path)
    np.testing.assert_allclose(eval.encode(other, x), after, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(other.predict(x, verbose=0), model(x), rtol=1e-5, atol=1e-5)


def test_the_shape_of_a_tensor_is_an_image_shape():
    shape = tf.zeros((4, 8, 8, 1)).shape[1:]
    assert tiny.make_8px(image_shape=shape).get_config()['image_shape'] == (8, 8, 1)
    for unknown in (None, (8, None, 1)):
        with pytest.raises(UserError, match='is not the shape of one example'):
            tiny.make_8px(image_shape=tf.TensorShape(unknown))


class Odd(keras.layers.Layer):
    """A layer without a usable get_config."""

    def __init__(self, units):
        super().__init__()
        self.dense = keras.layers.Dense(units)

    def call(self, x):
        return self.dense(x)


def test_a_part_of_another_model_is_the_network_that_it_was_made_of():
    x = np.random.default_rng(0).normal(3, 1, (8, 6)).astype(np.float32)
    label = np.eye(3, dtype=np.float32)[np.arange(8) % 3]
    encoder = keras.Sequential([keras.layers.BatchNormalization(), keras.layers.Dense(2)])
    first = acai_tf.AEBaseline((6,), 3, encoder=encoder, decoder=keras.layers.Dense(6))
    second = acai_tf.ACAI(nclass=3, encoder=first.encoder, decoder=first.decoder)
    second.train_step({'x': x, 'label': label})
    assert (encoder.layers[0].moving_mean.numpy() > 0).all()  # in training mode


def test_what_is_not_a_batch_is_refused_in_a_sentence():
    networks = {'encoder': keras.layers.Dense(2), 'decoder': keras.layers.Dense(6)}
    model = acai_tf.AEBaseline((6,), 3, **networks)
    with pytest.raises(UserError, match=r'one array or tensor, \(B, 6\), not a list'):
        model.encode([[0.0] * 6])
    with pytest.raises(UserError, match=r'must be \(B, 6\), not \(6,\)'):
        model.encode(np.zeros(6, np.float32))
    with pytest.raises(UserError, match='is not a Keras layer or model; keras.layers.Lambda makes'):
        acai_tf.AEBaseline((6,), 3, encoder=lambda x: x, decoder=keras.layers.Dense(6))


def test_symbolic_inputs():
    h = keras.Input((2,))
    networks = {'encoder': keras.layers.Dense(2), 'decoder': keras.layers.Dense(6)}
    quantised = acai_tf.AEVQVAE(
        image_shape=(6,), nclass=3, num_latents=2, z_log_size=3, **networks
    )
    assert quantised.decode(h).shape == (None, 6)
    networks = {'encoder': keras.layers.Dense(2), 'decoder': keras.layers.Dense(6)}
    vae = acai_tf.VAE(image_shape=(6,), nclass=3, **networks)
    assert vae.latent_distribution(keras.Input((6,)))[0].shape == (None, 2)
    with pytest.raises(UserError, match='batch of a known size, which keras.Input does not have'):
        vae.encode(keras.Input((6,)))


def test_a_part_of_another_model_within_a_network_is_refused():
    networks = {'encoder': keras.layers.Dense(2), 'decoder': keras.layers.Dense(6)}
    first = acai_tf.AEBaseline(image_shape=(6,), nclass=3, **networks)
    encoder = keras.Sequential([first.encoder, keras.layers.Dense(2)])
    with pytest.raises(UserError, match='contains the encoder of another model, .* its .network'):
        acai_tf.AEBaseline(nclass=3, encoder=encoder, decoder=keras.layers.Dense(6))


def test_data_of_another_size_are_refused_by_convolutions_too():
    def convolutions():
        down = keras.layers.Conv2D(1, 3, padding='same')
        return {'encoder': down, 'decoder': keras.layers.Conv2D(1, 3, padding='same')}

    for method in acai_tf.VAE, acai_tf.AEBaseline:
        model = method(image_shape=(8, 8, 1), nclass=3, **convolutions())
        for function in model.latent_distribution, model.encode, model.features, model.classify:
            with pytest.raises(UserError, match=r'must be \(B, 8, 8, 1\), not \(3, 16, 16, 1\)'):
                function(np.zeros((3, 16, 16, 1), np.float32))


def answering(function):
    return keras.layers.Lambda(function)


@pytest.mark.parametrize(
    'networks, words',
    [
        ({'decoder': dense(3, 9)}, r'data of shape \(B, 7\) to latents \(B, 4\), .* to \(B, 9\)'),
        (
            {'decoder': keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(7)])},
            r"The decoder '\w+' does not take data of shape \(B, 4\)",
        ),
        (
            {'encoder': keras.layers.Conv2D(3, 3)},
            r"The encoder '\w+' does not take data of shape \(B, 7\): .*ndim=4",
        ),
        (
            {'encoder': answering(lambda x: x[:, 0])},
            r'maps data of shape \(B, 7\) to shape \(B,\); latents need at least one axis',
        ),
        ({'critic': answering(lambda x: {'a': x})}, r'\(B, 7\) to one .* not to a dict'),
        (
            {'critic': answering(lambda x: keras.ops.argmax(x, -1))},
            r'one float tensor \(B, ...\), not to int32 of shape \(1,\)',
        ),
        (
            {'critic': answering(lambda x: keras.ops.mean(x))},
            r'keep the batch axis: one example, of shape \(1, 7\), gave shape \(\)',
        ),
        ({'encoder': Odd(4)}, 'cannot be copied for the critic'),
        ({'decoder': None}, 'ACAI needs an encoder and a decoder, or neither'),
        ({'depth': 3}, "depth is a size of the paper's networks; leave it out"),
        ({'encoder': None, 'decoder': None}, 'ACAI needs scales; give image_shape, scales'),
        ({'reg': 2}, 'reg=2: it must be between'),
        ({'nclass': 2.5}, 'nclass=2.5: it must be an integer of at least 1'),
        ({'image_shape': 7}, r'image_shape=7 is not the shape of one example, such as \(32'),
        ({'lr': '1e-3'}, "lr='1e-3': it must be a number of at least 0"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(networks, words):
    options = {'encoder': dense(3, 4), 'decoder': dense(3, 7), 'nclass': NCLASS, **networks}
    with pytest.raises(UserError, match=words) as raised:
        acai_tf.ACAI(**{'image_shape': (7,), **options})
    assert '\n' not in str(raised.value)


def test_a_method_without_critic_refuses_one():
    encoder, decoder, _ = sequences()
    for method in (acai_tf.AEBaseline, acai_tf.VAE):
        with pytest.raises(UserError, match=f'{method.__name__} has no critic here'):
            method(encoder=encoder, decoder=decoder, critic=dense(2, 1), nclass=NCLASS)


def test_what_was_refused_with_the_first_batch_is_refused_again():
    encoder, decoder, shape = vectors()
    model = acai_tf.AEBaseline(
        encoder=encoder, decoder=decoder, critic=dense(2, 1), nclass=np.int64(NCLASS)
    )
    model.compile()
    for ask in (model.fit, model.fit, model.train_step, model.evaluate):
        with pytest.raises(UserError, match='AEBaseline has no critic here'):
            ask(batch_of(shape))


def test_what_failed_with_the_first_batch_can_be_asked_again(monkeypatch):
    encoder, decoder, shape = vectors()
    model = acai_tf.ACAI(encoder=encoder, decoder=decoder, nclass=NCLASS)

    def fails(*_):
        raise RuntimeError('out of memory, say')

    with monkeypatch.context() as patched:
        patched.setattr(acai_tf.ACAI, 'method_losses', fails)
        for _ in range(2):
            with pytest.raises(RuntimeError, match='out of memory'):
                model.train_step(batch_of(shape))
    assert model.latent_shape is None
    model.train_step(batch_of(shape))
    assert int(model.global_step) == 1


def test_a_vae_can_have_the_critic():
    model, batch = make('VAE', 'sequences', advweight=0.5), batch_of((6, 3))
    assert model.params == {'beta': 1.0, 'advweight': 0.5, 'reg': 0.2}
    assert {'loss_disc', 'elbo'} <= set(model.train_step(batch))


@pytest.mark.parametrize('method', ['ACAI', 'LRAE', 'VAE'])
def test_a_critic_that_looks_at_whole_batches_gives_each_player_its_own_gradient(method):
    """The vectors' encoder, and so the critic, has batch normalisation."""
    own = {'advweight': 0.5} if method == 'VAE' else {}
    model, batch = make(method, 'vectors', **own), batch_of((12,))
    for _ in range(3):
        model.train_step(batch)
    noise, critic = model.draw_noise(batch['x']), model.critic

    def gradients(compute):
        keras.utils.set_random_seed(1)
        for state in model.seed_states():
            state.assign([7, 0])  # dropout's
        with model.mode, tf.GradientTape(persistent=True) as tape:
            objectives = model.compute_losses(batch['x'], batch['label'], noise).objectives
        return compute(tape, objectives)

    ours = gradients(model.compute_gradients)
    critic.score_for_both_players = lambda images: (critic.score(images),) * 2
    plain = gradients(functools.partial(tiny.separate_gradients, model))
    for group, expected in plain.items():
        for one, other in zip(ours[group], expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6, err_msg=group)


@pytest.fixture
def float16():
    keras.mixed_precision.set_global_policy('mixed_float16')
    yield
    keras.mixed_precision.set_global_policy('float32')


def test_own_float16_layers_have_their_losses_scaled(float16):
    encoder, decoder, _ = sequences()
    keras.mixed_precision.set_global_policy('float32')
    model = acai_tf.ACAI(encoder=encoder, decoder=decoder, nclass=NCLASS)
    assert all(hasattr(optimizer, 'dynamic_scale') for optimizer in model.optimizers.values())
    model.train_step(batch_of((6, 3)))
    assert model.encoder.network.layers[0].compute_dtype == 'float16'


def test_the_papers_networks_do_as_their_own_policy_says(float16):
    for method in ('AEVQVAE', 'ACAI'):
        model = tiny.make(method)
        assert not hasattr(model.optimizers['autoencoder'], 'dynamic_scale')
        assert np.isfinite(float(model.train_step(tiny.batch(model))['loss_ae']))


def test_training_mode_is_of_a_thread_and_models_can_be_copied():
    model, seen = make('AEBaseline', 'vectors'), []
    model(batch_of((12,))['x'])
    with model.mode:
        thread = threading.Thread(target=lambda: seen.append(model.mode.on))
        thread.start()
        thread.join()
        assert model.mode.on
    assert seen == [False]
    twin = copy.deepcopy(model)
    assert twin.mode is twin.encoder.mode and twin.mode is not model.mode


def test_weights_of_two_parts():
    tied = keras.layers.Dense(5)
    model = acai_tf.AEBaseline(
        encoder=keras.Sequential([tied]), decoder=keras.Sequential([tied]), image_shape=(5,),
        nclass=NCLASS, lr=0.01,
    )  # fmt: skip
    before = tied.kernel.numpy()
    model.train_step(batch_of((5,)))
    assert np.abs(tied.kernel.numpy() - before).max() == pytest.approx(0.01, rel=1e-2)
    encoder, decoder, _ = sequences()
    with pytest.raises(UserError, match='is in both groups, autoencoder and critic; give each'):
        acai_tf.ACAI(encoder=encoder, decoder=decoder, critic=encoder, nclass=NCLASS)


def test_latents_and_lists_of_another_shape_are_refused_in_one_sentence():
    model = tiny.make('AEVQVAE')
    with pytest.raises(UserError, match=r'latents must be \(B, 4, 4, 4\), not \(2, 2, 2, 16\)'):
        model.decode(np.zeros((2, 2, 2, 16), 'float32'))  # as many numbers
    images = list(batch_of((32, 32, 1))['x'])
    with pytest.raises(UserError, match='one array or tensor, .*; numpy.stack makes one'):
        model.encode(images)


def test_data_of_another_kind_are_refused_in_one_sentence():
    model = make('AEBaseline', 'vectors')
    with pytest.raises(UserError, match='shapes are not known yet; call it on a batch'):
        acai_tf.interpolate(model, np.zeros(12, 'float32'), np.zeros(12, 'float32'))
    batch = batch_of((12,))
    model.train_step(batch)
    model.build((None, 12))
    with pytest.raises(UserError, match=r'built for data of shape \(B, 12\); make another model'):
        model.build((None, 7))
    model.compile()
    for wrong, words in (
        (batch['x'].astype('uint8'), r'\(B, 12\) of floats, not uint8'),
        (batch['x'][:, :7], r'The data must be \(B, 12\), not'),
    ):
        with pytest.raises(UserError, match=words):
            model.train_step({**batch, 'x': wrong})
    for call in (model, model.encode, model.classify):  # Keras would make floats of them
        with pytest.raises(UserError, match=r'\(B, 12\) of floats, not uint8'):
            call(batch['x'].astype('uint8'))
    pictures = tiny.make('AEBaseline')
    with pytest.raises(UserError, match='To scale pixels of 0..255'):
        pictures.train_step({**tiny.batch(pictures), 'x': np.zeros((4, 8, 8, 1), 'uint8')})


def unknown(x):
    """As what a pipeline computes by Python: of any shape, for all that TensorFlow knows."""
    return tf.numpy_function(lambda x: x, [x], tf.float32)


PIPELINES = {
    'x of any rank': ('x', lambda x, label: (unknown(x), label)),
    'x of any sizes': ('x', lambda x, label: (tf.ensure_shape(unknown(x), (None, None)), label)),
    'label of any rank': ('label', lambda x, label: (x, unknown(label))),
}


@pytest.mark.parametrize('pipeline', PIPELINES)
def test_a_pipeline_that_knows_no_shapes_is_refused_with_what_sets_them(pipeline):
    (name, change), model = PIPELINES[pipeline], make('AEBaseline', 'vectors')
    batch = batch_of((12,))
    model.compile()
    pairs = tf.data.Dataset.from_tensor_slices((batch['x'], batch['label'])).batch(4)
    with pytest.raises(UserError, match=rf'shape of {name} .* tf.ensure_shape\({name}, '):
        model.fit(pairs.map(change), verbose=0)


@pytest.mark.parametrize('data', ['own', 'pictures'])
def test_a_model_that_knows_its_shape_knows_the_sizes_of_a_pipeline(data):
    model = make('ACAI', 'vectors') if data == 'own' else tiny.make('ACAI', nclass=NCLASS)
    shape = (12,) if data == 'own' else model.image_shape
    model.build((None, *shape))
    model.compile()
    batch = batch_of(shape)
    pairs = tf.data.Dataset.from_tensor_slices((batch['x'], batch['label'])).batch(4)

    def of_any_size(tensor):
        return tf.ensure_shape(unknown(tensor), [None] * len(tensor.shape))

    model.fit(pairs.map(lambda x, label: (of_any_size(x), of_any_size(label))), verbose=0)
    assert int(model.global_step) == 2


def test_a_mask_ends_at_the_latents():
    encoder = keras.Sequential([keras.layers.Masking(0.0), keras.layers.Dense(4)])
    decoder = keras.Sequential([keras.layers.SimpleRNN(3, return_sequences=True, unroll=True)])
    model = acai_tf.ACAI(image_shape=(5, 3), nclass=NCLASS, encoder=encoder, decoder=decoder)
    x = batch_of((5, 3))['x']
    x[:, 3:] = 0
    h = model.encode(x)
    np.testing.assert_array_equal(model.decode(h), model.decode(h.numpy()))
