"""The real download-and-prepare path of TFDS, on small files from a server on this machine."""
import functools
import http.server
import os
import pathlib
import shutil
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from lib import data
from lib.data import celeba, downloads, preprocessing, records, registry
from lib.errors import UserError
from tests import forked, tiny
from tests.data import published_files
from tests.data.published_files import jpegs, write_zip

ROOT = tiny.REPOSITORY


class Server:
    """Serves a folder at `url`; `asked` holds the paths that were got."""

    def __init__(self, folder):
        self.asked = asked = []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                super().do_GET()

            def log_message(self, *_):
                pass

        handler = functools.partial(Handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
        self.url = f'http://127.0.0.1:{self.server.server_port}/'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def server(tmp_path, monkeypatch):
    for name in ('no_proxy', 'NO_PROXY'):
        monkeypatch.setenv(name, '127.0.0.1')
    (tmp_path / 'upstream').mkdir()
    server = Server(tmp_path / 'upstream')
    yield server
    server.close()


def builder_class(name):
    cls = tfds.builder_cls(name)
    return cls, sys.modules[cls.__module__]


def read(data_dir, stem):
    path = data.record_path(stem, data_dir)
    return [picture for chunk in records.read(path) for picture in chunk]


def decode(png):
    assert png[:4] == b'\x89PNG'
    return tf.io.decode_png(png).numpy()


def same_from_files(name, tmp_path, data_dir, verified=False):
    """Whether --from makes the very record files that the download made."""
    again = str(tmp_path / 'again')
    shutil.rmtree(again, ignore_errors=True)
    downloads.create(name, again, folder=str(tmp_path / 'upstream'), verified=verified)
    stems = registry.SOURCES[name].splits
    assert sorted(os.listdir(again)) == sorted(f'{stem}.tfrecord' for stem in stems)
    for stem in stems:
        paths = [data.record_path(stem, folder) for folder in (data_dir, again)]
        assert len({pathlib.Path(path).read_bytes() for path in paths}) == 1, stem


def test_mnist(tmp_path, server, monkeypatch):
    cls, module = builder_class('mnist')
    monkeypatch.setattr(cls, 'URL', server.url)
    # TFDS wants all 60,000 and 10,000 of them.
    monkeypatch.setattr(module, '_TRAIN_EXAMPLES', 3000)
    monkeypatch.setattr(module, '_TEST_EXAMPLES', 1000)
    published_files.write_idx(tmp_path / 'upstream', {'train': 3000, 't10k': 1000})
    data_dir = str(tmp_path / 'records')
    downloads.create('mnist', data_dir)
    pictures = read(data_dir, 'mnist-test')
    numbers = []
    for png, label in pictures[::5]:
        image = decode(png).astype(int)
        numbers.append(256 * image[3, 4, 0] + image[27, 27, 0])
        assert image.sum() == image[3, 4, 0] + image[27, 27, 0] and label == numbers[-1] % 10
    assert len(pictures) == 1000 and len(set(numbers)) == 200
    assert records.count(data.record_path('mnist-train', data_dir)) == 3000
    same_from_files('mnist', tmp_path, data_dir)


def test_pictures_of_several_shards_are_in_order(tmp_path, server, monkeypatch):
    _, module = builder_class('svhn_cropped')
    monkeypatch.setattr(module, 'URL', server.url)
    published_files.write_mat(tmp_path / 'upstream', count=100)  # TFDS reads 16 at once
    config = functools.partial(tfds.download.DownloadConfig, num_shards=3)
    monkeypatch.setattr(tfds.download, 'DownloadConfig', config)
    data_dir = str(tmp_path / 'records')
    downloads.create('svhn', data_dir)
    assert len(list(pathlib.Path(data_dir).rglob('*train.tfrecord-*-of-00003'))) == 3
    same_from_files('svhn', tmp_path, data_dir)


def test_cifar10(tmp_path, server, monkeypatch):
    cls, _ = builder_class('cifar10')
    info = cls._cifar_info.fget
    url = server.url + 'cifar-10-binary.tar.gz'
    monkeypatch.setattr(
        cls, '_cifar_info', property(lambda self: info(self)._replace(url=url))
    )
    upstream = tmp_path / 'upstream'
    published_files.write_tar(
        upstream / 'cifar-10-binary.tar.gz', published_files.cifar_binary()
    )
    pixels = published_files.cifar_pixels()
    data_dir = str(tmp_path / 'records')
    downloads.create('cifar10', data_dir)
    expected = {image.transpose(1, 2, 0).tobytes(): i for i, image in enumerate(pixels)}
    found = {}
    for part, count in (('train', 10), ('test', 2)):
        pictures = read(data_dir, f'cifar10-{part}')
        assert len(pictures) == count
        for png, label in pictures:
            found[expected[decode(png).tobytes()]] = label
    assert found == {i: i % 10 for i in range(12)}
    same_from_files('cifar10', tmp_path, data_dir)
    os.remove(upstream / 'cifar-10-binary.tar.gz')
    for protocol in (None, 2, 4):
        members = published_files.cifar_python(protocol)
        published_files.write_tar(upstream / 'cifar-10-python.tar.gz', members)
        same_from_files('cifar10', tmp_path, data_dir)
        shutil.rmtree(tmp_path / 'again')


@pytest.fixture
def svhn(tmp_path, server, monkeypatch):
    """SVHN's files with 20 pictures each; a picture's own label, 1..10, is its first pixel."""
    _, module = builder_class('svhn_cropped')
    monkeypatch.setattr(module, 'URL', server.url)
    published_files.write_mat(tmp_path / 'upstream')
    return str(tmp_path / 'records')


def test_svhn_class_is_its_own_label_minus_1(svhn, tmp_path):
    assert [preprocessing.svhn_class(digit) for digit in range(10)] == [9, *range(9)]
    downloads.create('svhn', svhn)
    for part in ('train', 'test', 'extra'):
        pictures = read(svhn, f'svhn-{part}')
        assert len(pictures) == 20
        for png, label in pictures:
            assert label == decode(png)[0, 0, 0] - 1  # digit 0 is labelled 10, so class 9
    dataset = data.get_dataset('svhn32', data_dir=svhn)
    assert len(next(dataset.train_once.as_numpy_iterator())['x']) == 40
    same_from_files('svhn', tmp_path, svhn)


def test_an_interrupted_run_goes_on(svhn, server, monkeypatch, capsys):
    write = records.write

    def interrupted(path, pictures, total):
        if path.endswith('svhn-test.tfrecord'):
            raise KeyboardInterrupt
        write(path, pictures, total)

    monkeypatch.setattr(records, 'write', interrupted)
    with pytest.raises(KeyboardInterrupt):
        downloads.create('svhn', svhn)
    monkeypatch.undo()
    made = data.record_path('svhn-train', svhn)
    before, asked = os.stat(made).st_mtime_ns, len(server.asked)
    server.close()  # nothing is downloaded twice
    downloads.create('svhn', svhn)
    assert len(server.asked) == asked == 3
    assert sorted(os.listdir(svhn)) == [
        'svhn-extra.tfrecord', 'svhn-test.tfrecord', 'svhn-train.tfrecord', 'tfds',
    ]  # fmt: skip
    assert os.stat(made).st_mtime_ns == before
    assert f'{made} is there already; --overwrite' in capsys.readouterr().out
    downloads.create('svhn', svhn, overwrite=True)
    assert os.stat(made).st_mtime_ns > before


def test_a_download_that_breaks_is_one_sentence(svhn, tmp_path):
    (tmp_path / 'upstream' / 'extra_32x32.mat').write_bytes(b'<html>come back later</html>')
    with pytest.raises(UserError, match='svhn could not be downloaded and prepared') as caught:
        downloads.create('svhn', svhn)
    assert '\n' not in str(caught.value)


def test_celeba(tmp_path, server, monkeypatch):
    _, module = builder_class('celeb_a')
    upstream, images = tmp_path / 'upstream', jpegs(6)
    numbers = (1, 162770, 162771, 182637, 182638, 202599)  # the ends of the published partition
    names = [f'{number:06d}.jpg' for number in numbers]
    write_zip(upstream / 'img_align_celeba.zip', images, names)

    def table(columns, header):
        head = f'6\n{" ".join(columns)}\n' if header else ''
        return head + ''.join(f'{name} {"1 " * len(columns)}\n' for name in names)

    partition = ''.join(f'{name} {i // 2}\n' for i, name in enumerate(names))
    texts = {
        'EVAL_LIST': partition,
        'LANDMARKS_DATA': table(module.LANDMARK_HEADINGS, True),
        'ATTR_DATA': table(module.ATTR_HEADINGS, True),
        'IDENTITY_DATA': table(module.IDENTITY_HEADINGS, False),
    }
    monkeypatch.setattr(module, 'IMG_ALIGNED_DATA', server.url + 'img_align_celeba.zip')
    for constant, text in texts.items():
        (upstream / f'{constant}.txt').write_text(text)
        monkeypatch.setattr(module, constant, f'{server.url}{constant}.txt')
    data_dir = str(tmp_path / 'records')
    downloads.create('celeba', data_dir)
    pictures = read(data_dir, 'celeba-train')
    assert sorted(image for image, _ in pictures) == sorted(images)  # bytes as they were
    assert {label for _, label in pictures} == {0}
    for size in (32, 64, 146):
        test = data.get_dataset(f'celeba{size}', data_dir=data_dir).test
        assert next(test.as_numpy_iterator())['x'].shape == (6, size, size, 3)
    same_from_files('celeba', tmp_path, data_dir)
    os.remove(upstream / 'img_align_celeba.zip')
    monkeypatch.setattr(celeba, 'COUNT', len(names))
    unpacked = upstream / 'img_align_celeba'
    unpacked.mkdir()
    for name, image in zip(names, images, strict=True):
        (unpacked / name).write_bytes(image)
    same_from_files('celeba', tmp_path, data_dir, verified=True)
    for name in names:
        (unpacked / name).rename(upstream / name)
    same_from_files('celeba', tmp_path, data_dir, verified=True)


def test_celeba_zip(tmp_path, capsys):
    images = jpegs(3)
    path = write_zip(tmp_path / 'faces.zip', images, ['000002.jpg', '000001.jpg', '000003.jpg'])
    downloads.create_all(['celeba'], str(tmp_path), celeba_zip=path)
    expected = [(images[1], 0), (images[0], 0), (images[2], 0)]  # by name
    assert read(str(tmp_path), 'celeba-train') == expected
    assert '3 pictures; the whole CelebA has 202,599' in capsys.readouterr().out


def test_what_needs_no_network_comes_first(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, '_reachable', lambda url: False)
    path = write_zip(tmp_path / 'faces.zip', jpegs(1))
    with pytest.raises(UserError, match='Cannot reach'):
        downloads.create_all(['svhn', 'celeba'], str(tmp_path), celeba_zip=path)
    assert len(read(str(tmp_path), 'celeba-train')) == 1


def test_celeba_zip_errors(tmp_path):
    def message(path):
        with pytest.raises(UserError) as caught:
            downloads.create('celeba', str(tmp_path), celeba_zip=str(path))
        assert not (tmp_path / 'celeba-train.tfrecord').exists()
        return str(caught.value)

    assert 'Cannot read' in message(tmp_path / 'missing.zip')
    (tmp_path / 'text.zip').write_text('no zip')
    assert 'Cannot read' in message(tmp_path / 'text.zip')
    assert 'holds no .jpg' in message(write_zip(tmp_path / 'a.zip', []))
    twice = write_zip(tmp_path / 'e.zip', jpegs(2), ['a/000001.jpg', 'b/000001.jpg'])
    assert "holds '000001.jpg' twice" in message(twice)
    small = tf.io.encode_jpeg(np.zeros((32, 32, 3), np.uint8)).numpy()
    bad = write_zip(tmp_path / 'b.zip', [*jpegs(1), small])
    assert '000002.jpg is not a JPEG of 178x218' in message(bad)
    assert '000001.jpg is not a JPEG' in message(write_zip(tmp_path / 'c.zip', [b'text']))
    whole = pathlib.Path(write_zip(tmp_path / 'd.zip', jpegs(2)))
    content = bytearray(whole.read_bytes())
    content[500] ^= 255
    whole.write_bytes(content)
    assert 'Cannot read' in message(whole)


def test_no_network_fails_within_seconds(tmp_path, monkeypatch):
    for name in ('http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(downloads, 'NETWORK_SECONDS', 2)
    _, module = builder_class('svhn_cropped')
    for url in ('http://127.0.0.1:9/', 'http://no-such-host.invalid/'):
        monkeypatch.setattr(module, 'URL', url)
        start = time.monotonic()
        with pytest.raises(UserError, match='Cannot reach http://.*connect this machine'):
            downloads.create('svhn', str(tmp_path))
        assert time.monotonic() - start < 20  # what TFDS asks itself takes minutes


def test_a_silent_host_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(downloads, 'NETWORK_SECONDS', 0.5)
    monkeypatch.setattr(downloads.requests, 'head', lambda *_, **__: time.sleep(60))
    start = time.monotonic()
    assert not downloads._reachable('http://127.0.0.1/')
    assert time.monotonic() - start < 5


def test_the_hosts_that_are_asked_first(tmp_path):
    def urls(source):
        return downloads._urls(tfds.builder(source.builder, data_dir=str(tmp_path)))

    hosts = {
        name: {downloads._origin(url) for url in urls(source)}
        for name, source in registry.SOURCES.items()
    }
    assert hosts == {
        'mnist': {'https://storage.googleapis.com/'},
        'cifar10': {'https://www.cs.toronto.edu/'},
        'svhn': {'http://ufldl.stanford.edu/'},
        'celeba': {'https://drive.google.com/'},
        'fashion_mnist': {'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/'},
    }


def test_unknown_names_before_anything_is_done(tmp_path):
    with pytest.raises(UserError, match="no dataset 'mnist32' to download; known: mnist, cifar10"):
        downloads.create_all(['mnist', 'mnist32'], str(tmp_path))
    with pytest.raises(UserError, match='--celeba_zip is for celeba'):
        downloads.create_all(['mnist'], str(tmp_path), celeba_zip='x.zip')


def script(*flags):
    return [str(ROOT / 'create_datasets.py'), *flags]


def test_the_script_killed_and_run_again(tmp_path):
    path = write_zip(tmp_path / 'faces.zip', jpegs(10) * 400, [f'{i:06}.jpg' for i in range(4000)])
    folder = tmp_path / 'records'
    command = script(f'--data_dir={folder}', '--datasets=celeba', f'--celeba_zip={path}')
    with forked.Command(*command) as process:
        forked.wait_until(lambda: list(folder.glob('*.partial-*')), process)
    assert not (folder / 'celeba-train.tfrecord').exists() and list(folder.glob('*.partial-*'))
    again = forked.run(*command)
    assert again.returncode == 0, again.stderr
    assert records.count(str(folder / 'celeba-train.tfrecord')) == 4000


def test_the_script_on_files_as_published(tmp_path):
    published_files.write_idx(tmp_path)
    command = script('--datasets=mnist', f'--from={tmp_path}', f'--data_dir={tmp_path}/records')
    refused = forked.run(*command)
    assert refused.returncode == 1 and 'is not the published file' in refused.stderr
    assert 'Traceback' not in refused.stderr and not (tmp_path / 'records').exists()
    done = forked.run(*command, '--no-checksums')
    assert done.returncode == 0, done.stderr
    assert 'mnist-train.tfrecord: 30 pictures.' in done.stdout


@pytest.mark.parametrize(
    'flags, sentence',
    [
        ([], 'Name the folder of the records: --data_dir=FOLDER'),
        (['--dataset=mnist'], 'Did you mean: datasets'),
        (['--datasets='], '--datasets is empty; give it a value, or leave it out.'),
        (['--datasets=mnist', '--from='], '--from is empty; give it a value, or leave it out.'),
    ],
)
def test_mistakes_end_the_script_with_one_sentence(flags, sentence):
    environment = {name: value for name, value in os.environ.items() if name != 'AE_DATA'}
    done = forked.run(*script(*flags), env=environment)
    assert done.returncode == 1 and sentence in done.stderr
    assert 'Traceback' not in done.stderr
