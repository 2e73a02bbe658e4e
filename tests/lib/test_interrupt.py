import os
import signal
import threading

import pytest

from lib.interrupt import STOPS, Interrupt, Stopped, ctrl_c_waits, uninterrupted


def test_handlers_of_signals_are_put_back():
    before = [signal.getsignal(number) for number in STOPS]
    for number in STOPS:
        with Interrupt() as interrupt:
            os.kill(os.getpid(), number)
        assert interrupt.signal == number
    assert [signal.getsignal(number) for number in STOPS] == before


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as for a command behind a script's &
    try:
        with Interrupt() as interrupt:
            os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.signal is None and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_is_noted_where_nobody_reads_the_answer(monkeypatch):
    def closed(*_):
        raise BrokenPipeError

    monkeypatch.setattr(os, 'write', closed)
    called = []
    with Interrupt('Stopping', lambda: called.append(1)) as interrupt:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
    assert interrupt.signal == signal.SIGTERM and called == [1]


def test_a_signal_breaks_off_what_need_not_be_finished():
    with Interrupt() as interrupt:
        with pytest.raises(Stopped), interrupt.at_once():
            os.kill(os.getpid(), signal.SIGTERM)
            pytest.fail('it went on')
        with pytest.raises(Stopped), interrupt.at_once():  # nor is more of it begun
            pytest.fail('it began')
        os.kill(os.getpid(), signal.SIGINT)  # after it, one is noted as ever


def test_what_is_to_be_finished_is():
    done = []
    with Interrupt() as interrupt, interrupt.at_once():
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append('it')
        done.append('what follows it')
    assert interrupt.signal == signal.SIGTERM and len(done) == 2
    with Interrupt() as interrupt, pytest.raises(Stopped), interrupt.at_once():  # as ever
        os.kill(os.getpid(), signal.SIGTERM)


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
    with pytest.raises(KeyboardInterrupt), ctrl_c_waits():
        interrupt()
        done.append('all')
    assert done == ['all']
    with pytest.raises(KeyboardInterrupt):  # as before
        interrupt()


def test_an_import_that_fails_is_no_reason_to_lose_ctrl_c(handled):
    with pytest.raises(KeyboardInterrupt) as raised, ctrl_c_waits():
        interrupt()
        raise ImportError('no such library')
    assert isinstance(raised.value.__context__, ImportError)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_ignored_stays_so(handled):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with ctrl_c_waits():
        interrupt()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_import_too(handled):
    done = []

    def work():
        with ctrl_c_waits():
            done.append('all')

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ['all']
