"""Trains the VQ-VAE: python vqvae.py --dataset=lines32 --latent_width=4"""
import cli

if __name__ == '__main__':
    cli.train('AEVQVAE')
