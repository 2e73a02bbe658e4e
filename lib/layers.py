"""The convolutional encoder and decoder that every method shares (the paper's appendix)."""
import keras
import numpy as np
import tensorflow as tf
from keras import ops

from lib import convolution
from lib.errors import UserError
from lib.randomness import layer_seed
from lib.tracking import track

LEAKY_RELU_SLOPE = 0.2
MAX_VALUE = 16  # images in [-1, 1] stay below it even with noise; unscaled pixels do not
HOW_TO_SCALE = 'To scale pixels of 0..255: x * (2 / 255) - 1.'


@tf.custom_gradient
def leaky_relu(x):
    """x where it is positive, else LEAKY_RELU_SLOPE * x, with a gradient that reads its output.

    The output has the sign of x, so that x need not be kept for the backward pass, and TensorFlow
    fuses convolution, bias and activation on CPUs: bit for bit the same result in less time.
    """
    y = ops.leaky_relu(x, LEAKY_RELU_SLOPE)

    def backward(gradient):
        return tf.raw_ops.LeakyReluGrad(gradients=gradient, features=y, alpha=LEAKY_RELU_SLOPE)

    return y, backward


def he_leaky_normal(seed):
    """An initializer of kernels ~ N(0, 1 / ((1 + slope^2) * fan_in)).

    # Original: a plain normal, not truncated, and without the factor 2 of the usual He initializer.
    """
    return keras.initializers.VarianceScaling(
        scale=1 / (1 + LEAKY_RELU_SLOPE**2),
        mode='fan_in',
        distribution='untruncated_normal',
        seed=seed,
    )


def _convolutions(scope, widths, seed, dtype, first_kernel_size=3):
    """Convolution layers of the given widths; the last one is linear and stays in float32."""
    last = len(widths) - 1
    return [
        convolution.Conv2D(
            width,
            kernel_size=first_kernel_size if index == 0 else 3,
            padding='same',
            data_format='channels_last',
            activation=None if index == last else leaky_relu,
            kernel_initializer=he_leaky_normal(layer_seed(seed, f'{scope}/conv2d_{index}')),
            name='conv2d' + (f'_{index}' if index else ''),
            dtype='float32' if index == last else dtype,
        )
        for index, width in enumerate(widths)
    ]


def dense(scope, seed, index, units, activation=None, name=None):
    """A float32 dense layer with glorot-uniform kernel, the `index`-th of its scope."""
    kernel_seed = layer_seed(seed, f'{scope}/dense_{index}')
    return keras.layers.Dense(
        units,
        activation=activation,
        kernel_initializer=keras.initializers.GlorotUniform(kernel_seed),
        dtype='float32',
        name=name,
    )


def fits(shape, wanted):
    """Whether a shape, with None for a size that is not known yet, agrees with a known one."""
    return len(shape) == len(wanted) and all(
        size is None or size == other for size, other in zip(shape, wanted, strict=True)
    )


def dtype_of(x):
    """The name of an array's dtype, also of text, which Keras has no name for."""
    return str(getattr(x.dtype, 'name', x.dtype))


class _Convolutional(keras.layers.Layer):
    """Base class of encoder and decoder: a sequence of layers, `convs`, that Keras can save.

    Attributes:
        OWN: names of the constructor's arguments, stored as attributes, besides every layer's.
    """

    OWN = ()

    def build(self, input_shape):
        track(self, {f'conv_{index}': conv for index, conv in enumerate(self.convs)})
        for conv in self.convs:  # only the channels of the shape matter
            conv.build(input_shape)
            input_shape = (*input_shape[:3], conv.filters)
            if not self.trainable:  # set on this layer alone, e.g. from a saved config
                conv.trainable = False

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in self.OWN}}


