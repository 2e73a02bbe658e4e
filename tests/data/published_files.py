"""Small files in the formats in which the datasets' authors publish them, and records."""
import gzip
import io
import pathlib
import pickle
import struct
import tarfile
import zipfile

import numpy as np
import scipy.io
import tensorflow as tf

RNG = np.random.default_rng(0)


def idx(array):
    """An idx file's bytes."""
    return struct.pack(f'>HBB{array.ndim}I', 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx(folder, counts=None, packed=True):
    """MNIST's four files; a picture's first pixels are its number."""
    for part, count in (counts or {'train': 30, 't10k': 20}).items():
        pixels = np.zeros((count, 28, 28), np.uint8)
        pixels[:, 3, 4], pixels[:, 27, 27] = np.divmod(np.arange(count), 256)
        labels = (np.arange(count) % 10).astype(np.uint8)
        for kind, array in (('images-idx3', pixels), ('labels-idx1', labels)):
            path = pathlib.Path(folder, f'{part}-{kind}-ubyte' + ('.gz' if packed else ''))
            path.write_bytes(gzip.compress(idx(array), 1) if packed else idx(array))


def write_mat(folder, parts=('train', 'test', 'extra'), count=20):
    """SVHN's files; a picture's own label, 1..10, is its first pixel."""
    for part in parts:
        pixels = RNG.integers(0, 256, (32, 32, 3, count), np.uint8)
        labels = np.arange(count, dtype=np.uint8) % 10 + 1
        pixels[0, 0, 0] = labels
        path = pathlib.Path(folder, f'{part}_32x32.mat')
        scipy.io.savemat(path, {'X': pixels, 'y': labels[:, np.newaxis]}, do_compression=True)


CIFAR_BATCHES = [f'data_batch_{i}' for i in range(1, 6)] + ['test_batch']
CIFAR_CLASSES = 'airplane automobile bird cat deer dog frog horse ship truck'.split()


def cifar_pixels():
    """12 pictures (12, 3, 32, 32), two of each batch; their classes are 0, 1, ..., 9, 0, 1."""
    return np.random.default_rng(1).integers(0, 256, (12, 3, 32, 32), np.uint8)


def write_tar(path, contents):
    """A tar.gz of {member: bytes, or a tarfile.TarInfo}."""
    with tarfile.open(path, 'w:gz') as archive:
        for name, content in contents.items():
            if isinstance(content, bytes):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:  # without its content, which `addfile` asks for from Python 3.13 on
                archive.fileobj.write(content.tobuf(archive.format))


def cifar_binary():
    """{member: bytes} of the binary archive."""
    pixels = cifar_pixels()
    contents = {'batches.meta.txt': ('\n'.join(CIFAR_CLASSES) + '\n\n').encode()}
    for i, name in enumerate(CIFAR_BATCHES):
        rows = (bytes([j % 10]) + pixels[j].tobytes() for j in (2 * i, 2 * i + 1))
        contents[f'{name}.bin'] = b''.join(rows)
    return {f'cifar-10-batches-bin/{name}': content for name, content in contents.items()}


def cifar_python(protocol=None):
    """{member: bytes} of the archive for Python; pickled as Python 2 did it, without a protocol."""
    pixels, contents = cifar_pixels(), {}
    for i, name in enumerate(CIFAR_BATCHES):
        rows, labels = pixels[2 * i : 2 * i + 2].reshape(2, -1), [2 * i % 10, (2 * i + 1) % 10]
        if protocol is None:
            contents[name] = python_2_pickle(name.encode(), labels, rows)
        else:
            batch = {b'batch_label': name.encode(), b'labels': labels, b'data': rows}
            contents[name] = pickle.dumps(batch, protocol)
    contents['batches.meta'] = b'not read'
    return {f'cifar-10-batches-py/{name}': content for name, content in contents.items()}


def python_2_pickle(name, labels, rows):
    """A batch as cPickle of Python 2.7 with NumPy 1 wrote it, protocol 2."""

    def text(value):
        if len(value) < 256:
            return b'U' + bytes([len(value)]) + value
        return b'T' + struct.pack('<I', len(value)) + value

    def small(value):
        return b'K' + bytes([value])

    array = (
        b'cnumpy.core.multiarray\n_reconstruct\n' + b'cnumpy\nndarray\n' + small(0) + b'\x85'
        + text(b'b') + b'\x87R' + b'(' + small(1) + small(len(rows)) + b'M\x00\x0c\x86'
        + b'cnumpy\ndtype\n' + text(b'u1') + small(0) + small(1) + b'\x87R'
        + b'(' + small(3) + text(b'|') + b'NNN' + 2 * b'J\xff\xff\xff\xff' + small(0) + b'tb'
        + b'\x89' + text(rows.tobytes()) + b'tb'
    )  # fmt: skip
    items = text(b'data') + array + text(b'labels') + b'](' + b''.join(map(small, labels)) + b'e'
    return b'\x80\x02}(' + items + text(b'batch_label') + text(name) + b'u.'


def jpegs(count):
    """JPEG bytes of CelebA's size."""
    pixels = RNG.integers(0, 256, (count, 14, 12, 3), np.uint8)
    large = tf.cast(tf.image.resize(pixels, (218, 178)), tf.uint8)
    return [tf.io.encode_jpeg(image).numpy() for image in large]


def write_zip(path, images, names=None, folder='img_align_celeba/'):
    """CelebA's zip."""
    names = names or [f'{i + 1:06d}.jpg' for i in range(len(images))]
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr(folder, '')
        for name, image in zip(names, images, strict=True):
            archive.writestr(f'{folder}{name}', image)
    return str(path)


def example(features):
    """Bytes of a tf.train.Example of {name: list of bytes, integers or floats}."""
    made = {}
    for name, values in features.items():
        if values and isinstance(values[0], bytes):
            made[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
        elif values and isinstance(values[0], float):
            made[name] = tf.train.Feature(float_list=tf.train.FloatList(value=values))
        else:
            made[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()
