"""ACAI's regulariser as a part, put on a stub whose score is known."""
import keras
import numpy as np
import pytest
import tensorflow as tf

from acai_tf import critic as critics
from lib import layers


class LinearCritic(critics.Critic):
    """d(y) = w * mean(y): every loss and gradient by hand."""

    def __init__(self, weight, scores_each_alone):
        super().__init__(network=keras.layers.Identity())
        self.scores_each_alone = scores_each_alone
        self.weight = self.add_weight(shape=(), initializer='zeros', name='weight')
        self.weight.assign(weight)

    def score(self, images):
        return self.weight * tf.reduce_mean(images, (1, 2, 3), keepdims=True)


X = np.array([0.5, -1.0], np.float32).reshape(2, 1, 1, 1)
AE = np.array([0.1, 0.3], np.float32).reshape(2, 1, 1, 1)
X_MIX = np.array([0.4, -0.2], np.float32).reshape(2, 1, 1, 1)
ALPHA = np.array([0.25, 0.5], np.float32).reshape(2, 1, 1, 1)
WEIGHT, REG = 2.0, 0.2
# By one backward pass for both players, as the paper's critic, or by one for each.
both_ways = pytest.mark.parametrize('each_alone', [True, False])


def watched_losses(critic):
    x, ae, x_mix = map(tf.constant, (X, AE, X_MIX))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, ae, x_mix])
        losses = critic.losses_of_both_players(x, ae, x_mix, ALPHA, REG)
    return losses, tape, (x, ae, x_mix)


@both_ways
def test_three_losses_by_hand(each_alone):
    losses, _, _ = watched_losses(LinearCritic(WEIGHT, each_alone))
    answer, blend = WEIGHT * X_MIX, WEIGHT * (REG * X + (1 - REG) * AE)
    assert float(losses.loss_disc) == pytest.approx(np.mean((answer - ALPHA) ** 2))
    assert float(losses.loss_ae_disc) == pytest.approx(np.mean(answer**2))
    assert float(losses.loss_disc_real) == pytest.approx(np.mean(blend**2))


@both_ways
def test_gradients_reach_their_player_alone(each_alone):
    critic = LinearCritic(WEIGHT, each_alone)
    losses, tape, (x, ae, x_mix) = watched_losses(critic)
    weight = critic.weight.value

    def gradient(loss, source):
        value = tape.gradient(loss, source)
        return 0.0 if value is None else value.numpy()

    answer, blend = WEIGHT * X_MIX, REG * X + (1 - REG) * AE
    to_weight = np.mean(2 * (answer - ALPHA) * X_MIX)
    assert gradient(losses.loss_disc, weight) == pytest.approx(to_weight)
    assert gradient(losses.loss_disc_real, weight) == pytest.approx(np.mean(2 * WEIGHT * blend**2))
    np.testing.assert_allclose(gradient(losses.loss_ae_disc, weight), 0, atol=1e-15)
    np.testing.assert_allclose(
        gradient(losses.loss_ae_disc, x_mix), 2 * answer * WEIGHT / 2, rtol=1e-6
    )
    for loss in (losses.loss_disc, losses.loss_disc_real):
        np.testing.assert_allclose(gradient(loss, x_mix), 0, atol=1e-15)
    for loss in losses:
        np.testing.assert_array_equal(gradient(loss, ae), 0)
        np.testing.assert_array_equal(gradient(loss, x), 0)


@both_ways
def test_a_critic_that_is_exactly_right_still_teaches_the_autoencoder(each_alone):
    """d = alpha: the critic's own gradient is 0 and must not divide the other one away."""
    critic = LinearCritic(1.0, each_alone)
    x_mix = tf.constant(ALPHA)
    with tf.GradientTape() as tape:
        tape.watch(x_mix)
        losses = critic.losses_of_both_players(X, AE, x_mix, ALPHA, REG)
        total = losses.loss_disc + losses.loss_ae_disc + losses.loss_disc_real
    assert float(losses.loss_disc) == 0
    np.testing.assert_allclose(tape.gradient(total, x_mix), 2 * ALPHA / 2, rtol=1e-6)


def test_answer_is_the_mean_of_an_encoders_output():
    critic = critics.Critic(layers.Encoder(1, 2, 3, 'disc'))
    images = tf.random.stateless_uniform((4, 8, 8, 1), (0, 0))
    answer = critic.score(images)
    assert answer.shape == (4, 1, 1, 1)
    latents = critic.encoder(images)
    np.testing.assert_allclose(
        np.ravel(answer), np.mean(latents, axis=(1, 2, 3)), rtol=1e-4, atol=1e-7
    )


def test_mix_is_with_the_opposite_of_the_batch():
    h = np.array([1.0, 2.0, 4.0], np.float32).reshape(3, 1, 1, 1)
    alpha = np.array([0.5, 0.25, 0.0], np.float32).reshape(3, 1, 1, 1)
    np.testing.assert_allclose(np.ravel(critics.mix(h, alpha)), [0.5 + 2, 2, 1])
