import json
import os
import pathlib
import shutil
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from lib import data, files
from lib.data import decoding, picture_folder
from lib.errors import UserError

RNG = np.random.default_rng(0)


def smooth(height, width, channels):
    """A smooth random picture, (height, width[, channels]) uint8."""
    coarse = RNG.integers(0, 256, (4, 4, 3), np.uint8)
    picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(picture if channels == 3 else picture.convert('L'))


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    """300 pictures of odd sizes in three classes, grey and in colour, PNG and JPEG."""
    folder = tmp_path_factory.mktemp('pictures')
    for i in range(300):
        height, width = RNG.integers(9, 150, 2)
        picture = Image.fromarray(smooth(height, width, 1 if i % 5 == 0 else 3))
        path = folder / 'abc'[i % 3] / 'deep' / f'{i}.{"png" if i % 2 else "jpg"}'
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    return folder


@pytest.fixture
def folder(pictures, tmp_path):
    """A copy of the pictures, to be altered."""
    return pathlib.Path(shutil.copytree(pictures, tmp_path / 'pictures'))


def create(folder, tmp_path, **options):
    data_dir = str(tmp_path / 'records')
    picture_folder.create(str(folder), 'mine', data_dir, **options)
    return data.get_dataset('mine', batch_size=50, data_dir=data_dir)


def images_and_labels(batches):
    batches = list(batches.as_numpy_iterator())
    x = np.concatenate([batch['x'] for batch in batches])
    return x, np.concatenate([batch['label'] for batch in batches]).argmax(1)


def test_mixed_pictures(folder, tmp_path, capsys):
    dataset = create(folder, tmp_path)
    assert (dataset.image_shape, dataset.nclass) == ((32, 32, 3), 3)
    assert dataset.classes == ('a', 'b', 'c')
    train, labels = images_and_labels(dataset.train_once)
    test, test_labels = images_and_labels(dataset.test)
    assert (len(train), len(test)) == (270, 30)
    assert np.bincount(labels).tolist() == [90, 90, 90]
    assert np.bincount(test_labels).tolist() == [10, 10, 10]
    assert len(set(labels[:20])) == 3  # classes are mixed
    assert next(dataset.train.as_numpy_iterator())['x'].shape == (50, 32, 32, 3)
    images, classes = np.concatenate([train, test]), np.concatenate([labels, test_labels])
    everything = {image.tobytes(): label for image, label in zip(images, classes, strict=True)}
    for path in folder.rglob('*.*'):
        x = data.scale(picture_folder.read_picture(path)).numpy()
        assert everything[x.tobytes()] == 'abc'.index(path.relative_to(folder).parts[0])
    assert 'mine: 270 pictures to train on and 30 to test, in colour' in capsys.readouterr().out


def test_links_to_classes_are_followed(folder, tmp_path, capsys):
    elsewhere = tmp_path / 'elsewhere'
    shutil.move(folder / 'c', elsewhere)
    (folder / 'c').symlink_to(elsewhere)
    (folder / 'a' / 'back').symlink_to(folder)  # which would never end
    assert create(folder, tmp_path).nclass == 3
    assert 'mine: 270 pictures to train on and 30 to test' in capsys.readouterr().out


def test_a_link_between_classes_takes_nothing_from_either(folder, tmp_path, capsys):
    (folder / 'a' / 'also').symlink_to(folder / 'b')
    assert create(folder, tmp_path).nclass == 3
    assert 'mine: 360 pictures to train on and 40 to test' in capsys.readouterr().out
    (folder / 'd').symlink_to(folder / 'c')
    with pytest.raises(UserError, match='^d and c in .* are the same folder'):
        create(folder, tmp_path, overwrite=True)


def test_a_class_that_cannot_be_listed_is_named(folder, tmp_path, monkeypatch):
    scandir = os.scandir

    def forbidden(path):
        if os.path.basename(path) == 'b':
            raise PermissionError(13, 'Permission denied', path)
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', forbidden)
    with pytest.raises(UserError, match=r'^Cannot read .*/b \(Permission denied\)'):
        create(folder, tmp_path)


