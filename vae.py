"""Trains the VAE, with ACAI's critic if --advweight is above 0:

    python vae.py --dataset=lines32 --latent_width=2 --depth=16 --latent=16
"""
import cli

if __name__ == '__main__':
    cli.train('VAE')
