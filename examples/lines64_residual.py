"""ACAI on larger pictures, with a residual network of Keras layers: lines of 64x64 pixels.

    python -m examples.lines64_residual

Trains for 15 minutes on one processor core, scores interpolations as the lines benchmark does, and
writes examples/lines64_residual.png, where in each row one line turns into another.
"""
import acai_tf  # noqa: I001  (first, for it sets TensorFlow up)
import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

from lib import eval, files, lines
from lib.drawing import pictures

FLAGS = flags.FLAGS
flags.DEFINE_integer('steps', 1000, 'Train steps.', 1)
flags.DEFINE_integer('width', 64, 'Of the pictures, in pixels; a multiple of 16.', 16)
flags.register_validator('width', lambda width: width % 16 == 0, 'It must be a multiple of 16.')
flags.DEFINE_string('out', 'examples/lines64_residual.png', 'The picture.')

BATCH, LR, DEPTH, LATENT = 32, 1e-3, 8, 16
HALVINGS = 4
PAIRS, BETWEEN = 64, 16  # interpolations that are scored; images in each
ROWS = 8  # interpolations in the picture


def residual(x, channels):
    """x, or a 1x1 convolution of it if the channels change, plus two 3x3 convolutions of x."""
    conv = keras.layers.Conv2D
    y = conv(channels, 3, padding='same', activation='leaky_relu')(x)
    y = conv(channels, 3, padding='same')(y)
    x = conv(channels, 1)(x) if x.shape[-1] != channels else x
    return keras.layers.LeakyReLU(0.2)(keras.layers.Add()([x, y]))


def make_networks(width):
    """(encoder, decoder): (B, width, width, 1) -> (B, width / 16, width / 16, LATENT) and back."""
    x = images = keras.Input((width, width, 1))
    for scale in range(HALVINGS):
        x = keras.layers.AveragePooling2D(2)(residual(x, DEPTH << scale))
    encoder = keras.Model(images, keras.layers.Conv2D(LATENT, 3, padding='same')(x))
    x = latents = keras.Input(encoder.output_shape[1:])
    for scale in reversed(range(HALVINGS)):
        x = residual(keras.layers.UpSampling2D()(x), DEPTH << scale)
    decoder = keras.Model(latents, keras.layers.Conv2D(1, 3, padding='same')(x))
    return encoder, decoder


def batches(width):
    """Endless random lines with their classes."""

    def draw(index):
        angles = tf.random.stateless_uniform((BATCH,), (0, index), 0, 2 * np.pi, tf.float64)
        label = tf.one_hot(lines.label_of(angles), lines.NCLASS)
        return {'x': lines.draw_lines_tf(angles, width), 'label': label}

    return tf.data.Dataset.counter().map(draw).prefetch(2)


def main(_):
    keras.utils.set_random_seed(0)
    encoder, decoder = make_networks(FLAGS.width)
    model = acai_tf.ACAI(encoder=encoder, decoder=decoder, nclass=lines.NCLASS, lr=LR)
    model.summary()
    model.compile()
    model.fit(batches(FLAGS.width), steps_per_epoch=FLAGS.steps, epochs=1)
    angles = np.random.default_rng(1).uniform(0, 2 * np.pi, 2 * PAIRS)
    left, right = np.split(lines.draw_lines(angles, FLAGS.width), 2)
    images = acai_tf.interpolate(model, left, right, BETWEEN)  # (PAIRS, BETWEEN, width, width, 1)
    distance, smoothness = eval.line_eval(images)
    print(f'After {FLAGS.steps} steps: mean distance {distance:.2g}, smoothness {smoothness:.2g}')
    grid = pictures.tile(images[:ROWS])
    files.write_file(FLAGS.out, pictures.to_png(grid[::2, ::2]))  # half the size
    print(f'{FLAGS.out}: each row begins and ends at a reconstruction')


if __name__ == '__main__':
    app.run(main)
