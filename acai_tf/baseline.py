"""Baseline autoencoder (section 2 of "Understanding and Improving Interpolation in Autoencoders
via an Adversarial Regularizer"): minimises

    mean (x - g(f(x)))^2

with encoder f and decoder g, and nothing else.
"""
from acai_tf.autoencoder import Autoencoder, Losses
from lib import losses


class AEBaseline(Autoencoder):
    """The baseline: reconstruction error alone. Denoising and dropout each change one place."""

    ENCODER_SCOPE, DECODER_SCOPE = 'ae_encoder', 'ae_decoder'
    SEPARATE_OBJECTIVES = True
    ORIGINAL_SHARES_ADAM = True

    def training_latents(self, x, h, noise):
        """The latents that training decodes, given the latents h of x; (B, *latent_shape)."""
        return h

    def method_losses(self, x, noise):
        h = self.encode(x)
        loss = losses.mean_squared_error(x, self.decode(self.training_latents(x, h, noise)))
        return h, Losses({'autoencoder': loss}, {'loss': loss, 'rmse': losses.rmse_pixels(loss)})
