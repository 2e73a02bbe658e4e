"""Trains the LSGAN-regularised ablation:

    python lrae.py --dataset=lines32 --latent_width=2 --depth=16 --latent=16
"""
import cli

if __name__ == '__main__':
    cli.train('LRAE')
