"""The convolutional encoder and decoder that every method shares (the paper's appendix)."""
import keras
from keras import ops

from lib import noise

LEAKY_RELU_SLOPE = 0.2


def leaky_relu(x):
    return ops.leaky_relu(x, LEAKY_RELU_SLOPE)


def he_leaky_normal(seed):
    """Kernels ~ N(0, 1 / ((1 + slope^2) * fan_in)).

    # Original: a plain normal, not truncated, and without the factor 2 of the usual He initializer.
    """
    return keras.initializers.VarianceScaling(
        scale=1 / (1 + LEAKY_RELU_SLOPE**2),
        mode='fan_in',
        distribution='untruncated_normal',
        seed=seed,
    )


def _conv(name, seed, index, filters, kernel_size=3, activation=None, dtype=None):
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        padding='same',
        activation=activation,
        kernel_initializer=he_leaky_normal(noise.layer_seed(seed, f'{name}/conv2d_{index}')),
        dtype=dtype,
    )


def dense(scope, seed, index, units, activation=None, name=None):
    """A float32 dense layer with glorot-uniform kernel, the `index`-th of its scope."""
    kernel_seed = noise.layer_seed(seed, f'{scope}/dense_{index}')
    return keras.layers.Dense(
        units,
        activation=activation,
        kernel_initializer=keras.initializers.GlorotUniform(kernel_seed),
        dtype='float32',
        name=name,
    )


def encoder(scales, depth, latent, name, seed=0, dtype=None):
    """Images to latents: (B, H, W, C) -> (B, H >> scales, W >> scales, latent).

    One 1x1 convolution, then `scales` blocks of two 3x3 convolutions and a 2x2 average pool, the
    width doubling from block to block, then two more convolutions. The last one stays in float32.

    Args:
        scales: how often the image is halved.
        depth: channels of the first block.
        latent: channels of the latents.
        name: the variables' scope, as in the original's checkpoints.
        seed: seeds the kernels, each with its own.
        dtype: Keras dtype or policy of all but the last convolution.
    """
    widths = [depth << scale for scale in range(scales) for _ in range(2)] + [depth << scales]
    layers = [_conv(name, seed, 0, depth, kernel_size=1, dtype=dtype)]
    for index, width in enumerate(widths, start=1):
        layers.append(_conv(name, seed, index, width, activation=leaky_relu, dtype=dtype))
        if index % 2 == 0:
            layers.append(keras.layers.AveragePooling2D(2, dtype=dtype))
    layers.append(_conv(name, seed, len(widths) + 1, latent, dtype='float32'))
    return keras.Sequential(layers, name=name)


def decoder(scales, depth, colors, name, seed=0, dtype=None):
    """Latents to images: (B, h, w, L) -> (B, h << scales, w << scales, colors), not clipped.

    The encoder's mirror: `scales` blocks of two 3x3 convolutions and a doubling of the size by
    nearest neighbour, then two more convolutions. Arguments as for `encoder`.
    """
    widths = [depth << scale for scale in reversed(range(scales)) for _ in range(2)] + [depth]
    layers = []
    for index, width in enumerate(widths):
        layers.append(_conv(name, seed, index, width, activation=leaky_relu, dtype=dtype))
        if index % 2 == 1:
            layers.append(keras.layers.UpSampling2D(2, dtype=dtype))
    layers.append(_conv(name, seed, len(widths), colors, dtype='float32'))
    return keras.Sequential(layers, name=name)
