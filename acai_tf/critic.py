"""ACAI's regulariser as a part: a critic of interpolations that any autoencoder can be given.

    x_mix = g(alpha f(x1) + (1 - alpha) f(x2))                                 equation (1)
    loss_disc      = mean (d(x_mix) - alpha)^2                                 equation (2), left
    loss_disc_real = mean d(gamma x + (1 - gamma) g(f(x)))^2                   equation (2), right
    loss_ae_disc   = mean d(x_mix)^2                                           equation (3), right

(of "Understanding and Improving Interpolation in Autoencoders via an Adversarial Regularizer".)
"""
from typing import NamedTuple

import keras
import tensorflow as tf
from keras import ops

from acai_tf import networks
from acai_tf.autoencoder import Autoencoder
from lib import layers
from lib.errors import UserError

# Stands in for a gradient of exactly 0 in a division; far below any gradient that matters and far
# above where float32 loses precision.
TINY_GRADIENT = 1e-20
# The same in float16, of the largest gradient: half a step of float16's own rounding.
FLOAT16_SHARE = 2.0**-11
FLOAT16_RAISED = 2.0**10  # what a small gradient is raised to at most, far from float16's 65,504


class CriticLosses(NamedTuple):
    """Scalars: the critic minimises loss_disc + loss_disc_real, the autoencoder loss_ae_disc."""

    loss_disc: tf.Tensor
    loss_ae_disc: tf.Tensor
    loss_disc_real: tf.Tensor


class Critic(keras.layers.Layer):
    """d(y): a network's answer, averaged to one number an example.

    Args:
        network: a layer, (B, ...) -> (B, ...); the paper's is an encoder.
    """

    def __init__(self, network):
        super().__init__(name='critic', dtype='float32')
        self.encoder = network
        # Other networks may not: batch normalisation makes one answer depend on all images.
        self.answers_each_alone = isinstance(network, layers.Encoder)

    def build(self, input_shape):
        # Its network has made its variables by then, under its own name: see `make_critic`.
        self.built = True

    def call(self, x):
        return self.answer(x)

    def compute_output_shape(self, input_shape):
        return (None, *(1 for _ in input_shape[1:]))

    def answer(self, x):
        """Examples (B, ...) -> (B, 1, ..., 1) float32, of the same rank."""
        answer = self.encoder(x)
        mean = ops.mean(answer, axis=tuple(range(1, len(answer.shape))))
        return ops.reshape(mean, (-1, *(1 for _ in x.shape[1:])))

    def answer_both_players(self, images):
        """The answer twice: for the critic's loss and for the autoencoder's.

        The gradient of the first reaches only the critic's weights, that of the second only the
        images. Where each answer depends on its own image alone, as the paper's critic's, both come
        from one backward pass: image i's gradient is the same direction J_i for the two players,
        times their own number, so that the pass runs with the critic's numbers and the images'
        share is rescaled by autoencoder's / critic's. Exact up to rounding. Other critics take a
        pass for each player.
        """

        @tf.custom_gradient
        def answers(images):
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(images)
                answer = self.answer(images)

            def backward(to_critic, to_images, variables=()):
                if not self.answers_each_alone:
                    to_weights = tape.gradient(answer, variables, to_critic)
                    return tape.gradient(answer, images, to_images), to_weights
                if self._is_float16():
                    scale, seed = float16_seed(to_critic, to_images)
                else:
                    seed = tf.where(tf.abs(to_critic) < TINY_GRADIENT, TINY_GRADIENT, to_critic)
                to_input, to_weights = tape.gradient(answer, [images, variables], seed)
                if self._is_float16():
                    to_weights = [gradient / scale for gradient in to_weights]
                return to_input * tf.cast(to_images / seed, to_input.dtype), to_weights

            return (answer, tf.identity(answer)), backward

        return answers(images)

    def _is_float16(self):
        return self.encoder.compute_dtype == 'float16'

    def losses(self, x, ae, x_mix, alpha, reg):
        """The three losses of a batch; critic and autoencoder each get only their own gradients.

        Args:
            x: images (B, H, W, C).
            ae: their reconstructions.
            x_mix: decoded mixtures of latents.
            alpha: (B, 1, ..., 1), how much of each mixture is the first latent.
            reg: the paper's gamma, how much of x is blended into ae.
        """
        blend = ops.stop_gradient(ae + reg * (x - ae))
        images = ops.concatenate([x_mix, blend])  # (2B, H, W, C): one pass serves both
        to_critic, to_autoencoder = self.answer_both_players(images)
        mix, real = ops.split(to_critic, 2)
        alpha = ops.reshape(alpha, ops.shape(mix))  # latents may be of another rank than images
        return CriticLosses(
            loss_disc=ops.mean(ops.square(mix - alpha)),
            loss_ae_disc=ops.mean(ops.square(ops.split(to_autoencoder, 2)[0])),
            loss_disc_real=ops.mean(ops.square(real)),
        )


