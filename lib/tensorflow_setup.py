"""Imports TensorFlow without what it prints when it starts, with oneDNN, and with float32 that is
float32: import this first.

TensorFlow logs before it reads the level that should keep it from doing so. What goes wrong later
comes as an exception; TF_CPP_MIN_LOG_LEVEL, where it is set, says what else is logged.
"""
import gc
import importlib
import os
import sys
import tempfile

from lib.errors import UserError


def _check_backend():
    """Raises UserError where Keras computes, or is to compute, with anything but TensorFlow."""
    is_set = os.environ.setdefault('KERAS_BACKEND', 'tensorflow')  # counts before Keras' own file
    keras = sys.modules.get('keras')
    backend = keras.backend.backend() if keras else is_set
    if backend != 'tensorflow':
        raise UserError(
            f'Keras is set to compute with {backend}, and the models are of TensorFlow; set '
            'KERAS_BACKEND=tensorflow.'
        )


def _check_temporary_folder():
    """Raises UserError where nothing can be written for a while, as TensorFlow's import wants."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:
        raise UserError(
            'No folder for temporary files can be written; make room on its disk, or set TMPDIR to '
            'a folder that can.'
        ) from error


def _import_tensorflow():
    """Imports TensorFlow with standard error put aside, and back if the import fails."""
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    # By itself it uses oneDNN only on processors with AVX-512; with AVX2 that is twice as fast too.
    os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '1')
    # Several processes may share a GPU, such as a classifier beside a run.
    os.environ.setdefault('TF_FORCE_GPU_ALLOW_GROWTH', 'true')
    _check_backend()
    _check_temporary_folder()
    # What an import makes stays: to look for garbage in it takes a fifth of its time.
    collects = gc.isenabled()
    gc.disable()
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            importlib.import_module('tensorflow')
            importlib.import_module('lib.devices').keep_float32()
        except Exception:
            log.seek(0)
            os.write(stderr, log.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            if collects:
                gc.enable()


_import_tensorflow()
