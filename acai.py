"""Trains ACAI:

    python acai.py --dataset=lines32 --latent_width=2 --depth=16 --latent=16
"""
import cli

if __name__ == '__main__':
    cli.train('ACAI')
