"""Trains the denoising autoencoder: python denoising.py --dataset=lines32 --latent_width=2"""
import cli

if __name__ == '__main__':
    cli.train('AEDenoising')
