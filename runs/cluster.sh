#!/usr/bin/env bash
# k-means on the latents of the runs that the other files here train (1000 random starts each).
# After a command: accuracy in % on the test set (table 3).
# Run from the repository's folder, after those; the data must lie in AE_DATA.
# The 2018 code's own file names folders of depth 16 for SVHN and CIFAR-10, which no run makes.
# Written from lib/paper/experiments.py by: python reproduce.py --write_runs
set -euo pipefail

# mnist32, 32 latents
python cluster.py --n_init=1000 --ae_dir=experiments/mnist32/AEBaseline_depth16_latent2_scales3  # paper, to be checked: 77.56
python cluster.py --n_init=1000 --ae_dir=experiments/mnist32/AEDropout_depth16_dropout0.5_latent2_scales3  # paper, to be checked: 82.67
python cluster.py --n_init=1000 --ae_dir=experiments/mnist32/AEDenoising_depth16_latent2_noise1.0_scales3  # paper, to be checked: 82.59
python cluster.py --n_init=1000 --ae_dir=experiments/mnist32/VAE_beta1.0_depth16_latent2_scales3  # paper, to be checked: 75.74
python cluster.py --n_init=1000 --ae_dir=experiments/mnist32/AAE_adversary_lr0.0001_depth16_disc_layer_sizes100,100_latent2_scales3  # paper, to be checked: 79.19
python cluster.py --n_init=1000 --ae_dir=experiments/mnist32/AEVQVAE_beta10.0_depth16_latent2_num_latents10_scales3_z_log_size14  # paper, to be checked: 82.39
python cluster.py --n_init=1000 --ae_dir=experiments/mnist32/ACAI_advdepth16_advweight0.5_depth16_latent2_reg0.2_scales3  # paper, to be checked: 94.38

# mnist32, 256 latents
python cluster.py --n_init=1000 --ae_dir=experiments/mnist32/AEBaseline_depth16_latent16_scales3  # paper, to be checked: 53.70
python cluster.py --n_init=1000 --ae_dir=experiments/mnist32/AEDropout_depth16_dropout0.5_latent16_scales3  # paper, to be checked: 61.35
python cluster.py --n_init=1000 --ae_dir=experiments/mnist32/AEDenoising_depth16_latent16_noise1.0_scales3  # paper, to be checked: 70.89
python cluster.py --n_init=1000 --ae_dir=experiments/mnist32/VAE_beta1.0_depth16_latent16_scales3  # paper, to be checked: 83.44
python cluster.py --n_init=1000 --ae_dir=experiments/mnist32/AAE_adversary_lr0.0001_depth16_disc_layer_sizes100,100_latent16_scales3  # paper, to be checked: 81.00
python cluster.py --n_init=1000 --ae_dir=experiments/mnist32/AEVQVAE_beta10.0_depth16_latent16_num_latents10_scales3_z_log_size14  # paper, to be checked: 96.80
python cluster.py --n_init=1000 --ae_dir=experiments/mnist32/ACAI_advdepth16_advweight0.5_depth16_latent16_reg0.2_scales3  # paper, to be checked: 96.17

# cifar10, 256 latents: not in the paper
python cluster.py --n_init=1000 --ae_dir=experiments/cifar10/AEBaseline_depth64_latent16_scales3
python cluster.py --n_init=1000 --ae_dir=experiments/cifar10/AEDropout_depth64_dropout0.75_latent16_scales3
python cluster.py --n_init=1000 --ae_dir=experiments/cifar10/AEDenoising_depth64_latent16_noise1.0_scales3
python cluster.py --n_init=1000 --ae_dir=experiments/cifar10/VAE_beta1.0_depth64_latent16_scales3
python cluster.py --n_init=1000 --ae_dir=experiments/cifar10/AAE_adversary_lr0.0001_depth64_disc_layer_sizes100,100_latent16_scales3
python cluster.py --n_init=1000 --ae_dir=experiments/cifar10/AEVQVAE_beta10.0_depth64_latent16_num_latents10_scales3_z_log_size14
python cluster.py --n_init=1000 --ae_dir=experiments/cifar10/ACAI_advdepth64_advweight0.5_depth64_latent16_reg0.2_scales3

