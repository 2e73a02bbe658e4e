"""What is measured of a trained autoencoder: its latents classified, clustered, compared."""
