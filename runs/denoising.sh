#!/usr/bin/env bash
# The denoising autoencoder: the paper's runs, 2^24 images each.
# After a command: on lines32 mean distance and smoothness (table 1), else latent accuracy in %
# (table 2), mean±sd over 5 seeds.
# Run from the repository's folder; the data of all but lines32 must lie in AE_DATA.
# On GPUs --precision=float32 --jit=off --devices=1 computes as the paper did, slower.
# Written from lib/paper/experiments.py by: python reproduce.py --write_runs
set -euo pipefail

# lines32
python denoising.py --dataset=lines32 --latent_width=2 --depth=16 --latent=16  # paper, to be checked: 4.21±0.32 x1e-3, 0.66±0.02

# mnist32
python denoising.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=2  # paper, to be checked: 96.00±0.27
python denoising.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=16  # paper, to be checked: 98.51±0.04

# cifar10
python denoising.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=16  # paper, to be checked: 53.78±0.36
python denoising.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=64  # paper, to be checked: 60.65±0.14

# svhn32
python denoising.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=2  # paper, to be checked: 25.15±0.78
python denoising.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=16  # paper, to be checked: 77.89±0.35

# celeba32
python denoising.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=2
python denoising.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=16
