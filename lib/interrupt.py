"""SIGINT and SIGTERM as requests to stop."""
import contextlib
import os
import signal
import sys


class Interrupt:
    """Turns SIGINT and SIGTERM, unless they are ignored, into a request to stop after the step.

    Args:
        answer: what to say at once when the first signal comes.
        on_signal: what to call then.

    Attributes:
        signal: the number of the signal that came, or None.
    """

    def __init__(self, answer='', on_signal=None):
        self.signal, self.answer, self.on_signal = None, answer, on_signal

    def __enter__(self):
        self._previous = {
            number: signal.signal(number, self._request)
            for number in (signal.SIGINT, signal.SIGTERM)
            if signal.getsignal(number) is not signal.SIG_IGN  # as Ctrl-C behind a script's &
        }
        return self

    def __exit__(self, *_):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _request(self, number, frame):
        first, self.signal = self.signal is None, number
        if first and self.answer:
            with contextlib.suppress(OSError):  # nobody may read it; raised here, it may end a save
                os.write(sys.stderr.fileno(), f'\n{self.answer}\n'.encode())  # safe in a handler
        if first and self.on_signal:
            self.on_signal()
