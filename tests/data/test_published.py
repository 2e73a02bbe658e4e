"""--from: what is read from files as published, and what is refused.

That the records are the download's, to the byte, is in test_downloads.
"""
import gzip
import os
import pathlib
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
import scipy.io
import tensorflow as tf

from lib import data
from lib.data import downloads, formats, records, registry
from lib.errors import UserError
from tests.data import published_files


def create(name, tmp_path, verified=False):
    folder = tmp_path / 'records'
    downloads.create_all([name], str(folder), folder=str(tmp_path / 'files'), verified=verified)
    return folder


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / 'files'
    folder.mkdir()
    return folder


def refusal(name, tmp_path, **options):
    """The sentence that refuses the files of a dataset, which leaves nothing behind."""
    with pytest.raises(UserError) as caught:
        create(name, tmp_path, **options)
    assert '\n' not in str(caught.value)
    folder = tmp_path / 'records'
    assert not folder.exists() or not list(folder.iterdir())
    assert not list(tmp_path.glob('evil*'))
    return str(caught.value)


@pytest.mark.parametrize('packed', [True, False])
@pytest.mark.parametrize('name, dataset', [('mnist', 'mnist32'), ('fashion_mnist', 'fashion32')])
def test_idx_files_packed_or_not(files, tmp_path, packed, name, dataset):
    published_files.write_idx(files, packed=packed)
    folder = create(name, tmp_path)
    assert sorted(os.listdir(folder)) == [f'{name}-test.tfrecord', f'{name}-train.tfrecord']
    batches = data.get_dataset(dataset, 30, data_dir=str(folder))
    x, label = (next(batches.train_once.as_numpy_iterator())[key] for key in ('x', 'label'))
    numbers = np.round((x[:, 29, 29, 0] + 1) * 127.5).astype(int)
    assert sorted(numbers) == list(range(30)) and list(numbers) != list(range(30))
    np.testing.assert_array_equal(label.argmax(1), numbers % 10)
    assert len(next(batches.test.as_numpy_iterator())['x']) == 20


def test_a_folder_of_the_datasets_name_comes_first(files, tmp_path):
    (files / 'mnist').mkdir()
    published_files.write_idx(files / 'mnist')
    published_files.write_idx(files, {'train': 3, 't10k': 3})
    assert records.count(data.record_path('mnist-train', create('mnist', tmp_path))) == 30


def test_missing_files_are_named(files, tmp_path):
    assert 'nowhere is not a folder; give --from' in _message(
        lambda: downloads.create('mnist', str(tmp_path), folder=str(tmp_path / 'nowhere'))
    )
    published_files.write_idx(files)
    os.remove(files / 'train-labels-idx1-ubyte.gz')
    os.remove(files / 't10k-images-idx3-ubyte.gz')
    said = refusal('mnist', tmp_path)
    assert 'train-labels-idx1-ubyte.gz or train-labels-idx1-ubyte' in said
    assert 't10k-images-idx3-ubyte.gz or t10k-images-idx3-ubyte' in said
    assert 'train-images' not in said and 't10k-labels' not in said
    published_files.write_mat(files, ['train'])
    said = refusal('svhn', tmp_path)
    assert 'test_32x32.mat, extra_32x32.mat' in said and 'train_32x32.mat' not in said
    assert 'cifar-10-binary.tar.gz or cifar-10-python.tar.gz' in refusal('cifar10', tmp_path)
    assert 'img_align_celeba.zip or img_align_celeba' in refusal('celeba', tmp_path)


def _message(function):
    with pytest.raises(UserError) as caught:
        function()
    return str(caught.value)


def test_files_that_are_not_the_published_ones(files, tmp_path):
    """Every format's checksum is looked at, unless --no-checksums is given."""
    published_files.write_idx(files)
    published_files.write_mat(files)
    published_files.write_tar(files / 'cifar-10-binary.tar.gz', published_files.cifar_binary())
    published_files.write_zip(files / 'img_align_celeba.zip', published_files.jpegs(1))
    for name in registry.SOURCES:
        said = refusal(name, tmp_path, verified=True)
        assert 'is not the published file' in said and '--no-checksums' in said
        assert ('of another dataset' in said) == ('mnist' in name)
    os.remove(files / 'img_align_celeba.zip')
    (files / '000001.jpg').write_bytes(published_files.jpegs(1)[0])
    assert "holds 1 pictures of CelebA's 202,599" in refusal('celeba', tmp_path, verified=True)


