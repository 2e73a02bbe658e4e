"""Vector-quantised autoencoder (van den Oord et al., 2017), with codes learnt by moving averages
(Kaiser et al., 2018): minimises

    mean (x - g(q(f(x))))^2 + beta mean (v - stop_gradient(code(v)))^2

where q computes num_latents vectors v from the latents, replaces each by its nearest code
(straight-through gradient) and computes latents from them again. After each batch, with n_k of its
vectors assigned to code k and s_k their sum,

    count_k <- 0.999 count_k + 0.001 n_k,  total_k <- 0.999 total_k + 0.001 s_k
    code_k = total_k / count_k

where the last line's count_k is smoothed, never 0.
"""
import math

import keras
from keras import ops

from acai_tf.autoencoder import Autoencoder, Losses
from lib import discretization, layers, losses, randomness

BOTTLENECK_UNITS = 512


class QuantizedDecoder(keras.layers.Layer):
    """Latents to images through the bottleneck.

    Args:
        decoder: latents to images.
        latent_shape: of one example.
        num_latents: number of vectors per example.
        codes: () -> (K, D), the codes as they are when the layer is called.
        seed, name: of the dense layers.
    """

    # Original: the bottleneck is the decoder's, so that `decode` quantises too and interpolation
    # happens before quantisation.

    def __init__(self, decoder, latent_shape, num_latents, codes, seed, name):
        super().__init__(name=name, dtype='float32')
        self.latent_shape, self.num_latents, self.codes = latent_shape, num_latents, codes
        self.size = math.prod(latent_shape)
        self.dense = layers.dense(name, seed, 0, self.size * num_latents)
        self.bottleneck = keras.Sequential(
            [
                keras.layers.ReLU(dtype='float32'),
                layers.dense(name, seed, 1, BOTTLENECK_UNITS, ops.relu, name='vch2'),
                layers.dense(name, seed, 2, self.size, name='vcfin'),
            ],
            name='bottleneck',
        )
        self.decoder = decoder

    def build(self, h_shape):
        self.dense.build((None, self.size))

    def compute_output_shape(self, h_shape):
        vectors = (None, self.size)
        return self.decoder.compute_output_shape(h_shape), vectors, vectors, vectors, (None,)

    def call(self, h):
        """Latents (B, *latent_shape) -> images, features (B, D), vectors (B * num_latents, D),
        their codes, of the same shape, and the indices of these codes (B * num_latents,)."""
        codebook = self.codes()
        flat = ops.reshape(h, (-1, self.size))
        vectors = ops.reshape(self.dense(flat), (-1, self.size))  # (B * num_latents, D)
        assignment = discretization.nearest_code(vectors, codebook)
        codes = ops.take(codebook, assignment, axis=0)
        quantized = vectors + ops.stop_gradient(codes - vectors)
        features = self.bottleneck(ops.reshape(quantized, (-1, self.num_latents * self.size)))
        images = self.decoder(ops.reshape(features, (-1, *self.latent_shape)))
        return images, features, vectors, codes, assignment


class AEVQVAE(Autoencoder):
    """The VQ-VAE. Only a train step updates its codebook.

    Args:
        z_log_size: log2 of the number of codes.
        beta: weight of the commitment loss.
        num_latents: number of codes that represent an image.
        **shared: the arguments of `Autoencoder`.
    """

    ENCODER_SCOPE, DECODER_SCOPE = 'ae_encoder', 'ae_decoder'
    SEPARATE_OBJECTIVES = True
    ORIGINAL_SHARES_ADAM = True

    BOUNDS = {'z_log_size': (0, 24), 'beta': (0.0, None), 'num_latents': (1, None)}

    def __init__(self, *, z_log_size=14, beta=10.0, num_latents=10, **shared):
        super().__init__(z_log_size=z_log_size, beta=beta, num_latents=num_latents, **shared)

    @property
    def extra_activations(self):
        return self.num_latents << self.z_log_size  # each vector's distance to every code

    def make_groups(self):
        self.vqvae = QuantizedDecoder(
            self.decoder,
            self.latent_shape,
            self.num_latents,
            codes=lambda: self.codebook[0, 0],
            seed=self.seed,
            name='vqvae',
        )
        size, codes = self.vqvae.size, 1 << self.z_log_size
        # Original: uniform within +-sqrt(3 / number of codes), with these names and shapes.
        initializer = keras.initializers.VarianceScaling(
            distribution='uniform', seed=randomness.layer_seed(self.seed, 'means')
        )
        self.codebook = self._average('means', (1, 1, codes, size), initializer)
        # Original: counts start at 0 and totals at the codebook, with no debiasing of either.
        self.count = self._average('ema_count_0', (1, codes), 'zeros')
        self.total = self._average('ema_means_0', (1, codes, size), 'zeros')
        self.total.assign(self.codebook[0])
        return {'autoencoder': [self.encoder, self.vqvae]}

    def _average(self, name, shape, initializer):
        return self.add_weight(
            name=name,
            shape=shape,
            dtype='float32',
            initializer=initializer,
            trainable=False,
            autocast=False,
        )

    def decode(self, h):
        self.need_shapes()
        self.check_latents(h)
        return self.vqvae(h)[0]

    def features(self, x):
        # Original: the classifier reads the bottleneck's output.
        h = self.encode(x)  # first: it makes the codebook if shapes were unknown
        return self.vqvae(h)[1]

    def method_losses(self, x, noise):
        # Original: a step's losses use the codebook from before that step's update.
        ae, features, vectors, codes, assignment = self.vqvae(self.encode(x))
        loss_ae = losses.mean_squared_error(x, ae)
        vqvae_loss = self.beta * losses.mean_squared_error(vectors, ops.stop_gradient(codes))
        count, total, codebook = discretization.moving_averages(
            vectors, assignment, self.count[0], self.total[0]
        )
        return features, Losses(
            {'autoencoder': loss_ae + vqvae_loss},
            {'rmse': losses.rmse_pixels(loss_ae), 'loss_ae': loss_ae, 'vqvae_loss': vqvae_loss},
            {'count': count[None], 'total': total[None], 'codebook': codebook[None, None]},
        )