def test_pipes_and_real_numbers_are_no_pictures(folder, tmp_path, capsys):
    os.mkfifo(folder / 'a' / 'pipe.png')
    Image.fromarray(np.full((9, 9), 0.5, np.float32)).save(folder / 'a' / 'real.tiff')
    Image.fromarray(np.full((9, 9), 200, np.int32)).save(folder / 'a' / 'whole.tiff')
    create(folder, tmp_path)
    skipped = capsys.readouterr().out.rpartition('Skipped 3 files, ')[2]
    unknown = 'it does not say which of its numbers is white'
    assert skipped.endswith(
        f'a/pipe.png (it is not a file), a/real.tiff ({unknown}), a/whole.tiff ({unknown}).\n'
    )


def test_the_split_stays_when_made_again_or_moved(folder, tmp_path):
    before = images_and_labels(create(folder, tmp_path).test)
    moved = folder.rename(tmp_path / 'moved')
    after = images_and_labels(create(moved, tmp_path, overwrite=True).test)
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])


def test_the_split_follows_from_the_names_alone(tmp_path):
    folder = tmp_path / 'flat'
    folder.mkdir()
    for i in range(20):
        Image.new('L', (9, 9), 10 * i).save(folder / f'{i}.png')

    def tested():
        x, _ = images_and_labels(create(folder, tmp_path, overwrite=True).test)
        return np.rint(12.75 + 12.75 * x[:, 0, 0, 0]).astype(int).tolist()

    before = tested()
    assert len(before) == 2
    for i in range(20):  # what was in 0 to 19 is in 19 to 0
        Image.new('L', (9, 9), 10 * (19 - i)).save(folder / f'{i}.png')
    assert tested() == [19 - i for i in before]


def test_records_among_the_pictures_are_no_class(folder, tmp_path):
    flat = folder / 'a' / 'deep'
    for where, classes in ((flat, ('deep',)), (folder, ('a', 'b', 'c'))):
        for name in ('one', 'two'):  # two finds the records of one
            picture_folder.create(str(where), name, str(where / 'records'))
            dataset = data.get_dataset(name, data_dir=str(where / 'records'))
            assert dataset.classes == classes
        shutil.rmtree(where / 'records')


def test_what_systems_leave_is_left_out(tmp_path):
    folder = tmp_path / 'flat'
    folder.mkdir()
    for i in range(4):
        Image.new('L', (9, 9), 10 * i).save(folder / f'{i}.png')
    for name in ('@eaDir', '__MACOSX', '$RECYCLE.BIN', '.git'):
        (folder / name).mkdir()
        Image.new('L', (9, 9), 99).save(folder / name / '0.png')
    for name in ('Thumbs.db', 'desktop.ini', '._0.png'):
        (folder / name).write_text('no picture')
    dataset = create(folder, tmp_path, strict=True)
    assert dataset.classes == ('flat',)
    assert len(images_and_labels(dataset.train_once)[0]) == 3


def test_finished_files_are_kept(folder, tmp_path, capsys):
    create(folder, tmp_path)
    (folder / 'a' / 'new.png').write_bytes((folder / 'b' / 'deep' / '1.png').read_bytes())
    assert len(images_and_labels(create(folder, tmp_path).train_once)[0]) == 270
    assert '--overwrite' in capsys.readouterr().out
    with pytest.raises(UserError, match='is of pictures of 32 pixels, not 64; --overwrite'):
        create(folder, tmp_path, size=64)
    assert len(images_and_labels(create(folder, tmp_path, overwrite=True).train_once)[0]) == 271


def test_grey_folder_has_one_color(tmp_path):
    folder = tmp_path / 'flat'
    folder.mkdir()
    for i in range(20):
        picture = Image.fromarray(smooth(40, 50, 1))
        picture.convert('RGB' if i % 2 else 'L').save(folder / f'{i}.jpg', quality=95)
    dataset = create(folder, tmp_path, test_fraction=0.25)
    assert (dataset.image_shape, dataset.nclass) == ((32, 32, 1), 1)
    assert len(images_and_labels(dataset.test)[0]) == 5
    about = json.loads((tmp_path / 'records' / 'mine-classes.json').read_text())
    assert about == {'classes': ['flat'], 'colors': 1}


