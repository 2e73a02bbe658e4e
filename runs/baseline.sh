#!/usr/bin/env bash
# The baseline autoencoder: the paper's runs, 2^24 images each.
# After a command: on lines32 mean distance and smoothness (table 1), else latent accuracy in %
# (table 2), mean±sd over 5 seeds.
# Run from the repository's folder; the data of all but lines32 must lie in AE_DATA.
# On GPUs --precision=float32 --jit=off --devices=1 computes as the paper did, slower.
# Written from lib/paper/experiments.py by: python reproduce.py --write_runs
set -euo pipefail

# lines32
python baseline.py --dataset=lines32 --latent_width=2 --depth=16 --latent=16  # paper, to be checked: 6.88±0.21 x1e-3, 0.44±0.04

# mnist32
python baseline.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=2  # paper, to be checked: 94.90±0.14
python baseline.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=16  # paper, to be checked: 93.94±0.13

# cifar10
python baseline.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=16  # paper, to be checked: 47.92±0.20
python baseline.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=64  # paper, to be checked: 51.62±0.25

# svhn32
python baseline.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=2  # paper, to be checked: 26.21±0.42
python baseline.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=16  # paper, to be checked: 22.74±0.05

# celeba32
python baseline.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=2
python baseline.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=16
