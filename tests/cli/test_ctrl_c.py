"""Ctrl-C at any moment ends a script with a word."""
import os
import signal
import sys
import time

import pytest

from cli import ctrl_c


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(sys, 'excepthook', sys.__excepthook__)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
    ctrl_c._came = False


def test_what_an_interrupted_import_raises_is_no_traceback(capsys):
    ctrl_c.answer()
    error = ImportError('numpy.core.multiarray failed to import')
    sys.excepthook(ImportError, error, None)  # for another reason
    assert 'multiarray' in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    sys.excepthook(KeyboardInterrupt, error, None)
    assert capsys.readouterr().err == 'Stopped.\n'
    with pytest.raises(SystemExit, match='130'):  # as the interpreter ends for the other
        sys.excepthook(ImportError, error, None)
    assert capsys.readouterr().err == 'Stopped.\n'


def test_after_the_work_it_ends_the_process_without_python():
    ctrl_c.answer()
    ctrl_c.leave()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL


def test_who_ignores_it_goes_on():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctrl_c.answer()
    ctrl_c.leave()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
