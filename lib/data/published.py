"""Record files of the registry's datasets, from the files that their authors publish: no network.

The records equal those of `lib.data.downloads` byte for byte and have the same order: TensorFlow
Datasets sorts the pictures of a split by the MD5 of the split's name followed by the picture's.
"""
import hashlib
import os

import tensorflow as tf

from lib import data
from lib.data import records
from lib.errors import UserError


def create(source, stems, folder, data_dir, verified=True):
    """Makes record files of a dataset; none of them appears before all are complete.

    Args:
        source: a `lib.data.registry.Source`.
        stems: which of its record files, without `.tfrecord`.
        folder: holds the published files, or has a sub-folder of the dataset's name that does.
        data_dir: folder of the records.
        verified: whether the files must be the published ones; else any of their format will do.

    Raises:
        UserError: a file is missing, or is not what it should be.
    """
    paths = _find(source, stems, folder)
    if verified:
        for path in dict.fromkeys(path for found in paths.values() for path in found):
            source.published.verify(path)
    records.write_together(_part(source, stem, paths, data_dir) for stem in stems)
    for stem in stems:
        path = data.record_path(stem, data_dir)
        print(f'{path}: {records.count(path):,} pictures.')


def _find(source, stems, folder):
    """{split: [path of each file that it is read from]}."""
    if not os.path.isdir(folder):
        raise UserError(f'{folder} is not a folder; give --from the one that holds the files.')
    own = os.path.join(folder, source.name)
    folder = own if os.path.isdir(own) else folder
    paths, missing = {}, {}
    for split in [split for stem in stems for split in source.splits[stem]]:
        wanted = source.published.wanted(split)
        paths[split] = [source.published.find(folder, names) for names in wanted]
        missing |= {
            ' or '.join(names): None
            for names, path in zip(wanted, paths[split], strict=True)
            if path is None
        }
    if missing:
        raise UserError(
            f'{folder} lacks files of {source.name}: {", ".join(missing)}; put them there as their '
            'authors publish them.'
        )
    return paths


def _part(source, stem, paths, data_dir):
    """(path, pictures, total) of a record file, for `records.write_together`."""
    splits = {split: source.published.read(paths[split], split) for split in source.splits[stem]}
    total = sum(len(pictures.names) for pictures in splits.values())
    if not total:
        raise UserError(f'The files of {source.name} hold no picture for {stem}.')
    return data.record_path(stem, data_dir), _pictures(source, splits), total


def _pictures(source, splits):
    """Yields (PNG or JPEG bytes, class) in the order of TensorFlow Datasets."""
    for split, pictures in splits.items():
        for index in sorted(range(len(pictures.names)), key=_place(split, pictures.names)):
            image = pictures.read(index)
            if not isinstance(image, bytes):
                image = tf.io.encode_png(image).numpy()
            label = 0 if source.to_class is None else source.to_class(int(pictures.labels[index]))
            yield image, label


def _place(split, names):
    salted = hashlib.md5(split.encode())

    def place(index):
        digest = salted.copy()
        digest.update(str(names[index]).encode())
        return digest.digest()

    return place
