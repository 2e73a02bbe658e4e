"""Every method against `reference`, the same mathematics in float64 NumPy, at many sizes."""
import functools

import numpy as np
import pytest
import tensorflow as tf

from lib import original_names
from tests import reference, tiny

SHAPES = {
    'as recorded': {'image_shape': (32, 32, 1), 'nclass': 10},
    'one scale in colour': {'image_shape': (16, 16, 3), 'nclass': 3, 'scales': 1, 'depth': 3},
    'no scale, one class': {'image_shape': (8, 8, 3), 'nclass': 1, 'scales': 0, 'latent': 2},
    'five scales': {'image_shape': (32, 32, 1), 'nclass': 2, 'scales': 5, 'depth': 1},
}
OWN = {
    'AEBaseline': {},
    'AEDenoising': {'noise': 0.3},
    'AEDropout': {'dropout': 0.75},
    'VAE': {'beta': 0.6},
    'VAE with critic': {'beta': 0.6, 'advweight': 0.8, 'advdepth': 3, 'reg': 0.4},
    'AAE': {'disc_layer_sizes': '7', 'adversary_lr': 1e-3},
    'AEVQVAE': {'z_log_size': 3, 'num_latents': 1, 'beta': 3.0},
    'ACAI': {'advweight': 0.7, 'advdepth': 3, 'reg': 0.3},
    'LRAE': {'advweight': 0.7, 'advdepth': 1},
}
GROUPS = {
    'AAE': ['autoencoder', 'discriminator', 'classifier'],
    'VAE with critic': ['autoencoder', 'critic', 'classifier'],
    'ACAI': ['autoencoder', 'critic', 'classifier'],
    'LRAE': ['autoencoder', 'critic', 'classifier'],
}
WITH_CRITIC = ['VAE with critic', 'ACAI', 'LRAE']
every_method = pytest.mark.parametrize('own', OWN)
every_shape = pytest.mark.parametrize('shape', SHAPES)


@functools.cache
def case(own, shape):
    """A model with its biases off zero, a batch and its noise; shared, never trained."""
    model = tiny.make(own.split()[0], **{**SHAPES[shape], **OWN[own]})
    draws = np.random.default_rng(0)
    for variable in model.trainable_variables:
        if len(variable.shape) == 1:
            variable.assign(draws.normal(0, 0.1, variable.shape))
    batch = tiny.batch(model)
    return model, batch, model.draw_noise(batch['x'])


def weights_of(model):
    return tiny.arrays(original_names.variable_names(model))


def reference_losses(own, model, weights, batch, noise, frozen=None):
    batch, noise = tiny.arrays(batch), tiny.arrays(noise)
    method = own.split()[0]
    return reference.losses(
        method, weights, model.params, batch['x'], batch['label'], noise, frozen
    )


def flatten(gradients):
    return np.concatenate([np.ravel(gradient) for gradient in gradients])


@every_shape
@every_method
def test_losses_are_the_references(own, shape):
    model, batch, noise = case(own, shape)
    losses = model.compute_losses(batch['x'], batch['label'], noise)
    objectives, scalars = reference_losses(own, model, weights_of(model), batch, noise)
    assert set(losses.objectives) == set(objectives)
    assert set(losses.scalars) == set(scalars)
    for name, value in {**objectives, **scalars}.items():
        ours = {**losses.objectives, **losses.scalars}[name]
        assert ours.shape == ()
        np.testing.assert_allclose(ours, value, rtol=2e-5, atol=1e-6, err_msg=name)


