"""LSGAN-regularised autoencoder, the ablation of the paper's ICLR version: ACAI with a critic of
reconstructions in place of interpolations. With encoder f, decoder g, critic d, lambda = advweight:

    critic minimises       mean d(x)^2 + mean (d(g(f(x))) - 1)^2
    autoencoder minimises  mean (x - g(f(x)))^2 + lambda mean d(g(f(x)))^2

(least-squares GAN: Mao et al., 2017, with 0 for real and 1 for reconstructed.)
"""
from keras import ops

from acai_tf.autoencoder import Losses
from acai_tf.critic import CriticAutoencoder
from lib import losses


class LRAE(CriticAutoencoder):
    """The LSGAN-regularised ablation; it takes advweight, advdepth and `Autoencoder`'s arguments.

    # Original: the class of the ICLR version's repository is called ACAI too.
    """

    SEPARATE_OBJECTIVES = True

    def method_losses(self, x, noise):
        h = self.encode(x)
        ae = self.decode(h)
        loss_ae = losses.mean_squared_error(x, ae)
        to_critic, to_autoencoder = self.critic.score_for_both_players(ops.concatenate([x, ae]))
        real, fake = ops.split(to_critic, 2)
        loss_disc = ops.mean(ops.square(real) + ops.square(fake - 1))
        loss_ae_disc = ops.mean(ops.square(ops.split(to_autoencoder, 2)[1]))
        return h, Losses(
            {'autoencoder': loss_ae + self.advweight * loss_ae_disc, 'critic': loss_disc},
            {
                'rmse': losses.rmse_pixels(loss_ae),
                'loss_ae': loss_ae,
                'loss_disc': loss_disc,
                'loss_ae_disc': loss_ae_disc,
            },
        )
