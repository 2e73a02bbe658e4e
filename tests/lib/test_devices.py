"""Several replicas compute what one would; several machines train one run."""
import json
import os
import socket
import subprocess
import sys

import pytest
import tensorflow as tf

from lib import devices, discretization
from lib.errors import UserError
from tests import tiny


def run_replicas(method, optimizer):
    script = tiny.REPOSITORY / 'tests' / 'run_replicas.py'
    command = [sys.executable, script, method, optimizer]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize('method, optimizer', [('ACAI', 'sgd'), ('VAE', 'adam'), ('AAE', 'sgd')])
def test_a_step_on_two_replicas_is_the_mean_of_their_gradients(method, optimizer):
    assert max(run_replicas(method, optimizer).values()) < 1e-6


def test_moving_averages_are_of_the_whole_batch():
    found = run_replicas('AEVQVAE', 'sgd')
    assert found['weights'] < 1e-6
    vectors = 8 * tiny.SMALL['AEVQVAE']['num_latents']
    assert found['assigned'] == pytest.approx(vectors * (1 - discretization.DECAY), rel=1e-4)


def test_two_machines_train_one_run(tmp_path):
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            ports.append(free.getsockname()[1])
    cluster = {'worker': [f'127.0.0.1:{port}' for port in ports]}
    command = [sys.executable, 'baseline.py', '--depth=2', '--latent=4', '--batch=16']
    command += ['--total_kimg=1', '--report_kimg=1', f'--train_dir={tmp_path}']
    tasks = [{'type': 'worker', 'index': index} for index in range(2)]
    workers = [
        subprocess.Popen(
            command,
            cwd=tiny.REPOSITORY,
            env=os.environ | {'TF_CONFIG': json.dumps({'cluster': cluster, 'task': task})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for task in tasks
    ]
    first, second = (worker.communicate(timeout=300)[0] for worker in workers)
    assert [worker.returncode for worker in workers] == [0, 0], first + second
    assert 'kimg=1' in first and 'kimg=' not in second  # one reports
    (args,) = tmp_path.glob('lines32/*/args.json')
    assert json.loads(args.read_text())['args']['devices'] == 2
    assert (args.parent / 'tf' / 'model.ckpt-65.index').exists()


def test_shares_are_the_batch_in_order():
    batch = {'x': tf.reshape(tf.range(12.0), (6, 2))}
    share = devices.share_out(tf.distribute.get_strategy(), tf.data.Dataset.from_tensors(batch))
    assert next(iter(share))['x'].numpy().tolist() == batch['x'].numpy().tolist()


def test_choices_on_a_machine_without_a_gpu():
    assert devices.resolve_precision('auto') == 'float32'
    assert devices.resolve_precision('mixed_bfloat16') == 'mixed_bfloat16'
    assert not devices.resolve_jit('auto') and devices.resolve_jit('on')
    with pytest.raises(UserError, match='--devices=3'):
        devices.make_strategy(3)