# cifar10, 1024 latents: not in the paper
python cluster.py --n_init=1000 --ae_dir=experiments/cifar10/AEBaseline_depth64_latent64_scales3
python cluster.py --n_init=1000 --ae_dir=experiments/cifar10/AEDropout_depth64_dropout0.75_latent64_scales3
python cluster.py --n_init=1000 --ae_dir=experiments/cifar10/AEDenoising_depth64_latent64_noise1.0_scales3
python cluster.py --n_init=1000 --ae_dir=experiments/cifar10/VAE_beta1.0_depth64_latent64_scales3
python cluster.py --n_init=1000 --ae_dir=experiments/cifar10/AAE_adversary_lr0.0001_depth64_disc_layer_sizes100,100_latent64_scales3
python cluster.py --n_init=1000 --ae_dir=experiments/cifar10/AEVQVAE_beta10.0_depth64_latent64_num_latents10_scales3_z_log_size14
python cluster.py --n_init=1000 --ae_dir=experiments/cifar10/ACAI_advdepth64_advweight0.5_depth64_latent64_reg0.2_scales3

# svhn32, 32 latents
python cluster.py --n_init=1000 --ae_dir=experiments/svhn32/AEBaseline_depth64_latent2_scales3  # paper, to be checked: 19.38
python cluster.py --n_init=1000 --ae_dir=experiments/svhn32/AEDropout_depth64_dropout0.5_latent2_scales3  # paper, to be checked: 21.42
python cluster.py --n_init=1000 --ae_dir=experiments/svhn32/AEDenoising_depth64_latent2_noise1.0_scales3  # paper, to be checked: 17.91
python cluster.py --n_init=1000 --ae_dir=experiments/svhn32/VAE_beta1.0_depth64_latent2_scales3  # paper, to be checked: 16.83
python cluster.py --n_init=1000 --ae_dir=experiments/svhn32/AAE_adversary_lr0.0001_depth64_disc_layer_sizes100,100_latent2_scales3  # paper, to be checked: 17.35
python cluster.py --n_init=1000 --ae_dir=experiments/svhn32/AEVQVAE_beta10.0_depth64_latent2_num_latents10_scales3_z_log_size14  # paper, to be checked: 15.19
python cluster.py --n_init=1000 --ae_dir=experiments/svhn32/ACAI_advdepth64_advweight0.5_depth64_latent2_reg0.2_scales3  # paper, to be checked: 20.86

# svhn32, 256 latents
python cluster.py --n_init=1000 --ae_dir=experiments/svhn32/AEBaseline_depth64_latent16_scales3  # paper, to be checked: 15.62
python cluster.py --n_init=1000 --ae_dir=experiments/svhn32/AEDropout_depth64_dropout0.5_latent16_scales3  # paper, to be checked: 15.19
python cluster.py --n_init=1000 --ae_dir=experiments/svhn32/AEDenoising_depth64_latent16_noise1.0_scales3  # paper, to be checked: 31.49
python cluster.py --n_init=1000 --ae_dir=experiments/svhn32/VAE_beta1.0_depth64_latent16_scales3  # paper, to be checked: 11.36
python cluster.py --n_init=1000 --ae_dir=experiments/svhn32/AAE_adversary_lr0.0001_depth64_disc_layer_sizes100,100_latent16_scales3  # paper, to be checked: 13.59
python cluster.py --n_init=1000 --ae_dir=experiments/svhn32/AEVQVAE_beta10.0_depth64_latent16_num_latents10_scales3_z_log_size14  # paper, to be checked: 18.84
python cluster.py --n_init=1000 --ae_dir=experiments/svhn32/ACAI_advdepth64_advweight0.5_depth64_latent16_reg0.2_scales3  # paper, to be checked: 24.98
