"""Imports TensorFlow without its startup messages, with oneDNN, and without TF32 in place of
float32: import this module first.

TensorFlow logs before it reads the log level that should prevent it, so standard error is put aside
during the import. Later problems raise exceptions; TF_CPP_MIN_LOG_LEVEL, where it is set, decides
what else is logged.
"""
import gc
import importlib
import os
import sys
import tempfile

from lib.errors import UserError
from lib.interrupt import ctrl_c_waits


def _check_backend():
    """Raises UserError where Keras uses, or is set to use, a backend other than TensorFlow."""
    is_set = os.environ.setdefault('KERAS_BACKEND', 'tensorflow')  # overrides keras.json
    keras = sys.modules.get('keras')
    backend = keras.backend.backend() if keras else is_set
    if backend != 'tensorflow':
        raise UserError(
            f'Keras is set to compute with {backend}, and the models are of TensorFlow; set '
            'KERAS_BACKEND=tensorflow.'
        )


def _check_temporary_folder():
    """Raises UserError where no temporary file can be written, which TensorFlow's import needs."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:
        raise UserError(
            'No folder for temporary files can be written; make room on its disk, or set TMPDIR to '
            'a folder that can.'
        ) from error


def _import_tensorflow():
    """Imports TensorFlow with standard error put aside, and shown only if the import fails."""
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    # By default TensorFlow uses oneDNN only on AVX-512 CPUs; with AVX2 it is twice as fast too.
    os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '1')
    # Several processes may share a GPU, such as a classifier beside a run.
    os.environ.setdefault('TF_FORCE_GPU_ALLOW_GROWTH', 'true')
    _check_backend()
    _check_temporary_folder()
    # The objects that an import makes stay; looking for garbage takes a fifth of the import's time.
    collects = gc.isenabled()
    gc.disable()
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            with ctrl_c_waits():
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
