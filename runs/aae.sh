#!/usr/bin/env bash
# The adversarial autoencoder: the paper's runs, 2^24 images each.
# After a command: on lines32 mean distance and smoothness (table 1), else latent accuracy in %
# (table 2), mean±sd over 5 seeds.
# Run from the repository's folder; the data of all but lines32 must lie in AE_DATA.
# On GPUs --precision=float32 --jit=off --devices=1 computes as the paper did, slower.
# Written from lib/paper/experiments.py by: python reproduce.py --write_runs
set -euo pipefail

# lines32
python aae.py --dataset=lines32 --latent_width=2 --depth=16 --latent=16  # paper, to be checked: 3.26±0.19 x1e-3, 0.14±0.02

# mnist32
python aae.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=2  # paper, to be checked: 70.74±3.27
python aae.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=16  # paper, to be checked: 90.03±0.54

# cifar10
python aae.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=16  # paper, to be checked: 40.65±1.45
python aae.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=64  # paper, to be checked: 42.86±0.88

# svhn32
python aae.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=2  # paper, to be checked: 23.43±0.79
python aae.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=16  # paper, to be checked: 22.81±0.24

# celeba32
python aae.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=2
python aae.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=16
