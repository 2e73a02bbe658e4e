"""The table of benchmarks/gpu_check.py, on the CPU."""
import importlib.util
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from lib import convolution, devices
from tests import tiny

SIZE = {'batch_size': 8, 'seconds': 0.01}


@pytest.fixture(scope='module')
def gpu_check():
    path = tiny.REPOSITORY / 'benchmarks' / 'gpu_check.py'
    spec = importlib.util.spec_from_file_location('gpu_check', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_settings_are_those_that_a_run_may_have(gpu_check):
    found = gpu_check.settings(['GPU:0', 'GPU:1'], ['float32', 'mixed_float16', 'mixed_bfloat16'])
    alone = [(dtype, jit) for names, dtype, jit in found if names == ('GPU:0',)]
    shared = [(dtype, jit) for names, dtype, jit in found if names == ('GPU:0', 'GPU:1')]
    assert len(alone) == 6 and len(found) == 8
    assert shared == [('float32', False), ('mixed_bfloat16', False)]
    assert len(gpu_check.settings(['GPU:0'], ['float32'])) == 2


@pytest.mark.parametrize(
    'capabilities, precisions',
    [
        ([(6, 0)], ['float32']),
        ([(7, 5), (8, 0)], ['float32', 'mixed_float16']),
        ([(9, 0)] * 2, ['float32', 'mixed_float16', 'mixed_bfloat16']),
    ],
)
def test_precisions_are_those_that_all_gpus_compute(gpu_check, capabilities, precisions):
    gpus = [devices.Gpu('a GPU', capability) for capability in capabilities]
    assert gpu_check.usable_precisions(gpus) == precisions


def test_a_row_for_each_check(gpu_check, monkeypatch):
    monkeypatch.setattr(gpu_check, 'PLAIN', {'convolve_to_one': gpu_check.convolve})
    used = mock.Mock(wraps=gpu_check.convolution.convolve_to_one)
    monkeypatch.setattr(gpu_check.convolution, 'convolve_to_one', used)
    setting = gpu_check.Setting(('CPU:0',), 'float32', False)
    monkeypatch.setattr(gpu_check, 'settings', lambda *_: [setting])

    def make_model(method, dtype):
        return tiny.make(method, dtype=dtype)

    found, times_used = [], []
    for each in gpu_check.checks(['CPU:0'], ['float32'], ['AEBaseline'], make_model, **SIZE):
        found.append(each)
        times_used.append(used.call_count)
    names, passed, errors, rates = zip(*[row for row, _ in found], strict=True)
    assert names == (
        'AEBaseline, CPU:0, float32, jit off',
        'AEBaseline without convolve_to_one, CPU:0, float32, jit off',
    )
    assert passed == ('yes', 'yes') and all(ok for _, ok in found)
    assert 0 < times_used[0] == times_used[1] and all(0 < float(error) <= 1 for error in errors)
    assert all(float(rate.replace(',', '')) > 0 for rate in rates)
    text = gpu_check.table([row for row, _ in found])
    assert len(text.splitlines()) == 4 and 'largest error' in text


@pytest.mark.parametrize(
    'trick', ['convolve_tiny', 'convolve_to_one', 'convolve_doubled', 'convolve_twice']
)
def test_without_a_trick_the_same_is_computed_another_way(gpu_check, trick):
    def normal(*shape):
        return draws.normal(size=shape).astype(np.float32)

    def operations(function):
        return sorted(op.type for op in function.get_concrete_function(x).graph.get_operations())

    draws = np.random.default_rng(0)
    convs = [convolution.Conv2D(filters, 3, padding='same') for filters in (4, 4, 1)]
    convs[1].doubles = True
    pointwise, bias, kernel = normal(1, 1, 3, 4), normal(4), normal(3, 3, 4, 3)
    x = normal(2, 2, 2, 3)

    @tf.function
    def answer(x):
        x = convolution.convolve_twice(x, pointwise, bias, kernel)
        x = convs[0](x)  # at 2x2
        x = ops.repeat(ops.repeat(x, 4, axis=1), 4, axis=2)
        return convs[2](convs[1](x))

    expected, usual = answer(x), operations(answer)
    with gpu_check.without(trick):
        plain = tf.function(answer.python_function)
        np.testing.assert_allclose(plain(x), expected, rtol=1e-4, atol=1e-5)
        assert operations(plain) != usual
    assert operations(tf.function(answer.python_function)) == usual


def test_training_that_turns_to_nan_fails(gpu_check, monkeypatch):
    script = gpu_check.SCRIPT_OF['AEBaseline']
    _, trajectory = tiny.golden(script)
    tags = [name.removeprefix('loss/') for name in trajectory if name.startswith('loss/')]
    history = [{tag: trajectory[f'loss/{tag}'][step] for tag in tags} for step in range(10)]
    history[6] = dict.fromkeys(tags, float('nan'))
    monkeypatch.setattr(gpu_check.golden_runs, 'train', lambda *_, **__: history)
    assert gpu_check.golden_runs.largest_error(script, 'mixed_bfloat16') == float('inf')
    history[6] = history[5]
    assert gpu_check.golden_runs.largest_error(script, 'mixed_bfloat16') < float('inf')


def test_what_fails_is_in_the_table(gpu_check, monkeypatch):
    setting = gpu_check.Setting(('CPU:0',), 'float32', False)
    monkeypatch.setattr(gpu_check, 'images_per_second', lambda *_, **__: 100.0)
    monkeypatch.setattr(gpu_check.golden_runs, 'largest_error', lambda *_: 7.0)
    assert gpu_check.check('it', 'ACAI', tiny.make, setting) == (('it', 'NO', '7', '100'), False)
    monkeypatch.setattr(gpu_check.golden_runs, 'largest_error', lambda *_: float('nan'))
    assert not gpu_check.check('it', 'ACAI', tiny.make, setting)[1]

    def no_kernel(*_):
        raise RuntimeError('no kernel\nfor it')

    monkeypatch.setattr(gpu_check.golden_runs, 'largest_error', no_kernel)
    row, passed = gpu_check.check('it', 'ACAI', tiny.make, setting)
    assert row == ('it', 'NO (RuntimeError: no kernel)', '', '') and not passed
