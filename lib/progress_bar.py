"""Progress bars on stderr, lively on a terminal and terse in a log."""
import sys

import tqdm

SECONDS_LIVE, SECONDS_LOGGED = 0.5, 30  # between two updates of a bar
LOGGED_COLUMNS = 80
DELAY_SEC = 2  # work that takes less shows no bar of images


class _WholeLines:
    """A stream that gets each state of a bar as a line, so that logs can be read and searched."""

    def write(self, text):
        text = text.strip()
        if text:
            sys.stderr.write(f'{text}\n')

    def flush(self):
        sys.stderr.flush()


def bar(*args, **options):
    """tqdm's bar with this project's pace; arguments as for `tqdm.tqdm`."""
    if sys.stderr.isatty():
        return tqdm.tqdm(*args, mininterval=SECONDS_LIVE, dynamic_ncols=True, **options)
    options = {'mininterval': SECONDS_LOGGED, 'ncols': LOGGED_COLUMNS, **options}
    return tqdm.tqdm(*args, file=_WholeLines(), **options)


def of_images(text, iterable=None, total=None):
    """A bar that counts images, shown after DELAY_SEC and removed at the end."""
    options = dict(unit='img', unit_scale=True, delay=DELAY_SEC, leave=False)
    return bar(iterable, text, total, **options)
