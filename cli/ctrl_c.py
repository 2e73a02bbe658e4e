"""Ctrl-C ends a script with a word, not a traceback, at whatever moment it comes."""
import signal
import sys

from lib.interrupt import in_main_thread

_came = False


def answer():
    """From now on, Ctrl-C prints that the script stopped; unless it is ignored, as behind `&`."""
    sys.excepthook = _end_quietly
    if _is_handled(by=signal.default_int_handler):
        signal.signal(signal.SIGINT, _interrupt)


def leave():
    """From now on, Ctrl-C ends the process at once: the work is done, and Python is cleaning up."""
    if _is_handled(by=_interrupt):
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _is_handled(by):
    return in_main_thread() and signal.getsignal(signal.SIGINT) is by


def _interrupt(number, frame):
    global _came
    _came = True
    raise KeyboardInterrupt


def _end_quietly(kind, error, trace):
    # A module that is interrupted while it is imported may raise an error of its own.
    if issubclass(kind, KeyboardInterrupt) or _came:
        print('Stopped.', file=sys.stderr)
        if kind is not KeyboardInterrupt:
            raise SystemExit(128 + signal.SIGINT)
    else:
        sys.__excepthook__(kind, error, trace)
