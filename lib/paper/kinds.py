"""Kinds of runs: what the runs of a line have in common, and how they differ from the paper's."""
import math
from typing import NamedTuple

from lib import runs
from lib.errors import UserError
from lib.paper import constants, experiments, reported, results


class Kind(NamedTuple):
    """What the runs of one line of a table, or of a figure, have in common.

    dataset: what they were trained on.
    class_name: the method's class, or what stands in its place (`tasks_table.PIXELS`).
    settings: how they differ from the paper's runs, as texts: ('depth=2',).
    size: numbers in a latent; None where the methods of a line differ in it.
    code: whose code trained them, `lib.paper.results.OURS` or ORIGINAL.
    """

    dataset: str
    class_name: str
    settings: tuple
    size: int | None
    code: str

    @property
    def words(self):
        """Its name among the kinds on its dataset, in parts: ('ACAI', 'depth=2', '2018 code')."""
        others = [] if self.code == results.OURS else [self.code]
        return reported.method(self.class_name), *self.settings, *others

    @property
    def label(self):
        """Its `words` as one text: 'ACAI, depth=2, 2018 code'."""
        return ', '.join(self.words)

    @property
    def place(self):
        """A sort key: by dataset and method, the paper's settings and our code first."""
        method, settings = reported.place(self.class_name), fewer_first(self.settings)
        return self.dataset, method, settings, self.size, self.code != results.OURS


def of(run, quantity=None):
    """The `Kind` of a run.

    Args:
        run: a `lib.paper.results.Run`.
        quantity: if given, the settings include how the run's number was made (`settings_of`).
    """
    texts = settings_of(run, quantity) if quantity else settings_texts(run)
    return Kind(run.dataset, run.class_name, texts, run.latent_size, run.code)


def fewer_first(settings):
    """A sort key of `settings_texts`: a method with fewer changes comes before one with more."""
    return len(settings), settings


def settings_of(run, quantity):
    """How a run, and how its `quantity` was measured, differ from the paper's: ('batch=32',)."""
    if quantity == results.CLUSTERING:
        made, usual = run.clustering, experiments.TABLE_3_OPTIONS
    else:  # by its last evaluations, which with another period span another part of training
        made, usual = {'report_kimg': run.report_kimg}, {'report_kimg': constants.REPORT_KIMG}
    unusual = {key: made[key] for key in usual if made and made[key] != usual[key]}
    return settings_texts(run, **unusual)


def settings_texts(run, **more):
    """A run's `settings`, and `more` that is unusual, as sorted texts: ('batch=32', 'depth=2')."""
    options = settings(run) | more
    return tuple(f'{key}={options[key]}' for key in sorted(options))


def settings(run):
    """How a run differs from the paper's run of its method and dataset: {option: value}, {} if it
    does not. Where the paper has no such run: the sizes, and what else is unusual."""
    usual = _usual(run)
    unusual = {
        key: value
        for key, value in run.params.items()
        if usual.get(key) != value
        and (key in usual or key in runs.SIZES or not _is_implied(run, key))
    }
    if not math.isclose(run.lr, constants.LR):
        unusual['lr'] = run.lr
    papers = {'batch': constants.BATCH, **constants.COMPUTED_ON}
    own = {option: getattr(run, option) for option in papers}
    return unusual | {option: own[option] for option in papers if own[option] != papers[option]}


def _usual(run):
    own = experiments.of_method(run.class_name, run.dataset)
    candidates = [experiment.params for experiment in own]
    if not candidates:
        usual = _resolved(run)
        return {key: value for key, value in usual.items() if key not in runs.SIZES}
    same_size = [params for params in candidates if params['latent'] == run.params['latent']]
    usual = (same_size or candidates)[0]
    if 'advdepth' in usual:  # usually a critic has the depth of its own run
        return usual | {'advdepth': run.params['depth']}
    return usual


def _is_implied(run, key):
    """Whether a hyper-parameter's value follows from the others, as a critic's usual reg does."""
    own = {name: value for name, value in run.params.items() if name not in (*runs.SIZES, key)}
    try:
        return _resolved(run, own) == run.params
    except (UserError, TypeError):  # the others are not valid without it
        return False


def _resolved(run, own=()):
    """All hyper-parameters of a run's method at its sizes: `own` as given, others by default."""
    sizes = {size: run.params[size] for size in runs.SIZES}
    return experiments.usual_params(run.class_name, sizes, own)
