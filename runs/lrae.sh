#!/usr/bin/env bash
# The LSGAN-regularised ablation of the ICLR version: runs of the sizes of the paper's, 2^24 images each.
# The paper prints no figure of its own for these.
# Run from the repository's folder; the data of all but lines32 must lie in AE_DATA.
# On GPUs --precision=float32 --jit=off --devices=1 computes as the paper did, slower.
# Written from lib/paper/experiments.py by: python reproduce.py --write_runs
set -euo pipefail

# lines32
python lrae.py --dataset=lines32 --latent_width=2 --depth=16 --latent=16

# mnist32
python lrae.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=2
python lrae.py --dataset=mnist32 --latent_width=4 --depth=16 --latent=16

# cifar10
python lrae.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=16
python lrae.py --dataset=cifar10 --latent_width=4 --depth=64 --latent=64

# svhn32
python lrae.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=2
python lrae.py --dataset=svhn32 --latent_width=4 --depth=64 --latent=16

# celeba32
python lrae.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=2
python lrae.py --dataset=celeba32 --latent_width=4 --depth=64 --latent=16
