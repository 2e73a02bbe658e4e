"""Curves from event files, ours or the 2018 code's, and from the CSV tables that replace them."""
import contextlib
import csv
import io
import sys

import numpy as np
import tensorflow as tf

from lib import files, original_names
from lib.errors import UserError
from lib.runs import events

RATE_TAG = 'time/images_per_sec'
PLAIN = {tag: name for name, tag in original_names.TAGS.items()}


def read(folder):
    """Reads the scalars of event files by step.

    Args:
        folder: holds the event files of one run.

    Returns:
        {tag: {step: float}}, steps in order. An evaluation's tag has no suffix (see PLAIN). A step
        that is in the files twice, as in a resumed run's, has the value that was written last.
    """
    by_tag = {}
    try:
        files.check_utf8(folder, 'move it to another folder')
        paths = events.paths(folder)
    except UserError as error:
        print(f'{error} Skipped.', file=sys.stderr)
        return {}
    except OSError as error:
        print(f'Cannot read {folder} ({error.strerror}); skipped.', file=sys.stderr)
        return {}
    for path in paths:
        for step, value in _values(path):
            number = _number(value)
            if number is not None:
                by_tag.setdefault(PLAIN.get(value.tag, value.tag), {})[step] = number
    return {tag: dict(sorted(values.items())) for tag, values in by_tag.items()}


def of_run(run):
    """`read`, for a `lib.runs.RunFolder`: from its event files and, if there is one, the table of
    the scalars that came before them."""
    curves = read_curve(run.curve_path)
    for tag, values in read(run.summaries).items():
        curves[tag] = dict(sorted({**curves.get(tag, {}), **values}.items()))
    return curves


def read_curve(path):
    """Scalars by step from a table that `to_csv` wrote; {} if there is none or, with a note on
    stderr, if it cannot be read.

    Args:
        path: the table. A damaged line is skipped, and so is everything after a line that is not
            CSV at all.
    """
    by_tag = {}
    try:
        with open(path, newline='', errors='replace') as file:
            text = file.read()
    except FileNotFoundError:
        return {}
    except OSError as error:
        print(f'Cannot read {path} ({error.strerror}); skipped.', file=sys.stderr)
        return {}
    with np.errstate(over='ignore'), contextlib.suppress(csv.Error):
        reader = csv.DictReader(io.StringIO(text, newline=''))
        for row in reader:
            for tag in reader.fieldnames[1:]:
                with contextlib.suppress(ValueError, TypeError):
                    # Nine digits identify a float32: this is the value that the event files held.
                    value = float(np.float32(float(row.get(tag))))
                    by_tag.setdefault(tag, {})[int(row.get('step'))] = value
    return by_tag


def to_csv(curves):
    """The CSV text of scalars by step, which are as `read` returns them.

    Args:
        curves: {tag: {step: float}}.

    Returns:
        Lines step,tag,tag,...; a tag without a value at a step is empty there.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator='\n')
    writer.writerow(['step', *curves])
    for step in sorted({step for values in curves.values() for step in values}):
        values = [values.get(step) for values in curves.values()]
        writer.writerow([step, *('' if value is None else f'{value:.9g}' for value in values)])
    return file.getvalue()


def _values(path):
    """Yields (step, summary value) of an event file, as far as it can be read."""
    try:
        for _, event in events.read(path):
            for value in event.summary.value:
                yield event.step, value
    except events.DamagedEventsError as error:
        print(f'{error}; only the events before it are used.', file=sys.stderr)
    except (OSError, tf.errors.OpError) as error:
        print(f'Cannot read {path} ({error}); skipped.', file=sys.stderr)


def _number(value):
    """The float of a summary value; None for what is not a scalar."""
    kind = value.WhichOneof('value')
    if kind == 'simple_value':
        return value.simple_value
    # The shape is checked before anything of its size is allocated.
    if kind == 'tensor' and not value.tensor.tensor_shape.dim:
        try:
            array = tf.make_ndarray(value.tensor)
        except (TypeError, ValueError, KeyError, ArithmeticError):
            return None
        return float(array) if array.ndim == 0 and array.dtype.kind in 'fiu' else None
    return None
