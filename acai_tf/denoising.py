"""Denoising autoencoder (Vincent et al., 2010): minimises

    mean (x - g(f(x + n)))^2,    n ~ N(0, noise^2)

Evaluation and the latent classifier see clean images.
"""
from acai_tf.baseline import AEBaseline


class AEDenoising(AEBaseline):
    """The baseline with Gaussian noise on its input.

    Args:
        noise: standard deviation of the noise, for images in [-1, 1].
        **shared: the arguments of `Autoencoder`.
    """

    BOUNDS = {'noise': (0.0, None)}

    def __init__(self, *, noise=1.0, **shared):
        super().__init__(noise=noise, **shared)

    def sample_noise(self, batch, draws):
        return {'noise': draws.normal('noise', (batch, *self.image_shape), self.noise)}

    def training_latents(self, x, h, noise):
        return self.encode(x + noise['noise'])