@keras.saving.register_keras_serializable(package='acai_tf')
class Encoder(_Convolutional):
    """Images to latents: (B, H, W, C) -> (B, H >> scales, W >> scales, latent).

    A linear 1x1 convolution, then `scales` blocks of two 3x3 convolutions and a 2x2 average pool,
    the width doubling from block to block, then two more convolutions.

    Args:
        scales: how many times the image's size is halved.
        depth: channels of the first block.
        latent: channels of the latents.
        name: the variables' scope, as in the original's checkpoints.
        seed: from which each kernel gets a seed of its own.
        dtype: Keras dtype or policy of all but the last convolution.
        image_shape: the (H, W, C) that images must have; None for any.
        trainable: whether its weights are trained.
    """

    OWN = 'scales', 'depth', 'latent', 'seed', 'image_shape'

    def __init__(
        self, scales, depth, latent, name, seed=0, dtype=None, image_shape=None, trainable=True
    ):
        super().__init__(name=name, dtype=dtype, trainable=trainable)
        self.image_shape = image_shape and tuple(image_shape)
        widths = [depth << scale for scale in range(scales) for _ in range(2)] + [depth << scales]
        self.convs = _convolutions(name, [depth, *widths, latent], seed, self.dtype_policy, 1)
        self.pool = keras.layers.AveragePooling2D(
            2, data_format='channels_last', dtype=self.dtype_policy
        )
        self.scales, self.depth, self.latent, self.seed = scales, depth, latent, seed

    def check(self, x):
        """Raises UserError unless x is a batch of float images of `image_shape`.

        It also refuses a NumPy array whose first image has values beyond MAX_VALUE: unscaled
        pixels. Without an image_shape it checks nothing.
        """
        if self.image_shape is None:
            return
        wanted = self._wanted
        if not hasattr(x, 'shape'):
            raise UserError(
                f'The images must be one array or tensor, {wanted}; numpy.stack makes one of '
                'several.'
            )
        shape, dtype = tuple(x.shape), dtype_of(x)
        if 'float' not in dtype:
            fix = f' {HOW_TO_SCALE}' if dtype == 'uint8' else ''
            raise UserError(f'The images must be {wanted}, not {dtype}.{fix}')
        if not fits(shape[1:], self.image_shape):
            raise UserError(f'The images must be {wanted}, not {shape}.{self._how_to_fit(shape)}')
        if isinstance(x, np.ndarray) and x.size and abs(x[:1]).max() > MAX_VALUE:
            raise UserError(self.unscaled)

    def _how_to_fit(self, shape):
        """How to make images from an array of a shape: ' To ...' or ' For ...'; '' if unknown."""
        if shape == self.image_shape:
            return ' For one image: x[None].'
        fix = ' To add the axis of colours: x[..., None].' if len(shape) == 3 else ''
        if shape[1:3] == (28, 28) and self.image_shape[:2] == (32, 32):
            fix += ' To pad 28x28 digits: np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)], '
            fix += 'constant_values=-1).'
        return fix

    @property
    def _wanted(self):
        height, width, colors = self.image_shape
        return f'(B, {height}, {width}, {colors}) of floats in [-1, 1]'

    @property
    def unscaled(self):
        """The error message for images whose values are beyond MAX_VALUE."""
        return (
            f'The images must be {self._wanted}, but their values exceed {MAX_VALUE}. '
            f'{HOW_TO_SCALE}'
        )

    def assert_scaled(self, x):
        """The test that `check` makes of an array's values, as an operation in a graph."""
        largest = tf.reduce_max(tf.abs(tf.cast(x[:1], tf.float32)))
        # Not `assert_less_equal`, which would also fail for NaN.
        return tf.debugging.assert_equal(largest > MAX_VALUE, False, message=self.unscaled)

    def __call__(self, x, **kwargs):  # such as `training`, from a Keras model that contains it
        self.check(x)
        return super().__call__(x, **kwargs)

    def compute_output_shape(self, input_shape):
        _, height, width, _ = input_shape
        scales, channels = self.scales, self.convs[-1].filters
        height, width = (size and size >> scales for size in (height, width))  # or None
        return None, height, width, channels

    def call(self, x):
        pointwise, second, *convs, last = self.convs
        x = convolution.convolve_twice(x, pointwise.kernel, pointwise.bias, second.kernel)
        x = second.activation(tf.nn.bias_add(x, second.bias))
        for index, conv in enumerate(convs, start=2):
            x = conv(x)
            if index % 2 == 0:
                x = self.pool(x)
        return last(x)


@keras.saving.register_keras_serializable(package='acai_tf')
class Decoder(_Convolutional):
    """Latents to images: (B, h, w, L) -> (B, h << scales, w << scales, colors), not clipped.

    The encoder's mirror: `scales` blocks of two 3x3 convolutions and a doubling of the size by
    nearest neighbour, then two more convolutions.

    Args:
        scales: how many times the size is doubled.
        depth: channels of the last block; each earlier block has twice as many as the next.
        colors: channels of the images.
        name, seed, dtype, trainable: as for `Encoder`.
    """

    OWN = 'scales', 'depth', 'colors', 'seed'

    def __init__(self, scales, depth, colors, name, seed=0, dtype=None, trainable=True):
        super().__init__(name=name, dtype=dtype, trainable=trainable)
        widths = [depth << scale for scale in reversed(range(scales)) for _ in range(2)] + [depth]
        self.convs = _convolutions(name, [*widths, colors], seed, self.dtype_policy)
        for conv in self.convs[2:-1:2]:
            conv.doubles = True
        self.scales, self.depth, self.colors, self.seed = scales, depth, colors, seed

    def compute_output_shape(self, input_shape):
        _, height, width, _ = input_shape
        scales, channels = self.scales, self.convs[-1].filters
        height, width = (size and size << scales for size in (height, width))  # or None
        return None, height, width, channels

    def call(self, x):
        for conv in self.convs:
            x = conv(x)
        return x
