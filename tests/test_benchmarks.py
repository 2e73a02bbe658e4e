"""Benchmarks run, those that can be short; what they print is nobody's claim here."""
import pytest

from tests import forked


@pytest.mark.parametrize(
    'command, printed',
    [
        (['host.py', '--turns=1', '--steps=10', '--batch=2'], 'loop, nothing to do'),
        (['host.py', '--turns=1', '--steps=2', '--batch=2', '--method=LRAE'], 'LRAE, 2 steps'),
        (['train_step.py', '--methods=AAE', '--turns=1', '--steps=1', '--batch=2'], 'AAE'),
        (['data.py', '--images=64', '--batch=4', '--step_rate=1000'], 'celeba32'),
        (['kmeans.py', '--images=200', '--size=4', '--inits=2', '--rounds=1'], 'ours / sklearns'),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else '',
)
def test_a_benchmark_prints_what_it_measured(command, printed):
    done = forked.run(f'benchmarks/{command[0]}', *command[1:])
    assert done.returncode == 0, done.stderr[-2000:]
    assert printed in done.stdout


@pytest.mark.parametrize(
    'command', [['train_step.py', '--methods='], ['loop.py', '--batch=8'], ['host.py', '--turns=0']]
)
def test_what_would_not_be_measured_is_refused(command):
    done = forked.run(f'benchmarks/{command[0]}', *command[1:])
    assert done.returncode and 'Flags parsing error' in done.stderr


def test_the_gpu_check_needs_a_gpu_and_knows_its_flags():
    flags = '--methods=ACAI', '--batch=8', '--seconds=1', '--precisions=float32'
    done = forked.run('benchmarks/gpu_check.py', *flags)
    assert done.returncode == 1 and 'No GPU is here' in done.stderr
