"""Clustering of latents (section 4.2): whitening, k-means, and the best matching of clusters."""
import contextlib
import sys
import time
import warnings
from concurrent import futures
from typing import NamedTuple

import joblib
import numpy as np
import threadpoolctl
import tqdm
from scipy.optimize import linear_sum_assignment
from sklearn import cluster
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.cluster import contingency_matrix
from sklearn.utils import check_random_state

from lib import arrays, files, progress_bar

MAX_TRAIN_IMAGES = 60_000  # Original: no more are clustered
MAX_ITER = 1000  # Original
SINGULAR_FLOOR = 1e-5  # Original: added to every singular value before dividing by it
TIMED_SECONDS = 0.5  # how long to measure, at least
TOGETHER = 4  # inits per call of KMeans
FITTED = 'cluster_centers_', 'labels_', 'inertia_'  # the attributes of a fitted KMeans to store
SAVE_SEC = 20  # at least, from one save of the best so far to the next


class Score(NamedTuple):
    """objective: sum of squared distances to the nearest centre; accuracy: `matched_accuracy`."""

    objective: float
    accuracy: float


class Clustering(NamedTuple):
    """The `Score` of the training latents, which were clustered, and of the test latents."""

    train: Score
    test: Score


def whiten(train, test):
    """Projects latents on the principal axes of the training latents and evens out their scale.

    Args:
        train, test: (n, d) and (m, d) floats.

    Returns:
        (train, test), each in its own dtype, (n, k) and (m, k) with k = min(n, d). With the
        singular values s of the centred training latents, n * covariance of the returned train is
        diag((s / (s + SINGULAR_FLOOR))^2): for s far above SINGULAR_FLOOR the unit matrix.
    """
    mean = train.mean(axis=0, dtype=np.float64)
    # The triangular factor of a QR decomposition has the same singular values and right singular
    # vectors as the whole matrix.
    triangle = np.linalg.qr(train - mean, mode='r')
    _, singular, axes = np.linalg.svd(triangle, full_matrices=False)
    projection = axes.T / (singular + SINGULAR_FLOOR)  # (d, k)
    return tuple(((array - mean) @ projection).astype(array.dtype) for array in (train, test))


def matched_accuracy(assignment, label):
    """Share of images whose cluster stands for their class, under the best one-to-one matching.

    Args:
        assignment: (n,) int, the cluster of each image.
        label: (n,) int, its class.

    Returns:
        Between 0 and 1; images of clusters that match no class count as wrong.
    """
    counts = contingency_matrix(assignment, label)
    return float(counts[linear_sum_assignment(counts, maximize=True)].sum() / len(label))


class BestSoFar:
    """The best of the inits so far, kept in a file from which a stopped k-means resumes.

    Args:
        path: path of the file.
        key: text that changes with whatever the inits depend on.

    Attributes:
        done: how many inits were done according to the file; 0 if it is missing, damaged, or has
            another key.
    """

    def __init__(self, path, key):
        self.path, self.key, self._saved = path, key, time.monotonic()
        self._stored = arrays.read(path, key)
        self.done = int(self._stored.get('done', 0))

    def best(self, x):
        """The best of the `done` inits, a KMeans fitted to the same x; None if none is done."""
        if not self.done:
            return None
        centers = self._stored['cluster_centers_']
        fitted = cluster.KMeans(len(centers), init=centers, n_init=1, max_iter=1).fit(x)
        for name in FITTED:
            setattr(fitted, name, self._stored[name][()])
        return fitted

    def save(self, done, best, at_once=False):
        """Writes the file; unless `at_once`, only if SAVE_SEC have passed since the last time."""
        if done == self.done or not (at_once or time.monotonic() - self._saved >= SAVE_SEC):
            return
        self._stored = {name: np.asarray(getattr(best, name)) for name in FITTED}
        self.done, self._saved = done, time.monotonic()
        try:
            arrays.write(self.path, self.key, {'done': done, **self._stored})
        except OSError as error:  # no reason to stop: only the progress so far cannot be kept
            print(
                f'Cannot keep what is done in {self.path} ({error.strerror}); '
                f'{files.what_to_do(error)} before the end, when the result is written.',
                file=sys.stderr,
            )


