"""The original's checkpoints: read, written, and refused with a reason."""
import errno
import functools
import os
import shutil
import sys
import tempfile
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf

import acai_tf
from lib import checkpoints, randomness, runs
from lib.errors import UserError
from lib.runs import architecture
from tests import original, stand_ins, tiny

DATA, INDEX = checkpoints.DATA, checkpoints.INDEX


@pytest.mark.parametrize('name', original.GOLDEN_NAMES)
def test_round_trip_keeps_every_bit(name, tmp_path):
    model, copy = tiny.golden_model(name), str(tmp_path / 'model.ckpt')
    for moment in ('initial', 'final'):
        step = checkpoints.load_original(model, original.prefix(name, moment))
        checkpoints.save_original(model, copy, step)
        original.assert_same_checkpoint(original.prefix(name, moment), copy)
        assert sorted(os.listdir(tmp_path)) == [f'model.ckpt{DATA}', f'model.ckpt{INDEX}']


@pytest.mark.parametrize(
    'name, image_shape, nclass, changes',
    [
        ('aae', (32, 32, 3), 1, {'disc_layer_sizes': '7'}),
        ('acai', (32, 32, 3), 1, {'scales': 4, 'advdepth': 3, 'latent': 2}),
        ('baseline', (16, 16, 3), 10, {'scales': 2, 'depth': 4}),
        ('denoising', (32, 32, 1), 1, {'scales': 5}),
        ('dropout', (32, 32, 3), 10, {'latent': 1}),
        ('lrae', (32, 32, 1), 3, {'scales': 1}),
        ('vae', (32, 32, 3), 1, {'scales': 4}),
        ('vae', (32, 32, 1), 10, {'advweight': 0.5}),
        ('vqvae', (32, 32, 3), 1, {'scales': 4, 'z_log_size': 3, 'num_latents': 1}),
    ],
)
def test_round_trip_of_other_sizes(name, image_shape, nclass, changes, tmp_path):
    first, second = (
        tiny.golden_model(name, image_shape, nclass, seed=seed, **changes) for seed in (0, 1)
    )
    x = randomness.Draws(0).uniform('x', (4, *image_shape), -1, 1)
    first.train_step({'x': x, 'label': tf.one_hot(tf.range(4) % nclass, nclass)})
    path = str(tmp_path / 'model.ckpt-1')
    checkpoints.save_original(first, path, 1)
    traits = checkpoints.read_traits(path)
    assert (architecture.image_shape(traits), traits['nclass']) == (image_shape, nclass)
    assert original.state(first) != original.state(second)
    assert checkpoints.load_original(second, path) == 1
    assert original.state(first) == original.state(second)


# What does not fit.


def refused(model, prefix, error=UserError):
    """The message with which a checkpoint is refused; the model stays as it was."""
    before = original.state(model)
    with pytest.raises(error) as caught:
        checkpoints.load_original(model, prefix)
    assert original.state(model) == before
    message = str(caught.value)
    assert '\n' not in message and len(message) < 600
    assert prefix in message
    return message


@pytest.mark.parametrize(
    'name, variable, expected, image_shape, nclass, changes',
    [
        ('acai', 'ae_enc/conv2d/kernel', 'with depth=2,', None, None, {'depth': 4}),
        ('acai', 'disc/conv2d/kernel', 'with advdepth=2,', None, None, {'advdepth': 4}),
        ('baseline', 'conv2d_8/kernel', 'with latent=4,', None, None, {'latent': 2}),
        ('vae', 'classifier/dense/kernel', 'with latent_width=4,', (16, 16, 1), None, {}),
        ('baseline', 'ae_encoder/conv2d_8/kernel', 'scales=3', None, None, {'scales': 4}),
        ('baseline', 'ae_encoder/conv2d/kernel', 'with colors=1,', (32, 32, 3), None, {}),
        ('dropout', 'dense/kernel', 'with nclass=10,', None, 1, {}),
        ('aae', 'disc/dense_1/kernel', 'sizes=100,100,', None, None, {'disc_layer_sizes': '100'}),
        ('vqvae', 'means', 'with z_log_size=6,', None, None, {'z_log_size': 5}),
        ('vqvae', 'vqvae/dense/kernel', 'with num_latents=2,', None, None, {'num_latents': 3}),
        ('vae', 'disc/conv2d/kernel', 'another method than VAE.', None, None, {'advweight': 0.5}),
    ],
)
def test_names_the_variable_and_the_cause(name, variable, expected, image_shape, nclass, changes):
    model = tiny.golden_model(name, image_shape, nclass, **changes)
    message = refused(model, original.prefix(name, 'final'))
    assert variable in message
    assert expected in message


