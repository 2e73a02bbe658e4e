"""Clusters an autoencoder's latents with k-means and scores the clusters against the labels:

    python cluster.py --ae_dir=experiments/mnist32/AEBaseline_depth16_latent16_scales3
"""
import json
import math
import os
import zlib

import cli
from cli import flags, tasks
from lib.errors import UserError

FLAGS = flags.FLAGS

flags.DEFINE_bool('use_svd', True, 'Whiten the latents before clustering.')
flags.DEFINE_integer('n_init', 1000, 'Random starts of k-means, of which the best is kept.', 1)
flags.DEFINE_integer('n_jobs', 8, 'Inits to run at a time, each on a core of its own.', 1)
flags.DEFINE_integer('n_try', 1, 'How often to do it all, each time with another seed.', 1)


def main():
    from lib import runs
    from lib.paper import reported
    from lib.tasks import kmeans, latents

    ae, run, images = tasks.open_autoencoder()
    if images.train_once is None:
        raise UserError(
            f'Clustering needs a training set that ends, but that of {images.name} is endless; '
            'use an autoencoder of mnist32, svhn32, cifar10 or digits32.'
        )
    if not os.access(run.path, os.W_OK):
        raise UserError(
            f'Cannot write the latents and {runs.CLUSTERING_NAME} to {run.path}; copy the run '
            'folder to a place where you can.'
        )
    stored = latents.stored_latents(ae, images, run, kmeans.MAX_TRAIN_IMAGES)
    train, test = (stored[name].reshape(len(stored[name]), -1) for name in ('train', 'test'))
    if len(train) < images.nclass:
        raise UserError(f'{len(train)} images are too few for {images.nclass} clusters.')
    inits = f'{zlib.crc32(train):08x} {images.nclass} {FLAGS.use_svd} {FLAGS.n_init}'
    if FLAGS.use_svd:
        train, test = kmeans.whiten(train, test)
    progress = [
        kmeans.Progress(os.path.join(run.path, f'clustering-{seed}.npz'), f'{inits} {seed}')
        for seed in range(FLAGS.n_try)
    ]
    tries = [
        kmeans.cluster_and_score(
            train,
            stored['train_label'],
            test,
            stored['test_label'],
            nclass=images.nclass,
            n_init=FLAGS.n_init,
            random_state=seed,
            n_jobs=FLAGS.n_jobs,
            progress=progress[seed],
        )
        for seed in range(FLAGS.n_try)
    ]
    accuracy = 100 * sum(scores.test.accuracy for scores in tries) / len(tries)
    class_name, size = type(ae).__name__, math.prod(ae.latent_shape)
    record = {
        'class': class_name,
        'params': ae.params,
        'dataset': images.name,
        'step': int(ae.global_step),
        'latent_size': size,
        'use_svd': FLAGS.use_svd,
        'n_init': FLAGS.n_init,
        'tries': [{name: part._asdict() for name, part in t._asdict().items()} for t in tries],
        'test_accuracy': accuracy,
    }
    path = os.path.join(run.path, runs.CLUSTERING_NAME)
    runs.write_file(path, json.dumps(record, indent=2).encode() + b'\n')
    for each in progress:
        each.remove()
    value = reported.paper_value(reported.CLUSTERING, (images.name, size), class_name)
    tasks.summarize('cluster', images.name, class_name, size, accuracy, value)
    return 0


if __name__ == '__main__':
    tasks.define_ae_dir_flag()
    cli.run(main, required=tasks.AE_DIR)