def float16_seed(to_critic, to_images):
    """What a backward pass in float16 begins with, so that neither player's gradient is lost.

    Where the critic is nearly right, its own numbers would vanish in float16 and take the images'
    gradient with them. So they are all made as large as the other player's, within float16's range,
    and the smallest are raised, by what float16 would round off the weights' gradient anyway.

    Args:
        to_critic, to_images: the gradients of the two players' answers, scaled against underflow.

    Returns:
        (how many times too large the gradient of the weights will be, the seed of the pass).
    """
    largest = tf.reduce_max(tf.abs(to_critic))
    others = tf.minimum(tf.reduce_max(tf.abs(to_images)), FLOAT16_RAISED)
    target = tf.maximum(tf.maximum(largest, others), TINY_GRADIENT)
    scale = target / tf.maximum(largest, TINY_GRADIENT)
    smallest = FLOAT16_SHARE * target
    seed = to_critic * scale
    return scale, tf.where(tf.abs(seed) < smallest, smallest, seed)


def sample_alpha(batch, latent_shape, draws):
    """alpha ~ U(0, 0.5), (batch, 1, ..., 1) of the latents' rank.

    # Original: U(0, 1), folded at 0.5.
    """
    shape = (batch, *(1 for _ in latent_shape))
    return 0.5 - abs(draws.uniform('alpha', shape) - 0.5)


def mix(h, alpha):
    """Each latent with the one opposite in the batch: alpha h + (1 - alpha) reverse(h)."""
    return alpha * h + (1 - alpha) * ops.flip(h, axis=0)


def resolve_depth(params):
    """Hyper-parameters as a run folder names them: a critic's depth of 0 is the autoencoder's."""
    if 'depth' not in params:  # of networks of one's own
        if params.get('advdepth'):
            raise UserError(
                "advdepth is of the paper's critic; leave it out beside an encoder and a decoder, "
                'and give critic=... if it shall be no copy of the encoder.'
            )
        return {key: value for key, value in params.items() if key != 'advdepth'}
    return {**params, 'advdepth': params['advdepth'] or params['depth']}


def make_critic(model):
    """The critic of a model that knows its shapes: see `acai_tf.networks.make_critic_network`."""
    critic = Critic(networks.make_critic_network(model))
    critic.answer(ops.zeros((1, *model.image_shape)))
    critic.build((None, *model.image_shape))
    return critic


class CriticAutoencoder(Autoencoder):
    """An autoencoder against a critic of its pictures; what ACAI and its ablation share.

    Args:
        advweight: weight of the critic's answer, the paper's lambda.
        advdepth: channels of the critic's first block; 0 for the autoencoder's own `depth`.
        **shared: the arguments of `Autoencoder`.
    """

    BOUNDS = {'advweight': (0.0, None), 'advdepth': (0, None)}

    def __init__(self, *, advweight=0.5, advdepth=0, **shared):
        super().__init__(advweight=advweight, advdepth=advdepth, **shared)

    @classmethod
    def resolve(cls, **given):
        return resolve_depth(super().resolve(**given))

    def make_groups(self):
        self.critic = make_critic(self)
        return {**super().make_groups(), 'critic': [self.critic]}
