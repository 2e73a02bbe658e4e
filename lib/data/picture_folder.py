"""A user's own pictures as record files: a folder with a sub-folder for each class."""
import errno
import fnmatch
import functools
import hashlib
import os
import re
import stat
import tempfile
import warnings
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin

from lib import data, files, progress_bar
from lib.data import records, registry
from lib.errors import UserError

ENOUGH = 4  # a JPEG may be decoded at only so many times its final size, which is much faster
NAMED = 5  # a message names at most so many skipped files
# Names that Windows, macOS, Linux and network disks leave in folders; some hold thumbnails.
SYSTEM_NAMES = {
    *('$RECYCLE.BIN', 'System Volume Information', 'Thumbs.db', 'desktop.ini'),
    *('__MACOSX', 'lost+found', '@eaDir'),
}
PROGRAMS = 'EPS', 'WMF'  # PostScript, run by Ghostscript; drawing commands, run by Windows
KNOWN_WHITE = ('PNG', 'TIFF', 'PPM', 'JPEG2000')  # formats that tell which 16-bit value is white
# The records and the files made of them, also half-written ones that a killed command left.
RECORDS = '*.tfrecord*', '*-classes.json*', '*.decoded.npy*'
SCALED_GREYS = {'L;2': 85, 'L;4': 17}  # the factors by which Pillow scales greys of 2 and 4 bits
NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9_-]*')
TURNS = {  # by EXIF's orientation, which tells how the camera was held
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def create(
    folder,
    name,
    data_dir,
    test_fraction=0.1,
    strict=False,
    overwrite=False,
    size=registry.DEFAULT_SIZE_PX,
):
    """Makes NAME-train.tfrecord, NAME-test.tfrecord, NAME-classes.json from a folder of pictures.

    Each sub-folder, with all that lies below it, is a class, in alphabetical order; a folder
    without sub-folders is one class. Pictures become square as `read_picture` says, with one
    colour if every one of them is grey. Hidden files and folders, SYSTEM_NAMES and the records
    themselves are left out.

    Args:
        folder: the folder.
        name: the dataset's name, for --dataset=NAME.
        data_dir: folder of the records.
        test_fraction: about this share of each class is for testing: at least one picture, but
            never all. Which ones is a function of the paths of all pictures of the class.
        strict: whether a file that is not a readable picture is an error; else it is skipped.
        overwrite: whether files that exist are made again.
        size: width and height of the pictures, in pixels.

    Raises:
        UserError: the name or size cannot be used, or there is nothing to train on.
    """
    _check(folder, name, test_fraction)
    registry.check_width(size, f'--size={size}')
    paths = {part: data.record_path(f'{name}-{part}', data_dir) for part in ('train', 'test')}
    about_path = data.classes_path(name, data_dir)
    if not overwrite and os.path.exists(about_path):
        _check_size(about_path, size)
    if not overwrite and all(map(os.path.exists, (*paths.values(), about_path))):
        print(f'{about_path} and its records are there already; --overwrite makes them again.')
        return
    with _spool(data_dir) as spool:
        _create(folder, data_dir, name, paths, about_path, spool, test_fraction, strict, size)


def _create(folder, data_dir, name, paths, about_path, spool, test_fraction, strict, size):
    """The work of `create` after its checks; meanwhile the file `spool` keeps the pictures."""
    found, folders = _files(folder, data_dir)
    pictures, skipped = _read_all(folder, found, spool, strict, size)
    if not pictures:
        raise UserError(
            f'{folder} holds no readable picture; expected PNG, JPEG or other pictures in '
            f'sub-folders, one for each class.{_skipped_note(skipped)}'
        )
    classes = sorted({picture.label for picture in pictures.values()})
    gray = all(picture.gray for picture in pictures.values())
    labels = {relative: picture.label for relative, picture in pictures.items()}
    parts = _split(labels, test_fraction)
    if not parts['test']:
        raise UserError(
            f'No class of {folder} has two pictures or more, of which one could be a test picture; '
            'add some.'
        )

    class_index = {label: index for index, label in enumerate(classes)}

    def written():
        for part, members in parts.items():
            encoded = (_encode(pictures[each], spool, class_index, gray) for each in members)
            yield paths[part], encoded, len(members)
        # Both record files are on the disk and get their names next. Without its classes file a
        # dataset counts as incomplete, so new records never go with old classes.
        _forget(about_path)

    records.write_together(written())
    _write_about(about_path, classes, 1 if gray else 3, size)
    count = '1 class' if len(classes) == 1 else f'{len(classes)} classes'
    print(
        f'{name}: {len(parts["train"]):,} pictures to train on and {len(parts["test"]):,} to test, '
        f'{"grey" if gray else "in colour"}, {count}: '
        f'{", ".join(classes)}.'
        f'{_skipped_note(skipped)}'
    )
    empty = sorted(set(folders) - set(classes))
    if empty:
        print(f'These sub-folders hold no readable picture and are no classes: {", ".join(empty)}.')


def read_picture(path, size=registry.DEFAULT_SIZE_PX):
    """Reads a picture of any kind, cut to its central square: (size, size, 3) uint8.

    It is rotated or mirrored as its EXIF orientation says; transparent parts become white; of an
    animation, only the first frame is read; greys of more than 8 bits are scaled to 8.

    Raises:
        ValueError: it is not known which of its values is white, or which is transparent.
        OSError, and others of Pillow's: it cannot be read.
    """
    # Pillow warns of odd tags and of large pictures, but reads them all the same.
    with warnings.catch_warnings(action='ignore'), Image.open(path, formats=_formats()) as picture:
        picture.draft(None, (ENOUGH * size, ENOUGH * size))
        _check_colors(picture)
        _scale_transparency(picture)
        picture.load()
        tags = getattr(picture, 'tag_v2', {})  # of a TIFF; a transposed picture has none
        # ImageOps.exif_transpose also rewrites the tags, which fails where other tags are damaged.
        turn = TURNS.get(picture.getexif().get(ExifTags.Base.Orientation))
        picture = picture if turn is None else picture.transpose(turn)
        if picture.mode.startswith('I'):
            picture = _to_8_bits(picture, tags)
        elif picture.has_transparency_data:
            picture = _on_white(picture)
        picture = picture.convert('RGB')
        return np.asarray(ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS))


