"""Adversarial autoencoder (Makhzani et al., 2016). With encoder f, decoder g, a discriminator D of
latents and the prior N(0, 1):

    discriminator minimises  mean BCE(D(f(x)), 0) + mean BCE(D(prior), 1)
    autoencoder minimises    mean (x - g(f(x)))^2 + mean BCE(D(f(x)), 1)
"""
import math

import keras
from keras import ops

from acai_tf.autoencoder import Autoencoder, Losses
from lib import layers, losses


def layer_sizes(text):
    """The integers in a text such as '100,100'."""
    sizes = text.split(',')
    if not all(size.isdecimal() and str(int(size)) == size != '0' for size in sizes):
        raise ValueError('must be positive integers separated by commas, such as 100,100')
    return [int(size) for size in sizes]


class AAE(Autoencoder):
    """The adversarial autoencoder.

    Args:
        adversary_lr: the discriminator's own learning rate.
        disc_layer_sizes: widths of the discriminator's hidden layers, separated by commas.
        **shared: the arguments of `Autoencoder`.
    """

    # SEPARATE_OBJECTIVES stays False: loss_ae_latent's gradient reaches the discriminator too.
    HAS_PRIOR = True
    BOUNDS = {'adversary_lr': (0.0, None), 'disc_layer_sizes': layer_sizes}

    def __init__(self, *, adversary_lr=1e-4, disc_layer_sizes='100,100', **shared):
        super().__init__(adversary_lr=adversary_lr, disc_layer_sizes=disc_layer_sizes, **shared)

    def make_groups(self):
        sizes = layer_sizes(self.disc_layer_sizes)
        hidden = [
            layers.dense('disc', self.seed, index, size, layers.leaky_relu)
            for index, size in enumerate(sizes)
        ]
        logit = layers.dense('disc', self.seed, len(sizes), 1)
        self.discriminator = keras.Sequential([*hidden, logit], name='disc')
        self.discriminator.build((None, math.prod(self.latent_shape)))
        return {**super().make_groups(), 'discriminator': [self.discriminator]}

    def learning_rate(self, group):
        return self.adversary_lr if group == 'discriminator' else self.lr

    def sample_noise(self, batch, draws):
        return {'prior': draws.normal('prior', (batch, *self.latent_shape))}

    def method_losses(self, x, noise):
        h = self.encode(x)
        loss_ae = losses.mean_squared_error(x, self.decode(h))
        size = math.prod(self.latent_shape)
        latent_logit = self.discriminator(ops.reshape(h, (-1, size)))  # (B, 1)
        prior_logit = self.discriminator(ops.reshape(noise['prior'], (-1, size)))
        loss_adv_latent = losses.sigmoid_cross_entropy(latent_logit, 0)
        loss_adv_prior = losses.sigmoid_cross_entropy(prior_logit, 1)
        loss_ae_latent = losses.sigmoid_cross_entropy(latent_logit, 1)
        right = ops.concatenate([latent_logit <= 0, prior_logit > 0])
        return h, Losses(
            {
                'autoencoder': loss_ae + loss_ae_latent,
                'discriminator': loss_adv_prior + loss_adv_latent,
            },
            # Original: no rmse is reported.
            {
                'loss_ae': loss_ae,
                'loss_adv_latent': loss_adv_latent,
                'loss_adv_prior': loss_adv_prior,
                'loss_ae_latent': loss_ae_latent,
                'adversary_accuracy': ops.mean(ops.cast(right, 'float32')),
            },
        )