def spoil(folder):
    path = folder / 'a' / 'broken.jpg'
    path.write_bytes((folder / 'a' / 'deep' / '0.jpg').read_bytes()[:200])
    (folder / 'c' / 'notes.txt').write_text('no picture')
    (folder / 'beside.png').write_bytes((folder / 'b' / 'deep' / '1.png').read_bytes())
    (folder / 'a' / '.hidden').write_text('left out')
    (folder / 'empty').mkdir()


def test_unreadable_files_are_skipped_and_counted(folder, tmp_path, capsys):
    spoil(folder)
    assert create(folder, tmp_path).nclass == 3
    out = capsys.readouterr().out
    assert 'Skipped 3 files' in out
    assert all(name in out for name in ('broken.jpg', 'notes.txt', 'beside.png'))


def test_five_of_many_skipped_files_are_named(folder, tmp_path, capsys):
    for i in range(7):
        (folder / 'a' / f'{i}.txt').write_text('no picture')
    create(folder, tmp_path)
    named = ', '.join(f'a/{i}.txt (cannot identify image file)' for i in range(5))
    expected = f'Skipped 7 files, not readable as pictures in a class: {named}, ....\n'
    assert expected in capsys.readouterr().out


def test_pictures_of_too_many_pixels_are_skipped(folder, tmp_path, monkeypatch, capsys):
    Image.new('L', (200, 200)).save(folder / 'a' / 'large.png')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 150 * 150)  # of which Pillow takes the double
    assert create(folder, tmp_path).nclass == 3
    assert 'Skipped' not in capsys.readouterr().out
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 150 * 130)
    create(folder, tmp_path, overwrite=True)
    out = capsys.readouterr().out
    assert 'Skipped 1 file, not readable as pictures in a class: a/large.png (' in out


def test_a_class_without_a_picture_is_named(folder, tmp_path, capsys):
    for label in 'de':
        (folder / label).mkdir()
    (folder / 'd' / 'text.png').write_text('no picture')
    assert create(folder, tmp_path).classes == ('a', 'b', 'c')
    assert 'hold no readable picture and are no classes: d, e.' in capsys.readouterr().out


@pytest.mark.skipif(not os.path.exists('/proc/self/mem'), reason='needs a file that cannot be read')
def test_a_disk_that_fails_is_no_picture_to_skip(folder, tmp_path):
    (folder / 'a' / 'x.png').symlink_to('/proc/self/mem')  # answers with an input/output error
    with pytest.raises(UserError, match='x.png .Input/output error.; make it readable'):
        create(folder, tmp_path)
    (folder / 'a' / 'x.png').unlink()


def test_links_to_nothing_and_odd_sizes_are_skipped(folder, tmp_path, capsys):
    (folder / 'a' / 'x.png').symlink_to('nothing')
    (folder / 'a' / 'y.png').symlink_to('y.png')
    cut = folder / 'a' / 'z.pcx'
    Image.new('P', (40, 40)).save(cut)
    cut.write_bytes(cut.read_bytes()[:200])  # Pillow looks for colours 769 bytes before the end
    create(folder, tmp_path)
    assert 'Skipped 3 files' in capsys.readouterr().out


def test_records_that_cannot_be_written_are_found_before_pictures_are_read(folder, tmp_path):
    (tmp_path / 'records').write_text('')
    with pytest.raises(UserError, match='Cannot write to .*records .*; choose another --data_dir'):
        create(folder, tmp_path)


def test_a_folder_of_records_that_tensorflow_cannot_open(folder, tmp_path):
    latin_1 = tmp_path / os.fsdecode(b'caf\xe9')
    with pytest.raises(UserError, match='not UTF-8.*; choose another folder for the records'):
        create(folder, latin_1)
    assert not latin_1.exists()


def test_strict_stops_at_an_unreadable_file(folder, tmp_path):
    spoil(folder)
    with pytest.raises(UserError, match='beside.png cannot be used .*--strict'):
        create(folder, tmp_path, strict=True)
    os.remove(folder / 'beside.png')
    with pytest.raises(UserError, match='broken.jpg cannot be used'):
        create(folder, tmp_path, strict=True)
    assert not list((tmp_path / 'records').iterdir())


