"""Trains ACAI: python acai.py --dataset=lines32 --latent_width=2 --depth=16 --latent=16"""
from absl import flags

import cli

flags.DEFINE_float('advweight', 0.5, "The paper's lambda: weight of the critic's answer.", 0.0)
flags.DEFINE_integer('advdepth', 0, "Channels of the critic's first block; 0 for --depth.", 0)
flags.DEFINE_float('reg', 0.2, "The paper's gamma: share of the input in the blend.", 0.0, 1.0)

if __name__ == '__main__':
    cli.train('ACAI', ['advweight', 'advdepth', 'reg'])
