"""Trains the VAE, with --advweight under ACAI's critic: python vae.py --dataset=lines32"""
from absl import flags

import cli

flags.DEFINE_float('beta', 1.0, 'Weight of the KL term.', 0.0)
flags.DEFINE_float('advweight', 0.0, "Weight of ACAI's critic; 0, the paper's VAE, has none.", 0.0)
flags.DEFINE_integer('advdepth', 0, "Channels of the critic's first block; 0 for --depth.", 0)
flags.DEFINE_float('reg', 0.2, "The critic's share of the input in the blend.", 0.0, 1.0)

if __name__ == '__main__':
    cli.train('VAE', ['beta', 'advweight', 'advdepth', 'reg'])