@pytest.fixture(scope='module', params=['aae', 'acai', 'baseline', 'vae', 'vqvae'])
def wanted(request):
    """A golden's name, and a model of it for all who are `refused`, which changes nothing."""
    return request.param, tiny.golden_model(request.param)


def test_names_the_other_method(wanted):
    name, model = wanted
    alike = [{'acai', 'lrae'}, {'baseline', 'denoising', 'dropout'}, {name}]
    (same,) = [names for names in alike if name in names][:1]
    others = set(original.GOLDEN_NAMES) - same
    assert len(others) > 4
    for written in others:
        message = refused(model, original.prefix(written, 'final'))
        assert f'of another method than {original.config(name)["model"]}.' in message
        assert original.config(written)['model'] in message.split('looks like')[1]


def rewrite(prefix, copy, change):
    """Copies a checkpoint after `change` of its {name: array}."""
    values = original.read(prefix)
    change(values)
    names = sorted(values)
    tf.raw_ops.SaveV2(
        prefix=copy,
        tensor_names=names,
        shape_and_slices=[''] * len(names),
        tensors=[values[name] for name in names],
    )


def test_names_what_an_incomplete_checkpoint_lacks(tmp_path):
    copy = str(tmp_path / 'model.ckpt')
    lost = 'disc/conv2d/bias/Adam_1'
    rewrite(original.prefix('acai', 'final'), copy, lambda values: values.pop(lost))
    message = refused(tiny.golden_model('acai'), copy)
    assert lost in message and 'saved incompletely' in message


def test_names_another_dtype(tmp_path):
    copy = str(tmp_path / 'model.ckpt')
    rewrite(
        original.prefix('acai', 'final'),
        copy,
        lambda values: values.update(global_step=np.int32(10)),
    )
    assert 'global_step as int32, not int64' in refused(tiny.golden_model('acai'), copy)


def test_names_a_checkpoint_of_something_else(tmp_path):
    copy = str(tmp_path / 'model.ckpt')
    rewrite(
        original.prefix('acai', 'final'),
        copy,
        lambda values: [values.pop(name) for name in list(values) if 'conv2d' in name],
    )
    assert 'not a checkpoint of an autoencoder' in refused(tiny.golden_model('acai'), copy)
    with pytest.raises(UserError, match='not a checkpoint of an autoencoder'):
        checkpoints.read_traits(copy)


# Damage.


@pytest.fixture
def copied(tmp_path):
    """The prefix of a copy of a checkpoint, to be damaged."""
    stand_ins.write_checkpoint(str(tmp_path / 'model.ckpt'))
    return str(tmp_path / 'model.ckpt')


@pytest.fixture(scope='module')
def baseline():
    return tiny.golden_model('baseline')


def damage(path, change):
    with open(path, 'rb') as file:
        content = bytearray(file.read())
    content = change(content)
    with open(path, 'wb') as file:
        file.write(content)


@pytest.mark.parametrize('suffix', [DATA, INDEX])
def test_missing_and_empty_files(suffix, copied, baseline):
    damage(copied + suffix, lambda content: b'')
    message = refused(baseline, copied, checkpoints.DamagedCheckpointError)
    assert f'{copied}{suffix} is empty' in message
    os.remove(copied + suffix)
    message = refused(baseline, copied, checkpoints.DamagedCheckpointError)
    assert f'{copied}{suffix} is missing' in message


@pytest.mark.parametrize('suffix', [DATA, INDEX])
@pytest.mark.parametrize('kept', [0.001, 0.3, 0.9, 0.9999])
def test_truncated_files(suffix, kept, copied, baseline):
    damage(copied + suffix, lambda content: content[: int(kept * len(content))] or b'x')
    assert 'cut short' in refused(baseline, copied, checkpoints.DamagedCheckpointError)


def flipped(content, byte):
    content[byte] ^= 1 << byte % 8
    return content


@pytest.mark.parametrize('byte', range(0, 60880, 6000))
def test_flipped_bits_of_the_data(byte, copied, baseline):
    damage(copied + DATA, lambda content: flipped(content, byte))
    assert 'altered' in refused(baseline, copied, checkpoints.DamagedCheckpointError)


@pytest.mark.parametrize('byte', [0, 1, 500, 1000, 2000, 3000, 3900, -1, -4, -8])
def test_flipped_bits_of_the_index(byte, copied, baseline):
    damage(copied + INDEX, lambda content: flipped(content, byte))
    assert 'altered' in refused(baseline, copied, checkpoints.DamagedCheckpointError)


