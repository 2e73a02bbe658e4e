import os
import signal
import threading

import pytest

from lib import tensorflow_setup


@pytest.fixture
def handled():
    """SIGINT raises KeyboardInterrupt meanwhile, however pytest was started."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_waits_for_the_end_of_an_import(handled):
    done = []
    with pytest.raises(KeyboardInterrupt), tensorflow_setup.ctrl_c_waits():
        interrupt()
        done.append('all')
    assert done == ['all']
    with pytest.raises(KeyboardInterrupt):  # as before
        interrupt()


def test_an_import_that_fails_is_no_reason_to_lose_ctrl_c(handled):
    with pytest.raises(KeyboardInterrupt) as raised, tensorflow_setup.ctrl_c_waits():
        interrupt()
        raise ImportError('no such library')
    assert isinstance(raised.value.__context__, ImportError)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_ignored_stays_so(handled):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with tensorflow_setup.ctrl_c_waits():
        interrupt()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_import_too(handled):
    done = []

    def work():
        with tensorflow_setup.ctrl_c_waits():
            done.append('all')

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ['all']
