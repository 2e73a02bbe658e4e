"""Seconds per init of k-means: lib.tasks.kmeans and scikit-learn's KMeans called directly, in turn.

    python benchmarks/kmeans.py                        60,000 x 256 latents, 10 clusters
    python benchmarks/kmeans.py --images=5000 --size=32 --rounds=4

The latents are whitened, overlapping normal blobs. Both sides make the same inits, so they must
also end at the same objective up to rounding; this is checked. Ours runs inits in parallel, several
in one go: on every thread as many as cluster.py does, unless --inits says otherwise.
"""
import pathlib
import statistics
import sys
import time

import joblib
import numpy as np
from absl import app, flags
from sklearn.cluster import KMeans

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))  # run as a script, not as a module

from lib.tasks import kmeans  # noqa: E402

FLAGS = flags.FLAGS

flags.DEFINE_integer('images', 60_000, 'Number of latents.', 1)
flags.DEFINE_integer('size', 256, 'Numbers in a latent.', 1)
flags.DEFINE_integer('clusters', 10, 'Number of clusters.', 1)
flags.DEFINE_integer('inits', 0, 'Inits of one measurement; 0: enough for all threads.', 0)
flags.DEFINE_integer('together', kmeans.TOGETHER, 'Inits of ours that a thread makes in one go.', 1)
flags.DEFINE_integer('rounds', 3, 'Measurements of each side.', 1)
flags.DEFINE_integer('n_jobs', 8, 'Threads of ours at most.', 1)


def threads():
    return min(FLAGS.n_jobs, joblib.cpu_count())


def inits():
    return FLAGS.inits or threads() * FLAGS.together


def ours(x):
    return kmeans.kmeans(x, FLAGS.clusters, inits(), n_jobs=threads(), together=FLAGS.together)


def sklearns(x):
    return KMeans(
        FLAGS.clusters, init='random', n_init=inits(), max_iter=kmeans.MAX_ITER, random_state=0
    ).fit(x)


def main(_):
    random = np.random.RandomState(0)
    centers = random.normal(size=(FLAGS.clusters, FLAGS.size))
    x = centers[random.randint(FLAGS.clusters, size=FLAGS.images)]
    x = (0.15 * x + random.normal(size=x.shape)).astype(np.float32)
    x, _ = kmeans.whiten(x, x[:1])
    seconds, objectives = {ours: [], sklearns: []}, []
    for _ in range(FLAGS.rounds):
        for side, taken in seconds.items():
            start = time.perf_counter()
            objectives.append(side(x).inertia_)
            taken.append((time.perf_counter() - start) / inits())
    np.testing.assert_allclose(objectives, objectives[0], rtol=1e-3)
    for side, taken in seconds.items():
        print(f'{side.__name__:>9}: {statistics.median(taken):.3f} s per init, all:', end=' ')
        print(' '.join(f'{value:.3f}' for value in taken))
    ratio = statistics.median(seconds[ours]) / statistics.median(seconds[sklearns])
    print(f'ours / sklearns: {ratio:.3f}')


if __name__ == '__main__':
    app.run(main)