@every_shape
@every_method
def test_each_group_descends_its_own_objective(own, shape):
    """Its gradient, along a random direction, is the slope of the reference's objective."""
    model, batch, noise = case(own, shape)
    with tf.GradientTape(persistent=True) as tape:
        objectives = model.compute_losses(batch['x'], batch['label'], noise).objectives
    gradients = model.compute_gradients(tape, objectives)
    names = {id(variable): name for name, variable in original_names.variable_names(model).items()}
    weights, frozen, draws = weights_of(model), {}, np.random.default_rng(1)
    reference_losses(own, model, weights, batch, noise, frozen)
    for group in objectives:
        variables = model.group_variables(group)
        # Towards the gradient, so that the slope is large, and a little off it.
        direction = [
            gradient + np.linalg.norm(gradient) * draws.normal(0, 0.3 / gradient.size**0.5,
                                                               gradient.shape)
            for gradient in map(np.asarray, gradients[group])
        ]
        length = np.linalg.norm(flatten(direction)) or 1.0
        objective = []
        for step in (1e-6, -1e-6):
            moved = dict(weights)
            for variable, along in zip(variables, direction, strict=True):
                name = names[id(variable)]
                moved[name] = weights[name] + step * along / length
            objective.append(reference_losses(own, model, moved, batch, noise, frozen)[0][group])
        slope = (objective[0] - objective[1]) / 2e-6
        ours = flatten(gradients[group]) @ flatten(direction) / length
        np.testing.assert_allclose(ours, slope, rtol=2e-4, atol=1e-7, err_msg=group)


@every_method
def test_one_pass_gives_the_gradients_of_each_objective_alone(own):
    model, batch, noise = case(own, 'one scale in colour')
    assert model.SEPARATE_OBJECTIVES or own == 'AAE'
    with tf.GradientTape(persistent=True) as tape:
        objectives = model.compute_losses(batch['x'], batch['label'], noise).objectives
    together = model.compute_gradients(tape, objectives)
    for group, objective in objectives.items():
        alone = tape.gradient(objective, [v.value for v in model.group_variables(group)])
        for ours, expected in zip(together[group], alone, strict=True):
            np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-9, err_msg=group)


@pytest.mark.parametrize('own', WITH_CRITIC)
def test_rescaled_critic_gradient_is_the_plain_one(own, monkeypatch):
    model, batch, noise = case(own, 'as recorded')

    def gradients(compute):
        with tf.GradientTape(persistent=True) as tape:
            objectives = model.compute_losses(batch['x'], batch['label'], noise).objectives
        return compute(tape, objectives)

    ours = gradients(model.compute_gradients)
    critic = model.critic
    monkeypatch.setattr(
        critic, 'score_for_both_players', lambda images: (critic.score(images),) * 2
    )
    plain = gradients(functools.partial(tiny.separate_gradients, model))
    for group in plain:
        difference = flatten(ours[group]) - flatten(plain[group])
        assert np.linalg.norm(difference) <= 1e-5 * np.linalg.norm(flatten(plain[group])), group


@every_shape
@every_method
def test_groups_are_disjoint_and_complete(own, shape):
    model, _, _ = case(own, shape)
    assert list(model.groups) == GROUPS.get(own, ['autoencoder', 'classifier'])
    grouped = [id(v) for group in model.groups for v in model.group_variables(group)]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {id(variable) for variable in model.trainable_variables}
    assert list(model.optimizers) == list(model.groups)


@every_shape
@every_method
def test_shapes(own, shape):
    model, batch, noise = case(own, shape)
    height, width, colors = model.image_shape
    latent_shape = (height >> model.scales, width >> model.scales, model.latent)
    h = model.encode(batch['x'])
    assert model.latent_shape == latent_shape
    assert h.shape == (4, *latent_shape)
    assert model.decode(h).shape == model.reconstruct(batch['x']).shape == batch['x'].shape
    answer = model.classify(batch['x']).numpy()
    assert answer.shape == (4,) and set(answer) <= set(range(model.nclass))
    shapes = {
        'alpha': (4, 1, 1, 1),
        'noise': (4, height, width, colors),
        **dict.fromkeys(('eps', 'prior', 'mask'), (4, *latent_shape)),
    }
    for kind, value in noise.items():
        assert value.shape == shapes[kind] and value.dtype == tf.float32


@every_method
def test_compute_losses_changes_nothing(own):
    model, batch, noise = case(own, 'one scale in colour')
    before = [variable.numpy() for _, variable in original_names.stored_variables(model)]
    model.compute_losses(batch['x'], batch['label'], noise)
    for value, (name, variable) in zip(before, original_names.stored_variables(model), strict=True):
        np.testing.assert_array_equal(variable, value, err_msg=name)


