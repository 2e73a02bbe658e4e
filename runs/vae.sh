#!/usr/bin/env bash
# The VAE: the paper's runs, 2^24 images each.
# After a command: on lines32 mean distance and smoothness (table 1), else latent accuracy in %
# (table 2), mean±sd over 5 seeds.
# Run from the repository's folder; the data of all but lines32 must lie in AE_DATA.
# On GPUs --precision=float32 --jit=off --devices=1 computes as the paper did, slower.
# Written from lib/paper/experiments.py by: python reproduce.py --write_runs
set -euo pipefail

# lines32
python vae.py --dataset=lines32 --latent_width=2 --depth=16 --latent=16  # paper, to be checked: 1.21±0.17 x1e-3, 0.49±0.13

# mnist32
python vae.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=2  # paper, to be checked: 96.56±0.31
python vae.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=16  # paper, to be checked: 98.74±0.14

# cifar10
python vae.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=16  # paper, to be checked: 47.49±0.22
python vae.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=64  # paper, to be checked: 51.39±0.46

# svhn32
python vae.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=2  # paper, to be checked: 29.58±3.22
python vae.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=16  # paper, to be checked: 66.30±1.06

# celeba32
python vae.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=2
python vae.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=16
