"""Trains the dropout autoencoder: python dropout.py --dataset=lines32 --latent_width=2"""
import cli

if __name__ == '__main__':
    cli.train('AEDropout')
