"""Clusters an autoencoder's latents with k-means and scores the clusters against the labels:

    python cluster.py --ae_dir=experiments/mnist32/AEBaseline_depth16_latent16_scales3
"""
import cli
from cli import flags, tasks

FLAGS = flags.FLAGS

flags.DEFINE_bool('use_svd', True, 'Whiten the latents before clustering.')
flags.DEFINE_integer('n_init', 1000, 'Random starts of k-means, of which the best is kept.', 1)
flags.DEFINE_integer('n_jobs', 8, 'Inits to run at a time, each on a core of its own.', 1)
flags.DEFINE_integer('n_try', 1, 'How often to do it all, each time with another seed.', 1)


def main():
    from cli import cluster

    cluster.cluster_run(
        use_svd=FLAGS.use_svd, n_init=FLAGS.n_init, n_jobs=FLAGS.n_jobs, n_try=FLAGS.n_try
    )
    return 0


if __name__ == '__main__':
    tasks.define_ae_dir_flag()
    cli.run(main, required=tasks.AE_DIR)
