"""Networks and data of one's own, for tests."""
import keras
import numpy as np

import acai_tf
from tests import tiny

NCLASS = 3


def dense(*units, **options):
    *hidden, last = (keras.layers.Dense(unit) for unit in units)
    return keras.Sequential([*hidden, keras.layers.LeakyReLU(0.2), last], **options)


def vectors():
    """Data (B, 12) to latents (B, 5), with layers that training and evaluation see differently."""
    encoder = keras.Sequential(
        [keras.layers.Dense(8), keras.layers.BatchNormalization(), keras.layers.Dense(5)]
    )
    decoder = keras.Sequential([keras.layers.Dropout(0.1), keras.layers.Dense(12)])
    return encoder, decoder, (12,)


def sequences():
    """Data (B, 6, 3) to latents (B, 5); the encoder knows its shape."""
    encoder = keras.Sequential([
        keras.layers.Input((6, 3)), keras.layers.Conv1D(4, 3, padding='same', activation='relu'),
        keras.layers.Flatten(), keras.layers.Dense(5),
    ])
    decoder = keras.Sequential([keras.layers.Dense(18), keras.layers.Reshape((6, 3))])
    return encoder, decoder, (6, 3)


def volumes():
    """Data (B, 4, 4, 4, 1) to latents (B, 2, 2, 2, 3), functional."""
    x = keras.Input((4, 4, 4, 1))
    h = keras.Input((2, 2, 2, 3))
    encoder = keras.Model(x, keras.layers.Conv3D(3, 3, 2, 'same')(x))
    decoder = keras.Model(h, keras.layers.Conv3DTranspose(1, 3, 2, 'same')(h))
    return encoder, decoder, (4, 4, 4, 1)


DATA = {'vectors': vectors, 'sequences': sequences, 'volumes': volumes}


def make(method, data, **changes):
    keras.utils.set_random_seed(0)
    encoder, decoder, _ = DATA[data]()
    options = {**tiny.SMALL.get(method, {}), 'lr': 3e-3, **changes}
    return acai_tf.ALL_AES[method](encoder=encoder, decoder=decoder, nclass=NCLASS, **options)


def batch_of(shape, size=8):
    draws = np.random.default_rng(0)
    x = draws.uniform(-1, 1, (size, *shape)).astype('float32')
    return {'x': x, 'label': np.eye(NCLASS, dtype='float32')[np.arange(size) % NCLASS]}