def test_every_published_file_has_a_checksum():
    for source in registry.SOURCES.values():
        names = {
            names[0].removesuffix('.gz') if isinstance(source.published, formats.Idx) else name
            for splits in source.splits.values()
            for split in splits
            for names in source.published.wanted(split)
            for name in names
        }
        checksums = source.published.checksums
        assert names - {'img_align_celeba', '000001.jpg'} == set(checksums)
        assert all(len(text) in (32, 64) and int(text, 16) for text in checksums.values())


IMAGES = published_files.idx(np.zeros((20, 28, 28), np.uint8))
CLAIM = b'\0\0\x08\x03' + np.array([2**31, 28, 28], '>u4').tobytes()  # 1.7 TB of pictures


@pytest.mark.parametrize(
    'name, content, why',
    [
        ('images-idx3', b'', 'not an idx file of pictures'),
        ('images-idx3', b'<html>come back later</html>', 'not an idx file of pictures'),
        ('images-idx3', b'\0\0\x0d\x03' + IMAGES[4:], 'not an idx file of pictures'),  # floats
        ('images-idx3', IMAGES[:10], 'not an idx file of pictures'),
        ('images-idx3', IMAGES[:-1], 'cut short'),
        ('images-idx3', IMAGES + b'\0', 'cut short'),
        ('images-idx3', CLAIM, 'cut short'),
        ('images-idx3', published_files.idx(np.zeros((20, 27, 28), np.uint8)), '27x28, not of'),
        ('images-idx3', published_files.idx(np.zeros((0, 28, 28), np.uint8)), 'cut short'),
        ('labels-idx1', IMAGES, 'not an idx file of labels'),
        ('labels-idx1', published_files.idx(np.zeros(19, np.uint8)), '19 labels for the 20'),
        ('labels-idx1', published_files.idx(np.full(20, 10, np.uint8)), 'has the label 10'),
    ],
)
@pytest.mark.parametrize('packed', [True, False])
def test_damaged_idx_files(files, tmp_path, name, content, why, packed):
    published_files.write_idx(files, packed=packed)
    path = files / (f't10k-{name}-ubyte' + ('.gz' if packed else ''))
    path.write_bytes(gzip.compress(content) if packed else content)
    said = refusal('mnist', tmp_path)
    assert why in said and str(path) in said


def test_a_packed_file_that_is_cut_short(files, tmp_path):
    published_files.write_idx(files)
    path = files / 'train-images-idx3-ubyte.gz'
    path.write_bytes(path.read_bytes()[:-200])
    assert f'{path} cannot be read' in refusal('mnist', tmp_path)
    path.write_bytes(b'\0\0\x08\x03')
    assert f'{path} cannot be read' in refusal('mnist', tmp_path)


@pytest.mark.skipif(not os.path.exists('/proc/self/mem'), reason='needs a file that cannot be read')
@pytest.mark.parametrize('verified', [True, False])
def test_files_that_cannot_be_read_are_not_called_wrong(files, tmp_path, monkeypatch, verified):
    published_files.write_idx(files, packed=False)
    published_files.write_mat(files)
    for name, file in ('mnist', 'train-images-idx3-ubyte'), ('svhn', 'train_32x32.mat'):
        path = files / file
        os.remove(path)
        path.symlink_to('/proc/self/mem')
        said = refusal(name, tmp_path, verified=verified)
        assert f'{path} (Input/output error); make it readable' in said

    def forbidden(folder):
        raise PermissionError(13, 'Permission denied', folder)

    folder = files / 'img_align_celeba'
    folder.mkdir()
    monkeypatch.setattr(os, 'listdir', forbidden)
    said = _message(lambda: create('celeba', tmp_path))
    assert f'{folder} (Permission denied); make it readable' in said


X, Y = np.zeros((32, 32, 3, 4), np.uint8), np.ones((4, 1), np.uint8)


@pytest.mark.parametrize(
    'content, why',
    [
        ({'X': X}, 'is not of SVHN'),
        ({'X': X[..., 0], 'y': Y}, 'is not of SVHN'),
        ({'X': X, 'y': Y[:3]}, 'is not of SVHN'),
        ({'X': X[:, :16], 'y': Y}, 'is not of SVHN'),
        ({'X': X.astype(np.float64), 'y': Y}, 'holds no 8-bit pictures'),
        ({'X': X, 'y': Y * 0}, 'has labels y that are not 1 to 10'),
        ({'X': X, 'y': Y * 11}, 'has labels y that are not 1 to 10'),
        ({'X': X, 'y': Y + 0.5}, 'holds no 8-bit pictures'),
    ],
)
def test_a_mat_that_is_no_svhn(files, tmp_path, content, why):
    published_files.write_mat(files)
    scipy.io.savemat(files / 'extra_32x32.mat', content)
    assert why in refusal('svhn', tmp_path)


