"""Numbers of runs and of seeds, as the paper's tables report them."""
import dataclasses
import itertools
import math
import os
import re
import sys
from typing import NamedTuple

import numpy as np

from lib import files
from lib.data import registry
from lib.paper import constants
from lib.runs import scalars

# The entries of clustering.json that are used, and their types.
CLUSTERING_RECORD = {
    'test_accuracy': (int, float), 'step': int, 'n_init': int, 'use_svd': bool, 'n_try': int,
}  # fmt: skip
CLUSTERING = 'clustering'
LAST = 20  # a run's number is the median of its last 20 evaluations
# Left out: the original's event files hold zeros here, ours the scores of an untrained model.
FIRST_STEP = 1
OURS, ORIGINAL = 'ours', '2018 code'  # whose code trained a run
_SEED_FOLDER = re.compile(constants.seed_folder(r'\d+'))
# What a `Run` and its repeats have in common besides the seed.
_COMMON = 'class_name', 'dataset', 'params', 'lr', 'batch', 'precision', 'devices', 'code'


@dataclasses.dataclass(frozen=True)
class Run:
    """A trained autoencoder's record.

    params: {hyper-parameter: value}, with scales, depth and latent.
    seed: as recorded; None for the 2018 code's, which has none.
    curves: {tag of an evaluation or loss: {step: value}}, without the first step's.
    clustering: what cluster.py recorded, or {}.
    code: whose code trained it, OURS or ORIGINAL; the two are never averaged.
    latent_width: as recorded; None where it follows from the dataset.
    precision, devices: the precision and the number of devices it was trained with, as recorded.
    report_kimg: 1024s of images from evaluation to evaluation, as recorded.
    weights: the run folder of its newest checkpoint, its own or a repeat's; None if there is none.
    since: the step after which `curves` begin; None where that is not known.
    """

    path: str
    class_name: str
    dataset: str
    params: dict
    seed: int | None = None
    lr: float = constants.LR
    batch: int = constants.BATCH
    curves: dict = dataclasses.field(default_factory=dict)
    clustering: dict = dataclasses.field(default_factory=dict)
    code: str = OURS
    latent_width: int | None = None
    precision: str = constants.COMPUTED_ON['precision']
    devices: int = constants.COMPUTED_ON['devices']
    report_kimg: int = constants.REPORT_KIMG
    weights: str | None = None
    since: int | None = FIRST_STEP

    @property
    def latent_size(self):
        """Numbers in a latent."""
        width = self.latent_width or registry.width_of(self.dataset) >> self.params['scales']
        return self.params['latent'] * width**2

    def kimg(self, step):
        """1024s of images seen at a step."""
        return (step * self.batch) >> 10

    @property
    def last_step(self):
        """The last step with a report of anything; 0 before the first."""
        return max((max(curve) for curve in self.curves.values() if curve), default=0)

    @property
    def timed(self):
        """(images, hours) of training in the periods whose rate it reported, reports left out."""
        rates = self.curves.get(scalars.RATE_TAG, {})
        before = () if self.since is None else (self.since,)
        reports = sorted(set(before).union(*self.curves.values()))
        images = {step: (step - last) * self.batch for last, step in itertools.pairwise(reports)}
        told = [step for step, rate in rates.items() if step in images and 0 < rate < math.inf]
        seconds = sum(images[step] / rates[step] for step in told)
        return sum(images[step] for step in told), seconds / 3600

    @property
    def seed_name(self):
        """A name for its seed: 'RUN1' if it is in such a folder, else 'seed 1' as recorded; without
        a recorded seed, its folder's name."""
        parent = _parent(self)
        if _SEED_FOLDER.fullmatch(parent) or self.seed is None:
            return parent
        return f'seed {self.seed}'

    def number(self, name):
        """(value, kimg) of a tag of `curves` or of CLUSTERING; None where there is none.

        A tag's value is the median of its last LAST values, without NaNs; NaN if all are NaN.
        """
        if name == CLUSTERING:
            if not self.clustering:
                return None
            return self.clustering['test_accuracy'], self.kimg(self.clustering['step'])
        curve = self.curves.get(name)
        if not curve:
            return None
        last = np.array(list(curve.values())[-LAST:])
        defined = last[~np.isnan(last)]
        value = float(np.median(defined)) if defined.size else math.nan
        return value, self.kimg(max(curve))


def read_run(folder, identity):
    """The `Run` of a `lib.runs.RunFolder` with a known `lib.runs.discovery.Identity`.

    If the 2018 code began it and this project trained it on, it has only the reports of ours.
    """
    record, curves = _record(folder), scalars.of_run(folder)
    since = max(FIRST_STEP, record.get('taken_over', FIRST_STEP))
    # A run that was copied without its event files has only reports of later steps.
    is_known = any(min(curve) <= since for curve in curves.values() if curve)
    curves = {
        name: {step: value for step, value in curve.items() if step > since}
        for name, curve in curves.items()
    }
    return Run(
        folder.path,
        identity.class_name,
        identity.dataset,
        identity.params,
        curves=curves,
        clustering=read_clustering(folder.clustering_path),
        code=_code(record),
        weights=folder.path if folder.checkpoint_steps() else None,
        since=since if is_known else None,
        **identity.options,
    )


def code_of(folder):
    """Whose code trained the run of a `lib.runs.RunFolder`: OURS or ORIGINAL."""
    return _code(_record(folder))


def _record(folder):
    """What args.json says of a run."""
    # Only the 2018 code writes none; convert.py writes one that says whose code trained the run.
    return folder.read_record() or {'code': ORIGINAL}


def _code(record):
    return ORIGINAL if record.get('code') == ORIGINAL else OURS


