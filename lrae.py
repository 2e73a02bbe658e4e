"""Trains the LSGAN-regularised ablation: python lrae.py --dataset=lines32 --latent_width=2"""
from absl import flags

import cli

flags.DEFINE_float('advweight', 0.5, "Weight of the critic's answer.", 0.0)
flags.DEFINE_integer('advdepth', 0, "Channels of the critic's first block; 0 for --depth.", 0)

if __name__ == '__main__':
    cli.train('LRAE', ['advweight', 'advdepth'])
