"""Trains the LSGAN-regularised ablation: python lrae.py --dataset=lines32 --latent_width=2"""
import cli

if __name__ == '__main__':
    cli.train('LRAE')
