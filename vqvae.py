"""Trains the VQ-VAE:

    python vqvae.py --dataset=lines32 --latent_width=4 --depth=16 --latent=16
"""
import cli

if __name__ == '__main__':
    cli.train('AEVQVAE')
