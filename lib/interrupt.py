"""SIGINT, SIGTERM and SIGHUP, that of a terminal which is closed, as requests to stop."""
import contextlib
import os
import signal
import sys

STOPS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


class Stopped(BaseException):
    """A signal came amid what `Interrupt.at_once` is around; no error, so that none handles it."""


@contextlib.contextmanager
def uninterrupted():
    """A context that no signal breaks off, though `Interrupt.at_once` is around it."""
    before, Interrupt.raises = Interrupt.raises, False
    try:
        yield
    finally:
        Interrupt.raises = before


class Interrupt:
    """Turns signals of STOPS, unless they are ignored, into a request to stop after the step.

    Args:
        answer: what to say at once when the first signal comes.
        on_signal: what to call then.

    Attributes:
        signal: the number of the signal that came, or None.
        raises: whether one that comes now raises Stopped; of the class, so that `uninterrupted`
            need not know the object.
    """

    raises = False

    def __init__(self, answer='', on_signal=None):
        self.signal, self.answer, self.on_signal = None, answer, on_signal

    def __enter__(self):
        self._previous = {
            number: signal.signal(number, self._request)
            for number in STOPS
            # As Ctrl-C is behind a script's &, and SIGHUP under nohup.
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        return self

    def __exit__(self, *_):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def at_once(self):
        """Raises Stopped within it when the first signal comes, or if that has come already."""
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
            with contextlib.suppress(OSError):  # nobody may read it; raised here, it may end a save
                os.write(sys.stderr.fileno(), f'\n{self.answer}\n'.encode())  # safe in a handler
        if first and self.on_signal:
            self.on_signal()
        if first and self.raises:
            raise Stopped