def kmeans(
    x, n_clusters, n_init, random_state=0, n_jobs=1, together=TOGETHER, on_done=None, progress=None
):
    """Fits scikit-learn's KMeans with the original's settings and returns it.

    The result is that of KMeans(init='random', n_init=n_init, random_state=random_state) on one
    thread, for any n_jobs: each init runs on one thread and starts from the rows that KMeans would
    draw. KMeans itself splits every init over all threads, whose synchronisation costs more than
    they save on a few thousand latents or on a busy machine.

    Args:
        x: (n, d) floats, n >= n_clusters.
        n_clusters: number of clusters.
        n_init: number of random starts, of which the best is kept.
        random_state: integer seed of all starts.
        n_jobs: threads; each has a copy of x.
        together: inits between two calls of on_done; KMeans.fit prepares x once for all of them.
        on_done: called with the number of inits done since its last call.
        progress: a `BestSoFar` of the same inits, to resume from and to update.
    """
    random, weight = check_random_state(random_state), np.ones(len(x), x.dtype)
    starts = [
        random.choice(len(x), n_clusters, replace=False, p=weight / weight.sum())
        for _ in range(n_init)
    ]

    def fit(first):
        rows = iter(starts[first : first + together])
        count = len(starts[first : first + together])
        with threadpoolctl.threadpool_limits(1, 'openmp'):
            return count, cluster.KMeans(
                n_clusters,
                init=lambda X, n_clusters, random_state: X[next(rows)],
                n_init=count,
                max_iter=MAX_ITER,
            ).fit(x)

    done = progress.done if progress else 0
    best, pool = progress.best(x) if progress else None, futures.ThreadPoolExecutor(n_jobs)
    try:
        with threadpoolctl.threadpool_limits(1, 'blas'):
            for count, fitted in pool.map(fit, range(done, n_init, together)):
                # Like KMeans, ignores an init that is better only by rounding.
                if best is None or (fitted.inertia_ < best.inertia_ and not _same(fitted, best)):
                    best = fitted
                done += count
                if progress:
                    progress.save(done, best)
                if on_done:
                    on_done(count)
    finally:
        if progress:
            progress.save(done, best, at_once=True)
        pool.shutdown(cancel_futures=True)
    return best


def _same(one, other):
    """Whether two fitted KMeans made the same clusters, however these are numbered."""
    number = np.full(one.n_clusters, -1)
    number[one.labels_] = other.labels_
    return (number[one.labels_] == other.labels_).all()


def seconds_per_init(x, n_clusters, random_state, n_jobs):
    """The mean time per init in seconds, of as many inits on the data itself as fill TIMED_SECONDS.

    Inits take different times: where only one per thread is timed, the mean may be off by a factor
    of about 2.
    """
    count, seconds = n_jobs, 0
    while seconds < TIMED_SECONDS:
        start = time.perf_counter()
        together = min(TOGETHER, -(-count // n_jobs))
        kmeans(x, n_clusters, count, random_state, n_jobs, together)
        seconds = time.perf_counter() - start
        count *= 4
    return seconds / (count // 4)


def score(fitted, x, label):
    """The `Score` of latents (n, d) with classes (n,) under a fitted KMeans.

    # Original: clusters are matched to the very labels that are scored, those of the test set too.
    """
    return Score(-float(fitted.score(x)), matched_accuracy(fitted.predict(x), label))


@contextlib.contextmanager
def _once_is_enough():
    """Ignores the warning of every init that there are fewer points than clusters."""
    with warnings.catch_warnings(action='ignore', category=ConvergenceWarning):
        yield


@_once_is_enough()
def cluster_and_score(
    train, train_label, test, test_label, *, nclass, n_init, random_state, n_jobs=1, progress=None
):
    """Clusters training latents into `nclass` clusters and scores them.

    Prints the expected time before it starts, a bar with the time left, and the scores.

    Args:
        train, test: (n, d) and (m, d).
        train_label, test_label: their classes, (n,) and (m,) int.
        nclass: number of clusters.
        n_init, random_state: see `kmeans`.
        n_jobs: maximum number of threads; never more than there are cores.
        progress: see `kmeans`.

    Returns:
        `Clustering`.
    """
    n_jobs, done = min(n_jobs, joblib.cpu_count()), progress.done if progress else 0
    each = seconds_per_init(train, nclass, random_state, n_jobs)
    left = f' for the {n_init - done} that are left' if done else ''
    print(
        f'k-means: {n_init} inits on {len(train):,} x {train.shape[1]} latents, {n_jobs} at a time,'
        f' {each:.2g} s each: about {tqdm.tqdm.format_interval(each * (n_init - done))}{left}',
        flush=True,
    )
    with progress_bar.bar(total=n_init, initial=done, unit='init') as bar:
        options = dict(n_jobs=n_jobs, on_done=bar.update, progress=progress)
        fitted = kmeans(train, nclass, n_init, random_state, **options)
    if (met := len(np.unique(fitted.labels_))) < nclass:
        print(
            f'The latents have only {met} distinct values, so they cannot form {nclass} clusters.'
        )
    scores = Clustering(score(fitted, train, train_label), score(fitted, test, test_label))
    for name, part in scores._asdict().items():
        print(f'{name} objective={part.objective:.6g} accuracy={100 * part.accuracy:.2f}')
    return scores
