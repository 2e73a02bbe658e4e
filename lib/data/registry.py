"""The registry of datasets: the facts about a dataset stand in its entry here, and nowhere else.

To add a dataset, add an entry to DATASETS; docs/DATASETS.md shows how.
"""
import dataclasses
import functools
import re
from collections.abc import Callable

import numpy as np

from lib.data import celeba, cifar, decoding, digits, formats, preprocessing
from lib.errors import UserError

DEFAULT_SIZE_PX = 32
MIN_SIZE_PX, MAX_SIZE_PX = 8, 1024
CELEBA_SIZE_PX = 146  # the square that the original cuts out; it is not enlarged


@dataclasses.dataclass(frozen=True)
class RecordSet:
    """The record files of a dataset, and how their pictures are prepared.

    made_by: the flags of create_datasets.py that make the files.
    train, test: names of record files, without `.tfrecord`.
    once: whether the dataset has `train_once`, the training pictures once and in order.
    classes: the names of the classes, if the pictures are a user's own.
    """

    made_by: str
    preparation: decoding.Preparation
    train: tuple
    test: tuple
    once: bool = True
    classes: tuple = ()


@dataclasses.dataclass(frozen=True)
class Source:
    """How create_datasets.py makes the records of a dataset.

    name: the dataset's name for the flag --datasets.
    builder: the dataset's name in TensorFlow Datasets.
    splits: {record file without `.tfrecord`: the splits of TensorFlow Datasets that it holds, in
        order}.
    published: reads the files as their authors publish them (`lib.data.formats`).
    to_class: from the published label to the original's class; None where every picture is class 0.
    hint: what to do if the dataset's host refuses, as the end of an error message.
    """

    name: str
    builder: str
    splits: dict
    published: formats.Format
    to_class: Callable | None = int
    hint: str = ''


@dataclasses.dataclass(frozen=True)
class Entry:
    """A dataset.

    name: its name for the flag --dataset.
    width: of its pictures, in pixels; they are square.
    records: its `RecordSet`, if it is read from record files.
    source: the `Source` of those files.
    load: () -> (train, test), each (pixels (n, H, W, C) uint8, labels (n,) int64), if it is loaded
        without files.
    display: the range of pixel values that figures show.
    tables: the tables of the paper that its runs are shown in.
    sizes: ((latent_width, depth, latent), ...) of the runs that its rows in the tables need.
    in_paper: whether these `sizes`, if there are any, are the paper's.
    """

    name: str
    width: int = DEFAULT_SIZE_PX
    records: RecordSet | None = None
    source: Source | None = None
    load: Callable | None = None
    display: tuple = (-1, 1)
    tables: tuple = (2, 3)
    sizes: tuple = ()
    in_paper: bool = True

    @property
    def is_drawn(self):
        """Whether it is a lines dataset, drawn during training: it is neither read nor loaded."""
        return is_lines(self.name)


def _like_mnist(name, builder, checksums, **fields):
    """The entry of a dataset in MNIST's format: 28x28, grey, ten classes; --datasets=`builder`."""
    train, test = f'{builder}-train', f'{builder}-test'
    preparation = decoding.Preparation(name, (28, 28, 1), (32, 32, 1), 10, preprocessing.pad_to_32)
    splits = {train: ('train',), test: ('test',)}
    return Entry(
        name,
        records=RecordSet(f'--datasets={builder}', preparation, (train,), (test,)),
        source=Source(builder, builder, splits, formats.Idx(checksums)),
        **fields,
    )


def _color(name, source, train, test, **fields):
    """The entry of a dataset of 32x32 pictures in colour, ten classes."""
    shape = (32, 32, 3)
    preparation = decoding.Preparation(name, shape, shape, 10)
    records = RecordSet(f'--datasets={source.name}', preparation, train, test)
    return Entry(name, records=records, source=source, **fields)


def _lines(size, sizes=()):
    return Entry(f'lines{size}', size, tables=(1,), sizes=sizes)


CELEBA = Source(
    'celeba',
    'celeb_a',
    {'celeba-train': ('train', 'validation', 'test')},
    celeba.Faces(
        {'img_align_celeba.zip': '46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74'}
    ),
    to_class=None,
    hint=" CelebA's host often refuses; with img_align_celeba.zip from elsewhere in FOLDER, give "
    '--from=FOLDER.',
)


@functools.cache  # returns the same Preparation again, by which `decoding.decoder` caches its graph
def _celeba(size, sizes=()):
    name, stems = f'celeba{size}', tuple(CELEBA.splits)
    preparation = decoding.Preparation(
        name,
        celeba.SHAPE,
        (size, size, 3),
        1,
        functools.partial(preprocessing.faces, size=size),
        np.float32,
    )
    return Entry(
        name,
        size,
        # Original: CelebA is tested on the pictures it is trained on, all of class 0, and has no
        # training set for the classifiers and clustering.
        RecordSet(f'--datasets={CELEBA.name}', preparation, stems, stems, once=False),
        CELEBA,
        display=(-1.2, 1.2),
        tables=(),  # it has no classes
        sizes=sizes,
    )


