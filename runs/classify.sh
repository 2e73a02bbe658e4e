#!/usr/bin/env bash
# A single-layer classifier on pixels, and on the latents of the runs that the other files train.
# The paper prints no figure of its own for these: table 2 is of the runs' own classifiers.
# Run from the repository's folder, after those; the data must lie in AE_DATA.
# Written from lib/paper/experiments.py by: python reproduce.py --write_runs
set -euo pipefail

# pixels
python classify_fc.py --dataset=mnist32
python classify_fc.py --dataset=cifar10
python classify_fc.py --dataset=svhn32

# mnist32, 32 latents
python classify_latent_ae.py --ae_dir=experiments/mnist32/AEBaseline_depth16_latent2_scales3
python classify_latent_ae.py --ae_dir=experiments/mnist32/AEDropout_depth16_dropout0.5_latent2_scales3
python classify_latent_ae.py --ae_dir=experiments/mnist32/AEDenoising_depth16_latent2_noise1.0_scales3
python classify_latent_ae.py --ae_dir=experiments/mnist32/VAE_beta1.0_depth16_latent2_scales3
python classify_latent_ae.py --ae_dir=experiments/mnist32/AAE_adversary_lr0.0001_depth16_disc_layer_sizes100,100_latent2_scales3
python classify_latent_ae.py --ae_dir=experiments/mnist32/AEVQVAE_beta10.0_depth16_latent2_num_latents10_scales3_z_log_size14
python classify_latent_ae.py --ae_dir=experiments/mnist32/ACAI_advdepth16_advweight0.5_depth16_latent2_reg0.2_scales3

# mnist32, 256 latents
python classify_latent_ae.py --ae_dir=experiments/mnist32/AEBaseline_depth16_latent16_scales3
python classify_latent_ae.py --ae_dir=experiments/mnist32/AEDropout_depth16_dropout0.5_latent16_scales3
python classify_latent_ae.py --ae_dir=experiments/mnist32/AEDenoising_depth16_latent16_noise1.0_scales3
python classify_latent_ae.py --ae_dir=experiments/mnist32/VAE_beta1.0_depth16_latent16_scales3
python classify_latent_ae.py --ae_dir=experiments/mnist32/AAE_adversary_lr0.0001_depth16_disc_layer_sizes100,100_latent16_scales3
python classify_latent_ae.py --ae_dir=experiments/mnist32/AEVQVAE_beta10.0_depth16_latent16_num_latents10_scales3_z_log_size14
python classify_latent_ae.py --ae_dir=experiments/mnist32/ACAI_advdepth16_advweight0.5_depth16_latent16_reg0.2_scales3

# cifar10, 256 latents
python classify_latent_ae.py --ae_dir=experiments/cifar10/AEBaseline_depth64_latent16_scales3
python classify_latent_ae.py --ae_dir=experiments/cifar10/AEDropout_depth64_dropout0.75_latent16_scales3
python classify_latent_ae.py --ae_dir=experiments/cifar10/AEDenoising_depth64_latent16_noise1.0_scales3
python classify_latent_ae.py --ae_dir=experiments/cifar10/VAE_beta1.0_depth64_latent16_scales3
python classify_latent_ae.py --ae_dir=experiments/cifar10/AAE_adversary_lr0.0001_depth64_disc_layer_sizes100,100_latent16_scales3
python classify_latent_ae.py --ae_dir=experiments/cifar10/AEVQVAE_beta10.0_depth64_latent16_num_latents10_scales3_z_log_size14
python classify_latent_ae.py --ae_dir=experiments/cifar10/ACAI_advdepth64_advweight0.5_depth64_latent16_reg0.2_scales3

# cifar10, 1024 latents
python classify_latent_ae.py --ae_dir=experiments/cifar10/AEBaseline_depth64_latent64_scales3
python classify_latent_ae.py --ae_dir=experiments/cifar10/AEDropout_depth64_dropout0.75_latent64_scales3
python classify_latent_ae.py --ae_dir=experiments/cifar10/AEDenoising_depth64_latent64_noise1.0_scales3
python classify_latent_ae.py --ae_dir=experiments/cifar10/VAE_beta1.0_depth64_latent64_scales3
python classify_latent_ae.py --ae_dir=experiments/cifar10/AAE_adversary_lr0.0001_depth64_disc_layer_sizes100,100_latent64_scales3
python classify_latent_ae.py --ae_dir=experiments/cifar10/AEVQVAE_beta10.0_depth64_latent64_num_latents10_scales3_z_log_size14
python classify_latent_ae.py --ae_dir=experiments/cifar10/ACAI_advdepth64_advweight0.5_depth64_latent64_reg0.2_scales3

# svhn32, 32 latents
python classify_latent_ae.py --ae_dir=experiments/svhn32/AEBaseline_depth64_latent2_scales3
python classify_latent_ae.py --ae_dir=experiments/svhn32/AEDropout_depth64_dropout0.5_latent2_scales3
python classify_latent_ae.py --ae_dir=experiments/svhn32/AEDenoising_depth64_latent2_noise1.0_scales3
python classify_latent_ae.py --ae_dir=experiments/svhn32/VAE_beta1.0_depth64_latent2_scales3
python classify_latent_ae.py --ae_dir=experiments/svhn32/AAE_adversary_lr0.0001_depth64_disc_layer_sizes100,100_latent2_scales3
python classify_latent_ae.py --ae_dir=experiments/svhn32/AEVQVAE_beta10.0_depth64_latent2_num_latents10_scales3_z_log_size14
python classify_latent_ae.py --ae_dir=experiments/svhn32/ACAI_advdepth64_advweight0.5_depth64_latent2_reg0.2_scales3

# svhn32, 256 latents
python classify_latent_ae.py --ae_dir=experiments/svhn32/AEBaseline_depth64_latent16_scales3
python classify_latent_ae.py --ae_dir=experiments/svhn32/AEDropout_depth64_dropout0.5_latent16_scales3
python classify_latent_ae.py --ae_dir=experiments/svhn32/AEDenoising_depth64_latent16_noise1.0_scales3
python classify_latent_ae.py --ae_dir=experiments/svhn32/VAE_beta1.0_depth64_latent16_scales3
python classify_latent_ae.py --ae_dir=experiments/svhn32/AAE_adversary_lr0.0001_depth64_disc_layer_sizes100,100_latent16_scales3
python classify_latent_ae.py --ae_dir=experiments/svhn32/AEVQVAE_beta10.0_depth64_latent16_num_latents10_scales3_z_log_size14
python classify_latent_ae.py --ae_dir=experiments/svhn32/ACAI_advdepth64_advweight0.5_depth64_latent16_reg0.2_scales3
