"""Trains the adversarial autoencoder: python aae.py --dataset=lines32 --latent_width=2"""
import cli

if __name__ == '__main__':
    cli.train('AAE')
