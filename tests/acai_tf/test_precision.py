"""Low precision trains as float32 does, within a stated distance."""
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

import acai_tf
from lib import data
from lib.errors import UserError
from tests import tiny

STEPS, LAST = 120, 40
DISTANCE = 0.03  # of float32's mean over the last steps
ADVWEIGHT = 10.0  # so large that the autoencoder's gradient is mostly the critic's
FLOAT16_STEP = 2.0**-11  # its rounding


@pytest.fixture(scope='module')
def train():
    """dtype -> {scalar: its mean over the last steps}, and the gradients of the step after."""
    lines16 = data.get_dataset('lines16', 16)
    batches = list(lines16.train.take(STEPS + 1))

    def run(dtype):
        model = tiny.make('ACAI', image_shape=lines16.image_shape, dtype=dtype, lr=1e-3)
        step = tf.function(model.train_step)
        history = [step(batch) for batch in batches[:STEPS]]
        last = batches[STEPS]
        with tf.GradientTape(persistent=True) as tape:
            losses = model.compute_losses(last['x'], last['label'], model.draw_noise(last['x']))
        gradients = model.compute_gradients(tape, losses.objectives)
        means = {tag: np.mean([scalars[tag] for scalars in history[-LAST:]]) for tag in model.tags}
        return model, means, gradients

    return run


def test_low_precision_stays_near_float32(train):
    _, reference, _ = train('float32')
    assert reference['loss_ae'] < 0.8  # it has learnt something by then
    for dtype in ('mixed_bfloat16', 'mixed_float16'):
        model, means, gradients = train(dtype)
        for conv in (model.encoder.convs[1], model.decoder.convs[0], model.critic.encoder.convs[1]):
            assert conv.compute_dtype == dtype.removeprefix('mixed_')
        assert means['loss_ae'] != reference['loss_ae']
        for tag in ('loss_ae', 'loss_disc', 'classify_latent'):
            assert means[tag] == pytest.approx(reference[tag], rel=DISTANCE), (dtype, tag)
        for group, values in gradients.items():
            for gradient, variable in zip(values, model.group_variables(group), strict=True):
                assert np.isfinite(gradient).all() and gradient.dtype == tf.float32
                assert variable.dtype == 'float32'


def gradients_near_the_answer(model, distance):
    """{group: all its gradients, flat} where the critic is `distance` from its target."""
    batch = tiny.batch(model, 8)
    noise = model.draw_noise(batch['x'])
    alpha = noise.get('alpha', tf.ones((8, 1, 1, 1)))  # the LRAE's critic should answer 1
    other = tf.fill(alpha.shape, 0.05)  # to pictures that are not mixtures
    is_lrae = type(model).__name__ == 'LRAE'
    near = [other, alpha + distance] if is_lrae else [alpha + distance, other]

    def score_so(images):
        scored = type(model.critic).score(model.critic, images)
        return tf.concat(near, 0) + (scored - tf.stop_gradient(scored))

    model.critic.score = score_so
    with tf.GradientTape(persistent=True) as tape:
        losses = model.compute_losses(batch['x'], batch['label'], noise)
        objectives = {
            group: model.optimizers[group].scale_loss(objective)
            for group, objective in losses.objectives.items()
        }
    found = {}
    for group, values in model.compute_gradients(tape, objectives).items():
        scale = float(getattr(model.optimizers[group], 'dynamic_scale', 1.0))
        found[group] = np.concatenate([np.ravel(value) for value in values]) / scale
    return found


def test_float16_on_several_devices_is_refused(monkeypatch):
    """Of which one alone would see that its numbers are too large."""
    strategy = mock.Mock(wraps=tf.distribute.get_strategy(), num_replicas_in_sync=2)
    monkeypatch.setattr(acai_tf.ACAI, 'distribute_strategy', strategy)
    with pytest.raises(UserError, match='float16 works on one device, not on 2: .*bfloat16'):
        tiny.make('ACAI', dtype='mixed_float16')
    tiny.make('ACAI', dtype='mixed_bfloat16')


@pytest.mark.parametrize('method', ['ACAI', 'LRAE', 'VAE'])
def test_float16_keeps_both_players_gradients_where_the_critic_is_right(method):
    """As right as with a pass for each player, which loses nothing but float16's digits.

    How many those are, depends on the processor: where it adds up in float16 too, they are fewer.
    """
    in_float32, in_float16, in_two_passes = (
        tiny.make(method, dtype=dtype, advweight=ADVWEIGHT)
        for dtype in ('float32', 'mixed_float16', 'mixed_float16')
    )
    in_two_passes.critic.scores_each_alone = False
    for distance in (1e-2, 1e-4, 1e-6, 0.0):
        exact, found, plain = (
            gradients_near_the_answer(model, distance)
            for model in (in_float32, in_float16, in_two_passes)
        )
        for group in exact:
            error, own = (
                np.linalg.norm(of[group] - exact[group]) / np.linalg.norm(exact[group])
                for of in (found, plain)
            )
            assert own < 0.1 and error < 1.1 * own + FLOAT16_STEP, (group, distance, error, own)