def one_picture(tmp_path, picture, **options):
    path = tmp_path / 'picture'
    picture.save(path, **options)
    return picture_folder.read_picture(path)


RED, HALF = (200, 40, 40), 128


@pytest.mark.parametrize('mode', ['1', 'L', 'P', 'RGB', 'RGBA', 'LA', 'I;16'])
def test_modes_keep_their_colors(tmp_path, mode):
    if mode == 'I;16':
        picture = Image.fromarray(np.full((50, 40), 40 * 257, np.uint16))
    elif mode in ('L', 'LA', '1'):
        picture = Image.new('L', (40, 50), 255 if mode == '1' else 40).convert(mode)
    else:
        picture = Image.new('RGB', (40, 50), RED).convert(mode, palette=Image.Palette.ADAPTIVE)
    x = one_picture(tmp_path, picture, format='PNG')
    expected = {'1': 255, 'L': 40, 'LA': 40, 'I;16': 40}.get(mode, RED)
    np.testing.assert_array_equal(x, np.broadcast_to(np.uint8(expected), (32, 32, 3)))


# How what is upright is stored, by the sides of it that the first row and the first column are.
STORED = {
    1: lambda upright: upright,  # top, left
    2: lambda upright: upright[:, ::-1],  # top, right
    3: lambda upright: upright[::-1, ::-1],  # bottom, right
    4: lambda upright: upright[::-1],  # bottom, left
    5: lambda upright: upright.swapaxes(0, 1),  # left, top
    6: lambda upright: upright[:, ::-1].swapaxes(0, 1),  # right, top
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),  # right, bottom
    8: lambda upright: upright[::-1].swapaxes(0, 1),  # left, bottom
}


@pytest.mark.parametrize('orientation', STORED)
def test_a_turned_picture_whose_other_tags_are_odd(tmp_path, recwarn, orientation):
    upright = smooth(40, 40, 3)
    entries = [(0x112, 3, 1, struct.pack('<HH', orientation, 0)), (0x11A, 2, 4, b'72x\0')]
    tags = b''.join(struct.pack('<HHI', *entry[:3]) + entry[3] for entry in entries)
    exif = b'Exif\0\0II*\0' + struct.pack('<IH', 8, len(entries)) + tags + bytes(4)
    path = tmp_path / 'turned.png'
    stored = np.ascontiguousarray(STORED[orientation](upright))
    Image.fromarray(stored).save(path, exif=exif)
    Image.fromarray(upright).save(tmp_path / 'upright.png')
    np.testing.assert_array_equal(
        picture_folder.read_picture(path), picture_folder.read_picture(tmp_path / 'upright.png')
    )
    assert not recwarn.list


def test_16_bits_are_scaled(tmp_path):
    greys = np.arange(32 * 32, dtype=np.uint32).reshape(32, 32) * 65535 // (32 * 32 - 1)
    expected = np.rint(greys / 257)
    (tmp_path / 'a.pgm').write_bytes(b'P5 32 32 65535\n' + greys.astype('>u2').tobytes())
    Image.fromarray(greys.astype(np.uint16)).save(tmp_path / 'a.png')
    Image.fromarray(greys.astype(np.uint16)).save(tmp_path / 'clear.png', transparency=0)
    for name in ('a.pgm', 'a.png', 'clear.png'):
        pixels = picture_folder.read_picture(tmp_path / name)
        assert pixels[0, 0, 0] == (255 if name == 'clear.png' else 0)
        np.testing.assert_array_equal(pixels[..., 0].ravel()[1:], expected.ravel()[1:])


