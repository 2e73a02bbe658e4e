"""The original's checkpoints and run folders, as the tests use them."""
import tensorflow as tf

from lib import original_names
from tests import forked, tiny

GOLDENS, REPOSITORY = tiny.GOLDENS, tiny.REPOSITORY
GOLDEN_NAMES = sorted(tiny.SCRIPTS)
RUNS = GOLDENS / 'original_runs'
BASELINE_RUN = RUNS / 'RUN1' / 'lines32' / 'AEBaseline_depth2_latent4_scales3'
OTHER_BASELINE_RUN = RUNS / 'RUN2' / 'lines32' / 'AEBaseline_depth2_latent4_scales3'
ACAI_RUN = RUNS / 'RUN2/lines32/ACAI_advdepth2_advweight0.5_depth2_latent4_reg0.2_scales3'
OTHER_ACAI_RUN = RUNS / 'RUN1' / ACAI_RUN.relative_to(RUNS / 'RUN2')  # with its pictures

# What the 2018 code did not record.
OPTIONS = {'lr': 1e-4, 'batch': 64, 'seed': 0, 'total_kimg': 3, 'report_kimg': 1}


def config(name):
    return tiny.golden(name)[0]


def prefix(name, moment):
    """The checkpoint of a golden, 'initial' or 'final'."""
    return tiny.golden_prefix(name, moment)


def read(prefix):
    """{name: array} of a checkpoint's variables."""
    reader = tf.train.load_checkpoint(prefix)
    return {name: reader.get_tensor(name) for name, _ in tf.train.list_variables(prefix)}


def assert_same_checkpoint(first, second):
    """Names, shapes, dtypes and every bit of the values are equal."""
    assert tf.train.list_variables(first) == tf.train.list_variables(second)
    second = read(second)
    for name, value in read(first).items():
        assert value.dtype == second[name].dtype, name
        assert value.tobytes() == second[name].tobytes(), name


def state(model):
    """{name: bytes} of everything that a checkpoint of the model stores."""
    variables = original_names.stored_variables(model)
    variables += original_names.loss_scale_variables(model)
    return {(name, number): v.numpy().tobytes() for number, (name, v) in enumerate(variables)}


def files(folder):
    """{path: content} of everything below a folder."""
    return {path: path.read_bytes() for path in sorted(folder.rglob('*')) if path.is_file()}


def run(script, *arguments, cwd):
    """A script in a process of its own: (exit code, standard output, standard error)."""
    done = forked.run(REPOSITORY / script, *arguments, cwd=cwd)
    return done.returncode, done.stdout, done.stderr
