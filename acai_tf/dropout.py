"""Dropout autoencoder (Srivastava et al., 2014): minimises

    mean (x - g(f(x) * m / p))^2,    m ~ Bernoulli(p), one for each latent

Evaluation and the latent classifier see every latent.
"""
from acai_tf.baseline import AEBaseline


class AEDropout(AEBaseline):
    """The baseline with dropout on its latents.

    Args:
        dropout: probability to KEEP a latent, not to drop it.
        **shared: the arguments of `Autoencoder`.
    """

    BOUNDS = {'dropout': (1e-3, 1.0)}  # Original: so named, though it is the keep probability

    def __init__(self, *, dropout=0.5, **shared):
        super().__init__(dropout=dropout, **shared)

    def sample_noise(self, batch, draws):
        return {'mask': draws.bernoulli('mask', (batch, *self.latent_shape), self.dropout)}

    def training_latents(self, x, h, noise):
        return h * noise['mask'] / self.dropout
