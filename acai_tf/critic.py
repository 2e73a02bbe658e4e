"""ACAI's regulariser as a separate part: a critic of interpolations for any autoencoder.

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

# `HasHyperparameters.BOUNDS` for the hyper-parameters of methods with a critic.
CRITIC_BOUNDS = {'advweight': (0.0, None), 'advdepth': (0, None), 'reg': (0.0, 1.0)}
# Replaces gradients of (nearly) 0, which the rescaling would divide by; far below any gradient that
# matters and far above where float32 loses precision.
TINY_GRADIENT = 1e-20
# The same for float16, as a share of the largest gradient: half a rounding step of float16.
FLOAT16_SHARE = 2.0**-11
FLOAT16_RAISED = 2.0**10  # upper limit of raised gradients, far below float16's maximum, 65,504


class CriticLosses(NamedTuple):
    """Scalars: the critic minimises loss_disc + loss_disc_real, the autoencoder loss_ae_disc."""

    loss_disc: tf.Tensor
    loss_ae_disc: tf.Tensor
    loss_disc_real: tf.Tensor


class Critic(keras.layers.Layer):
    """d(y): a network's output, averaged to one number per example.

    Args:
        network: a layer, (B, ...) -> (B, ...); the paper's is an encoder.
    """

    def __init__(self, network):
        super().__init__(name='critic', dtype='float32')
        self.encoder = network
        # Certain only for the paper's critic: a user's network may couple the examples of a batch,
        # for instance by batch normalisation.
        self.scores_each_alone = isinstance(network, layers.Encoder)

    def build(self, input_shape):
        # Nothing to build: make_critic has already built the network, under its own name.
        self.built = True

    def call(self, x):
        return self.score(x)

    def compute_output_shape(self, input_shape):
        return (None, *(1 for _ in input_shape[1:]))

    def score(self, x):
        """Scores examples: (B, ...) -> (B, 1, ..., 1) float32, of the same rank."""
        output = self.encoder(x)
        mean = ops.mean(output, axis=tuple(range(1, len(output.shape))))
        return ops.reshape(mean, (-1, *(1 for _ in x.shape[1:])))

    def score_for_both_players(self, images):
        """d(images) twice: one copy for the critic's loss, one for the autoencoder's.

        In the backward pass, the first copy's gradient reaches only the critic's weights, the
        second's only the images. If the critic scores each image independently, as the paper's
        does, one backward pass serves both: with per-image upstream gradients c_i (critic) and a_i
        (autoencoder), the pass runs with c_i, and image i's gradient c_i J_i, where J_i is the
        gradient of its score with respect to the image, is rescaled by a_i / c_i; exact up to
        rounding. A critic that couples the images of a batch takes one pass per player.
        """

        @tf.custom_gradient
        def scores(images):
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(images)
                score = self.score(images)

            def backward(to_critic, to_images, variables=()):
                if not self.scores_each_alone:
                    to_weights = tape.gradient(score, variables, to_critic)
                    return tape.gradient(score, images, to_images), to_weights
                if self._is_float16():
                    scale, upstream = float16_upstream(to_critic, to_images)
                else:
                    is_tiny = tf.abs(to_critic) < TINY_GRADIENT
                    upstream = tf.where(is_tiny, TINY_GRADIENT, to_critic)
                to_input, to_weights = tape.gradient(score, [images, variables], upstream)
                if self._is_float16():
                    to_weights = [gradient / scale for gradient in to_weights]
                return to_input * tf.cast(to_images / upstream, to_input.dtype), to_weights

            return (score, tf.identity(score)), backward

        return scores(images)

    def _is_float16(self):
        return self.encoder.compute_dtype == 'float16'

    def losses_of_both_players(self, x, ae, x_mix, alpha, reg):
        """The three losses of a batch; critic and autoencoder each get only their own gradients.

        Args:
            x: images (B, H, W, C).
            ae: their reconstructions.
            x_mix: decoded mixtures of latents.
            alpha: (B, 1, ..., 1), the share of the first latent in each mixture.
            reg: the paper's gamma, how much of x is blended into ae.
        """
        blend = ops.stop_gradient(ae + reg * (x - ae))
        images = ops.concatenate([x_mix, blend])  # (2B, H, W, C): one pass serves both
        to_critic, to_autoencoder = self.score_for_both_players(images)
        mix, real = ops.split(to_critic, 2)
        alpha = ops.reshape(alpha, ops.shape(mix))  # latents may be of another rank than images
        return CriticLosses(
            loss_disc=ops.mean(ops.square(mix - alpha)),
            loss_ae_disc=ops.mean(ops.square(ops.split(to_autoencoder, 2)[0])),
            loss_disc_real=ops.mean(ops.square(real)),
        )


def float16_upstream(to_critic, to_images):
    """Upstream gradient for a float16 backward pass in which neither player's gradient underflows.

    Where the critic is nearly right, its own gradient would underflow, and with it the images'
    gradient, which is rescaled from it. So the critic's gradient is scaled up to the size of the
    images', to FLOAT16_RAISED at most, and its smallest entries are raised to FLOAT16_SHARE of the
    largest, which changes the weights' gradient by no more than float16 rounds off anyway.

    Args:
        to_critic, to_images: the loss-scaled gradients of the two copies of the score.

    Returns:
        (scale to divide the weights' gradient by, upstream gradient).
    """
    largest = tf.reduce_max(tf.abs(to_critic))
    others = tf.minimum(tf.reduce_max(tf.abs(to_images)), FLOAT16_RAISED)
    target = tf.maximum(tf.maximum(largest, others), TINY_GRADIENT)
    scale = target / tf.maximum(largest, TINY_GRADIENT)
    smallest = FLOAT16_SHARE * target
    upstream = to_critic * scale
    return scale, tf.where(tf.abs(upstream) < smallest, smallest, upstream)


def sample_alpha(batch, latent_shape, draws):
    """alpha ~ U(0, 0.5), (batch, 1, ..., 1) of the latents' rank."""
    shape = (batch, *(1 for _ in latent_shape))
    # Original: U(0, 1), folded at 0.5.
    return 0.5 - abs(draws.uniform('alpha', shape) - 0.5)


def mix(h, alpha):
    """Mixes a batch of latents with the batch reversed: alpha h + (1 - alpha) reverse(h)."""
    return alpha * h + (1 - alpha) * ops.flip(h, axis=0)


def resolve_advdepth(params):
    """Hyper-parameters as a run folder names them: advdepth=0 becomes `depth`.

    # Original: a critic's depth of 0 means the autoencoder's, and the folder's name has the latter.
    """
    if 'depth' not in params:  # for a model of a user's networks
        if params.get('advdepth'):
            raise UserError(
                "advdepth belongs to the paper's critic; omit it when you pass an encoder and a "
                'decoder, and pass critic=... if the critic should not be a copy of the encoder.'
            )
        return {key: value for key, value in params.items() if key != 'advdepth'}
    return {**params, 'advdepth': params['advdepth'] or params['depth']}


def make_critic(model):
    """Makes the critic of a model whose shapes are known: see `networks.make_critic_network`."""
    critic = Critic(networks.make_critic_network(model))
    critic.score(ops.zeros((1, *model.image_shape)))
    critic.build((None, *model.image_shape))
    return critic


class CriticAutoencoder(Autoencoder):
    """An autoencoder trained against a critic of its images: what ACAI and its ablation share.

    Args:
        advweight: weight of the critic's term in the autoencoder's loss, the paper's lambda.
        advdepth: channels of the first block of the paper's critic; 0 for the autoencoder's
            `depth`.
        **shared: the arguments of `Autoencoder`.
    """

    BOUNDS = CRITIC_BOUNDS

    def __init__(self, *, advweight=0.5, advdepth=0, **shared):
        super().__init__(advweight=advweight, advdepth=advdepth, **shared)

    @classmethod
    def resolve(cls, **given):
        return resolve_advdepth(super().resolve(**given))

    def make_groups(self):
        self.critic = make_critic(self)
        return {**super().make_groups(), 'critic': [self.critic]}
