"""Images per second of the bare train step, at the paper's lines configuration.

    python benchmarks/train_step.py
    python benchmarks/train_step.py --methods=ACAI,AEBaseline --dtypes=float32,mixed_bfloat16

All variants take turns, a few steps each. The median of the turns is printed, with the step's
arithmetic, and its share of this machine's rate of large float32 matrix products, which is measured
in turn too. The arithmetic is that of the layers as the paper has them: 2 operations for each
multiplication of a convolution, or of the VQ-VAE's dense layers, in the forward pass, the input's
gradient and the weights' gradient, and once for the VQ-VAE's distances from all codes. The other
layers' arithmetic hardly counts.
"""
import functools
import math
import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import measured  # noqa: E402, I001  (first: it imports lib.tensorflow_setup)
import tensorflow as tf  # noqa: E402
from absl import app, flags  # noqa: E402

import acai_tf  # noqa: E402
from lib import data, layers  # noqa: E402

FLAGS = flags.FLAGS
measured.define_methods('Classes to measure.')
flags.DEFINE_list('dtypes', ['float32'], 'Keras dtype policies to measure.')
flags.DEFINE_integer('batch', 64, 'Images of a step.', 1)
flags.DEFINE_integer('turns', 9, 'How often each variant takes its turn.', 1)
flags.DEFINE_integer('steps', 10, 'Steps of a turn.', 1)
MATRIX = 4096, 1024


def forward_flops(layer, width=32):
    """Operations of an image's forward pass through an encoder or decoder, as a list by layer."""
    flops = []
    for index, conv in enumerate(layer.convs):
        if getattr(conv, 'doubles', False):
            width *= 2
        height_kernel, width_kernel, channels_in, channels_out = conv.kernel.shape
        flops.append(2 * width**2 * height_kernel * width_kernel * channels_in * channels_out)
        if isinstance(layer, layers.Encoder) and index % 2 == 0 and index:
            width //= 2
    return flops


def step_gflops(model):
    """Operations of one image's train step, in 10^9.

    A pass counts three times: forward, the weights' gradient and the input's gradient (not for a
    first layer, on data). ACAI decodes twice and shows its critic two pictures, whose backward pass
    serves both players.
    """
    encoder, decoder = forward_flops(model.encoder), forward_flops(
        model.decoder, model.latent_shape[0]
    )
    total = 3 * sum(encoder) - encoder[0] + 3 * sum(decoder)
    if isinstance(model, acai_tf.AEVQVAE):
        sizes = [variable.shape for variable in model.vqvae.trainable_variables]
        total += 3 * 2 * sum(math.prod(size) for size in sizes if len(size) == 2)  # dense kernels
        total += 2 * model.num_latents * math.prod(model.codebook.shape)
    critic = getattr(model, 'critic', None)
    if critic:
        pictures = 2
        total += pictures * 3 * sum(forward_flops(critic.encoder))
        if not isinstance(model, acai_tf.LRAE):  # LRAE decodes once
            total += 3 * sum(decoder)
    return total / 1e9


def main(_):
    batch = next(iter(data.get_dataset('lines32', FLAGS.batch).train))
    a, b = tf.random.normal(MATRIX), tf.random.normal(MATRIX[::-1])
    models, steps = {}, {}
    for name in FLAGS.methods:
        for dtype in FLAGS.dtypes:
            models[name, dtype] = model = measured.make_model(name, dtype)
            steps[name, dtype] = functools.partial(tf.function(model.train_step), batch)
            measured.turn(steps[name, dtype], 3)
    rates, products = {variant: [] for variant in steps}, []
    for _ in range(FLAGS.turns):
        for variant, step in steps.items():
            seconds = measured.turn(step, FLAGS.steps)
            rates[variant].append(FLAGS.batch * FLAGS.steps / seconds)
        seconds = measured.turn(lambda: tf.linalg.matmul(a, b)[:1], 4)
        products.append(4 * 2 * MATRIX[0] ** 2 * MATRIX[1] / seconds / 1e9)
    peak = statistics.median(products)
    print(f'large float32 matrix products: {peak:.0f} GFLOP/s\n')
    print('method       dtype              img/s         range  GFLOP/img  share')
    for (name, dtype), values in rates.items():
        rate, gflops = statistics.median(values), step_gflops(models[name, dtype])
        span = f'{min(values):.0f}..{max(values):.0f}'
        share = f'{rate * gflops / peak:6.0%}'
        print(f'{name:12s} {dtype:16s} {rate:7.0f} {span:>13s} {gflops:10.3f} {share}')


if __name__ == '__main__':
    app.run(main)
