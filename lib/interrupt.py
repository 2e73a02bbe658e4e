"""Signals as requests to stop: SIGINT, SIGTERM and SIGHUP (sent when a terminal is closed)."""
import contextlib
import os
import signal
import sys
import threading

STOPS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


class Stopped(BaseException):
    """A signal came inside `Interrupt.at_once`. It is not a subclass of Exception, so that no error
    handler catches it."""


def in_main_thread():
    """Whether this is the main thread, which alone can set handlers of signals."""
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def ctrl_c_waits():
    """Delivers Ctrl-C at the end of the block: raised in native code that is being initialised, a
    KeyboardInterrupt may abort the process (seen with TensorFlow 2.21 on Python 3.13)."""
    handler = signal.getsignal(signal.SIGINT)
    if not in_main_thread() or not callable(handler):
        yield
        return
    came = []
    signal.signal(signal.SIGINT, lambda *signal_and_frame: came.append(signal_and_frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            handler(*came[0])


@contextlib.contextmanager
def uninterrupted():
    """A context that no signal breaks off, even inside `Interrupt.at_once`."""
    before, Interrupt.raises = Interrupt.raises, False
    try:
        yield
    finally:
        Interrupt.raises = before


class Interrupt:
    """Turns the signals in STOPS, unless they are ignored, into a request to stop after the step.

    Args:
        answer: what to print at once when the first signal comes.
        on_signal: a function to call then.

    Attributes:
        signal: the number of the signal that came, or None.
        raises: whether a signal that comes now raises Stopped; a class attribute, so that
            `uninterrupted` need not know the object.
    """

    raises = False

    def __init__(self, answer='', on_signal=None):
        self.signal, self.answer, self.on_signal = None, answer, on_signal

    def __enter__(self):
        self._previous = {
            number: signal.signal(number, self._request)
            for number in STOPS
            # Some may be ignored: Ctrl-C in a script's background job (&), SIGHUP under nohup.
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        return self

    def __exit__(self, *_):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def at_once(self):
        """A context that raises Stopped when the first signal comes, or if it came already."""
        Interrupt.raises = True
        try:
            if self.signal is not None:
                raise Stopped
            yield
        finally:
            Interrupt.raises = False

    def _request(self, number, frame):
        first, self.signal = self.signal is None, number
        if first and self.answer:
            with contextlib.suppress(OSError):  # stderr may be closed; raising could break a save
                os.write(sys.stderr.fileno(), f'\n{self.answer}\n'.encode())  # safe in a handler
        if first and self.on_signal:
            self.on_signal()
        if first and self.raises:
            raise Stopped