def test_damaged_mat_files(files, tmp_path):
    published_files.write_mat(files)
    path = files / 'test_32x32.mat'
    whole = path.read_bytes()
    for content in (b'', b'<html>', whole[:300], whole[: len(whole) // 2]):
        path.write_bytes(content)
        said = refusal('svhn', tmp_path)
        assert 'is not a readable MATLAB file' in said or 'is not of SVHN' in said
    scipy.io.savemat(path, {'X': X, 'y': Y})
    claimed = path.read_bytes()
    for before in ([32, 32, 3, 4], [4, 1]):
        after = [2**30 if size == 4 else size for size in before]
        before, after = (np.array([5, 4 * len(dims), *dims], '<i4') for dims in (before, after))
        assert before.tobytes() in claimed
        claimed = claimed.replace(before.tobytes(), after.tobytes())
    path.write_bytes(claimed)
    assert '1,073,741,824 pictures, but is too small' in refusal('svhn', tmp_path)


def members_with(**changes):
    contents = {
        name.rpartition('/')[2].partition('.')[0]: (name, content)
        for name, content in published_files.cifar_binary().items()
    }
    return {**dict(contents.values()), **changes}


def link(name, target):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


BINARY = 'cifar-10-batches-bin'


@pytest.mark.parametrize(
    'changes, why',
    [
        ({'../evil.txt': b'x'}, "holds '../evil.txt', which is not part of CIFAR-10"),
        ({'/tmp/evil': b'x'}, "holds '/tmp/evil', which"),
        ({f'{BINARY}/../../evil': b'x'}, 'which is not part of CIFAR-10'),
        ({f'{BINARY}/data_batch_6.bin': b'x'}, "data_batch_6.bin', which is not part of CIFAR-10"),
        ({f'{BINARY}/test_batch.bin': link(f'{BINARY}/test_batch.bin', '/etc/passwd')},
         "test_batch.bin', which"),
        ({f'{BINARY}/readme.html': link(f'{BINARY}/readme.html', '/etc/passwd')},
         "readme.html', which"),
        ({f'{BINARY}/test_batch.bin': b''}, 'has a damaged test_batch.bin'),
        ({f'{BINARY}/test_batch.bin': bytes(3072)}, 'has a damaged test_batch.bin'),
        ({f'{BINARY}/test_batch.bin': b'\x0a' + bytes(3072)}, 'has a damaged test_batch.bin'),
    ],
)  # fmt: skip
def test_tars_with_other_members(files, tmp_path, changes, why):
    published_files.write_tar(files / 'cifar-10-binary.tar.gz', members_with(**changes))
    said = refusal('cifar10', tmp_path)
    assert why in said and said.count('the file its authors publish') == 1


def test_damaged_tars(files, tmp_path):
    path = files / 'cifar-10-binary.tar.gz'
    contents = published_files.cifar_binary()
    published_files.write_tar(path, contents)
    whole = path.read_bytes()
    for content in (b'', b'<html>', whole[:-2000]):
        path.write_bytes(content)
        assert 'is not a readable tar.gz' in refusal('cifar10', tmp_path)
    del contents[f'{BINARY}/data_batch_3.bin']
    published_files.write_tar(path, contents)
    assert f'lacks {BINARY}/data_batch_3.bin' in refusal('cifar10', tmp_path)
    huge = tarfile.TarInfo(f'{BINARY}/data_batch_3.bin')
    huge.size = 2**40
    published_files.write_tar(path, {huge.name: huge})
    assert 'of 1,099,511,627,776 bytes' in refusal('cifar10', tmp_path)


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f'touch {self.path}',)


LONG_MEMO = b'\x80\x02}r\xff\xff\xff\x7f.'  # would make room for 2**31 memoised objects


def test_pickles_run_nothing(files, tmp_path):
    path = files / 'cifar-10-python.tar.gz'
    good = published_files.cifar_python()
    labels, rows = [0, 1], np.zeros((2, 3072), np.uint8)
    for bad in (
        pickle.dumps(Evil(tmp_path / 'evil'), 2),
        pickle.dumps({b'labels': Evil(tmp_path / 'evil'), b'data': rows}, 4),
        pickle.dumps({b'labels': labels, b'data': np.array([Evil(tmp_path / 'evil')])}, 2),
        pickle.dumps({b'labels': labels, b'data': rows.astype(np.float32)}, 2),
        pickle.dumps({b'labels': labels, b'data': rows[:, :5]}, 2),
        pickle.dumps({b'labels': labels * 2, b'data': rows}, 2),
        pickle.dumps({b'labels': [0, 10], b'data': rows}, 2),
        pickle.dumps({b'labels': [0, -1], b'data': rows}, 2),
        pickle.dumps({b'labels': labels}, 2),
        pickle.dumps([labels], 2),
        LONG_MEMO,
        b'cnumpy\nndarray\n(J\xff\xff\xff\x7ftR.',
        b'cbuiltins\neval\n(X\x01\x00\x00\x000tR.',
        good['cifar-10-batches-py/test_batch'][:-2000],
        b'',
    ):
        published_files.write_tar(path, {**good, 'cifar-10-batches-py/test_batch': bad})
        assert 'has a damaged test_batch' in refusal('cifar10', tmp_path)


def test_names_and_headers_that_are_no_text(files, tmp_path):
    path = files / 'img_align_celeba.zip'
    published_files.write_zip(path, published_files.jpegs(1), ['é.jpg'])
    path.write_bytes(path.read_bytes().replace('é'.encode(), b'\xff\xff'))
    assert 'Cannot read' in refusal('celeba', tmp_path)
    path = files / 'cifar-10-binary.tar.gz'
    odd = {'has a': {'size': '9' * 30}, 'is not a readable tar.gz': {'GNU.sparse.map': 'a,b'}}
    for why, header in odd.items():
        with tarfile.open(path, 'w:gz', format=tarfile.PAX_FORMAT) as archive:
            member = tarfile.TarInfo('cifar-10-batches-bin/test_batch.bin')
            member.pax_headers = header
            archive.addfile(member)
        assert why in refusal('cifar10', tmp_path)


def test_damaged_faces(files, tmp_path):
    path, images = files / 'img_align_celeba.zip', published_files.jpegs(2)
    path.write_bytes(b'<html>')
    assert 'Cannot read' in refusal('celeba', tmp_path)
    published_files.write_zip(path, images, ['000001.jpg', 'cat.jpg'])
    assert 'cat.jpg' in refusal('celeba', tmp_path)
    with zipfile.ZipFile(path, 'w') as archive:
        for folder in 'ab':
            archive.writestr(f'{folder}/000001.jpg', images[0])
    assert "holds '000001.jpg' twice" in refusal('celeba', tmp_path)
    small = tf.io.encode_jpeg(np.zeros((32, 32, 3), np.uint8)).numpy()
    published_files.write_zip(path, [images[0], small])
    assert '000002.jpg is not a JPEG of 178x218' in refusal('celeba', tmp_path)
    published_files.write_zip(path, [images[0], images[1][:-700]])
    assert '000002.jpg is cut short' in refusal('celeba', tmp_path)
    published_files.write_zip(path, images)
    content = bytearray(path.read_bytes())
    content[500] ^= 255
    path.write_bytes(content)
    assert 'Cannot read 000001.jpg' in refusal('celeba', tmp_path)


def test_files_that_are_there_already_are_kept(files, tmp_path, capsys):
    published_files.write_mat(files)
    folder = create('svhn', tmp_path)
    kept = pathlib.Path(folder, 'svhn-train.tfrecord')
    before = kept.stat().st_mtime_ns
    os.remove(folder / 'svhn-test.tfrecord')
    os.remove(files / 'train_32x32.mat')  # what is there needs no file again
    create('svhn', tmp_path)
    assert kept.stat().st_mtime_ns == before and len(os.listdir(folder)) == 3
    assert f'{kept} is there already' in capsys.readouterr().out


def test_flags_that_do_not_go_together(tmp_path):
    def said(*args, **kwargs):
        return _message(lambda: downloads.create_all(*args, **kwargs))

    folder = str(tmp_path)
    assert 'not both' in said(['celeba'], folder, celeba_zip='x.zip', folder=folder)
    assert 'add that' in said(['mnist'], folder, verified=False)


def test_files_of_the_same_names_are_not_taken_for_two_datasets(tmp_path):
    (tmp_path / 'mnist').mkdir()
    both = (['mnist', 'fashion_mnist'], str(tmp_path / 'records'), False, None)
    with pytest.raises(UserError, match='The files of mnist and fashion_mnist have the same names'):
        downloads.create_all(*both, folder=str(tmp_path / 'mnist'), verified=False)
    with pytest.raises(UserError, match='lacks files of mnist'):  # which has a folder of its own
        downloads.create_all(*both, folder=str(tmp_path), verified=False)
