"""Clustering: whitening, k-means and matching on latents whose answer is known."""
import numpy as np
import pytest
import threadpoolctl
from sklearn.cluster import KMeans

from lib.tasks import kmeans


def correlated(n, d, seed=0):
    random = np.random.RandomState(seed)
    return random.normal(size=(n, d)) @ random.normal(size=(d, d)) + random.normal(size=d)


def test_whitened_latents_have_unit_covariance_up_to_the_floor():
    train = correlated(500, 6)
    white, _ = kmeans.whiten(train, train)
    singular = np.linalg.svd(train - train.mean(axis=0), compute_uv=False)
    factor = (singular / (singular + kmeans.SINGULAR_FLOOR)) ** 2
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(white.T @ white, np.diag(factor), atol=1e-9)


def test_whitening_damps_directions_below_the_floor():
    train = correlated(500, 6)
    train[:, 0] = 0  # a dead latent
    white, _ = kmeans.whiten(train, train)
    np.testing.assert_allclose(np.diag(white.T @ white), [1, 1, 1, 1, 1, 0], atol=1e-5)


def test_whitening_uses_the_training_latents_alone():
    train, test = correlated(500, 6), correlated(40, 6, seed=1)
    white, other = kmeans.whiten(train.astype(np.float32), test.astype(np.float32))
    assert white.dtype == other.dtype == np.float32
    centred = train - train.mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    expected = (test - train.mean(axis=0)) @ axes.T / (singular + kmeans.SINGULAR_FLOOR)
    sign = np.sign((expected * other).sum(axis=0))  # of a principal axis, which is arbitrary
    np.testing.assert_allclose(other * sign, expected, atol=1e-4)


def test_fewer_latents_than_dimensions():
    white, other = kmeans.whiten(correlated(4, 9), correlated(7, 9))
    assert white.shape == (4, 4) and other.shape == (7, 4)


def test_perfect_clusters_score_1_under_any_permutation():
    label = np.random.RandomState(0).randint(5, size=300)
    for permutation in ([0, 1, 2, 3, 4], [3, 1, 4, 0, 2]):
        assert kmeans.matched_accuracy(np.array(permutation)[label], label) == 1


def test_accuracy_does_not_change_with_the_clusters_names():
    random = np.random.RandomState(0)
    label, assignment = random.randint(5, size=(2, 300))
    renamed = random.permutation(5)[assignment]
    accuracy = kmeans.matched_accuracy(assignment, label)
    assert 0.2 <= accuracy < 0.4
    assert kmeans.matched_accuracy(renamed, label) == accuracy


def test_one_cluster_for_all_scores_the_largest_class():
    label = np.repeat([0, 1, 2], [50, 30, 20])
    for name in (0, 2, 7):
        assert kmeans.matched_accuracy(np.full(100, name), label) == 0.5


def test_a_cluster_stands_for_one_class_only():
    label = np.array([0, 0, 0, 1, 1, 2])
    assert kmeans.matched_accuracy(np.array([0, 1, 1, 2, 2, 3]), label) == 5 / 6


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_kmeans_is_scikit_learns_for_any_number_of_threads(dtype):
    x = np.random.RandomState(0).normal(size=(600, 8)).astype(dtype)
    with threadpoolctl.threadpool_limits(1):
        theirs = KMeans(7, init='random', n_init=22, max_iter=1000, random_state=3).fit(x)
    for n_jobs, together in ((1, 22), (1, 1), (3, 4)):
        done = []
        ours = kmeans.kmeans(x, 7, 22, 3, n_jobs, together, done.append)
        assert sum(done) == 22
        assert ours.inertia_ == theirs.inertia_
        np.testing.assert_array_equal(ours.labels_, theirs.labels_)
        np.testing.assert_array_equal(ours.cluster_centers_, theirs.cluster_centers_)


