"""digits32: scikit-learn's handwritten digits at 32x32, which need no download."""
import functools

import numpy as np
import tensorflow as tf

NCLASS = 10
SIZE_PX = 32
TEST_EVERY = 5  # every fifth picture of each class is a test picture


@functools.cache
def load():
    """The 1,797 digits, 8x8 with 17 levels of grey, scaled up.

    Returns:
        (train, test), each (pixels (n, 32, 32, 1) uint8, labels (n,) int64): 1,433 and 364
        pictures. The split is fixed: of the pictures of each class, in scikit-learn's order, the
        first, the sixth, the eleventh... are for testing.
    """
    import sklearn.datasets

    digits = sklearn.datasets.load_digits()
    labels = digits.target.astype(np.int64)
    rank = np.zeros(len(labels), int)  # a picture's position among those of its class
    for label in range(NCLASS):
        rank[labels == label] = np.arange(np.sum(labels == label))
    test = rank % TEST_EVERY == 0
    pixels = enlarge(digits.images[..., np.newaxis] / 16)
    return (pixels[~test], labels[~test]), (pixels[test], labels[test])


def enlarge(images):
    """(n, 8, 8, 1) in [0, 1] -> (n, 32, 32, 1) uint8, by bicubic interpolation.

    Strokes run up to the edge of the 8x8 pictures; a border of background, which is cut off again
    afterwards, gives them round ends there.
    """
    border = ((0, 0), (1, 1), (1, 1), (0, 0))
    scale = SIZE_PX // images.shape[1]
    with tf.device('CPU'):
        size = SIZE_PX + 2 * scale
        large = tf.image.resize(np.pad(images, border), (size, size), 'bicubic').numpy()
    large = large[:, scale:-scale, scale:-scale]
    return np.clip(np.round(255 * large), 0, 255).astype(np.uint8)
