"""CelebA's aligned and cropped pictures as their authors publish them: a zip, or a folder."""
import os
import re
import zipfile
import zlib

from lib.data import decoding
from lib.data.formats import Format, Pictures, unreadable, unusable
from lib.errors import UserError

COUNT = 202599
SHAPE = (218, 178, 3)
MAX_BYTES = 2**24  # no JPEG of that shape is larger
# JPEG_END must be among the last END_BYTES: some writers append bytes after it.
JPEG_END, END_BYTES = b'\xff\xd9', 1024
NAME = re.compile(r'(\d{6})\.jpg')
# {split: the numbers of its first and last picture}, by the published partition.
PARTITION = {'train': (0, 162770), 'validation': (162771, 182637), 'test': (182638, 999999)}


class Faces(Format):
    """CelebA's aligned and cropped pictures: the authors' zip, or a folder of them."""

    def wanted(self, split):
        return [('img_align_celeba.zip', 'img_align_celeba', '000001.jpg')]

    def find(self, folder, names):
        archive, below, _ = (os.path.join(folder, name) for name in names)
        if os.path.isfile(archive):
            return archive
        return next((place for place in (below, folder) if _files(place)), None)

    def verify(self, path):
        if not os.path.isdir(path):
            super().verify(path)
        elif (count := len(_files(path))) != COUNT:
            raise UserError(
                f'{path} holds {count:,} pictures of CelebA\'s {COUNT:,}; complete it, or give '
                '--no-checksums to use them as they are.'
            )

    def read(self, paths, split):
        (path,) = paths
        if os.path.isdir(path):
            found, read = _files(path), _read_file
        else:
            found, (entries, read) = {}, open_zip(path)
            for entry in entries:
                name = os.path.basename(entry.filename)
                if not NAME.fullmatch(name):
                    raise unusable(
                        path, f'holds {entry.filename!r:.80}, which is not a CelebA file'
                    )
                found[name] = entry
        first, last = PARTITION[split]
        names = sorted(name for name in found if first <= int(name[:6]) <= last)

        def picture(index):
            file = found[names[index]]
            return checked(path, names[index], read, file)

        return Pictures(names, None, picture)


def open_zip(path):
    """Opens CelebA's zip: (the pictures' entries, entry -> JPEG bytes, b'' if over MAX_BYTES).

    Raises:
        UserError: it is not a zip, or has no JPEG, or two of the same name.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError) as error:
        raise UserError(
            f'Cannot read {path} ({error}); give the path of a whole img_align_celeba.zip.'
        ) from error
    entries = [entry for entry in archive.infolist() if _is_face(entry.filename)]
    if not entries:
        raise UserError(f'{path} holds no .jpg; give the img_align_celeba.zip.')
    names = set()
    for entry in entries:
        name = os.path.basename(entry.filename)
        if name in names:
            raise unusable(path, f'holds {name!r:.80} twice')
        names.add(name)

    def read(entry):
        return archive.read(entry) if entry.file_size <= MAX_BYTES else b''

    return entries, read


def _is_face(name):
    return name.lower().endswith(('.jpg', '.jpeg')) and not name.startswith('__MACOSX/')


def checked(path, name, read, file):
    """The JPEG bytes of a face, checked but unchanged.

    Args:
        path: the zip or folder that holds the picture.
        name: the picture's name.
        read: file -> bytes.
        file: the argument of `read`.

    Raises:
        UserError: it is not a picture of CelebA, or cannot be read.
    """
    try:
        image = read(file)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError,
            NotImplementedError) as error:  # fmt: skip
        raise UserError(
            f'Cannot read {name} of {path} ({error}); give a whole img_align_celeba.zip.'
        ) from error
    if image[:2] != b'\xff\xd8' or decoding.size(image) != SHAPE:
        raise UserError(
            f'{path}: {name} is not a JPEG of 178x218 pixels in colour; give the '
            'img_align_celeba.zip of the aligned and cropped pictures.'
        )
    if JPEG_END not in image[-END_BYTES:]:
        raise UserError(f'{path}: {name} is cut short; give the whole img_align_celeba.zip.')
    return image


def _files(folder):
    """{picture's name: its path} of a folder; {} if there is no such folder."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise unreadable(folder, error) from error
    return {name: os.path.join(folder, name) for name in names if NAME.fullmatch(name)}


def _read_file(path):
    if os.path.getsize(path) > MAX_BYTES:
        return b''
    with open(path, 'rb') as file:
        return file.read()
