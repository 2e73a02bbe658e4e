"""Tasks on a trained autoencoder: classification, clustering, comparison."""
