"""Trains the adversarial autoencoder: python aae.py --dataset=lines32 --latent_width=2"""
from absl import flags

import cli

flags.DEFINE_float('adversary_lr', 1e-4, "The discriminator's learning rate.", 0.0)
flags.DEFINE_string('disc_layer_sizes', '100,100', "Widths of its hidden layers, by commas.")
flags.register_validator(
    'disc_layer_sizes',
    lambda text: all(size.isdecimal() and int(size) > 0 for size in text.split(',')),
    'must be positive integers separated by commas, such as 100,100',
)

if __name__ == '__main__':
    cli.train('AAE', ['adversary_lr', 'disc_layer_sizes'])
