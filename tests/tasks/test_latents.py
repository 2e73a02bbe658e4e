"""Stored latents: the same as encoding at every step, and never stale."""
import dataclasses
import linecache
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

import acai_tf
from lib import data, randomness, runs
from lib.tasks import latents

N, BATCH = 50, 8


@pytest.fixture(scope='module')
def models():
    options = {'image_shape': (16, 16, 1), 'nclass': 3, 'scales': 2, 'depth': 2, 'latent': 2}
    return {name: acai_tf.ALL_AES[name](**options) for name in ('AEBaseline', 'VAE')}


def images():
    random = np.random.RandomState(0)
    x = random.uniform(-1, 1, (N, 16, 16, 1)).astype(np.float32)
    return x, np.eye(3, dtype=np.float32)[random.randint(3, size=N)]


def dataset(endless=False, change=None):
    """50 pictures; `change` may do something to (x, label) first."""
    x, label = images()
    if change:
        change(x, label)
    slices = tf.data.Dataset.from_tensor_slices({'x': x, 'label': label})

    def train_from(step):
        return slices.repeat().batch(BATCH).skip(step)

    return data.Dataset(
        'tiny', 16, 16, 1, 3, train_from, slices.batch(7), None if endless else slices.batch(7)
    )


def first(batches, count=3):
    return list(batches.take(count).as_numpy_iterator())


