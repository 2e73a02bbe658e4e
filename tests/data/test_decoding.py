import os
import threading
import types

import numpy as np
import pytest
import tensorflow as tf

from lib import data, locks
from lib.data import decoding, records, registry
from lib.errors import UserError

RNG = np.random.default_rng(0)
COLOR = decoding.Preparation('color', (32, 32, 3), (32, 32, 3), 10)
FACES = data.DATASETS['celeba32'].records.preparation


def png(pixels):
    return tf.io.encode_png(pixels).numpy()


def write(path, count, start=0, shape=(32, 32, 3), encode=png):
    pixels = RNG.integers(0, 256, (count, *shape), np.uint8)
    labels = [(start + i) % 10 for i in range(count)]
    records.write(str(path), zip(map(encode, pixels), labels, strict=True), count)
    return pixels, labels


@pytest.fixture(params=[2**30, 0], ids=['memory', 'file'])
def limit(request):
    return request.param


def cache_files(folder):
    return [name for name in os.listdir(folder) if name.endswith('.decoded.npy')]


def test_several_files_in_order(tmp_path, limit):
    paths = [str(tmp_path / 'a.tfrecord'), str(tmp_path / 'b.tfrecord')]
    pixels, labels = zip(write(paths[0], 300), write(paths[1], 5), strict=True)
    for _ in range(2):  # the second time from the file
        rows = decoding.load(paths, COLOR, limit)
        np.testing.assert_array_equal(rows['x'], np.concatenate(pixels))
        np.testing.assert_array_equal(rows['label'], np.concatenate(labels))
        assert isinstance(rows, np.memmap) == (limit == 0)
    assert len(cache_files(tmp_path)) == (limit == 0)


def test_a_decoded_file_is_not_decoded_again(tmp_path, monkeypatch):
    path = str(tmp_path / 'a.tfrecord')
    write(path, 3)
    before = decoding.load([path], COLOR, 0)
    monkeypatch.setattr(decoding, '_decode', None)
    np.testing.assert_array_equal(decoding.load([path], COLOR, 0), before)


def test_a_decoded_file_is_made_anew_when_records_change(tmp_path):
    path = str(tmp_path / 'a.tfrecord')
    write(path, 3)
    decoding.load([path], COLOR, 0)
    before = os.stat(path)
    # Uncompressed pixels: the new file has the old one's size, another time.
    while True:
        pixels, _ = write(path, 3)
        if os.path.getsize(path) == before.st_size:
            break
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    np.testing.assert_array_equal(decoding.load([path], COLOR, 0)['x'], pixels)
    pixels, _ = write(path, 4)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))  # its time, another size
    np.testing.assert_array_equal(decoding.load([path], COLOR, 0)['x'], pixels)
    assert len(cache_files(tmp_path)) == 1


def test_a_decoded_file_is_made_anew_when_the_preparation_changes(tmp_path, monkeypatch):
    path = str(tmp_path / 'a.tfrecord')
    write(path, 3)
    decoding.load([path], COLOR, 0)
    (before,) = cache_files(tmp_path)
    monkeypatch.setattr(decoding, 'VERSION', decoding.VERSION + 1)
    decoding.load([path], COLOR, 0)
    (after,) = cache_files(tmp_path)
    assert before != after


@pytest.mark.parametrize('content', [b'', b'\x93NUMPY', None])
def test_a_damaged_decoded_file_is_made_anew(tmp_path, content):
    path = str(tmp_path / 'a.tfrecord')
    pixels, _ = write(path, 3)
    decoding.load([path], COLOR, 0)
    (name,) = cache_files(tmp_path)
    cache = tmp_path / name
    cache.write_bytes(cache.read_bytes()[:-5] if content is None else content)
    np.testing.assert_array_equal(decoding.load([path], COLOR, 0)['x'], pixels)


def test_a_decoded_file_with_any_byte_of_its_header_altered(tmp_path):
    path = str(tmp_path / 'a.tfrecord')
    pixels, _ = write(path, 3)
    decoding.load([path], COLOR, 0)
    (name,) = cache_files(tmp_path)
    cache = tmp_path / name
    whole = cache.read_bytes()
    for place in range(whole.index(b'\n')):
        cache.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        np.testing.assert_array_equal(decoding.load([path], COLOR, 0)['x'], pixels)


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch, capsys):
    path = str(tmp_path / 'a.tfrecord')
    pixels, _ = write(path, 3)

    def refuse(path, unless):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(decoding.files, 'written_whole', refuse)
    np.testing.assert_array_equal(decoding.load([path], COLOR, 0)['x'], pixels)
    assert 'Permission denied); they stay in memory' in capsys.readouterr().err
    monkeypatch.setattr('lib.memory.machine_bytes', lambda: 1000)
    with pytest.raises(UserError, match='Permission denied., .* does not have the 0.0 GiB of'):
        decoding.load([path], COLOR, 0)
    assert not cache_files(tmp_path)


