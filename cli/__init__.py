"""What the scripts share: their flags, and one clear sentence for a user's mistake."""
import contextlib
import errno
import importlib
import io
import math
import os
import sys

from cli import closed_output, ctrl_c

closed_output.replace()
ctrl_c.answer()  # before all that takes time; the scripts import absl's flags from here

from absl import app, flags, logging  # noqa: E402

from cli import shared_flags  # noqa: E402
from lib.errors import UserError  # noqa: E402

FLAGS = flags.FLAGS
SHARED_FLAGS_MODULES = ('cli.shared_flags', 'cli.tasks')


def train(class_name):
    """Runs a script that trains a method; its own hyper-parameters are flags of the script.

    Args:
        class_name: the method's class in `acai_tf`.
    """
    _import_tensorflow()
    with _in_one_sentence():
        from acai_tf import ALL_AES

        method = ALL_AES.get(class_name)
        if not method:
            raise UserError(
                f'There is no method {class_name} in acai_tf: there are {", ".join(ALL_AES)}; a '
                'method is a class that defines method_losses.'
            )
        shared_flags.define_training_flags()
        shared_flags.define_autoencoder_flags()
        shared_flags.define_hyperparameter_flags(method)
    with _quiet_when_unread(), _started():
        from cli import training

        sys.exit(training.train(method))


def run(main, positional=(), required=None, wants_tensorflow=lambda: True):
    """Runs a script: `main` after its flags are parsed.

    Args:
        main: a function of the positional arguments; what it returns is the exit code.
        positional: what these are called, such as TRAIN; all must be given, but for one that ends
            in '...', which may be given any number of times.
        required: {flag: what to give} of the flags that have no default.
        wants_tensorflow: whether main needs it, once the flags are parsed; it takes seconds.
    """
    with _quiet_when_unread(), _started(positional, required, wants_tensorflow) as given:
        if wants_tensorflow():
            from lib import devices

            # One GPU, where there are several: a task computes on no more, and would open them all.
            devices.start(devices.choose(devices.find_gpus(), devices=1))
        sys.exit(main(*given))


def _import_tensorflow():
    """Imports TensorFlow, and Keras without what it imports only because it is installed: for its
    wrappers and galleries, which no script uses, that takes a third of the time."""
    absent = {name: None for name in ('matplotlib', 'sklearn') if name not in sys.modules}
    sys.modules.update(absent)  # Python takes None for a module that is not there
    try:
        with _in_one_sentence():
            importlib.import_module('lib.tensorflow_setup')
    finally:
        for name in absent:
            del sys.modules[name]
    # Every model has graphs of its own. TensorFlow counts them as retraces, since they share code.
    sys.modules['tensorflow'].get_logger().addFilter(
        lambda record: 'tf.function retracing' not in record.getMessage()
    )


@contextlib.contextmanager
def _in_one_sentence():
    """Ends with one sentence and exit code 1 where its user erred."""
    try:
        yield
    except UserError as error:
        sys.exit(f'{sys.argv[0]}: {error}')


@contextlib.contextmanager
def _quiet_when_unread():
    """Exits with 1, or what the script ends with, where what reads its output has ended, as `head`
    does, or a disk has no room for it."""
    try:
        yield
        return
    except OSError as error:
        end = _end_of_output(error)
    except SystemExit as error:
        end = error
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more
        end = end if end.code else _end_of_output(error)
    raise end


def _end_of_output(error):
    """The SystemExit of an OSError that writing raised; raises any other."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SystemExit(f'{sys.argv[0]}: Cannot write ({error.strerror}); make room.')
    if error.errno == errno.EIO:  # of a terminal that is closed, which shows no more, or of a disk
        return SystemExit(f'{sys.argv[0]}: {error}')
    if error.errno == errno.EPIPE:
        return SystemExit(1)
    raise error


@contextlib.contextmanager
def _started(positional=(), required=None, wants_tensorflow=lambda: True):
    """Parses the flags, and ends with one sentence and exit code 1 where its user erred.

    Args:
        positional, required, wants_tensorflow: as for `run`.

    Yields:
        The positional arguments.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # for names of files that are not text
        sys.stdout.reconfigure(errors='backslashreplace')
    for module in SHARED_FLAGS_MODULES:  # so that --help lists them too
        for flag in FLAGS.flags_by_module_dict().get(module, ()):
            FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    app.define_help_flags()
    script, *given = parse(sys.argv)
    try:
        os.getcwd()
    except FileNotFoundError:
        sys.exit(f'{script}: The current folder does not exist any more; change to another.')
    with _in_one_sentence():
        _check_arguments(script, given, list(positional))
        _check_flags(required or {})
    if wants_tensorflow():
        _import_tensorflow()
    logging.set_verbosity(logging.WARNING)  # such as TensorFlow's on every collective operation
    try:
        with _in_one_sentence():
            yield given
    except Exception as error:
        tensorflow = sys.modules.get('tensorflow')
        theirs = (tensorflow.errors.ResourceExhaustedError,) if tensorflow else ()
        if not isinstance(error, (MemoryError, *theirs)):
            raise
        from lib import memory

        trains = 'batch' in FLAGS and 'train_dir' in FLAGS  # convert.py records a batch
        sentence = memory.too_little(error, has_batch=trains)
        sys.exit(f'{script}: {sentence}')
    finally:
        ctrl_c.leave()


def _check_arguments(script, given, names):
    """Raises UserError unless the positional arguments are those that a script takes."""
    if names and names[-1].endswith('...'):
        names[-1:] = names[-1:] * (len(given) - len(names) + 1)
    if len(given) > len(names):
        raise UserError(f'unknown argument {given[len(names)]!r}; flags begin with --.')
    if len(given) < len(names):
        usage = ' '.join(names)
        raise UserError(f'{names[len(given)]} is missing; use: python {script} {usage}')


def _check_flags(required):
    """Raises UserError for a flag that is missing, empty, or no number to compute with."""
    for name, what in required.items():
        if FLAGS[name].value is None:
            raise UserError(f'--{name} is missing; give {what}.')
    for name in filter(_is_empty, FLAGS):
        how = 'is empty' if FLAGS[name].value in ('', []) else 'has an empty part'
        raise UserError(f'--{name} {how}; give it a value, or leave it out.')
    for name, value in FLAGS.flag_values_dict().items():
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f'--{name}={value} is not a number to compute with.')


def _is_empty(name):
    """Whether a flag is given, but empty, as --train_dir=$TRAIN without a TRAIN, or has an empty
    part."""
    flag = FLAGS[name]
    if not flag.present or isinstance(flag.parser, flags.EnumParser):  # of which '' may be one
        return False
    return flag.value in ('', []) or isinstance(flag.value, list) and '' in flag.value


def parse(arguments):
    """What is left of the arguments; a wrong flag ends with one sentence, as any mistake does."""
    try:
        return FLAGS(arguments)
    except SystemExit:  # absl's of --help, with 1
        sys.exit()
    except flags.Error as error:
        sys.exit(f'{arguments[0]}: {error} (--help lists the flags)')
