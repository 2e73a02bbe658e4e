"""The paper's datasets as record files: from their authors' hosts through TensorFlow Datasets."""
import os
import threading
import urllib.parse

import requests
import tensorflow as tf
import tensorflow_datasets as tfds

from lib import data
from lib.data import celeba, published, records, registry
from lib.errors import UserError, first_line

NETWORK_SECONDS = 8  # a host that is silent for so long is taken as not reachable
READ_TOGETHER = 256


def create_all(names, data_dir, overwrite=False, celeba_zip=None, folder=None, verified=True):
    """`create` for several datasets; stops at the first that cannot be made.

    Raises:
        UserError: as `create`.
    """
    for name in names:
        if name not in registry.SOURCES:
            raise UserError(
                f'There is no dataset {name!r} to download; known: {", ".join(registry.SOURCES)}.'
            )
    if celeba_zip and 'celeba' not in names:
        raise UserError('--celeba_zip is for celeba, which --datasets does not name; add it.')
    if celeba_zip and folder:
        raise UserError('Give --celeba_zip or --from, not both.')
    if folder is None and not verified:
        raise UserError('--no-checksums is for the files of --from=FOLDER; add that.')
    _check_apart(names, folder, verified)
    # What needs no network comes first: a host that does not answer ends the command.
    for name in sorted(names, key=lambda name: not (name == 'celeba' and celeba_zip)):
        create(name, data_dir, overwrite, celeba_zip, folder, verified)


def _check_apart(names, folder, verified):
    """Raises UserError if the files of two datasets would have the same names in the same folder
    while no checksums tell them apart."""
    if folder is None or verified:
        return
    found = {}
    for name in names:
        source = registry.SOURCES[name]
        if os.path.isdir(os.path.join(folder, source.name)):
            continue
        other = found.setdefault(type(source.published), name)
        if other != name:
            raise UserError(
                f'The files of {other} and {name} have the same names: put them into {folder}/'
                f'{other} and {folder}/{name}, or give a command for each.'
            )


def create(name, data_dir, overwrite=False, celeba_zip=None, folder=None, verified=True):
    """Makes those record files of a dataset that do not exist yet.

    Pictures keep TensorFlow Datasets' order, which is shuffled but always the same; those of
    celeba_zip are in the order of their file names.

    Args:
        name: a key of `lib.data.registry.SOURCES`.
        data_dir: folder of the records. Downloads are kept in `tfds` below it.
        overwrite: whether files that exist are made again.
        celeba_zip: path of img_align_celeba.zip, in place of a download of CelebA.
        folder: folder of the files as their authors publish them, in place of any download.
        verified: whether the files in `folder` must have the published checksums.

    Raises:
        UserError: the host cannot be reached, or the data or the disk is at fault.
    """
    source = registry.SOURCES[name]
    missing = []
    for stem in source.splits:
        path = data.record_path(stem, data_dir)
        if os.path.exists(path) and not overwrite:
            print(f'{path} is there already; --overwrite makes it again.')
        else:
            missing.append(stem)
    if missing and folder:
        published.create(source, missing, folder, data_dir, verified)
    elif missing and name == 'celeba' and celeba_zip:
        _create_from_zip(data.record_path(missing[0], data_dir), celeba_zip)
    elif missing:
        builder = _prepared(source, data_dir)
        for stem in missing:
            _create_from_tfds(data.record_path(stem, data_dir), builder, source, stem)


def _create_from_tfds(path, builder, source, stem):
    splits = '+'.join(source.splits[stem])
    total = builder.info.splits[splits].num_examples
    records.write(path, _pictures(builder, splits, source.to_class), total)
    print(f'{path}: {total:,} pictures.')


def _pictures(builder, splits, to_class):
    """Yields (PNG or JPEG bytes as TensorFlow Datasets stores them, class)."""
    examples = builder.as_dataset(
        split=splits,
        decoders={'image': tfds.decode.SkipDecoding()},
        read_config=tfds.ReadConfig(interleave_cycle_length=1),
        shuffle_files=False,
    )

    def wanted(example):
        label = tf.constant(0, tf.int64) if to_class is None else example['label']
        return example['image'], label

    try:
        for images, labels in examples.map(wanted).batch(READ_TOGETHER).as_numpy_iterator():
            for image, label in zip(images, labels.tolist(), strict=True):
                yield image, to_class(label) if to_class else label
    except tf.errors.OpError as error:
        raise UserError(
            f'{builder.data_dir} is damaged ({first_line(error)}); delete it and run the command '
            'again.'
        ) from error


def _prepared(source, data_dir):
    """The TFDS builder of a dataset, downloaded and prepared."""
    name, tfds_dir = source.name, os.path.join(data_dir, 'tfds')
    try:
        builder = tfds.builder(source.builder, data_dir=tfds_dir)
        if not builder.is_prepared():
            for host in sorted({_origin(url) for url in _urls(builder)}):
                if not _reachable(host):
                    raise UserError(
                        f'Cannot reach {host} to download {name}; connect this machine to the '
                        'network, give --from=FOLDER with the files as their authors publish them, '
                        f'or copy the records made on another into {data_dir}.{source.hint}'
                    )
            config = tfds.download.DownloadConfig(try_download_gcs=False)
            builder.download_and_prepare(download_config=config)
    except UserError:
        raise
    except Exception as error:  # TFDS, its downloader and its parsers raise errors of every kind
        raise UserError(
            f'{name} could not be downloaded and prepared in {tfds_dir} ({first_line(error)}); run '
            f'the command again, or delete that folder first.{source.hint}'
        ) from error
    return builder


class _Asked(Exception):
    """Carries the URLs that a builder asked for."""


class _AskedOnly:
    """A download manager that downloads nothing, but raises `_Asked` with the URLs."""

    def download(self, urls):
        raise _Asked(urls)

    download_and_extract = download


def _urls(builder):
    """The URLs that a TFDS builder downloads."""
    try:
        builder._split_generators(_AskedOnly())
    except _Asked as asked:
        return tf.nest.flatten(asked.args[0])
    return []


def _origin(url):
    parts = urllib.parse.urlsplit(url)
    return f'{parts.scheme}://{parts.netloc}/'


def _reachable(url):
    """Whether a host answers at all, within NETWORK_SECONDS.

    TFDS would retry for minutes. The request runs in a thread because its timeout does not cover
    the look-up of the host's name.
    """
    answers = []

    def ask():
        try:
            answers.append(requests.head(url, timeout=NETWORK_SECONDS))
        except requests.RequestException:
            pass

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(NETWORK_SECONDS)
    return bool(answers)


def _create_from_zip(path, celeba_zip):
    entries, read = celeba.open_zip(celeba_zip)
    pictures = (
        (celeba.checked(celeba_zip, entry.filename, read, entry), 0)
        for entry in sorted(entries, key=lambda entry: os.path.basename(entry.filename))
    )
    records.write(path, pictures, len(entries))
    known = '' if len(entries) == celeba.COUNT else f'; the whole CelebA has {celeba.COUNT:,}'
    print(f'{path}: {len(entries):,} pictures{known}.')
