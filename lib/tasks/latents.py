"""Latents of whole datasets: encoded once, then stored, because encoding is the expensive part."""
import contextlib
import dataclasses
import inspect
import os
import sys
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from lib import arrays, data, pipelines, progress_bar, randomness

CACHE_NAME = 'latents.npz'
ENCODED_AT_ONCE = 16_384  # images whose latents are drawn together
LIBRARIES = 'builtins', 'keras', 'tensorflow'  # whose base classes are not a method's own code


class Encoded(NamedTuple):
    """An autoencoder's encoding of images, before anything is drawn at random.

    distribution: tuple of (n, *latent_shape) float32 arrays, see `latent_distribution`.
    label: (n, nclass) one-hot float32.
    """

    distribution: tuple
    label: np.ndarray


def encode(model, batches, limit=None, text='encoding'):
    """Encodes batches of images.

    Args:
        model: an `acai_tf` model.
        batches: a finite tf.data pipeline of {'x', 'label'}.
        limit: maximum number of images; None for all.
        text: names the progress bar.

    Returns:
        `Encoded`.
    """
    distribution_of = tf.function(
        model.latent_distribution, autograph=False, reduce_retracing=True
    )
    parts, labels, taken = [], [], 0
    with progress_bar.of_images(text) as bar:
        for batch in batches.prefetch(2):
            count = len(batch['x']) if limit is None else min(len(batch['x']), limit - taken)
            parts.append([part.numpy() for part in distribution_of(batch['x'][:count])])
            labels.append(batch['label'][:count].numpy())
            taken += count
            bar.update(count)
            if taken == limit:
                break
    distribution = tuple(np.concatenate(part) for part in zip(*parts, strict=True))
    return Encoded(distribution, np.concatenate(labels))


def draw(model, encoded, stream):
    """Latents (n, *latent_shape) of encoded images, drawn once where the model samples them.

    Args:
        model: an `acai_tf` model; its seed seeds the draw.
        encoded: `Encoded`.
        stream: names the draw.
    """
    seed, drawn = randomness.layer_seed(model.seed, stream), []
    for number, start in enumerate(range(0, len(encoded.label), ENCODED_AT_ONCE)):
        part = tuple(
            tf.constant(array[start : start + ENCODED_AT_ONCE]) for array in encoded.distribution
        )
        drawn.append(model.sample_latents(part, randomness.Draws(seed, batch_index=number)).numpy())
    return np.concatenate(drawn)


def latent_dataset(model, dataset, batch_size, seed=0):
    """A dataset with latents in place of images: x is (B, *latent_shape).

    Every training image is encoded once; the training batches take the stored latents in a new
    random order every epoch. Latents that a model samples (VAE) are sampled anew in every training
    batch, from their stored distribution. Endless training data are encoded batch by batch instead.
    The test latents are encoded, and sampled, once.

    Args:
        model: an `acai_tf` model.
        dataset: a `lib.data.Dataset` of images that fit it.
        batch_size: latents per batch.
        seed: seeds the order and the samples.
    """
    tested = encode(model, dataset.test, text=f'encoding {dataset.name}, test')
    test = tf.data.Dataset.from_tensor_slices(
        {'x': draw(model, tested, 'latents/test'), 'label': tested.label}
    )
    train_from = _encode_from(model, dataset, seed)
    if dataset.train_once is not None:
        trained = encode(model, dataset.train_once, text=f'encoding {dataset.name}, train')
        train_from = _gather_from(model, trained, batch_size, seed)
    height, width, channels = model.latent_shape
    return dataclasses.replace(
        dataset,
        height=height,
        width=width,
        colors=channels,
        train_from=train_from,
        test=test.batch(batch_size).with_options(pipelines.UNTUNED),
        train_once=None,
    )


def _encode_from(model, dataset, seed):
    @tf.autograph.experimental.do_not_convert
    def sample(step, batch):
        draws = randomness.Draws(randomness.layer_seed(seed, 'latents/train'), step)
        x = model.sample_latents(model.latent_distribution(batch['x']), draws)
        return {**batch, 'x': x}

    def train_from(step):
        batches = tf.data.Dataset.zip(pipelines.steps_from(step), dataset.train_from(step))
        return batches.map(sample).prefetch(2)

    return train_from


