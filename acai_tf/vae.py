"""Variational autoencoder (Kingma & Welling, 2014; beta: Higgins et al., 2017) with a Bernoulli
decoder: maximises

    ELBO = E log p(x | z) - beta KL(q(z | x) || N(0, 1)),    q(z | x) = N(mu(x), sigma^2(x))

summed over pixels and latents, averaged over the batch. With advweight > 0 it minimises

    -ELBO + advweight mean d(x_mix)^2

against the critic d of equations 1-3 of the paper; x_mix is the decoded mixture of two samples z.
"""
import math

import keras
from keras import ops

from acai_tf.autoencoder import Autoencoder, Losses
from acai_tf.critic import CRITIC_BOUNDS, make_critic, mix, resolve_advdepth, sample_alpha
from lib import layers, losses


@keras.saving.register_keras_serializable(package='acai_tf')
class GaussianHead(keras.layers.Layer):
    """Features (B, h, w, C) -> mean and log variance of q(z | x), each of the features' shape."""

    def __init__(self, shape, seed, name=None, trainable=True, dtype='float32'):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.shape, self.seed = tuple(shape), seed
        self.mean = layers.dense(name, seed, 0, math.prod(shape))
        self.log_var = layers.dense(name, seed, 1, math.prod(shape))

    def build(self, input_shape):
        for dense in (self.mean, self.log_var):
            dense.build((None, math.prod(input_shape[1:])))

    def compute_output_shape(self, input_shape):
        return ((None, *self.shape),) * 2

    def get_config(self):
        return {**super().get_config(), 'shape': self.shape, 'seed': self.seed}

    def call(self, features):
        """(B, h, w, C) -> mean and log variance, (B, *shape) each."""
        flat = ops.reshape(features, (-1, math.prod(self.shape)))
        shape = (-1, *self.shape)
        return ops.reshape(self.mean(flat), shape), ops.reshape(self.log_var(flat), shape)


class VAE(Autoencoder):
    """The VAE. `encode` samples z; the latent classifier reads the features z is computed from.

    Args:
        beta: weight of the KL term.
        advweight: weight of ACAI's critic in the objective; 0, the paper's VAE, has no critic. The
            ELBO is a sum over pixels, whereas ACAI's reconstruction loss is a mean, so that the
            same weight is far weaker here: on lines32 about 100 matches ACAI's 0.5
            (docs/BEYOND.md).
        advdepth: channels of the first block of the paper's critic; 0 for `depth`.
        reg: share of the input in its blend with the reconstruction, for the critic; ACAI's gamma.
        **shared: the arguments of `Autoencoder`.
    """

    SEPARATE_OBJECTIVES = True
    HAS_PRIOR = True

    BOUNDS = {'beta': (0.0, None), **CRITIC_BOUNDS}
    SWITCH = 'advweight'

    def __init__(self, *, beta=1.0, advweight=0.0, advdepth=0, reg=0.2, **shared):
        super().__init__(beta=beta, advweight=advweight, advdepth=advdepth, reg=reg, **shared)

    @classmethod
    def resolve(cls, **given):
        params = super().resolve(**given)
        if params['advweight']:
            return resolve_advdepth(params)
        params = {key: value for key, value in params.items() if key not in CRITIC_BOUNDS}
        # A subclass may have a critic by default: then the run folder's name must state the 0.
        by_default = cls.own_hyperparameters()['advweight'].default
        return {**params, 'advweight': 0.0} if by_default else params

    def make_groups(self):
        self.latent_head = GaussianHead(self.latent_shape, self.seed, 'ae_latent')
        groups = {'autoencoder': [self.encoder, self.latent_head, self.decoder]}
        if self.advweight:
            self.critic = make_critic(self)
            groups['critic'] = [self.critic]
        return groups

    def sample_noise(self, batch, draws):
        noise = {'eps': draws.normal('eps', (batch, *self.latent_shape))}
        if self.critic:
            noise['alpha'] = sample_alpha(batch, self.latent_shape, draws)
        return noise

    def features(self, x):
        # Original: the classifier reads what the mean is computed from.
        return super().encode(x)

    def encode(self, x, noise=None):
        # Original: a sample, in evaluation too, not the mean.
        noise = self.draw_noise(x) if noise is None else noise
        return self._sample(*self.latent_distribution(x), noise['eps'])

    def latent_distribution(self, x):
        features = super().encode(x)  # also builds the model, and so the head, if needed
        return self.latent_head(features)

    def sample_latents(self, distribution, draws):
        return self._sample(*distribution, draws.normal('eps', ops.shape(distribution[0])))

    def _sample(self, mean, log_var, eps):
        return mean + ops.sqrt(ops.exp(log_var)) * eps

    def decode(self, h):
        return self._images(super().decode(h))

    def _images(self, logits):
        return 2 * ops.sigmoid(logits) - 1

    def method_losses(self, x, noise):
        features = super().encode(x)
        mean, log_var = self.latent_head(features)
        z = self._sample(mean, log_var, noise['eps'])
        logits = self.decoder(z)
        loss_kl = losses.kl_to_standard_normal(mean, log_var)
        loss_ll = losses.bernoulli_log_likelihood(logits, x)
        elbo = loss_ll - self.beta * loss_kl
        objectives = {'autoencoder': -elbo}
        # Original: no rmse is reported.
        scalars = {'loss_kl': loss_kl, 'loss_ll': loss_ll, 'elbo': elbo}
        if self.critic:
            alpha = noise['alpha']
            critic = self.critic.losses_of_both_players(
                x, self._images(logits), self.decode(mix(z, alpha)), alpha, self.reg
            )
            objectives['autoencoder'] += self.advweight * critic.loss_ae_disc
            objectives['critic'] = critic.loss_disc + critic.loss_disc_real
            scalars.update(critic._asdict())
        return features, Losses(objectives, scalars)
