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
ctrl_c.answer()  # before any slow import; the scripts import absl's flags from this package

from absl import app, flags, logging  # noqa: E402

from cli import shared_flags  # noqa: E402
from lib.errors import UserError  # noqa: E402

FLAGS = flags.FLAGS
SHARED_FLAGS_MODULES = ('cli.shared_flags', 'cli.tasks')


def train(class_name):
    """Runs the script that trains a method; the method's own hyper-parameters become flags.

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
    """Runs a script: parses its flags, calls `main`, and exits with the code that this returns.

    Args:
        main: a function of the positional arguments; what it returns is the exit code.
        positional: the names of these arguments, such as TRAIN; all must be given, except that the
            last one, if its name ends in '...', may be given any number of times.
        required: {flag: what to give} of the flags that have no default but must be given.
        wants_tensorflow: a function that says, once the flags are parsed, whether main needs
            TensorFlow, whose import takes seconds.
    """
    with _quiet_when_unread(), _started(positional, required, wants_tensorflow) as given:
        if wants_tensorflow():
            from lib import devices

            # One GPU at most: a task computes on no more, but TensorFlow would open all of them.
            devices.start(devices.choose(devices.find_gpus(), devices=1))
        sys.exit(main(*given))


def _import_tensorflow():
    """Imports TensorFlow and Keras, hiding matplotlib and scikit-learn from Keras meanwhile.

    Keras imports these where they are installed, for wrappers and galleries that no script uses,
    which takes a third of the time.
    """
    absent = {name: None for name in ('matplotlib', 'sklearn') if name not in sys.modules}
    sys.modules.update(absent)  # None makes Python treat a module as not installed
    try:
        with _in_one_sentence():
            importlib.import_module('lib.tensorflow_setup')
    finally:
        for name in absent:
            del sys.modules[name]
    # A false alarm: each model has its own graphs, which TensorFlow counts as retraces of the code
    # that they share.
    sys.modules['tensorflow'].get_logger().addFilter(
        lambda record: 'tf.function retracing' not in record.getMessage()
    )


@contextlib.contextmanager
def _in_one_sentence():
    """Ends the script with one sentence on stderr and exit code 1 on a UserError."""
    try:
        yield
    except UserError as error:
        sys.exit(f'{sys.argv[0]}: {error}')


@contextlib.contextmanager
def _quiet_when_unread():
    """Ends the script without a traceback where its output cannot be written: the program that
    reads it has ended, as `head` does, or a disk is full. The exit code is 1, or the script's own
    if that is not 0."""
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes at exit too
        end = end if end.code else _end_of_output(error)
    raise end


def _end_of_output(error):
    """The SystemExit for an OSError of writing the output; raises any other OSError again."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SystemExit(f'{sys.argv[0]}: Cannot write ({error.strerror}); make room.')
    if error.errno == errno.EIO:  # a closed terminal, which shows nothing any more, or a disk
        return SystemExit(f'{sys.argv[0]}: {error}')
    if error.errno == errno.EPIPE:
        return SystemExit(1)
    raise error


@contextlib.contextmanager
def _started(positional=(), required=None, wants_tensorflow=lambda: True):
    """Parses the flags and runs the block; a user's mistake ends it with one sentence and code 1.

    Args:
        positional, required, wants_tensorflow: as for `run`.

    Yields:
        The positional arguments.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # to print file names that are not valid text
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
    logging.set_verbosity(logging.WARNING)  # hides TensorFlow's note on every collective operation
    try:
        with _in_one_sentence():
            yield given
    except Exception as error:
        tensorflow = sys.modules.get('tensorflow')
        theirs = (tensorflow.errors.ResourceExhaustedError,) if tensorflow else ()
        if not isinstance(error, (MemoryError, *theirs)):
            raise
        from lib import memory

        trains = 'batch' in FLAGS and 'train_dir' in FLAGS  # convert.py only records --batch
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
    """Raises UserError for a flag that is missing, empty, or a number that is not finite."""
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
    """Whether a flag is given, but is empty (as --train_dir=$TRAIN is where TRAIN is not set) or
    has an empty part."""
    flag = FLAGS[name]
    if not flag.present or isinstance(flag.parser, flags.EnumParser):  # '' may be a choice
        return False
    return flag.value in ('', []) or isinstance(flag.value, list) and '' in flag.value


def parse(arguments):
    """Parses the flags and returns the other arguments; a wrong flag ends in one sentence."""
    try:
        return FLAGS(arguments)
    except SystemExit:  # absl exits with 1 after --help
        sys.exit()
    except flags.Error as error:
        sys.exit(f'{arguments[0]}: {error} (--help lists the flags)')
