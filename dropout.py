"""Trains the dropout autoencoder: python dropout.py --dataset=lines32 --latent_width=2"""
from absl import flags

import cli

flags.DEFINE_float('dropout', 0.5, 'Probability to KEEP a latent.', 1e-3, 1.0)

if __name__ == '__main__':
    cli.train('AEDropout', ['dropout'])