def _gather_from(model, encoded, batch_size, seed):
    with tf.device('CPU'):  # where tf.data gathers
        parts = [tf.constant(part) for part in encoded.distribution]
        label = tf.constant(encoded.label)
    count = len(encoded.label)  # not in `train_from`, which would keep `encoded` in memory too
    draws_seed = randomness.layer_seed(seed, 'latents/train')

    @tf.autograph.experimental.do_not_convert
    def gather(step, rows):
        distribution = tuple(tf.gather(part, rows) for part in parts)
        x = model.sample_latents(distribution, randomness.Draws(draws_seed, step))
        return {'x': x, 'label': tf.gather(label, rows)}

    def train_from(step):
        rows = data.shuffled_rows(count, batch_size, seed, step)
        return tf.data.Dataset.zip(pipelines.steps_from(step), rows).map(gather).prefetch(2)

    return train_from


def stored_latents(model, dataset, run, limit):
    """Latents of a dataset's training and test images, kept in the run's folder between calls.

    Args:
        model: an `acai_tf` model with the run's weights.
        dataset: a `lib.data.Dataset` with `train_once`.
        run: the model's `lib.runs.RunFolder`.
        limit: maximum number of training images; the first ones are taken.

    Returns:
        {'train', 'test': (n, *latent_shape) float32, 'train_label', 'test_label': (n,) int64}.
    """
    path = os.path.join(run.path, CACHE_NAME)
    key = _fingerprint(model, dataset, limit)
    latents = arrays.read(path, key)  # {} if they must be encoded again
    if latents:
        print(f'Latents of step {int(model.global_step)} from {path}.')
        return latents
    latents = {}
    for name, batches, most in (
        ('train', dataset.train_once, limit),
        ('test', dataset.test, None),
    ):
        encoded = encode(model, batches, most, f'encoding {dataset.name}, {name}')
        latents[name] = draw(model, encoded, f'latents/{name}')
        latents[f'{name}_label'] = encoded.label.argmax(axis=1)
    with contextlib.suppress(OSError):  # such as a full disk: the next call only encodes them again
        arrays.write(path, key, latents)
    return latents


def _fingerprint(model, dataset, limit):
    """Text that changes with whatever stored latents depend on.

    That is the method and the weights, their step, the precision they are used in, the seed that
    samples latents, and every picture and label that is encoded.
    """
    pictures = _pictures(dataset.train_once, limit), _pictures(dataset.test, None)
    parts = {
        'method': _method_checksum(type(model)),
        'step': int(model.global_step),
        'weights': weights_checksum(model),
        'precision': model.dtype_policy.name,
        'seed': model.seed,
        'dataset': dataset.name,
        'limit': limit,
        'pictures': ' '.join(map(arrays.checksum, pictures)),
    }
    return '  '.join(f'{name}={value}' for name, value in parts.items())


def _method_checksum(cls):
    """Text that changes with the code of a method's classes, but not with that of the layers that
    they use: the author of a method may change how it makes latents while the weights stay."""
    own = [each for each in cls.__mro__ if each.__module__.partition('.')[0] not in LIBRARIES]
    texts = [cls.__name__, *map(_code_of, own)]
    return arrays.checksum([np.frombuffer('\n'.join(texts).encode(), np.uint8)])


def _code_of(cls):
    """The source of the file that defines a class, since other code in it may play a part; for a
    class typed in interactively, the source of its own functions, as far as it is known."""
    with contextlib.suppress(OSError, TypeError, KeyError):
        return inspect.getsource(sys.modules[cls.__module__])
    texts = []
    for function in filter(inspect.isfunction, vars(cls).values()):
        with contextlib.suppress(OSError):
            texts.append(inspect.getsource(function))
    return '\n'.join(texts)


def weights_checksum(model):
    """Text that changes with the weights of a model."""
    scores = {id(variable) for variable in model.evaluation.values()}
    # Without the scores of the last evaluation, which a report made again may change.
    weights = (variable for variable in model.variables if id(variable) not in scores)
    return arrays.checksum(variable.numpy() for variable in weights)


def _pictures(batches, limit):
    """Yields arrays that identify what is encoded, up to the batch with the `limit`-th picture."""
    seen = 0
    for batch in batches.as_numpy_iterator():
        shape = repr(batch['x'].shape[1:]).encode()
        yield from (batch['x'], batch['label'], np.frombuffer(shape, np.uint8))
        seen += len(batch['x'])
        if limit is not None and seen >= limit:
            return