def test_a_tiff_of_12_bits_is_scaled(tmp_path):
    pixels = bytes([0xFF, 0xF8, 0x00]) * (32 * 32 // 2)  # 4095 and 2048
    shorts = {256: 32, 257: 32, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 32, 279: len(pixels)}
    tags = b''.join(struct.pack('<HHIHH', tag, 3, 1, value, 0) for tag, value in shorts.items())
    directory = struct.pack('<H', len(shorts)) + tags + bytes(4)
    path = tmp_path / 'a.tiff'
    path.write_bytes(b'II*\0' + struct.pack('<I', 8 + len(pixels)) + pixels + directory)
    read = picture_folder.read_picture(path)
    assert (read[:, ::2] == 255).all() and (read[:, 1::2] == 128).all()


def test_a_fits_of_16_bits_is_none(tmp_path):
    cards = {'SIMPLE': 'T', 'BITPIX': 16, 'NAXIS': 2, 'NAXIS1': 32, 'NAXIS2': 32}
    header = ''.join(f'{key:8}= {value!s:>20}'.ljust(80) for key, value in cards.items()) + 'END'
    path = tmp_path / 'a.fits'
    path.write_bytes(header.ljust(2880).encode() + bytes(2 * 32 * 32))
    with pytest.raises(ValueError, match='which of its numbers is white'):
        picture_folder.read_picture(path)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_a_tiff_whose_zero_is_white(tmp_path, dtype):
    path = tmp_path / 'a.tiff'
    Image.fromarray(np.full((32, 32), 40 * (np.iinfo(dtype).max // 255), dtype)).save(path)
    tag = struct.pack('<HHI', 262, 3, 1)  # PhotometricInterpretation, one short
    assert path.read_bytes().count(tag + b'\1\0') == 1
    path.write_bytes(path.read_bytes().replace(tag + b'\1\0', tag + b'\0\0'))
    assert (picture_folder.read_picture(path) == 255 - 40).all()


def test_transparency_becomes_white(tmp_path):
    x = one_picture(tmp_path, Image.new('RGBA', (40, 40), (*RED, 0)), format='PNG')
    assert (x == 255).all()
    half = one_picture(tmp_path, Image.new('RGBA', (40, 40), (*RED, HALF)), format='PNG')
    assert (abs(half[0, 0].astype(int) - (255 + np.array(RED)) / 2) <= 1).all()
    palette = Image.new('P', (40, 40), 1)
    palette.putpalette([0, 0, 0, *RED])
    assert (one_picture(tmp_path, palette, format='PNG') == RED).all()
    assert (one_picture(tmp_path, palette, format='PNG', transparency=1) == 255).all()


def png_of(bits, color_type, row, transparent):
    """A PNG of 8x8 pixels, every row and the transparent colour of these bytes."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack('>I', len(content)) + body + struct.pack('>I', zlib.crc32(body))

    head = struct.pack('>IIBBBBB', 8, 8, bits, color_type, 0, 0, 0)
    png = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head)
    png += chunk(b'tRNS', transparent) if transparent else b''
    return png + chunk(b'IDAT', zlib.compress((b'\0' + row) * 8)) + chunk(b'IEND', b'')


@pytest.mark.parametrize('bits, level', [(1, 0), (2, 2), (4, 8), (8, 200)])
def test_a_transparent_grey_becomes_white(bits, level, tmp_path):
    same = sum(level << bits * place for place in range(8 // bits))  # a byte of such pixels
    path = tmp_path / 'a.png'
    for transparent, expected in ((level, 255), (level + 1, level * 255 // (2**bits - 1))):
        path.write_bytes(png_of(bits, 0, bytes([same] * bits), struct.pack('>H', transparent)))
        assert (picture_folder.read_picture(path, 8) == expected).all()


@pytest.mark.parametrize('transparent', [True, False])
def test_a_transparent_colour_of_16_bits_is_refused(transparent, tmp_path):
    path = tmp_path / 'a.png'
    color = bytes.fromhex('123412341234') if transparent else b''
    path.write_bytes(png_of(16, 2, bytes.fromhex('123434121234') * 8, color))
    if transparent:
        with pytest.raises(ValueError, match='16-bit colours is transparent'):
            picture_folder.read_picture(path, 8)
    else:
        assert (picture_folder.read_picture(path, 8) == [0x12, 0x34, 0x12]).all()


def test_no_picture_is_run_as_a_program(tmp_path, monkeypatch):
    program = tmp_path / 'gs'
    program.write_text(f'#!/bin/sh\ntouch {tmp_path}/was_run\n')
    program.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=os.pathsep)
    path = tmp_path / 'cat.jpg'
    path.write_text('%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\nshowpage\n')
    with pytest.raises(OSError, match='cannot identify image'):
        picture_folder.read_picture(path)
    assert not (tmp_path / 'was_run').exists()


def test_records_among_the_pictures_are_not_taken_for_them(tmp_path, capsys):
    for k in range(4):
        Image.new('L', (16, 16), 50 * k).save(tmp_path / f'{k}.png')
    (tmp_path / 'tfds').mkdir()
    Image.new('L', (16, 16), 9).save(tmp_path / 'tfds' / 'extracted.png')
    for name in ('mine-train.tfrecord', 'mine-classes.json'):  # of a command that was killed
        (tmp_path / f'{name}{files.PARTIAL}1-x').touch()
    for overwrite in (False, True):
        picture_folder.create(
            str(tmp_path), 'mine', str(tmp_path), strict=True, overwrite=overwrite
        )
        said = capsys.readouterr().out
        assert '3 pictures to train on and 1 to test' in said and 'Skipped' not in said


def test_other_formats(tmp_path):
    frames = [Image.new('L', (40, 40), level) for level in (10, 90, 200)]
    for kind in ('GIF', 'TIFF', 'WEBP'):
        x = one_picture(
            tmp_path, frames[0], format=kind, save_all=True, append_images=frames[1:]
        )
        assert (abs(x.astype(int) - 10) <= 1).all()
    cmyk = Image.new('RGB', (40, 40), RED).convert('CMYK')
    assert (abs(one_picture(tmp_path, cmyk, format='JPEG').astype(int) - RED) < 5).all()


def test_the_central_square_is_taken(tmp_path):
    wide = np.zeros((64, 192, 3), np.uint8)
    wide[:, 64:128] = RED
    x = one_picture(tmp_path, Image.fromarray(wide), format='PNG')
    assert (abs(x[:, 3:-3].astype(int) - RED) <= 1).all()
    sideways = Image.Exif()
    sideways[0x112] = 6  # the camera was turned by 90 degrees
    tall = one_picture(tmp_path, Image.fromarray(wide), format='JPEG', exif=sideways, quality=98)
    assert (abs(tall[3:-3].astype(int) - RED) < 8).all()
    assert one_picture(tmp_path, Image.new('L', (1, 900)), format='PNG').shape == (32, 32, 3)


@pytest.mark.parametrize('size', [32, 48, 128])
def test_records_keep_the_resolution(tmp_path, size):
    """A picture larger than --size is shrunk to it at once, and not by way of 32x32."""
    scale = 256 // size  # two pixels of the record a square
    checks = (np.indices((size // 2, size // 2)).sum(0) % 2 * 255).astype(np.uint8)
    checks = Image.fromarray(checks).resize((scale * size,) * 2, Image.Resampling.NEAREST)
    (tmp_path / 'p').mkdir()
    for i in range(2):
        checks.save(tmp_path / 'p' / f'{i}.png')
        checks.save(tmp_path / 'p' / f'{i}.jpg', quality=95)
    dataset = create(tmp_path / 'p', tmp_path, size=size)
    assert dataset.image_shape == (size, size, 1)
    about = json.loads((tmp_path / 'records' / 'mine-classes.json').read_text())
    assert about.get('size', 32) == size
    for image in images_and_labels(dataset.train_once)[0][..., 0]:
        tiles = image.reshape(size // 2, 2, size // 2, 2).mean((1, 3))
        expected = np.where(np.indices(tiles.shape).sum(0) % 2, 1, -1)
        assert (np.sign(tiles) == expected).all() and np.abs(tiles).mean() > 0.8


def test_what_is_missing_is_made_again_at_its_size(folder, tmp_path):
    create(folder, tmp_path, size=64)
    (tmp_path / 'records' / 'mine-test.tfrecord').unlink()
    with pytest.raises(UserError, match='--images=FOLDER --name=mine --size=64'):
        data.get_dataset('mine', data_dir=str(tmp_path / 'records'))
    with pytest.raises(UserError, match='is of pictures of 64 pixels, not 32'):
        create(folder, tmp_path)
    assert create(folder, tmp_path, size=64).width == 64


def test_made_again_at_another_size(folder, tmp_path, monkeypatch):
    """No decoded file of the old pictures is taken for the new ones'."""
    monkeypatch.setattr(decoding, 'MEMORY_LIMIT_BYTES', 0)
    for size in (32, 64, 32):
        dataset = create(folder, tmp_path, size=size, overwrite=True)
        assert images_and_labels(dataset.test)[0].shape == (30, size, size, 3)
        decoded = sorted((tmp_path / 'records').glob('*.decoded.npy'))
        assert len(decoded) == 2  # of train and test; the old ones are gone
    assert next(dataset.train.as_numpy_iterator())['x'].shape == (50, 32, 32, 3)


@pytest.mark.parametrize('size', [0, -2, 6, 33, 1026])
def test_sizes_that_do_not_halve(pictures, tmp_path, size):
    with pytest.raises(UserError, match=f'--size={size} is not possible: the encoders halve'):
        create(pictures, tmp_path, size=size)
    assert not (tmp_path / 'records').exists()


@pytest.mark.parametrize('size', ['"64"', 33, 2.0, None, True])
def test_a_damaged_size(folder, tmp_path, size):
    create(folder, tmp_path)
    path = tmp_path / 'records' / 'mine-classes.json'
    content = path.read_text().replace('{', f'{{"size": {json.dumps(size)},', 1)
    path.write_text(content)
    with pytest.raises(UserError, match='mine-classes.json is damaged'):
        data.get_dataset('mine', data_dir=str(tmp_path / 'records'))


@pytest.mark.parametrize(
    'name',
    [
        *('mnist', 'MNIST32', 'svhn', 'lines32', 'digits32', 'lines64', 'celeba48'),
        *('fashion_mnist', 'a/b', '..', '', None, 'a b', '-a'),
    ],
)
def test_names_that_cannot_be_used(pictures, tmp_path, name):
    with pytest.raises(UserError, match='--name='):
        picture_folder.create(str(pictures), name, str(tmp_path))


def test_nothing_to_train_on(tmp_path):
    folder = tmp_path / 'nothing'
    with pytest.raises(UserError, match='is not a folder'):
        create(folder, tmp_path)
    (folder / 'a').mkdir(parents=True)
    with pytest.raises(UserError, match='holds no readable picture'):
        create(folder, tmp_path)
    Image.new('L', (9, 9)).save(folder / 'a' / 'one.png')
    with pytest.raises(UserError, match='No class of .* has two pictures or more'):
        create(folder, tmp_path)
    with pytest.raises(UserError, match='test_fraction'):
        create(folder, tmp_path, test_fraction=1.0)


def interrupted(*_):
    raise KeyboardInterrupt


def test_an_interrupted_replacement_leaves_what_was_there(folder, tmp_path, monkeypatch):
    before = images_and_labels(create(folder, tmp_path).train_once)
    shutil.rmtree(folder / 'a')
    monkeypatch.setattr(picture_folder, '_encode', interrupted)
    with pytest.raises(KeyboardInterrupt):
        create(folder, tmp_path, overwrite=True)
    monkeypatch.undo()
    after = images_and_labels(create(folder, tmp_path).train_once)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)
    assert not list((tmp_path / 'records').glob('*.partial-*'))


def test_a_half_replaced_dataset_is_none(folder, tmp_path, monkeypatch):
    create(folder, tmp_path)
    monkeypatch.setattr(picture_folder, '_write_about', interrupted)
    with pytest.raises(KeyboardInterrupt):
        create(folder, tmp_path, overwrite=True)
    monkeypatch.undo()
    with pytest.raises(UserError, match='There is no dataset .mine.*none of your own'):
        data.get_dataset('mine', data_dir=str(tmp_path / 'records'))
    create(folder, tmp_path)
    assert pathlib.Path(tmp_path / 'records' / 'mine-classes.json').exists()
