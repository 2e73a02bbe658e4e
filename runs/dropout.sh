#!/usr/bin/env bash
# The dropout autoencoder: the paper's runs, 2^24 images each.
# After a command: on lines32 mean distance and smoothness (table 1), else latent accuracy in %
# (table 2), mean±sd over 5 seeds.
# Run from the repository's folder; the data of all but lines32 must lie in AE_DATA.
# On GPUs --precision=float32 --jit=off --devices=1 computes as the paper did, slower.
# Written from lib/paper/experiments.py by: python reproduce.py --write_runs
set -euo pipefail

# lines32
python dropout.py --dataset=lines32 --latent_width=2 --depth=16 --latent=16  # paper, to be checked: 2.85±0.54 x1e-3, 0.74±0.02

# mnist32
python dropout.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=2  # paper, to be checked: 96.45±0.42
python dropout.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=16  # paper, to be checked: 94.50±0.29

# cifar10: keeps 3 of 4 latents, as the paper's column does
python dropout.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=16 --dropout=0.75  # paper, to be checked: 40.99±0.41
python dropout.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=64 --dropout=0.75  # paper, to be checked: 49.38±0.77

# svhn32
python dropout.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=2  # paper, to be checked: 26.09±1.48
python dropout.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=16  # paper, to be checked: 25.12±1.05

# celeba32
python dropout.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=2
python dropout.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=16
