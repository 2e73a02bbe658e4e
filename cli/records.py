"""Keeps what runs reported, without their weights: what tables and curves need, some KB each."""
import os
import pathlib

from acai_tf import load
from cli import overwriting
from lib import files, runs
from lib.errors import UserError
from lib.paper import results
from lib.runs import scalars

BESIDE_CURVE = runs.ARGS_NAME, runs.CLUSTERING_NAME


def keep(train_dir, out, overwrite=False):
    """Writes the options, the scalars and the clustering of every run below a folder.

    Args:
        train_dir: holds [RUNk/]DATASET/EXPERIMENT.
        out: where to write them, as OUT/[RUNk/]DATASET/EXPERIMENT.
        overwrite: replace what was written there before.

    Returns:
        The number of runs.

    Raises:
        UserError: there is no run, one cannot be read, or its record exists or cannot be written.
    """
    records = load.find_runs(train_dir)
    if not records:
        raise UserError(f'{train_dir} holds no run folder ([RUNk/]DATASET/EXPERIMENT).')
    places = {}
    for record in records:
        run = runs.RunFolder(record.path)
        below = os.path.relpath(run.path, train_dir)
        if len(pathlib.Path(below).parts) < 2:  # train_dir is a run or a dataset's folder
            below = os.path.join(record.dataset, run.name)
        kept = runs.RunFolder(os.path.normpath(os.path.join(out, below)))
        _check_may_be_written(kept, overwrite)
        places[kept] = run, record
    for kept, (run, record) in places.items():
        # What only a repeat of the run reported is in the record, but not in the run's folder.
        curves = {**record.curves, **scalars.of_run(run)}
        contents = {runs.CURVE_NAME: scalars.to_csv(curves).encode(), **_beside_curve(run)}
        own = run.clustering_path
        if record.clustering and not results.read_clustering(own):
            contents[runs.CLUSTERING_NAME] = files.to_json(record.clustering)
        with files.folder_written_whole(kept.path) as folder:
            for name, content in contents.items():
                files.write_file(os.path.join(folder, name), content)
    return len(places)


def _beside_curve(run):
    """{name: its content} of the files of BESIDE_CURVE that a run has."""
    contents = {}
    for name in BESIDE_CURVE:
        path = pathlib.Path(run.path, name)
        try:
            contents[name] = path.read_bytes()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise UserError(f'Cannot read {path} ({error.strerror}).') from error
    return contents


def _check_may_be_written(kept, overwrite):
    """Raises UserError unless a folder is new, or is a record that may be replaced."""
    if not os.path.exists(kept.path):
        return
    there = set(os.listdir(kept.path)) if os.path.isdir(kept.path) else set()
    own = {*BESIDE_CURVE, runs.CURVE_NAME}
    others = {name for name in there if name.partition(files.PARTIAL)[0] not in own}
    if not os.path.isdir(kept.path) or others and not kept.is_bare_record:
        raise UserError(f'{kept.path} exists and is not such a record; choose another --out.')
    overwriting.check_holds_only(kept.path, others, 'out')
    if runs.CURVE_NAME in there and not overwrite:
        raise UserError(f'{kept.path} exists; give --overwrite to replace it.')
