"""Set before TensorFlow is imported: as the scripts do, no start-up notes, and oneDNN.

Each process computes on one thread: several share the cores, and models are so small here that
threads mostly wait for each other.
XLA optimises nothing in tests, which run what it compiles once, and fuses without its emitters,
which take as long as all the rest. Graphs run as they are traced, but for those that replay what
the original recorded (golden_runs.py).
"""
import os
import signal

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell's background commands inherit
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What a user's shell or a cluster's job sets would change what is tested: real trainings, even.
for name in list(os.environ):
    if name in ('AE_DATA', 'TF_CONFIG', 'KERAS_BACKEND') or name.startswith('SLURM'):
        del os.environ[name]
os.environ['CUDA_VISIBLE_DEVICES'] = ''  # those of a job too, which make gpu-check is for
os.environ['KERAS_HOME'] = os.devnull  # where there is no keras.json
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
os.environ['TF_ENABLE_ONEDNN_OPTS'] = '1'
for pool in ('TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS', 'OMP_NUM_THREADS'):
    os.environ.setdefault(pool, '1')
os.environ.setdefault(
    'XLA_FLAGS', '--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false'
)

# Begun first, so that no worker is left alone with one of them at the end.
LONGEST = [
    *('cli/test_scripts.py', 'lib/test_train.py', 'lib/test_kills.py', 'cli/test_tasks.py'),
    *('reproduction/test_slurm.py', 'lib/test_devices.py', 'lib/test_fuzz.py'),
    *('reproduction/test_reproduce.py', 'cli/test_sizes.py', 'acai_tf/test_gpu_kernels.py'),
]


def pytest_configure(config):
    workers = getattr(config.option, 'numprocesses', None)
    if workers and not hasattr(config, 'workerinput'):  # which they have themselves
        from tests import forked

        forked.start_server()


@pytest.fixture(scope='session', autouse=True)
def graphs_as_traced():
    from tests import run_short

    run_short.run_graphs_as_traced()


@pytest.fixture(scope='module', autouse=True)
def forgotten_models():
    """Frees what Keras and TensorFlow keep of a module's models: megabytes each, of thousands."""
    yield
    import keras

    keras.backend.clear_session()


def pytest_collection_modifyitems(items):
    def place(item):
        name = '/'.join(item.path.parts[-2:])
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)
