"""Clustering of latents (section 4.2): whitening, k-means, and the best matching of clusters."""
import sys
import time
from typing import NamedTuple

import joblib
import numpy as np
import threadpoolctl
import tqdm
from scipy.optimize import linear_sum_assignment
from sklearn import cluster

MAX_TRAIN_IMAGES = 60_000  # Original: no more are clustered
MAX_ITER = 1000
SINGULAR_FLOOR = 1e-5  # Original: added to every singular value that is divided by
TIMED_INITS = 3
SECONDS_BETWEEN_LOG_LINES = 30  # of the progress bar, where it goes to a file


class Score(NamedTuple):
    """objective: sum of squared distances to the nearest centre; accuracy: of 1, best matching."""

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
        (train, test) of their dtypes, (n, k) and (m, k) with k = min(n, d). With the singular
        values s of the centred training latents, n * covariance of the training ones is
        diag((s / (s + SINGULAR_FLOOR))^2): for s far above SINGULAR_FLOOR the unit matrix.
    """
    mean = train.mean(axis=0, dtype=np.float64)
    # The triangle of a QR decomposition has the singular values and right vectors of the whole.
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
    together = np.zeros((assignment.max() + 1, label.max() + 1), np.int64)
    np.add.at(together, (assignment, label), 1)
    return float(together[linear_sum_assignment(together, maximize=True)].sum() / len(label))


class RandomRows:
    """scikit-learn's init='random' for `KMeans`, which tells when each init begins.

    The rows are drawn from the same generator in the same way, so that the clusters are those of
    KMeans(init='random') with the same random_state; one call of `fit` makes all inits, at its
    own speed.

    Args:
        on_init: called without arguments as each init begins.
    """

    def __init__(self, on_init):
        self.on_init = on_init

    def __call__(self, X, n_clusters, random_state):
        self.on_init()
        weight = np.ones(len(X), X.dtype)
        rows = random_state.choice(len(X), n_clusters, replace=False, p=weight / weight.sum())
        return X[rows]


def kmeans(x, n_clusters, n_init, random_state=0, on_init=None):
    """scikit-learn's KMeans with the original's settings, fitted.

    Args:
        x: (n, d), n >= n_clusters.
        n_clusters: number of clusters.
        n_init: random starts, of which the best is kept.
        random_state: integer seed of all starts.
        on_init: see `RandomRows`.
    """
    return cluster.KMeans(
        n_clusters,
        init=RandomRows(on_init) if on_init else 'random',
        n_init=n_init,
        max_iter=MAX_ITER,
        random_state=random_state,
    ).fit(x)


def seconds_per_init(x, n_clusters, random_state):
    """The mean time of a few starts on the data itself; it varies between them by some 2x."""
    start = time.perf_counter()
    kmeans(x, n_clusters, TIMED_INITS, random_state)
    return (time.perf_counter() - start) / TIMED_INITS


def score(fitted, x, label):
    """The `Score` of latents (n, d) with classes (n,) under a fitted KMeans."""
    return Score(-float(fitted.score(x)), matched_accuracy(fitted.predict(x), label))


def run(train, train_label, test, test_label, *, nclass, n_init, random_state):
    """Clusters training latents into `nclass` clusters and scores them.

    Prints the expected time before it starts, a bar with the time left, and the scores.

    Args:
        train, test: (n, d) and (m, d).
        train_label, test_label: their classes, (n,) and (m,) int.
        nclass: number of clusters.
        n_init, random_state: see `kmeans`.

    Returns:
        `Clustering`.
    """
    each = seconds_per_init(train, nclass, random_state)
    print(
        f'k-means: {n_init} inits on {len(train):,} x {train.shape[1]} latents, {each:.2g} s each: '
        f'about {tqdm.tqdm.format_interval(each * n_init)}',
        flush=True,
    )
    live = sys.stderr.isatty()
    with tqdm.tqdm(
        total=n_init,
        unit='init',
        mininterval=0.5 if live else SECONDS_BETWEEN_LOG_LINES,
        dynamic_ncols=True,
    ) as bar:
        begun = iter(range(n_init))
        fitted = kmeans(
            train, nclass, n_init, random_state, on_init=lambda: bar.update(next(begun) > 0)
        )
        bar.update()
    scores = Clustering(score(fitted, train, train_label), score(fitted, test, test_label))
    for name, part in scores._asdict().items():
        print(f'{name} objective={part.objective:.6g} accuracy={100 * part.accuracy:.2f}')
    return scores


def threads(count):
    """A context in which NumPy and scikit-learn use at most `count` threads, one per core."""
    return threadpoolctl.threadpool_limits(min(count, joblib.cpu_count()))
