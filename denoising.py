"""Trains the denoising autoencoder: python denoising.py --dataset=lines32 --latent_width=2"""
from absl import flags

import cli

flags.DEFINE_float('noise', 1.0, 'Standard deviation of the noise on the input.', 0.0)

if __name__ == '__main__':
    cli.train('AEDenoising', ['noise'])
