"""The paper's datasets as record files: from their authors' hosts through TensorFlow Datasets."""
import dataclasses
import os
import threading
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable

import requests
import tensorflow as tf
import tensorflow_datasets as tfds

from lib import data
from lib.data import decoding, records
from lib.errors import UserError

NETWORK_SECONDS = 8  # a host that is silent for so long is taken as not reachable
READ_TOGETHER = 256
CELEBA_PICTURES = 202599
CELEBA_SHAPE = (218, 178, 3)
MAX_FACE_BYTES = 2**24  # no JPEG of that shape is larger


def svhn_class(digit):
    """SVHN's class of a digit: digit d is class d - 1, and digit 0 is class 9.

    # Original: it subtracts 1 from SVHN's own labels, in which digit 0 is 10.
    """
    return (digit - 1) % 10


@dataclasses.dataclass(frozen=True)
class Download:
    """How a dataset comes from TensorFlow Datasets.

    builder: its name there.
    splits: {record file without `.tfrecord`: splits there}.
    to_class: from the label there to the original's; None where every picture is class 0.
    """

    builder: str
    splits: dict
    to_class: Callable | None = int


DOWNLOADS = {
    'mnist': Download('mnist', {'mnist-train': 'train', 'mnist-test': 'test'}),
    'cifar10': Download('cifar10', {'cifar10-train': 'train', 'cifar10-test': 'test'}),
    'svhn': Download(
        'svhn_cropped',
        {'svhn-train': 'train', 'svhn-test': 'test', 'svhn-extra': 'extra'},
        svhn_class,
    ),
    'celeba': Download('celeb_a', {'celeba-train': 'train+validation+test'}, None),
}


def create_all(names, data_dir, overwrite=False, celeba_zip=None):
    """`create` for several datasets; stops at the first that cannot be had.

    Raises:
        UserError: as `create`.
    """
    for name in names:
        if name not in DOWNLOADS:
            raise UserError(
                f'There is no dataset {name!r} to download; known: {", ".join(DOWNLOADS)}.'
            )
    if celeba_zip and 'celeba' not in names:
        raise UserError('--celeba_zip is for celeba, which --datasets does not name; add it.')
    # What needs no network comes first: a host that does not answer ends the command.
    for name in sorted(names, key=lambda name: not (name == 'celeba' and celeba_zip)):
        create(name, data_dir, overwrite, celeba_zip)


def create(name, data_dir, overwrite=False, celeba_zip=None):
    """Makes the record files of a dataset that are not there yet.

    Pictures keep TensorFlow Datasets' order, which is mixed but always the same; those of
    celeba_zip are in the order of their file names.

    Args:
        name: a key of DOWNLOADS.
        data_dir: folder of the records. Downloads are kept in `tfds` below it.
        overwrite: whether files that are there are made again.
        celeba_zip: img_align_celeba.zip, in place of a download of CelebA.

    Raises:
        UserError: the host cannot be reached, or the data or the disk is at fault.
    """
    download = DOWNLOADS[name]
    missing = []
    for stem in download.splits:
        path = data.record_path(stem, data_dir)
        if os.path.exists(path) and not overwrite:
            print(f'{path} is there already; --overwrite makes it again.')
        else:
            missing.append(stem)
    if missing and name == 'celeba' and celeba_zip:
        _create_from_zip(data.record_path(missing[0], data_dir), celeba_zip)
    elif missing:
        builder = _prepared(name, download, data_dir)
        for stem in missing:
            _create_from_tfds(data.record_path(stem, data_dir), builder, download, stem)


def _create_from_tfds(path, builder, download, stem):
    splits = download.splits[stem]
    total = builder.info.splits[splits].num_examples
    records.write(path, _pictures(builder, splits, download.to_class), total)
    print(f'{path}: {total:,} pictures.')


def _pictures(builder, splits, to_class):
    """Yields (PNG or JPEG bytes as TensorFlow Datasets holds them, class)."""
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
            f'{builder.data_dir} is damaged ({error.message}); delete it and run the command again.'
        ) from error


def _prepared(name, download, data_dir):
    """The TFDS builder of a dataset, downloaded and prepared."""
    tfds_dir = os.path.join(data_dir, 'tfds')
    hint = (
        ' CelebA\'s host often refuses; with img_align_celeba.zip from elsewhere, give '
        '--celeba_zip=img_align_celeba.zip.'
        if name == 'celeba'
        else ''
    )
    try:
        builder = tfds.builder(download.builder, data_dir=tfds_dir)
        if not builder.is_prepared():
            for host in sorted({_origin(url) for url in _urls(builder)}):
                if not _reachable(host):
                    raise UserError(
                        f'Cannot reach {host} to download {name}; connect this machine to the '
                        f'network, or copy the records made on another into {data_dir}.{hint}'
                    )
            config = tfds.download.DownloadConfig(try_download_gcs=False)
            builder.download_and_prepare(download_config=config)
    except UserError:
        raise
    except Exception as error:  # TFDS, its downloader and its parsers raise of every kind
        detail = str(error).strip().partition('\n')[0] or type(error).__name__
        raise UserError(
            f'{name} could not be downloaded and prepared in {tfds_dir} ({detail}); run the '
            f'command again, or delete that folder first.{hint}'
        ) from error
    return builder


class _Asked(Exception):
    """Carries the URLs that a builder asked for."""


class _AskedOnly:
    """A download manager that downloads nothing."""

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

    TFDS would try for minutes. The thread is for name servers, which know no time limit.
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
    try:
        with zipfile.ZipFile(celeba_zip) as archive:
            faces = sorted(
                (entry for entry in archive.infolist() if _is_face(entry.filename)),
                key=lambda entry: os.path.basename(entry.filename),
            )
            if not faces:
                raise UserError(f'{celeba_zip} holds no .jpg; give the img_align_celeba.zip.')
            records.write(path, _faces(archive, faces, celeba_zip), len(faces))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise UserError(
            f'Cannot read {celeba_zip} ({error}); give the path of a whole img_align_celeba.zip.'
        ) from error
    known = '' if len(faces) == CELEBA_PICTURES else f'; the whole CelebA has {CELEBA_PICTURES:,}'
    print(f'{path}: {len(faces):,} pictures{known}.')


def _is_face(name):
    return name.lower().endswith(('.jpg', '.jpeg')) and not name.startswith('__MACOSX/')


def _faces(archive, entries, celeba_zip):
    """Yields (JPEG bytes, 0)."""
    for entry in entries:
        image = archive.read(entry) if entry.file_size <= MAX_FACE_BYTES else b''
        if image[:2] != b'\xff\xd8' or decoding.size(image) != CELEBA_SHAPE:
            raise UserError(
                f'{celeba_zip}: {entry.filename} is no JPEG of 178x218 pixels in colour; give the '
                'img_align_celeba.zip of the aligned and cropped pictures.'
            )
        yield image, 0
