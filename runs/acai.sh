#!/usr/bin/env bash
# ACAI: the paper's runs, 2^24 images each.
# After a command: on lines32 mean distance and smoothness (table 1), else latent accuracy in %
# (table 2), mean±sd over 5 seeds.
# Run from the repository's folder; the data of all but lines32 must lie in AE_DATA.
# On GPUs --precision=float32 --jit=off --devices=1 computes as the paper did, slower.
# Written from lib/paper/experiments.py by: python reproduce.py --write_runs
set -euo pipefail

# lines32
python acai.py --dataset=lines32 --latent_width=2 --depth=16 --latent=16  # paper, to be checked: 0.24±0.01 x1e-3, 0.10±0.01

# mnist32
python acai.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=2  # paper, to be checked: 98.25±0.11
python acai.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=16  # paper, to be checked: 99.00±0.08

# cifar10
python acai.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=16  # paper, to be checked: 52.77±0.45
python acai.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=64  # paper, to be checked: 63.99±0.47

# svhn32
python acai.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=2  # paper, to be checked: 34.47±1.14
python acai.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=16  # paper, to be checked: 85.14±0.20

# celeba32
python acai.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=2
python acai.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=16