def _check_colors(picture):
    """Raises ValueError for an opened picture whose pixel values may mean several colours."""
    if _has_16_bit_colors(picture) and 'transparency' in picture.info:
        raise ValueError('Pillow cannot tell which of its 16-bit colours is transparent')
    known = ('PPM',) if picture.mode == 'I' else KNOWN_WHITE
    if picture.mode == 'F' or picture.mode.startswith('I') and picture.format not in known:
        raise ValueError('it does not say which of its numbers is white')


def _scale_transparency(picture):
    """Scales the transparent grey of an opened picture to 8 bits: Pillow will scale the pixels, but
    leaves this value as it is in the file."""
    if picture.format == 'PNG' and picture.mode == 'L' and 'transparency' in picture.info:
        picture.info['transparency'] *= SCALED_GREYS.get(picture.tile[0][3], 1)


def _to_8_bits(picture, tags):
    """A picture with greys of up to 16 bits, scaled to 8 bits; `tags` are those of a TIFF."""
    greys = np.asarray(picture)
    (bits,) = tags.get(TiffImagePlugin.BITSPERSAMPLE, (16,))
    white = 2**bits - 1
    pixels = greys.astype(np.uint32)
    if tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0:  # 0 is white
        pixels = white - pixels  # Pillow itself inverts greys of 8 bits only
    pixels = (pixels * 255 + white // 2) // white
    pixels[greys == picture.info.get('transparency', -1)] = 255
    return Image.fromarray(pixels.astype(np.uint8))


def _on_white(picture):
    picture = picture.convert('RGBA')
    return Image.alpha_composite(Image.new('RGBA', picture.size, 'white'), picture)


@functools.cache
def _formats():
    """The formats that Pillow reads itself, so not PROGRAMS: another program runs their content."""
    Image.init()
    return [name for name in Image.ID if name not in PROGRAMS]


def _has_16_bit_colors(picture):
    is_png = picture.format == 'PNG' and picture.mode == 'RGB'
    return is_png and any(str(tile[3]).endswith('16B') for tile in picture.tile)


def _check(folder, name, test_fraction):
    if not NAME.fullmatch(name or ''):
        raise UserError(
            f'--name={name or ""} cannot be used; give your pictures a name of letters, digits, '
            '- and _.'
        )
    if registry.is_known(name.lower()):
        raise UserError(f'--name={name} is the name of another dataset; choose a new one.')
    if not 0 < test_fraction < 1:
        raise UserError(f'--test_fraction={test_fraction} must lie between 0 and 1.')
    if not os.path.isdir(folder):
        raise UserError(f'{folder} is not a folder; give --images the folder of your pictures.')


def _files(folder, data_dir):
    """([(path relative to the folder, class)], sorted, the sub-folders that are to be classes).

    The class of a file that lies beside the sub-folders is None. The records may lie among the
    pictures, and their folder is not a class.
    """
    is_same = os.path.realpath(data_dir) == os.path.realpath(folder)
    apart = {os.path.realpath(os.path.join(data_dir, 'tfds') if is_same else data_dir)}
    _, below, names = next(_walk(folder))
    classes = [
        name for name in below if os.path.realpath(os.path.join(folder, name)) not in apart
    ]
    if is_same:
        names = [name for name in names if not any(fnmatch.fnmatch(name, one) for one in RECORDS)]
    label = None if classes else os.path.basename(os.path.abspath(folder))
    found, places = [(name, label) for name in names], {}
    for label in classes:
        top = os.path.join(folder, label)
        other = places.setdefault(os.path.realpath(top), label)
        if other != label:
            raise UserError(
                f'{label} and {other} in {folder} are the same folder, so that its pictures would '
                'be of two classes; remove the link.'
            )
        # Each class is walked by itself, so that a link to another class takes no pictures from it.
        for directory, _, names in _walk(top, seen=[os.path.realpath(folder), *apart]):
            relative = os.path.relpath(directory, folder)
            found += [(os.path.join(relative, name), label) for name in names]
    return found, classes


def _walk(folder, seen=()):
    """`files.walk` in the order of names, without hidden files and folders and SYSTEM_NAMES."""

    def unreadable(error):
        raise UserError(f'Cannot read {error.filename} ({error.strerror}).') from error

    for directory, below, names in files.walk(folder, seen, unreadable):
        below[:] = _shown(below)
        yield directory, below, _shown(names)


def _shown(names):
    return sorted(name for name in names if name[0] != '.' and name not in SYSTEM_NAMES)


def _spool(data_dir):
    """A temporary file for the pictures while their number and colours are not known. It has no
    name, so that nothing of it is left behind."""
    try:
        os.makedirs(data_dir, exist_ok=True)
        return tempfile.TemporaryFile(dir=data_dir)
    except OSError as error:
        raise UserError(
            f'Cannot write to {data_dir} ({error.strerror}); choose another --data_dir.'
        ) from error


def _read_all(folder, found, spool, strict, size):
    """({relative path: `_Picture`}, {relative path of a skipped file: why}) of what `_files` found.

    Raises:
        UserError: a file cannot be read, or the disk is full.
    """
    pictures, skipped = {}, {}
    for relative, label in progress_bar.of_images(f'reading {folder}', found, len(found)):
        path = os.path.join(folder, relative)
        try:
            if label is None:
                raise ValueError('it lies beside the sub-folders, so it has no class')
            if not _is_file(path):  # opening a pipe would block for ever
                raise ValueError('it is not a file')
            pixels = read_picture(path, size)
        except MemoryError:
            raise
        except Exception as error:  # damaged pictures make Pillow raise errors of every kind
            # With an errno the file cannot be read (disk, permissions), whatever the picture is;
            # except EINVAL: Pillow may seek to before the beginning of a truncated file.
            if getattr(error, 'errno', None) not in (None, errno.EINVAL):
                raise UserError(
                    f'Cannot read {path} ({error.strerror}); make it readable, or move it away.'
                ) from error
            if strict:
                raise UserError(
                    f'{path} cannot be used ({error}); remove it, or leave out --strict to skip it.'
                ) from error
            skipped[relative] = str(error).replace(f' {path!r}', '')
            continue
        try:
            pictures[relative] = _kept(label, pixels, spool)
        except OSError as error:
            raise UserError(
                f'Cannot keep the pictures in --data_dir ({error.strerror}); '
                f'{files.what_to_do(error)}.'
            ) from error
    return pictures, skipped


def _is_file(path):
    """Whether a path is a file, or a link to one; False for a link to nothing or to itself."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):
            return False
        raise


def _skipped_note(skipped):
    if not skipped:
        return ''
    named = [f'{name} ({reason})' for name, reason in list(skipped.items())[:NAMED]]
    count = f'{len(skipped):,} file{"s" * (len(skipped) > 1)}'
    more = ', ...' * (len(skipped) > NAMED)
    return f' Skipped {count}, not readable as pictures in a class: {", ".join(named)}{more}.'


def _split(labels, test_fraction):
    """{'train', 'test': [relative path]}, each in an order that mixes the classes.

    Args:
        labels: {relative path: class}.
        test_fraction: the share of each class that is for testing.
    """

    def place(relative):
        name = relative.replace(os.sep, '/').encode(errors='surrogateescape')
        return hashlib.sha256(name).digest()

    mixed, test, classes = sorted(labels, key=place), set(), {}
    for relative in mixed:
        classes.setdefault(labels[relative], []).append(relative)
    for members in classes.values():
        count = min(max(1, round(len(members) * test_fraction)), len(members) - 1)
        test.update(members[:count])
    return {
        'train': [relative for relative in mixed if relative not in test],
        'test': [relative for relative in mixed if relative in test],
    }


class _Picture(NamedTuple):
    """A picture in a spool.

    label: its class.
    begin, length: of its PNG there, in bytes.
    gray: whether it is grey; its PNG then has one colour.
    """

    label: str
    begin: int
    length: int
    gray: bool


def _kept(label, pixels, spool):
    gray = bool((pixels == pixels[..., :1]).all())
    png = tf.io.encode_png(pixels[..., :1] if gray else pixels).numpy()
    begin = spool.seek(0, os.SEEK_END)
    spool.write(png)
    return _Picture(label, begin, len(png), gray)


def _encode(picture, spool, class_index, gray):
    """(PNG bytes, class index) of a picture; `gray`: whether the whole dataset has one colour."""
    spool.seek(picture.begin)
    png = spool.read(picture.length)
    if picture.gray and not gray:
        png = tf.io.encode_png(tf.io.decode_png(png, channels=3)).numpy()
    return png, class_index[picture.label]


def _forget(path):
    try:
        if os.path.exists(path):
            os.remove(path)
    except OSError as error:
        raise UserError(
            f'Cannot remove {path} ({error.strerror}); choose a --data_dir that you may write to.'
        ) from error


def _check_size(about_path, size):
    """Raises UserError if the dataset exists already with pictures of another size."""
    try:
        made = files.read_json(about_path).get('size', registry.DEFAULT_SIZE_PX)
    except (OSError, ValueError, AttributeError):  # the file does not tell the size
        return
    if made != size:
        raise UserError(
            f'{about_path} is of pictures of {made} pixels, not {size}; --overwrite makes them '
            'again.'
        )


def _write_about(path, classes, colors, size):
    about = {'classes': classes, 'colors': colors}
    if size != registry.DEFAULT_SIZE_PX:  # at the default size the file stays as it always was
        about['size'] = size
    try:
        files.write_atomically(path, files.to_json(about))
    except OSError as error:
        raise UserError(
            f'Cannot write {path} ({error.strerror}); {files.what_to_do(error)}.'
        ) from error
