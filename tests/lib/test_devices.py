"""Several replicas compute what one would; several machines train one run."""
import contextlib
import json
import os
import re
from unittest import mock

import pytest
import tensorflow as tf

from lib import devices, discretization
from lib.errors import UserError
from tests import forked, one_node_slurm, tiny


@pytest.fixture(scope='module')
def on_two():
    """What tests/run_replicas.py prints."""
    done = forked.run('tests/run_replicas.py')
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize('what', ['script', 'ACAI', 'LRAE', 'VAE', 'VAE with a critic', 'AAE'])
def test_a_step_on_two_replicas_is_the_mean_of_their_gradients(what, on_two):
    assert all(value < 1e-6 for value in on_two[what].values())  # no NaN either


def test_moving_averages_are_of_the_whole_batch(on_two):
    assert on_two['AEVQVAE']['weights'] < 1e-6
    vectors = 8 * tiny.SMALL['AEVQVAE']['num_latents']
    expected = vectors * (1 - discretization.DECAY)
    assert on_two['AEVQVAE']['assigned'] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize('script', ['acai', 'vqvae'])
def test_recorded_runs_end_where_they_did_on_two_replicas(script, on_two):
    assert on_two[script] <= 1


@contextlib.contextmanager
def two_machines(*train_dirs, total_kimg):
    """Two processes that train one run, in a folder that both see, or in one each."""
    cluster = {'worker': [f'127.0.0.1:{port}' for port in one_node_slurm.free_ports(2)]}
    command = ['tests/run_short.py', 'baseline.py', '--depth=2', '--latent=4', '--batch=16']
    command += [f'--total_kimg={total_kimg}', '--report_kimg=1']
    tasks = [{'type': 'worker', 'index': index} for index in range(2)]
    workers = [
        forked.Command(
            *command,
            f'--train_dir={train_dirs[task["index"] % len(train_dirs)]}',
            env=os.environ | {'TF_CONFIG': json.dumps({'cluster': cluster, 'task': task})},
        )
        for task in tasks
    ]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()


def test_two_machines_train_one_run(tmp_path):
    with two_machines(tmp_path, total_kimg=1) as workers:
        first, second = (worker.communicate(timeout=300)[0] for worker in workers)
        assert [worker.returncode for worker in workers] == [0, 0], first + second
    assert 'kimg=1' in first and 'kimg=' not in second  # one reports
    (args,) = tmp_path.glob('lines32/*/args.json')
    assert json.loads(args.read_text())['args']['devices'] == 2
    assert (args.parent / 'tf' / 'model.ckpt-65.index').exists()