def test_what_a_killed_run_left_is_removed(tmp_path):
    path = str(tmp_path / 'a.tfrecord')
    write(path, 3)
    decoding.load([path], COLOR, 0)
    (made,) = cache_files(tmp_path)
    left = [tmp_path / f'{name}.partial-1-2' for name in (made, 'a.color-0123.decoded.npy')]
    for each in left:
        each.write_bytes(b'half')
        os.utime(each, (0, 0))
    young = tmp_path / f'{made}.partial-3-4'
    young.write_bytes(b'at work')
    decoding.load([path], COLOR, 0)
    assert young.exists() and not any(each.exists() for each in left)


def test_large_pictures_are_decoded_in_parts(tmp_path, monkeypatch, limit):
    path = tmp_path / 'a.tfrecord'
    write(path, 5)
    expected = decoding.load([str(path)], COLOR).copy()
    monkeypatch.setattr(decoding, 'DECODED_TOGETHER_BYTES', 2 * 32 * 32 * 3)
    monkeypatch.setattr(decoding, 'VERSION', 2)
    decode, parts = decoding.decoder(COLOR), []

    def noted(images):
        parts.append(len(images))
        return decode(images)

    monkeypatch.setattr(decoding, 'decoder', lambda preparation: noted)
    np.testing.assert_array_equal(decoding.load([str(path)], COLOR, limit), expected)
    assert parts == [2, 2, 1]


def test_records_that_change_meanwhile(tmp_path, monkeypatch, limit):
    path = tmp_path / 'a.tfrecord'
    write(path, 5)
    for counted in (4, 6):
        monkeypatch.setattr(records, 'count', lambda path, counted=counted: counted)
        with pytest.raises(UserError, match='a.tfrecord changed while being read'):
            decoding.load([str(path)], COLOR, limit)
    assert not cache_files(tmp_path)


def test_what_another_run_has_decoded_meanwhile_stays(tmp_path, monkeypatch):
    path = tmp_path / 'a.tfrecord'
    write(path, 5)
    first = decoding.load([str(path)], COLOR, 0)
    (kept,) = cache_files(tmp_path)
    before, opened = os.stat(tmp_path / kept).st_ino, iter([None, None])
    usual = decoding._open
    monkeypatch.setattr(decoding, '_open', lambda *args: next(opened, usual(*args)))
    np.testing.assert_array_equal(decoding.load([str(path)], COLOR, 0), first)
    assert os.stat(tmp_path / kept).st_ino == before and cache_files(tmp_path) == [kept]


def test_of_several_runs_that_start_together_one_decodes(tmp_path, monkeypatch, capsys):
    path = tmp_path / 'a.tfrecord'
    write(path, 5)
    decoded, usual, holder = [], decoding._write, decoding.locks.holder
    begun, seen = threading.Event(), threading.Event()

    def written(*args):
        decoded.append(1)
        begun.set()
        assert seen.wait(timeout=60)
        usual(*args)

    def told(path):
        name = holder(path)
        if name:
            seen.set()
        return name

    monkeypatch.setattr(decoding.locks, 'holder', told)
    monkeypatch.setattr(decoding, '_write', written)
    first = threading.Thread(target=decoding.load, args=([str(path)], COLOR, 0))
    first.start()
    assert begun.wait(timeout=60)
    assert len(decoding.load([str(path)], COLOR, 0)) == 5 and decoded == [1]
    first.join()
    waited = f'Waiting for {locks.this_process()}, which decodes the same pictures...'
    assert waited in capsys.readouterr().err
    assert sorted(os.listdir(tmp_path)) == [*cache_files(tmp_path), 'a.tfrecord']


def test_a_decoded_file_that_is_needed_no_more_is_removed(tmp_path):
    path = tmp_path / 'a.tfrecord'
    write(path, 5)
    decoding.load([str(path)], COLOR, 0)
    write(path, 3)
    assert len(decoding.load([str(path)], COLOR)) == 3 and not cache_files(tmp_path)