@every_method
def test_train_step_moves_every_weight_once(own):
    model = tiny.make(own.split()[0], **OWN[own])
    before = {variable.path: variable.numpy() for variable in model.trainable_variables}
    batch = tiny.batch(model)
    noise = model.draw_noise(batch['x'])
    expected = model.compute_losses(batch['x'], batch['label'], noise).scalars
    scalars = model.train_step(batch)
    assert list(scalars) == model.tags
    for tag in model.tags:  # of the weights before the update, with the step's own noise
        np.testing.assert_array_equal(scalars[tag], expected[tag], err_msg=tag)
    assert int(model.global_step) == 1
    for optimizer in model.optimizers.values():
        assert int(optimizer.iterations) == 1
    still = [v.path for v in model.trainable_variables if (v.numpy() == before[v.path]).all()]
    assert not still


def test_aae_discriminator_has_its_own_learning_rate():
    model = tiny.make('AAE', adversary_lr=0.003, lr=0.002)
    rates = {group: float(o.learning_rate) for group, o in model.optimizers.items()}
    assert rates == pytest.approx(
        {'autoencoder': 0.002, 'discriminator': 0.003, 'classifier': 0.002}
    )


def test_critics_alone_have_their_own_depth():
    model = tiny.make('ACAI', advdepth=5)
    assert model.encoder.convs[0].filters == tiny.SIZES['depth']
    assert model.critic.encoder.convs[0].filters == 5
    assert tiny.make('ACAI', advdepth=0).params['advdepth'] == tiny.SIZES['depth']


def test_dropout_and_noise_are_for_training_only():
    for method, own in (('AEDropout', {'dropout': 0.1}), ('AEDenoising', {'noise': 9.0})):
        model, plain = tiny.make(method, **own), tiny.make('AEBaseline')
        x = tiny.batch(model)['x']
        for name in ('encode', 'reconstruct'):  # of the same first weights
            np.testing.assert_array_equal(getattr(model, name)(x), getattr(plain, name)(x))


def test_vae_encodes_to_a_sample():
    model = tiny.make('VAE')
    x = tiny.batch(model)['x']
    zero, one = (tf.fill((4, *model.latent_shape), value) for value in (0.0, 1.0))
    mean, spread = model.encode(x, {'eps': zero}), model.encode(x, {'eps': one})
    assert np.all(spread > mean)
    np.testing.assert_array_equal(model.encode(x), model.encode(x, model.draw_noise(x)))
    assert np.abs(model.encode(x) - mean).max() > 0.1
    assert np.abs(model.decode(3 * one)).max() <= 1  # sigmoids, on [-1, 1]


def test_vae_without_critic_is_the_papers():
    assert tiny.make('VAE').params == {'beta': 1.0, **tiny.SIZES}
    assert tiny.make('VAE', advdepth=7, reg=0.9).params == {'beta': 1.0, **tiny.SIZES}


def test_vqvae_moves_its_averages_as_the_reference():
    model = tiny.make('AEVQVAE', z_log_size=3)
    batch, frozen = tiny.batch(model), {}
    weights = weights_of(model)
    np.testing.assert_array_equal(weights['ema_count_0'], 0)
    np.testing.assert_array_equal(weights['ema_means_0'], weights['means'][0])
    reference_losses('AEVQVAE', model, weights, batch, {}, frozen)
    hidden = model.vqvae.size
    count, total = np.zeros(8), weights['means'].reshape(8, hidden) * 0.999
    vectors = frozen['codes'] - frozen['step']
    for code, vector in zip(frozen['assignment'], vectors, strict=True):
        count[code] += 0.001
        total[code] += 0.001 * vector
    n = count.sum()
    codebook = total / ((count + 1e-5) / (n + 8 * 1e-5) * n)[:, None]
    model.train_step(batch)
    np.testing.assert_allclose(model.count[0], count, rtol=1e-5)
    np.testing.assert_allclose(model.total[0], total, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(model.codebook[0, 0], codebook, rtol=1e-4, atol=1e-5)


def test_codes_begin_uniform_within_sqrt_of_3_by_their_number():
    means = tiny.make('AEVQVAE', z_log_size=8).codebook.numpy()
    limit = (3 / 256) ** 0.5
    assert 0.97 * limit < abs(means).max() <= limit
    assert means.std() == pytest.approx(limit / 3**0.5, rel=0.05)
