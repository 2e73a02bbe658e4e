"""Loads weights of trained runs from the repository's folder `released/`, one folder per run.

A released folder is a run folder without what only training needs: args.json, one checkpoint
without Adam's moments, `scores.json` and, in place of event files, their scalars as `curve.csv`.
"""
import os

from acai_tf.load import load_run
from lib.errors import UserError

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'released')


def load_released(name):
    """Loads a trained model of `released/`, ready to encode, decode and interpolate.

    Args:
        name: the name of its folder there, such as 'lines32-acai', a text or a path.

    Returns:
        An `acai_tf` model with the released weights.

    Raises:
        UserError: the package was installed without released/, no folder there has that name (the
            message lists those that are there), or it cannot be loaded (see `load_run`).
    """
    if not os.path.isdir(FOLDER):
        raise UserError(
            'The released weights lie in the repository: install it with pip install -e, or give '
            'load_run the path of a folder of them.'
        )
    name = os.fspath(name).rstrip('/')
    with os.scandir(FOLDER) as entries:
        there = sorted(each.name for each in entries if each.is_dir() and each.name[0] != '.')
    if name not in there:
        known = ', '.join(there) or 'none'
        raise UserError(f'There are no released weights {name!r}; there are: {known}.')
    return load_run(os.path.join(FOLDER, name))