def test_a_disk_is_not_filled_to_its_end(tmp_path, monkeypatch, capsys):
    path = tmp_path / 'a.tfrecord'
    write(path, 5)
    free = types.SimpleNamespace(free=4 * COLOR.row.itemsize)
    monkeypatch.setattr(decoding.shutil, 'disk_usage', lambda _: free)
    monkeypatch.setattr(decoding.files, 'written_whole', None)
    assert len(decoding.load([str(path)], COLOR, 0)) == 5 and not cache_files(tmp_path)
    assert 'No space left on device); they stay in memory' in capsys.readouterr().err


def test_too_little_memory_is_no_damage(tmp_path, monkeypatch):
    path = tmp_path / 'a.tfrecord'
    write(path, 5)

    def full(_):
        raise tf.errors.ResourceExhaustedError(None, None, 'OOM')

    monkeypatch.setattr(decoding, 'decoder', lambda preparation: full)
    with pytest.raises(tf.errors.ResourceExhaustedError):
        decoding.load([str(path)], COLOR)


def test_faces_stay_float(tmp_path, limit):
    path = str(tmp_path / 'a.tfrecord')
    pixels = RNG.integers(0, 256, (3, 218, 178, 3), np.uint8)
    jpegs = [tf.io.encode_jpeg(image).numpy() for image in pixels]
    records.write(path, ((jpeg, 0) for jpeg in jpegs), 3)
    rows = decoding.load([path], FACES, limit)
    assert rows['x'].dtype == np.float32 and rows['x'].shape == (3, 32, 32, 3)
    for jpeg, x in zip(jpegs, rows['x'], strict=True):  # one at a time gives the same bits
        image = data.scale(tf.io.decode_jpeg(jpeg)[tf.newaxis, 36:-36, 16:-16])
        alone = tf.raw_ops.ResizeBicubic(images=image, size=(32, 32))
        np.testing.assert_array_equal(x, alone[0])


def wrong(tmp_path, image, label=0, preparation=COLOR):
    good = png(np.zeros(preparation.stored, np.uint8))
    path = str(tmp_path / 'a.tfrecord')
    records.write(path, [(good, 0)] * 257 + [(image, label)], 258)
    with pytest.raises(UserError) as caught:
        decoding.load([path], preparation)
    assert f'{path}: record 257' in str(caught.value)
    return str(caught.value)


def test_wrong_size_and_colors(tmp_path):
    message = wrong(tmp_path, png(np.zeros((32, 31, 3), np.uint8)))
    assert 'a picture of 32x31x3 (height x width x colors); color needs 32x32x3' in message
    assert '32x32x1' in wrong(tmp_path, png(np.zeros((32, 32, 1), np.uint8)))
    assert '30x20x1' in wrong(tmp_path, tf.io.encode_jpeg(np.zeros((30, 20, 1), np.uint8)).numpy())


def test_a_header_that_promises_too_much_is_not_decoded(tmp_path):
    image = bytearray(png(np.zeros((32, 32, 3), np.uint8)))
    image[16:24] = b'\x00\x01\x00\x00' * 2
    assert '65536x65536x3' in wrong(tmp_path, bytes(image))


@pytest.mark.parametrize('image', [b'', b'hello', b'\x89PNG\r\n\x1a\n', b'\xff\xd8\xff', b'GIF89a'])
def test_no_picture(tmp_path, image):
    assert 'holds no PNG or JPEG picture' in wrong(tmp_path, image)


def test_damaged_picture(tmp_path):
    image = png(RNG.integers(0, 256, (32, 32, 3), np.uint8))
    assert 'holds a damaged picture' in wrong(tmp_path, image[:1000])
    altered = image[:500] + bytes([image[500] ^ 1]) + image[501:]
    assert 'holds a damaged picture' in wrong(tmp_path, altered)


@pytest.mark.parametrize('label', [-1, 10, 2**40])
def test_label_out_of_range(tmp_path, label):
    image = png(np.zeros((32, 32, 3), np.uint8))
    assert f'has the label {label}; expected 0 to 9' in wrong(tmp_path, image, label)


def test_decoded_files_of_several_widths_lie_side_by_side(tmp_path):
    path = str(tmp_path / 'celeba-train.tfrecord')
    pixels = RNG.integers(0, 256, (3, 218, 178, 3), np.uint8)
    records.write(path, [(tf.io.encode_jpeg(image).numpy(), 0) for image in pixels], 3)
    found = {}
    for _ in range(2):
        for width in (32, 64):
            preparation = registry.find(f'celeba{width}').records.preparation
            rows = decoding.load([path], preparation, 0)
            assert rows['x'].shape == (3, width, width, 3)
            np.testing.assert_array_equal(rows, found.setdefault(width, rows.copy()))
    assert len(cache_files(tmp_path)) == 2