def test_machines_that_see_other_checkpoints_stop(tmp_path):
    with two_machines(tmp_path / 'a', total_kimg=1) as workers:
        said = [worker.communicate(timeout=300)[1] for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0], said
    with two_machines(tmp_path / 'a', tmp_path / 'b', total_kimg=2) as workers:
        said = [worker.communicate(timeout=300)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [1, 1]
    for step, text in zip((65, 0), said, strict=True):
        assert f'found different checkpoints, step {step} here' in text


def test_a_signal_to_one_machine_stops_both_at_the_same_step(tmp_path):
    with two_machines(tmp_path, total_kimg=9999) as workers:
        forked.wait_until(lambda: '\nkimg=1 ' in workers[0].out(), *workers)
        workers[1].terminate()
        said = [worker.communicate(timeout=300)[0] for worker in workers]
        assert [worker.returncode for worker in workers] == [143, 143], said
    first, second = (re.search(r'Stopped at step (\d+)', text)[1] for text in said)
    assert first == second
    steps = {int(path.stem.rpartition('-')[2]) for path in tmp_path.glob('lines32/*/tf/*.index')}
    assert max(steps) == int(first)


def test_shares_are_the_batch_in_order():
    """Of two machines with two replicas each."""
    batches = tf.data.Dataset.from_tensors({'x': tf.reshape(tf.range(16), (8, 2))}).repeat()
    strategy = mock.Mock(num_replicas_in_sync=4)
    devices.distribute(strategy, batches)
    ((shares_of,), _) = strategy.distribute_datasets_from_function.call_args
    found = [
        [share['x'].numpy()[:, 0].tolist() for share in shares_of(context).take(4)]
        for context in (tf.distribute.InputContext(2, machine, 4) for machine in range(2))
    ]
    assert found == [[[0, 2], [4, 6]] * 2, [[8, 10], [12, 14]] * 2]


def test_one_replica_gets_the_batches_as_they_are():
    batches = tf.data.Dataset.range(3)
    assert devices.distribute(tf.distribute.get_strategy(), batches) is batches


def test_the_end_of_one_machine_ends_the_other_in_a_sentence(tmp_path):
    with two_machines(tmp_path, total_kimg=9999) as workers:
        forked.wait_until(lambda: '\nkimg=1 ' in workers[0].out(), *workers)
        workers[1].kill()
        _, said = workers[0].communicate(timeout=300)
        assert workers[0].returncode == 1, said
    *_, last = said.strip().splitlines()
    assert 'Another machine that trains this run has ended; what it printed says why.' in last
    assert 'Traceback' not in said


P100, T4 = devices.Gpu('P100', (6, 0)), devices.Gpu('T4', (7, 5))
A100, H100 = devices.Gpu('A100', (8, 0)), devices.Gpu('H100', (9, 0))


@pytest.mark.parametrize(
    'gpus, options, replicas, precision, jit',
    [
        ([], {}, 1, 'float32', False),
        ([], {'devices': 1}, 1, 'float32', False),
        ([], {'jit': 'on', 'precision': 'mixed_bfloat16'}, 1, 'mixed_bfloat16', True),
        ([], {'machines': 2}, 2, 'float32', False),
        ([P100], {}, 1, 'float32', True),
        ([T4], {}, 1, 'mixed_float16', True),
        ([T4], {'jit': 'off', 'precision': 'float32'}, 1, 'float32', False),
        ([A100], {}, 1, 'mixed_bfloat16', True),
        ([A100], {'precision': 'tf32'}, 1, 'tf32', True),
        ([A100], {'machines': 2}, 2, 'mixed_bfloat16', False),
        ([T4, T4], {}, 2, 'float32', False),  # float16 is for one device
        ([T4, T4], {'devices': 1}, 1, 'mixed_float16', True),
        ([H100] * 8, {}, 8, 'mixed_bfloat16', False),
        ([H100] * 8, {'devices': 2}, 2, 'mixed_bfloat16', False),
        ([A100, T4], {}, 2, 'float32', False),
        ([A100, T4], {'devices': 1}, 1, 'mixed_bfloat16', True),
    ],
)
def test_choices(gpus, options, replicas, precision, jit):
    choice = devices.choose(gpus, **options)
    assert (choice.replicas, choice.precision, choice.jit) == (replicas, precision, jit)
    assert choice.gpus == tuple(gpus[: options.get('devices') or len(gpus)])


@pytest.mark.parametrize(
    'gpus, options, problem',
    [
        ([], {'devices': 2}, '--devices=2, but TensorFlow sees 0 GPUs'),
        ([H100] * 8, {'devices': 9}, '--devices=9, but TensorFlow sees 8 GPUs'),
        ([H100] * 8, {'jit': 'on'}, '--jit=on works on one device, not on 8'),
        ([], {'jit': 'on', 'machines': 2}, '--jit=on works on one device, not on 2'),
        ([T4, T4], {'precision': 'mixed_float16'}, 'mixed_float16 works on one device, not on 2'),
    ],
)
def test_what_cannot_work_is_refused(gpus, options, problem):
    with pytest.raises(UserError, match=problem):
        devices.choose(gpus, **options)


@pytest.mark.parametrize(
    'damaged',
    [
        *('{', '{"cluster": 3}', '3', '{"cluster": {"worker": ["a:1", "b:1"]}}'),
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": "x"}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "chief", "index": 0}}',
    ],
)
def test_a_description_of_machines_that_is_none_is_refused(damaged, monkeypatch):
    monkeypatch.setenv('TF_CONFIG', damaged)
    with pytest.raises(UserError, match='does not describe a cluster .* unset it'):
        devices.count_machines()


def test_cores_are_shared_out_as_far_as_there_are_some(monkeypatch):
    """Those that this process may use, by its affinity and its container's quota too."""
    monkeypatch.setenv('LOKY_MAX_CPU_COUNT', '1')
    assert [devices.cores_of_each(processes) for processes in (1, 3)] == [1, 1]
    monkeypatch.setattr(devices.joblib, 'cpu_count', lambda: 7)
    assert [devices.cores_of_each(processes) for processes in (1, 3, 9)] == [7, 2, 1]


def test_a_choice_in_words():
    assert devices.choose([]).line == 'Devices: CPU; replicas: 1; float32; jit off.'
    said = devices.choose([A100, A100, T4]).line
    assert said == 'Devices: 2 x A100, 1 x T4; replicas: 3; float32; jit off.'
    assert devices.choose([A100], precision='tf32').dtype == 'float32'


def test_only_the_gpus_in_use_are_visible_and_their_memory_grows(monkeypatch):
    seen = {}
    there = ['GPU:0', 'GPU:1', 'GPU:2']
    monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: there)
    monkeypatch.setattr(tf.config, 'set_visible_devices', lambda gpus, kind: seen.update(gpus=gpus))
    grows = []
    growth = tf.config.experimental, 'set_memory_growth'
    monkeypatch.setattr(*growth, lambda gpu, on: grows.append((gpu, on)))
    strategy = devices.start(devices.choose([T4] * 3, devices=1))
    assert seen == {'gpus': ['GPU:0']} and grows == [('GPU:0', True)]
    assert strategy.num_replicas_in_sync == 1


@pytest.mark.parametrize('precision, rounded', [('tf32', True), ('float32', False)])
def test_float32_is_tf32_only_where_asked_for(precision, rounded):
    devices.start(devices.choose([], precision=precision))
    assert tf.config.experimental.tensor_float_32_execution_enabled() == rounded
    devices.keep_float32()
    assert not tf.config.experimental.tensor_float_32_execution_enabled()