def read_clustering(path, tell=True):
    """What cluster.py recorded, with all keys of CLUSTERING_RECORD; {} where nothing can be read.
    Unless `tell` is False, a note on stderr names a damaged file."""
    try:
        record = files.read_json(path)
        record = {'n_try': len(record.get('tries', [0])), **record}  # earlier records have no n_try
        for key, kind in CLUSTERING_RECORD.items():
            if not isinstance(record[key], kind) or not 0 <= record[key] < 1 << 53:
                raise TypeError(f'{key} cannot be {record[key]!r:.50}')
        return record
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if tell:
            print(f'{path} is damaged ({error!r}); cluster that run again.', file=sys.stderr)
        return {}


class Cell(NamedTuple):
    """One number over seeds that have seen equally many images.

    mean: over the seeds where it is defined, NaN if nowhere.
    sd: the sample standard deviation over them; None for fewer than two.
    seeds: how many seeds have a defined value.
    undefined: how many seeds have no defined value.
    kimg: 1024s of images that all of them had seen.
    shorter: how many more seeds have seen fewer images, and do not count.
    """

    mean: float
    sd: float | None
    seeds: int
    undefined: int
    kimg: int
    shorter: int = 0

    @property
    def is_short(self):
        """Whether its runs were shorter than the paper's."""
        return self.kimg < constants.TOTAL_KIMG


def cell_of(values, kimg, shorter=0):
    """The `Cell` of the seeds' values (n,), NaN where one is undefined."""
    values = np.asarray(values, np.float64)
    defined = values[~np.isnan(values)]
    return Cell(
        float(defined.mean()) if defined.size else math.nan,
        float(defined.std(ddof=1)) if defined.size > 1 else None,
        int(defined.size),
        int(values.size - defined.size),
        kimg,
        shorter,
    )


def over_seeds(records, name):
    """The `Cell` of an evaluation over the longest runs of one experiment; None if no run has it.

    Args:
        records: list of `Run`, all of one code; a seed with runs of two periods counts once.
        name: a tag of `curves`, or CLUSTERING.
    """
    having, _ = distinct([run for run in records if run.number(name)], any_period=True)
    numbers = [run.number(name) for run in having]
    if not numbers:
        return None
    longest = max(kimg for _, kimg in numbers)
    values = [value for value, kimg in numbers if kimg == longest]
    return cell_of(values, longest, len(numbers) - len(values))


def distinct(records, any_period=False):
    """Leaves out repeats of a seed: keeps the longest run of each seed, and gives it what only a
    shorter one has (a clustering, say).

    Runs in different folders RUN1, RUN2, ... are of different seeds, unless they recorded the same
    seed and reported the same values; elsewhere the recorded seed decides. The 2018 code recorded
    no seed: its runs are repeats if they reported the same values.

    Args:
        records: list of `Run`.
        any_period: whether runs that reported at different periods may repeat each other.

    Returns:
        (list of `Run`, list of sentences about what was left out).
    """
    kept, notes = {}, []  # {place in `records`: `Run`}, sentences
    # Of equally long runs, one with weights comes first: only such a run can be drawn.
    order = sorted(
        enumerate(records),
        key=lambda item: (item[1].last_step, bool(item[1].weights)),
        reverse=True,
    )
    for place, run in order:
        same = [at for at, other in kept.items() if _is_repeat(run, other, any_period)]
        if not same:
            kept[place] = run
            continue
        twin = kept[same[0]]
        seed = '' if run.seed is None else f' (seed {run.seed})'
        notes.append(f'{run.path} is left out: it repeats {twin.path}{seed}.')
        kept[same[0]] = _completed(twin, run)
    return [kept[place] for place in sorted(kept)], notes


def _completed(run, repeat):
    """A run completed with what only its repeat has: clustering, weights and, if that one is as
    long, curves."""
    curves = repeat.curves if repeat.last_step == run.last_step else {}
    clustering = run.clustering or repeat.clustering
    return dataclasses.replace(
        run,
        curves={**curves, **run.curves},
        clustering=clustering,
        weights=run.weights or repeat.weights,
    )


def _is_repeat(run, other, any_period):
    """Whether a run repeats another one, at least as long, of the same seed."""
    if any(getattr(run, name) != getattr(other, name) for name in _COMMON):
        return False
    if run.code == ORIGINAL:  # without a recorded seed only the numbers can tell
        return _reported_the_same(run, other)
    if run.seed is None or run.seed != other.seed:
        return False
    if not any_period and run.report_kimg != other.report_kimg:
        return False
    parents = [_parent(each) for each in (run, other)]
    if all(map(_SEED_FOLDER.fullmatch, parents)) and parents[0] != parents[1]:
        return _reported_the_same(run, other)
    return True


def _reported_the_same(run, other):
    """Whether a run, as far as it goes, reported the same scalars as another one."""
    # All tags that both have, as one alone may agree by chance: the 2018 code's accuracy is always
    # 100 on a dataset of one class.
    tags = (run.curves.keys() & other.curves) - {scalars.RATE_TAG}
    both = [(run.curves[tag], other.curves[tag]) for tag in tags]
    return any(curve for curve, _ in both) and all(_is_part(*curves) for curves in both)


def _is_part(curve, other):
    """Whether `other` has the same values, NaN included, at all steps of `curve`. The last step of
    `curve` may be missing in `other`: a run that ended between two reports alone reported there."""
    steps = sorted(curve)
    if len(steps) > 1 and steps[-1] not in other:
        del steps[-1]
    return all(step in other for step in steps) and np.array_equal(
        [curve[step] for step in steps], [other[step] for step in steps], equal_nan=True
    )


def _parent(run):
    """The name of the folder that the dataset's folder lies in."""
    return os.path.basename(os.path.dirname(os.path.dirname(os.path.abspath(run.path))))