def test_order_takes_each_row_once_an_epoch_and_begins_anywhere():
    rows = np.concatenate(first(data.shuffled_rows(N, BATCH, 3, 0), 4 * N // BATCH))
    epochs = rows.reshape(4, N)
    np.testing.assert_array_equal(np.sort(epochs), np.tile(np.arange(N), (4, 1)))
    assert not (epochs[0] == epochs[1]).all()
    for step in (1, 6, 13):
        later = np.concatenate(first(data.shuffled_rows(N, BATCH, 3, step)))
        np.testing.assert_array_equal(later, rows[step * BATCH :][: 3 * BATCH])


def test_stored_latents_are_the_encoded_images(models):
    model = models['AEBaseline']
    stored = latents.latent_dataset(model, dataset(), BATCH, seed=3)
    assert stored.image_shape == model.latent_shape
    rows = np.concatenate(first(data.shuffled_rows(N, BATCH, 3, 2)))
    x, label = images()
    batches = first(stored.train_from(2))
    for name, expected in (('x', model.encode(x[rows]).numpy()), ('label', label[rows])):
        found = np.concatenate([batch[name] for batch in batches])
        np.testing.assert_allclose(found, expected, atol=1e-6)
    tests = list(stored.test.as_numpy_iterator())
    np.testing.assert_allclose(
        np.concatenate([batch['x'] for batch in tests]), model.encode(x).numpy(), atol=1e-6
    )


def test_stored_latents_come_in_the_order_of_the_images():
    digits = data.get_dataset('digits32', BATCH, seed=3)
    model = acai_tf.ALL_AES['AEBaseline'](
        image_shape=digits.image_shape, nclass=10, scales=4, depth=2, latent=2
    )
    stored = latents.latent_dataset(model, digits, BATCH, seed=3)
    assert stored.train.options().autotune.enabled is False  # as test_data's test_nothing_is_tuned
    assert stored.test.options().autotune.enabled is False
    both = zip(first(stored.train_from(180)), first(digits.train_from(180)), strict=True)
    for ours, batch in both:
        np.testing.assert_array_equal(ours['label'], batch['label'])
        np.testing.assert_allclose(ours['x'], model.encode(batch['x']).numpy(), atol=1e-6)


def test_endless_data_are_encoded_batch_by_batch(models):
    model = models['AEBaseline']
    endless = dataset(endless=True)
    stored = latents.latent_dataset(model, endless, BATCH)
    for ours, batch in zip(first(stored.train_from(4)), first(endless.train_from(4)), strict=True):
        np.testing.assert_allclose(ours['x'], model.encode(batch['x']).numpy(), atol=1e-6)
        np.testing.assert_array_equal(ours['label'], batch['label'])


@pytest.mark.parametrize('endless', [False, True])
def test_the_vae_samples_in_every_batch(models, endless):
    model = models['VAE']
    same = dataset(endless, change=lambda x, label: x.__setitem__(slice(None), 0.5))
    stored = latents.latent_dataset(model, same, BATCH, seed=3)
    one, two = (batch['x'].reshape(BATCH, -1) for batch in first(stored.train, 2))
    again = first(stored.train_from(1), 1)[0]['x']
    np.testing.assert_array_equal(again.reshape(BATCH, -1), two)
    assert len(np.unique(np.concatenate([one, two]), axis=0)) == 2 * BATCH


def test_the_vaes_samples_are_those_of_encode(models):
    model, (x, _) = models['VAE'], images()
    draws = randomness.Draws(5, 6)
    sampled = model.sample_latents(model.latent_distribution(x), draws)
    expected = model.encode(x, model.sample_noise(N, draws))
    np.testing.assert_allclose(sampled, expected, atol=1e-6)


def test_what_is_drawn_at_once_is_a_part_with_noise_of_its_own(models, monkeypatch):
    monkeypatch.setattr(latents, 'ENCODED_AT_ONCE', 20)
    same = dataset(change=lambda x, label: x.__setitem__(slice(None), 0.5))
    encoded = latents.encode(models['VAE'], same.test)
    drawn = latents.draw(models['VAE'], encoded, 'latents/test')
    assert drawn.shape == (N, *models['VAE'].latent_shape)
    assert len(np.unique(drawn.reshape(N, -1), axis=0)) == N
    plain = models['AEBaseline']
    drawn = latents.draw(plain, latents.encode(plain, dataset().test), 'latents/test')
    np.testing.assert_allclose(drawn, plain.encode(images()[0]), atol=1e-6)


def last_test_picture(x, label):
    x[-1, 5, 5] += 1e-3


def one_label(x, label):
    label[20] = np.roll(label[20], 1)


CHANGES = {'a late picture': last_test_picture, 'a label': one_label}


def test_cache_is_used_until_the_weights_or_the_data_change(models, tmp_path, capsys, monkeypatch):
    model, run = models['AEBaseline'], runs.RunFolder(str(tmp_path))
    found = latents.stored_latents(model, dataset(), run, 30)
    x, label = images()
    np.testing.assert_allclose(found['train'], model.encode(x[:30]).numpy(), atol=1e-6)
    np.testing.assert_array_equal(found['train_label'], label[:30].argmax(axis=1))
    assert len(found['test']) == len(found['test_label']) == N

    def fail(*_):
        raise AssertionError('encoded again')

    with monkeypatch.context() as patched:
        patched.setattr(latents, 'encode', fail)
        again = latents.stored_latents(model, dataset(), run, 30)
        for name, array in found.items():
            np.testing.assert_array_equal(again[name], array)
        with pytest.raises(AssertionError):
            latents.stored_latents(model, dataset(), run, 31)
        kernel = model.encoder.trainable_variables[0]
        before = kernel.numpy()
        kernel.assign(before + 1)
        with pytest.raises(AssertionError):
            latents.stored_latents(model, dataset(), run, 30)
        kernel.assign(before)
        model.global_step.assign(1)
        with pytest.raises(AssertionError):
            latents.stored_latents(model, dataset(), run, 30)
        model.global_step.assign(0)
        for change in CHANGES.values():
            with pytest.raises(AssertionError):
                latents.stored_latents(model, dataset(change=change), run, 30)
    path = tmp_path / latents.CACHE_NAME
    path.write_bytes(path.read_bytes()[:1000])
    again = latents.stored_latents(model, dataset(), run, 30)
    np.testing.assert_array_equal(again['train'], found['train'])


def test_cache_is_not_used_in_another_precision_or_for_another_seeds_samples(tmp_path):
    """Models of equal weights: a float32 one, one in bfloat16 and one that draws other noise."""
    options = {'image_shape': (16, 16, 1), 'nclass': 3, 'scales': 2, 'depth': 2, 'latent': 2}
    run = runs.RunFolder(str(tmp_path))
    first = acai_tf.ALL_AES['VAE'](**options)
    others = [
        acai_tf.ALL_AES['VAE'](**options, dtype='mixed_bfloat16'),
        acai_tf.ALL_AES['VAE'](**options, seed=1),
    ]
    before = latents.stored_latents(first, dataset(), run, 30)['train']
    for model in others:
        for to, value in zip(model.variables, first.variables, strict=True):
            to.assign(value)
        assert (latents.stored_latents(model, dataset(), run, 30)['train'] != before).any()
        again = latents.stored_latents(first, dataset(), run, 30)['train']
        np.testing.assert_array_equal(again, before)


def test_cache_is_not_used_for_pictures_of_another_width(tmp_path):
    """A run and a dataset that were made anew at another width, under the same names."""
    run, shapes = runs.RunFolder(str(tmp_path)), []
    for width in (32, 48):
        lines = data.get_dataset(f'lines{width}', BATCH)
        slices = lines.test.unbatch().take(N).batch(BATCH)
        own = dataclasses.replace(lines, name='mine', test=slices, train_once=slices)
        model = acai_tf.ALL_AES['AEBaseline'](
            image_shape=own.image_shape, nclass=10, scales=3, depth=2, latent=2
        )
        found = latents.stored_latents(model, own, run, N)
        shapes.append(found['train'].shape)
        expected = model.encode(next(slices.as_numpy_iterator())['x'])
        np.testing.assert_allclose(found['test'][:BATCH], expected, atol=1e-6)
    assert shapes == [(N, 4, 4, 2), (N, 6, 6, 2)]


def test_cache_is_not_used_for_another_code_of_the_method(models):
    class Halved(acai_tf.AEBaseline):
        def encode(self, x, noise=None):
            return super().encode(x, noise) / 2

    model, key = models['AEBaseline'], latents._method_checksum
    assert key(type(model)) == key(acai_tf.AEBaseline) != key(Halved)
    assert key(acai_tf.VAE) in latents._fingerprint(models['VAE'], dataset(), None)


def module_of(path, text):
    """The class `Coder` of a file with this text; None for what was typed in."""
    module = types.ModuleType('coders')
    if path:
        path.write_text(text)
        module.__file__ = str(path)
    else:  # as a notebook keeps what is typed
        linecache.cache['<typed>'] = (len(text), None, text.splitlines(True), '<typed>')
    exec(compile(text, str(path or '<typed>'), 'exec'), module.__dict__)
    sys.modules['coders'] = module
    return module.Coder


def test_all_of_a_methods_file_tells_its_code(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'coders', None)
    text = 'def half(x):\n    return x / {}\n\n\nclass Coder:\n    def encode(self, x):\n'
    text += '        return half(x)\n'
    keys = [
        latents._method_checksum(module_of(tmp_path / f'{divisor}.py', text.format(divisor)))
        for divisor in (2, 2.0, 3)
    ]
    assert len(set(keys)) == 3  # though the class is the same
    typed = text.format(2)
    first = latents._method_checksum(module_of(None, typed))
    again = module_of(None, typed.replace('return half(x)', 'return half(x) + 1'))
    assert latents._method_checksum(again) != first
