"""Clusters an autoencoder's latents and records how well the clusters tell the classes apart."""
import contextlib
import dataclasses
import math
import os

import numpy as np

from acai_tf import load
from cli import tasks
from lib import arrays, files, runs
from lib.errors import UserError
from lib.paper import experiments, kinds, reported, results
from lib.tasks import kmeans, latents

OPTIONS = 'step', 'use_svd', 'n_init', 'n_try'  # which tell two clusterings of a run apart


def cluster_run(*, use_svd, n_init, n_jobs, n_try):
    """Clusters the latents of --ae_dir's run, `n_try` times; the scores go into its folder.

    Args:
        use_svd: whether the latents are whitened first.
        n_init, n_jobs: see `lib.tasks.kmeans.kmeans`.
        n_try: how often to do it all, each time with another seed.

    Raises:
        UserError: the run's folder cannot be written, its dataset is endless or too small, or its
            latents are not finite.
    """
    ae, run, images = tasks.open_autoencoder()
    _check(run, images)
    stored = latents.stored_latents(ae, images, run, kmeans.MAX_TRAIN_IMAGES)
    class_name, size = type(ae).__name__, math.prod(ae.latent_shape)
    record = {
        'class': class_name,
        'params': ae.params,
        'dataset': images.name,
        'step': int(ae.global_step),
        'latent_size': size,
        'use_svd': use_svd,
        'n_init': n_init,
        'n_try': n_try,
        'latents': arrays.checksum(stored[name] for name in sorted(stored)),
    }
    path = run.clustering_path
    if before := _made_already(path, record):
        print(
            'These latents were already clustered with these options; using the stored result.'
        )
        record = before
    else:
        tries = _cluster(
            stored,
            run,
            nclass=images.nclass,
            use_svd=use_svd,
            n_init=n_init,
            n_jobs=n_jobs,
            n_try=n_try,
        )
        record['tries'] = [
            {name: part._asdict() for name, part in scores._asdict().items()} for scores in tries
        ]
        record['test_accuracy'] = 100 * sum(scores.test.accuracy for scores in tries) / n_try
    out_of_date = _progress_paths(run, record)
    if _write(path, record):
        out_of_date.append(_named(path, record))
    for old in out_of_date:
        with contextlib.suppress(OSError):
            os.remove(old)
    value = papers_value(results.read_run(run, load.identify(run)), record)
    tasks.summarize('cluster', images.name, class_name, size, record['test_accuracy'], value)


def _made_already(path, record):
    """The record of an earlier clustering of the same latents with the same options; None if there
    is none."""
    for place in (path, _named(path, record)):
        before = results.read_clustering(place, tell=False)  # a damaged one is made again
        if before and all(before.get(name) == record[name] for name in (*OPTIONS, 'latents')):
            return before
    return None


def _cluster(stored, run, *, nclass, use_svd, n_init, n_jobs, n_try):
    """Clusters stored latents; returns a list with the `kmeans.Clustering` of each try."""
    train, test = (stored[name].reshape(len(stored[name]), -1) for name in ('train', 'test'))
    if len(train) < nclass:
        raise UserError(f'{len(train)} images are too few for {nclass} clusters.')
    if not (np.isfinite(train).all() and np.isfinite(test).all()):
        raise UserError(f'The latents of {run.path} are not finite: its training diverged.')
    inits = f'{arrays.checksum([train])} {nclass} {use_svd} {n_init}'
    if use_svd:
        train, test = kmeans.whiten(train, test)
    options, tries = {'use_svd': use_svd, 'n_init': n_init, 'n_try': n_try}, []
    for seed, path in enumerate(_progress_paths(run, options)):
        scores = kmeans.cluster_and_score(
            train,
            stored['train_label'],
            test,
            stored['test_label'],
            nclass=nclass,
            n_init=n_init,
            random_state=seed,
            n_jobs=n_jobs,
            progress=kmeans.BestSoFar(path, f'{inits} {seed}'),
        )
        tries.append(scores)
    return tries


def _progress_paths(run, options):
    """The paths of the files that keep the progress of the tries, one each; their names contain the
    options that differ from table 3's."""
    # Without n_try, because each try has a file of its own.
    usual = {name: experiments.TABLE_3_OPTIONS[name] for name in ('n_init', 'use_svd')}
    others = ''.join(f'_{name}{options[name]}' for name in usual if options[name] != usual[name])
    stem = os.path.join(run.path, f'clustering{others}')
    return [f'{stem}-{seed}.npz' for seed in range(options['n_try'])]


def _write(path, record):
    """Writes a record, and keeps an existing one of other options or of another step beside it.

    The new record gets the plain name, which tables read, and the old one is renamed after its
    options; but one with table 3's options keeps the plain name against others of the same step.

    Returns:
        Whether the new record has the plain name.
    """
    old = results.read_clustering(path, tell=False)
    if not old or all(old[name] == record[name] for name in OPTIONS):
        files.write_file(path, files.to_json(record))
        return True
    name = os.path.basename(path)
    if _is_of_table(old) and not _is_of_table(record) and old['step'] == record['step']:
        beside = _named(path, record)
        files.write_file(beside, files.to_json(record))
        print(
            f"{name} holds the result with table 3's options and is kept; this one is in "
            f'{os.path.basename(beside)}.'
        )
        return False
    beside = _named(path, old)
    files.write_file(beside, files.to_json(old))
    files.write_file(path, files.to_json(record))
    print(f'The previous {name} was moved to {os.path.basename(beside)}.')
    return True


def _is_of_table(record):
    return all(record[name] == value for name, value in experiments.TABLE_3_OPTIONS.items())


def _named(path, record):
    """The path for a record with its options in the file name."""
    stem, ending = os.path.splitext(path)
    return '_'.join([stem, *(f'{name}{record[name]}' for name in OPTIONS)]) + ending


def papers_value(run, record):
    """The paper's `PaperValue` to compare with a clustering record of a `lib.paper.results.Run`;
    None where the paper has none with the same options."""
    run = dataclasses.replace(run, clustering=record)  # its folder may hold another record
    if kinds.settings_of(run, results.CLUSTERING):
        return None
    return reported.paper_value(
        reported.TABLE_3, (run.dataset, run.latent_size), run.class_name
    )


def _check(run, images):
    """Raises UserError if the images have no classes or do not end, or if the result could not be
    written."""
    tasks.need_classes(images)
    if images.train_once is None:
        raise UserError(
            f'Clustering needs a training set that ends, but that of {images.name} is endless; '
            'use an autoencoder of pictures in classes, such as mnist32 or digits32.'
        )
    if not os.access(run.path, os.W_OK):
        raise UserError(
            f'Cannot write the latents and {runs.CLUSTERING_NAME} to {run.path}; copy the run '
            'folder to a place where you can.'
        )
