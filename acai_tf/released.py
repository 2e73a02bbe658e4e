"""Weights of trained runs that lie in the repository's folder `released/`, one folder a run.

A released folder is a run folder without what only training needs: args.json, one checkpoint
without Adam's moments, `scores.json` and, in place of event files, their scalars as `curve.csv`.
"""
import dataclasses
import json
import math
import os

from acai_tf.load import identify, load_run, read_record
from lib import checkpoints, files, original_names, runs
from lib.errors import UserError
from lib.paper import results
from lib.runs import scalars

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'released')
SCORES_NAME = 'scores.json'


def load_released(name):
    """A trained model of `released/`, ready to encode, decode and interpolate.

    Args:
        name: its folder there, such as 'lines32-acai'.

    Raises:
        UserError: there is none of that name; the message lists those that are there.
    """
    path = os.path.join(FOLDER, name)
    there = sorted(os.listdir(FOLDER)) if os.path.isdir(FOLDER) else []
    if os.path.basename(name) != name or name not in there:
        folders = [entry for entry in there if os.path.isdir(os.path.join(FOLDER, entry))]
        known = ', '.join(entry for entry in folders if not entry.startswith('.')) or 'none'
        raise UserError(f'There are no released weights {name!r}; there are: {known}.')
    return load_run(path)


def release(path, folder, overwrite=False):
    """Writes what `load_released` needs of a run: weights, options, scores, and its curve.

    Args:
        path: a run folder of ours.
        folder: where to write it, such as 'released/lines32-acai'.
        overwrite: replace files that exist.

    Returns:
        (lib.runs.RunFolder of the new folder, global step).

    Raises:
        UserError: the run cannot be used, or the folder exists, is none that may be replaced, or
            cannot be written.
    """
    run = runs.RunFolder(path)
    record = run.read_args()
    if record is None:
        raise UserError(f'{path} has no {runs.ARGS_NAME}; only runs of this project are released.')
    if os.path.lexists(folder):
        if os.path.isdir(folder) and not overwrite:
            raise UserError(f'{folder} exists; give --overwrite to replace it.')
        _check_may_be_replaced(path, folder)
    model = load_run(path)
    step = int(model.global_step)

    def until_then(curves):  # reports may be newer than the newest checkpoint that can be read
        return {
            tag: {at: value for at, value in curve.items() if at <= step}
            for tag, curve in curves.items()
        }

    curves = until_then(scalars.of_run(run))
    trained = read_record(run, identify(run))
    trained = dataclasses.replace(trained, curves=until_then(trained.curves))
    numbers = {name: trained.number(name) for name in original_names.EVALUATIONS}
    scores = {
        'step': step,
        'kimg': trained.kimg(step),
        'median_of_last': results.LAST,
        **{name: _for_json(number[0]) for name, number in numbers.items() if number},
    }
    with files.folder_written_whole(folder) as hidden:
        checkpoint = runs.RunFolder(hidden).checkpoint(step)
        checkpoints.save_original(model, checkpoint, step, moments=False)
        for name, text in {
            runs.ARGS_NAME: json.dumps(record, indent=2) + '\n',
            SCORES_NAME: json.dumps(scores, indent=2) + '\n',
            runs.CURVE_NAME: scalars.to_csv(curves),
        }.items():
            files.write_file(os.path.join(hidden, name), text.encode())
    return runs.RunFolder(folder), step


def _check_may_be_replaced(path, folder):
    """Raises UserError unless a folder is a released or an empty one, and not the run itself."""
    if not os.path.isdir(folder):
        raise UserError(f'{folder} is not a folder; choose another --release.')
    if os.path.samefile(path, folder):
        raise UserError(f'{path} would become its own release; choose another --release.')
    there = set(os.listdir(folder))
    if there and SCORES_NAME not in there:
        raise UserError(
            f'{folder} has no {SCORES_NAME}, which a released folder has; choose another '
            '--release: --overwrite replaces no other.'
        )
    below = os.listdir(os.path.join(folder, 'tf')) if 'tf' in there else []
    others = there - {'tf', SCORES_NAME, runs.ARGS_NAME, runs.CURVE_NAME}
    others |= {f'tf/{name}' for name in below if not name.startswith('model.ckpt')}
    if others:
        raise UserError(
            f'{folder} holds {min(others)}, which --overwrite would remove; move that away, or '
            'choose another --release.'
        )


def _for_json(score):
    """A score, or None where it is undefined: JSON has no NaN."""
    return None if math.isnan(score) else score
