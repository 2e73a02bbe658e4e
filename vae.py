"""Trains the VAE, with --advweight under ACAI's critic: python vae.py --dataset=lines32"""
import cli

if __name__ == '__main__':
    cli.train('VAE')
