#!/usr/bin/env bash
# The VQ-VAE: the paper's runs, 2^24 images each.
# After a command: on lines32 mean distance and smoothness (table 1), else latent accuracy in %
# (table 2), mean±sd over 5 seeds.
# Run from the repository's folder; the data of all but lines32 must lie in AE_DATA.
# On GPUs --precision=float32 --jit=off --devices=1 computes as the paper did, slower.
# Written from lib/paper/experiments.py by: python reproduce.py --write_runs
set -euo pipefail

# lines32: latents of 4x4, unlike the other methods' 2x2
python vqvae.py --dataset=lines32 --latent_width=4 --depth=16 --latent=16  # paper, to be checked: 5.41±0.49 x1e-3, 0.77±0.02

# mnist32
python vqvae.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=2  # paper, to be checked: 97.50±0.18
python vqvae.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=16  # paper, to be checked: 97.25±1.42

# cifar10
python vqvae.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=16  # paper, to be checked: 42.80±0.44
python vqvae.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=64  # paper, to be checked: 16.22±12.44

# svhn32
python vqvae.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=2  # paper, to be checked: 24.53±1.33
python vqvae.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=16  # paper, to be checked: 44.94±20.42

# celeba32
python vqvae.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=2
python vqvae.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=16
