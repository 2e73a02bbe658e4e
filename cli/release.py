"""Writes a run as a released folder, which `acai_tf.load_released` reads."""
import dataclasses
import math
import os

from acai_tf import load
from cli import overwriting
from lib import checkpoints, files, original_names, runs
from lib.errors import UserError
from lib.paper import results
from lib.runs import scalars

SCORES_NAME = 'scores.json'


def write(path, folder, overwrite=False):
    """Writes what `load_released` needs of a run: weights, options, scores, and its curve.

    Args:
        path: a run folder of ours.
        folder: where to write it, such as 'released/lines32-acai'.
        overwrite: replace files that exist.

    Returns:
        (lib.runs.RunFolder of the new folder, global step).

    Raises:
        UserError: the run cannot be used; or the folder exists, may not be replaced, or cannot be
            written.
    """
    load.check_is_there(path)
    run = runs.RunFolder(path)
    record = run.read_record()
    if record is None:
        raise UserError(f'{path} has no {runs.ARGS_NAME}; only runs of this project are released.')
    if os.path.lexists(folder):
        if os.path.isdir(folder) and not overwrite:
            raise UserError(f'{folder} exists; give --overwrite to replace it.')
        _check_may_be_replaced(path, folder)
    model = load.load_run(path)
    step = int(model.global_step)

    def until_then(curves):  # reports may be newer than the newest checkpoint that can be read
        return {
            tag: {at: value for at, value in curve.items() if at <= step}
            for tag, curve in curves.items()
        }

    curves = until_then(scalars.of_run(run))
    trained = results.read_run(run, load.identify(run))
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
        for name, content in {
            runs.ARGS_NAME: files.to_json(record),
            SCORES_NAME: files.to_json(scores),
            runs.CURVE_NAME: scalars.to_csv(curves).encode(),
        }.items():
            files.write_file(os.path.join(hidden, name), content)
    return runs.RunFolder(folder), step


def _check_may_be_replaced(path, folder):
    """Raises UserError unless a folder holds a release or is empty, and is not the run itself."""
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
    overwriting.check_holds_only(folder, others, 'release')


def _for_json(score):
    """A score, or None where it is undefined: JSON has no NaN."""
    return None if math.isnan(score) else score
