"""Adversarially Constrained Autoencoder Interpolation (equations 1-3 of "Understanding and
Improving Interpolation in Autoencoders via an Adversarial Regularizer", ICLR 2019).

With encoder f, decoder g, critic d, alpha ~ U(0, 0.5), lambda = advweight and gamma = reg:

    x_mix = g(alpha f(x1) + (1 - alpha) f(x2))                                                 (1)
    critic minimises      mean (d(x_mix) - alpha)^2 + mean d(gamma x + (1 - gamma) g(f(x)))^2  (2)
    autoencoder minimises mean (x - g(f(x)))^2 + lambda mean d(x_mix)^2                        (3)

x2 is the batch x1 in reverse order. Means are over the batch and, for images, also over pixels and
channels; lambda weights these means. The critic estimates the mixing coefficient of an image;
the autoencoder tries to make it answer 0, as for an image that is not an interpolation.
"""
from keras import ops

from acai_tf.autoencoder import Losses
from acai_tf.critic import CriticAutoencoder, mix, sample_alpha
from lib import losses


class ACAI(CriticAutoencoder):
    """ACAI, the paper's method: its critic estimates the mixing coefficients of interpolations.

    Args:
        reg: share of the input in its blend with the reconstruction, the paper's gamma.
        **shared: advweight, the paper's lambda, advdepth, and the arguments of `Autoencoder`.
    """

    SEPARATE_OBJECTIVES = True

    def __init__(self, *, reg=0.2, **shared):
        super().__init__(reg=reg, **shared)

    def sample_noise(self, batch, draws):
        return {'alpha': sample_alpha(batch, self.latent_shape, draws)}

    def method_losses(self, x, noise):
        h = self.encode(x)
        h_mix = mix(h, noise['alpha'])
        ae, x_mix = ops.split(self.decode(ops.concatenate([h, h_mix])), 2)  # one pass for both
        loss_ae = losses.mean_squared_error(x, ae)
        critic = self.critic.losses_of_both_players(x, ae, x_mix, noise['alpha'], self.reg)
        # The critic's losses treat the images as constants. loss_ae_disc treats the critic as a
        # constant and reaches decoder and encoder through x_mix (Critic.score_for_both_players).
        objectives = {
            'autoencoder': loss_ae + self.advweight * critic.loss_ae_disc,
            'critic': critic.loss_disc + critic.loss_disc_real,
        }
        scalars = {'rmse': losses.rmse_pixels(loss_ae), 'loss_ae': loss_ae, **critic._asdict()}
        return h, Losses(objectives, scalars)
