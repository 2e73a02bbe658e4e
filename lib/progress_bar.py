"""Progress bars on stderr, lively on a terminal and terse in a log."""
import sys

import tqdm

SECONDS_LIVE, SECONDS_LOGGED = 0.5, 30  # between two states of a bar


def bar(*args, **options):
    """tqdm's bar with this project's pace; arguments as for `tqdm.tqdm`."""
    seconds = SECONDS_LIVE if sys.stderr.isatty() else SECONDS_LOGGED
    return tqdm.tqdm(*args, mininterval=seconds, dynamic_ncols=True, **options)