@pytest.mark.parametrize('size', [1, 100, 4026, 100_000])
def test_index_of_garbage(size, copied, baseline):
    garbage = np.random.default_rng(0).bytes(size)
    damage(copied + INDEX, lambda content: garbage)
    assert 'altered' in refused(baseline, copied, checkpoints.DamagedCheckpointError)


@pytest.mark.parametrize('what', ['tf', f'tf/{{}}{INDEX}', f'tf/{{}}{DATA}', 'args.json'])
def test_what_may_not_be_read_is_not_called_damaged(what, baseline):
    mine = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:  # not pytest's own, which is its owner's alone
        os.chmod(folder, 0o755)
        run = runs.RunFolder(os.path.join(folder, 'AEBaseline_depth2_latent2_scales3'))
        run.create()
        run.write_args({'depth': 2})
        for step in (1, 2):
            checkpoints.save_original(baseline, run.checkpoint(step), step)
        path = os.path.join(run.path, what.format('model.ckpt-2'))
        os.chmod(path, 0)
        try:
            if not mine:
                os.seteuid(65534)  # root may read everything
            with pytest.raises(UserError, match=f'^Cannot read {path}.* .Permission denied.\\.$'):
                run.read_record()
                checkpoints.restore(baseline, run)
        finally:
            os.seteuid(mine)
            os.chmod(path, 0o755)


def test_a_path_that_could_not_be_read_is_not_written(tmp_path, baseline):
    with pytest.raises(UserError, match=r'takes for a pattern; choose another folder'):
        checkpoints.save_original(baseline, tmp_path / 'x[1]' / 'model.ckpt-1', 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == 'darwin', reason='needs names that are not UTF-8')
def test_a_path_that_is_no_utf_8_is_no_damage(tmp_path, baseline, copied):
    folder = os.path.join(tmp_path, os.fsdecode(b'caf\xe9'))  # as Latin-1 wrote it
    shutil.copytree(os.path.dirname(copied), folder)
    other = os.path.join(folder, os.path.basename(copied))
    with pytest.raises(UserError, match='not UTF-8, .*; move it to another folder') as raised:
        checkpoints.load_original(baseline, other)
    assert not isinstance(raised.value, checkpoints.DamagedCheckpointError)
    with pytest.raises(UserError, match='not UTF-8, .*; choose another folder'):
        checkpoints.save_original(baseline, other, 1)
    with pytest.raises(UserError, match='not UTF-8, .*; choose another --train_dir'):
        runs.RunFolder(folder).create()


def test_files_of_two_checkpoints(copied, baseline):
    shutil.copy(original.prefix('baseline', 'initial') + DATA, copied + DATA)
    assert 'altered' in refused(baseline, copied, checkpoints.DamagedCheckpointError)


# Writing.


class Killed(BaseException):
    """What a crash looks like from inside."""


@pytest.mark.parametrize('exists', [False, True])
def test_crash_while_saving_keeps_what_was_there(exists, tmp_path, monkeypatch, baseline):
    """Fails in every call that touches the disk, one after the other."""
    folder, old = tmp_path / 'tf', original.prefix('baseline', 'initial')
    folder.mkdir()
    prefix = str(folder / 'model.ckpt-1')
    if exists:
        for suffix in (DATA, INDEX):
            shutil.copy(old + suffix, prefix + suffix)
    before = original.files(folder)
    calls = 0

    def guard(module, name):
        function = getattr(module, name)

        def fails_in_time(*args, **kwargs):
            nonlocal calls
            calls -= 1
            if calls == 0:
                raise Killed
            return function(*args, **kwargs)

        monkeypatch.setattr(module, name, fails_in_time)

    for module, name in ((os, 'replace'), (os, 'fsync'), (tf.raw_ops, 'SaveV2')):
        guard(module, name)
    crashes = 0
    while True:
        crashes += 1
        calls = crashes
        try:
            checkpoints.save_original(baseline, prefix, 1)
            break
        except Killed:
            assert original.files(folder) == before
    assert crashes == 7  # of six calls; then it succeeded
    assert checkpoints.load_original(baseline, prefix) == 1
    assert len(original.files(folder)) == 2


def test_full_disk_gives_one_sentence(tmp_path, baseline):
    prefix = str(tmp_path / 'model.ckpt-1')
    checkpoints.save_original(baseline, prefix, 1)
    before = original.files(tmp_path)
    with tiny.no_room(20_000), pytest.raises(UserError, match='Cannot write') as caught:
        checkpoints.save_original(baseline, prefix, 1)
    assert f'{prefix} (File too large)' in str(caught.value)
    assert original.files(tmp_path) == before