@pytest.mark.parametrize('damage', [None, 'key', 'cut', 'gone'])
def test_a_stopped_kmeans_goes_on_from_what_was_done(damage, tmp_path):
    x = np.random.RandomState(0).normal(size=(600, 8)).astype(np.float32)
    unbroken, path = kmeans.kmeans(x, 7, 22, 3), tmp_path / 'progress.npz'

    def stop(count):
        if sum(done) >= 12:
            raise KeyboardInterrupt
        done.append(count)

    done = []
    with pytest.raises(KeyboardInterrupt):
        kmeans.kmeans(x, 7, 22, 3, n_jobs=2, on_done=stop, progress=kmeans.BestSoFar(path, 'a'))
    if damage == 'cut':
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == 'gone':
        path.unlink()
    progress, done = kmeans.BestSoFar(path, 'b' if damage == 'key' else 'a'), []
    assert progress.done == (0 if damage else 16)
    again = kmeans.kmeans(x, 7, 22, 3, on_done=done.append, progress=progress)
    assert sum(done) == (22 if damage else 6) and kmeans.BestSoFar(path, progress.key).done == 22
    assert again.inertia_ == unbroken.inertia_
    np.testing.assert_array_equal(again.labels_, unbroken.labels_)
    np.testing.assert_array_equal(again.predict(x), unbroken.predict(x))
    assert again.score(x) == unbroken.score(x)
    whole = kmeans.kmeans(x, 7, 22, 3, on_done=pytest.fail, progress=progress)  # nothing is left
    assert len(whole.labels_) == 600 and whole.inertia_ == unbroken.inertia_


def test_the_first_of_equal_clusterings_is_kept():
    x = np.repeat([[0.0], [1.0], [7.0]], 20, axis=0) + np.linspace(0, 0.1, 60)[:, None]
    with threadpoolctl.threadpool_limits(1):
        theirs = KMeans(3, init='random', n_init=30, max_iter=1000, random_state=0).fit(x)
    ours = kmeans.kmeans(x, 3, 30, together=1)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)


def test_a_clustering_that_is_better_by_rounding_alone_is_passed_over(monkeypatch):
    x, inertias = np.arange(4.0)[:, None], iter([1.0, np.nextafter(1.0, 0), 0.5])

    class Fitted:
        def __init__(self, n_clusters, **_):
            self.n_clusters, self.inertia_ = n_clusters, next(inertias)

        def fit(self, _):
            self.labels_ = np.array([0, 0, 1, 1]) if self.inertia_ > 0.5 else np.array([0, 1, 1, 1])
            return self

    monkeypatch.setattr(kmeans.cluster, 'KMeans', Fitted)
    assert kmeans.kmeans(x, 2, 2, together=1).inertia_ == 1.0
    inertias = iter([1.0, 0.5])
    assert kmeans.kmeans(x, 2, 2, together=1).inertia_ == 0.5


def test_latents_of_few_values_are_told_of_once(capsys, recwarn):
    x, label = np.repeat(np.eye(2, dtype=np.float32), 20, axis=0), np.arange(40) % 4
    scores = kmeans.cluster_and_score(
        x, label, x, label, nclass=4, n_init=8, random_state=0, n_jobs=2
    )
    assert scores.train.objective == 0 and not recwarn.list
    assert capsys.readouterr().out.count('The latents have only 2 distinct values') == 1


def test_run_finds_blobs_and_says_how_long_it_takes(capsys):
    random = np.random.RandomState(0)
    label = random.randint(4, size=400)
    x = (20 * np.eye(4)[label] + random.normal(size=(400, 4))).astype(np.float32)
    scores = kmeans.cluster_and_score(
        x[:300], label[:300], x[300:], label[300:], nclass=4, n_init=10, random_state=0
    )
    assert scores.train.accuracy == scores.test.accuracy == 1
    assert 900 < scores.train.objective < 1500  # 300 images of 4 unit variances
    out = capsys.readouterr().out
    assert out.startswith('k-means: 10 inits on 300 x 4 latents, ')
    assert 'test objective=' in out and 'accuracy=100.00' in out


def test_inits_that_cannot_be_kept_are_told_of(tmp_path, capsys):
    x = np.random.default_rng(0).normal(size=(30, 2))
    progress = kmeans.BestSoFar(str(tmp_path / 'nowhere' / 'c.npz'), 'key')
    progress.save(1, KMeans(2, n_init=1).fit(x), at_once=True)
    assert 'Cannot keep what is done in ' in capsys.readouterr().err