# The published files' sha256 or md5; for idx files, which come packed and unpacked, that of the
# unpacked content.
MNIST_FILES = {
    'train-images-idx3-ubyte': 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
    'train-labels-idx1-ubyte': '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
    't10k-images-idx3-ubyte': '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
    't10k-labels-idx1-ubyte': 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
}
FASHION_FILES = {
    'train-images-idx3-ubyte': 'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
    'train-labels-idx1-ubyte': 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
    't10k-images-idx3-ubyte': '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
    't10k-labels-idx1-ubyte': '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
}
CIFAR10_FILES = {
    'cifar-10-binary.tar.gz': 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
    'cifar-10-python.tar.gz': 'c58f30108f718f92721af3b95e74349a',
}
SVHN_FILES = {
    'train_32x32.mat': '435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8',
    'test_32x32.mat': 'cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b',
    'extra_32x32.mat': 'a133a4beb38a00fcdda90c9489e0c04f900b660ce8a316a5e854838379a71eb3',
}
CIFAR10 = Source(
    'cifar10',
    'cifar10',
    {'cifar10-train': ('train',), 'cifar10-test': ('test',)},
    cifar.CifarTar(CIFAR10_FILES),
)
SVHN = Source(
    'svhn',
    'svhn_cropped',
    {'svhn-train': ('train',), 'svhn-test': ('test',), 'svhn-extra': ('extra',)},
    formats.Mat(SVHN_FILES),
    preprocessing.svhn_class,
)

DATASETS = {
    entry.name: entry
    for entry in (
        _lines(DEFAULT_SIZE_PX, sizes=((2, 16, 16),)),
        Entry('digits32', load=digits.load),
        _like_mnist('mnist32', 'mnist', MNIST_FILES, sizes=((4, 16, 2), (4, 16, 16))),
        _color(
            'cifar10',
            CIFAR10,
            ('cifar10-train',),
            ('cifar10-test',),
            sizes=((4, 64, 16), (4, 64, 64)),
        ),
        _color(
            'svhn32',
            SVHN,
            ('svhn-train', 'svhn-extra'),
            ('svhn-test',),
            sizes=((4, 64, 2), (4, 64, 16)),
        ),
        _celeba(DEFAULT_SIZE_PX, sizes=((4, 64, 2), (4, 64, 16))),
        _like_mnist(
            'fashion32',
            'fashion_mnist',
            FASHION_FILES,
            sizes=((4, 16, 2), (4, 16, 16)),
            in_paper=False,
        ),
    )
}
# Datasets that exist at any width: {name without the width: function width -> entry}.
OF_ANY_WIDTH = {'lines': _lines, 'celeba': _celeba}
KNOWN = tuple(DATASETS)
SOURCES = {entry.source.name: entry.source for entry in DATASETS.values() if entry.source}


def find(name):
    """The `Entry` of a dataset's name, such as 'mnist32' or 'lines64'; None for any other name.

    Raises:
        UserError: the dataset exists at other widths, but not at this one.
    """
    if name in DATASETS:
        return DATASETS[name]
    family, width = _family(name)
    if family is None:
        return None
    if family == 'celeba' and width > CELEBA_SIZE_PX:
        raise UserError(
            f'CelebA\'s faces are {CELEBA_SIZE_PX} pixels wide once cut, so there is no {name}; '
            f'use an even width of at most {CELEBA_SIZE_PX}, such as celeba64.'
        )
    check_width(width, name, CELEBA_SIZE_PX if family == 'celeba' else MAX_SIZE_PX)
    return OF_ANY_WIDTH[family](width)


def is_possible(width):
    """Whether pictures can be that wide: within bounds, and even, as the encoders halve them."""
    return MIN_SIZE_PX <= width <= MAX_SIZE_PX and width % 2 == 0


def check_width(width, name, most=MAX_SIZE_PX):
    """Raises UserError unless pictures can be that wide.

    Args:
        width: in pixels.
        name: the dataset or flag that asks for this width, for the message.
        most: the largest width that `name` can have.
    """
    if width > most or not is_possible(width):
        raise UserError(
            f'{name} is not possible: the encoders halve a picture, so its width must be even, '
            f'from {MIN_SIZE_PX} to {most}, such as 64.'
        )


def is_known(name):
    """Whether a name is one of the registry's, so that no other dataset can have it."""
    return name in DATASETS or name in SOURCES or _family(name)[0] is not None


def is_lines(name):
    """Whether a dataset's pictures are lines, whose interpolations can be scored."""
    return _family(name)[0] == 'lines'


def width_of(name):
    """The width in pixels that a dataset's name tells; the paper's width for any other name."""
    if name in DATASETS:
        return DATASETS[name].width
    return _family(name)[1] or DEFAULT_SIZE_PX


def tables_of(name):
    """The tables of the paper that runs of a dataset are shown in."""
    return _alike(name).tables


def display_of(name):
    """The range of pixel values that figures of a dataset show."""
    return _alike(name).display


def _alike(name):
    """The entry of a dataset at its usual width; a default entry for a user's own pictures."""
    family = _family(name)[0]
    usual = f'{family}{DEFAULT_SIZE_PX}' if family else name
    return DATASETS.get(usual) or Entry(usual)


def _family(name):
    """('lines', 64) for 'lines64'; (None, None) for a name that is not one of OF_ANY_WIDTH and a
    width."""
    match = re.fullmatch(rf'({"|".join(OF_ANY_WIDTH)})([1-9][0-9]{{0,5}})', name)
    return (match[1], int(match[2])) if match else (None, None)
