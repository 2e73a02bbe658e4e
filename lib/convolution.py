"""3x3 convolutions computed with less work. Equal to the plain ones up to rounding.

Each is here because it makes the train step faster (benchmarks/train_step.py). Images are
(B, H, W, C), kernels (3, 3, in, out), and borders are padded with zeros to keep the size.
"""
import keras
import tensorflow as tf
from keras import ops

MIN_DOUBLED_WIDTH = 8  # px; below it two operations are faster than a transposed convolution
KEEPS_SIZE = {'padding': 'same', 'data_format': 'channels_last'}  # whatever Keras' default is


class Conv2D(keras.layers.Conv2D):
    """Keras' layer for 'same' padding and stride 1, computed in the fastest way for its shapes.

    Attributes:
        doubles: whether the size is doubled by nearest neighbour before the convolution.
    """

    doubles = False

    def call(self, x):
        """(B, H, W, in) -> (B, H, W, out), or (B, 2H, 2W, out) where the size is doubled."""
        if self.doubles and (x.shape[2] or 0) >= MIN_DOUBLED_WIDTH:  # None where it is not known
            y = convolve_doubled(x, self.kernel)
        else:
            x = ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2) if self.doubles else x
            y = self._convolve(x)
        return self.activation(tf.nn.bias_add(y, self.bias))

    def _convolve(self, x):
        if self.kernel_size == (3, 3) and x.shape[1:3] == (2, 2):
            return convolve_tiny(x, self.kernel)
        if self.filters == 1:
            return convolve_to_one(x, self.kernel)
        return ops.conv(x, self.kernel, **KEEPS_SIZE)


def convolve_tiny(x, kernel):
    """Convolution of a 2x2 map as one matrix product: (B, 2, 2, in) -> (B, 2, 2, out).

    Every input pixel meets every output pixel through one tap of the kernel; the other taps fall
    on padding.
    """
    channels_in, channels_out = kernel.shape[2:]
    taps = ops.unstack(ops.reshape(kernel, (9, channels_in, channels_out)))
    pixels = [(0, 0), (0, 1), (1, 0), (1, 1)]
    rows = [
        ops.concatenate([taps[3 * (1 + y - to_y) + 1 + x - to_x] for to_y, to_x in pixels], axis=1)
        for y, x in pixels
    ]
    matrix = ops.concatenate(rows, axis=0)  # (4 * in, 4 * out)
    y = ops.matmul(ops.reshape(x, (-1, 4 * channels_in)), matrix)
    return ops.reshape(y, (-1, 2, 2, channels_out))


def convolve_to_one(x, kernel):
    """Convolution to a single channel: one kernel per input channel, then their sum.

    Where there is a GPU, this is the plain convolution: XLA's depthwise ones are slow there.
    """
    if tf.config.get_visible_devices('GPU'):
        return ops.conv(x, kernel, **KEEPS_SIZE)
    return ops.sum(ops.depthwise_conv(x, kernel, **KEEPS_SIZE), axis=-1, keepdims=True)


def convolve_doubled(x, kernel):
    """Doubling of the size by nearest neighbour, then convolution: -> (B, 2H, 2W, out).

    An input pixel becomes four equal ones, each of which meets the kernel; together that is one
    transposed convolution of stride 2, whose 4x4 kernel is the sum of the 3x3 kernel's four shifts.
    """
    kernel = ops.pad(ops.flip(kernel, axis=(0, 1)), [(1, 1), (1, 1), (0, 0), (0, 0)])
    kernel = kernel[:-1] + kernel[1:]
    kernel = kernel[:, :-1] + kernel[:, 1:]  # (4, 4, in, out)
    return ops.conv_transpose(x, ops.transpose(kernel, (0, 1, 3, 2)), strides=2, **KEEPS_SIZE)


def convolve_twice(x, pointwise, bias, kernel):
    """A 1x1 convolution with bias, then a 3x3 one, as one 3x3 convolution of x and a plane of ones.

    Without an activation between them the two are one linear map. The plane of ones carries the
    bias of the first, which must not be added to the zero padding of the second.

    Args:
        x: (B, H, W, in).
        pointwise, bias: kernel (1, 1, in, middle) and bias (middle,) of the first convolution.
        kernel: (3, 3, middle, out), of the second.
    """
    first = ops.concatenate([pointwise[0, 0], bias[None]])  # (in + 1, middle)
    x = ops.concatenate([x, ops.ones_like(x[..., :1])], axis=-1)
    return ops.conv(x, ops.einsum('im,hwmo->hwio', first, kernel), **KEEPS_SIZE)
