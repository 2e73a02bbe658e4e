"""Runs a script with a data set that needs no files: python tests/run_task.py SCRIPT --flag...

`blobs32`: 300 training and 100 test images of three classes, each a bright square in its own
corner with noise. `endless32`: the same without an end. `plain32`: all of one class. What is done
of a k-means is kept at once.
"""
import os
import runpy
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)


def blobs(name, batch_size, seed):
    import numpy as np
    import tensorflow as tf

    from lib import data

    nclass = 1 if name == 'plain32' else 3
    rng = np.random.RandomState(0)

    def images(count):
        label = rng.randint(nclass, size=count)
        x = rng.uniform(-1, -0.5, (count, 32, 32, 1)).astype(np.float32)
        for image, corner in zip(x, label, strict=True):
            row, column = divmod(corner, 2)
            image[16 * row : 16 * row + 12, 16 * column : 16 * column + 12] += 1
        one_hot = np.eye(nclass, dtype=np.float32)[label]
        return tf.data.Dataset.from_tensor_slices({'x': x, 'label': one_hot})

    train, test = images(300), images(100).batch(batch_size)

    def train_from(step):
        return train.repeat().batch(batch_size).skip(step)

    once = None if name == 'endless32' else train.batch(batch_size)
    return data.Dataset(name, 32, 32, 1, nclass, train_from, test, once)


if __name__ == '__main__':
    from lib import data
    from lib.tasks import kmeans

    kmeans.SAVE_SEC = 0
    get_dataset = data.get_dataset

    def get(name, batch_size=64, seed=0):
        if name in ('blobs32', 'endless32', 'plain32'):
            return blobs(name, batch_size, seed)
        return get_dataset(name, batch_size, seed)

    def describe(name):
        dataset = get(name)
        return dataset.image_shape, dataset.nclass

    data.get_dataset, data.describe = get, describe
    sys.argv = sys.argv[1:]
    runpy.run_path(os.path.join(ROOT, sys.argv[0]), run_name='__main__')