def test_unwritable_folder_gives_one_sentence(tmp_path, baseline):
    (tmp_path / 'file').write_text('no folder')
    with pytest.raises(UserError, match=r'\(Not a directory\)'):
        checkpoints.save_original(baseline, str(tmp_path / 'file' / 'tf' / 'model.ckpt-1'), 1)


# Beyond the original: float16.


def float16_model(seed=0):
    return acai_tf.AEBaseline(
        image_shape=(8, 8, 1), nclass=10, scales=1, depth=2, latent=2, seed=seed,
        dtype='mixed_float16',
    )


def float16_step(model):
    x = randomness.Draws(0, int(model.global_step)).uniform('x', (4, 8, 8, 1), -1, 1)
    model.train_step({'x': x, 'label': tf.one_hot(tf.range(4), 10)})


def test_a_model_that_knows_no_shapes_yet_is_refused(tmp_path):
    def make():
        networks = [keras.Sequential([keras.layers.Dense(size)]) for size in (2, 6)]
        return acai_tf.AEBaseline(nclass=3, encoder=networks[0], decoder=networks[1])

    path = str(tmp_path / 'model.ckpt-1')
    with pytest.raises(UserError, match='shapes are not known yet; call it on a batch'):
        checkpoints.save_original(make(), path, 1)
    model, other = make(), make()
    for each in (model, other):
        each(np.ones((1, 6), np.float32))
    checkpoints.save_original(model, path, 1)
    with pytest.raises(UserError, match='shapes are not known yet; call it on a batch'):
        checkpoints.load_original(make(), path)
    other.encoder.trainable = False
    other.compile()
    checkpoints.save_original(other, path, 1)
    with pytest.raises(UserError, match='weights were frozen when it was written'):
        checkpoints.load_original(model, path)


def test_float16_resumes_with_its_loss_scale(tmp_path):
    unbroken, resumed, path = float16_model(), float16_model(1), str(tmp_path / 'model.ckpt-3')
    unbroken.optimizers['autoencoder'].dynamic_scale.assign(1e30)  # overflows, skips, halves
    for _ in range(3):
        float16_step(unbroken)
    steps = {g: int(optimizer.iterations) for g, optimizer in unbroken.optimizers.items()}
    assert steps == {'autoencoder': 0, 'classifier': 3}
    checkpoints.save_original(unbroken, path, 3)
    checkpoints.load_original(resumed, path)
    for group, optimizer in resumed.optimizers.items():
        assert int(optimizer.iterations) == steps[group]
    for model in (unbroken, resumed):
        float16_step(model)
    assert original.state(unbroken) == original.state(resumed)


def test_float16_and_float32_read_each_other(tmp_path):
    half, path = float16_model(), str(tmp_path / 'model.ckpt-1')
    single = acai_tf.AEBaseline(
        image_shape=(8, 8, 1), nclass=10, scales=1, depth=2, latent=2, seed=1
    )
    float16_step(half)
    checkpoints.save_original(half, path, 1)
    assert checkpoints.load_original(single, path) == 1
    np.testing.assert_array_equal(single.trainable_variables[0], half.trainable_variables[0])
    checkpoints.save_original(single, path, 1)
    assert not any('loss_scale' in name for name, _ in tf.train.list_variables(path))
    scale = half.optimizers['autoencoder'].dynamic_scale.numpy()
    assert checkpoints.load_original(half, path) == 1
    assert half.optimizers['autoencoder'].dynamic_scale.numpy() == scale


def test_what_cannot_be_read_now_is_not_taken_for_damaged(tmp_path, monkeypatch):
    """None before it is taken in its place, for it may be whole."""
    model, run = tiny.make('AEBaseline'), runs.RunFolder(str(tmp_path))
    run.create()
    for step in (1, 2):
        checkpoints.save_original(model, run.checkpoint(step), step)

    def fails(*_, error):
        raise error

    error = OSError(errno.EIO, 'Input/output error')
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, 'open', functools.partial(fails, error=error), raising=False)
        with pytest.raises(UserError, match='^Cannot read .*output error') as raised:
            checkpoints.restore(model, run)
        assert not isinstance(raised.value, checkpoints.DamagedCheckpointError)
    for error in (MemoryError(), tf.errors.ResourceExhaustedError(None, None, 'OOM')):
        reader = mock.Mock(get_tensor=mock.Mock(side_effect=error))
        with pytest.raises(UserError, match='too little memory') as raised:
            checkpoints._read(reader, run.checkpoint(2), 'a')
        assert not isinstance(raised.value, checkpoints.DamagedCheckpointError)
    assert checkpoints.restore(model, run) == 2
