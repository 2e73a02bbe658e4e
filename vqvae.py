"""Trains the VQ-VAE: python vqvae.py --dataset=lines32 --latent_width=4"""
from absl import flags

import cli

flags.DEFINE_integer('z_log_size', 14, 'log2 of the number of codes.', 0, 24)
flags.DEFINE_float('beta', 10.0, 'Weight of the commitment loss.', 0.0)
flags.DEFINE_integer('num_latents', 10, 'How many codes stand for an image.', 1)

if __name__ == '__main__':
    cli.train('AEVQVAE', ['z_log_size', 'beta', 'num_latents'])
