"""The paper's runs as data: which method is trained on which dataset at which sizes.

The datasets and the sizes of their runs are in `lib.data.registry`. runs/*.sh is written from
here (`lib/paper/commands.py`), and `reproduce.py` and `tables.py` take from here what a cell of a
table needs, so that each command is defined only once.
"""
import dataclasses

from lib import runs
from lib.data import registry
from lib.errors import UserError
from lib.paper import constants, reported

TABLE_3_OPTIONS = {'n_init': 1000, 'use_svd': True, 'n_try': 1}  # options of cluster.py

# What the paper's methods are called in text.
DESCRIPTIONS = {
    'AEBaseline': 'The baseline autoencoder',
    'AEDropout': 'The dropout autoencoder',
    'AEDenoising': 'The denoising autoencoder',
    'VAE': 'The VAE',
    'AAE': 'The adversarial autoencoder',
    'AEVQVAE': 'The VQ-VAE',
    'ACAI': 'ACAI',
    'LRAE': 'The LSGAN-regularised ablation of the ICLR version',
}
_methods = {}  # {class name: (its function `resolve`, its script)}


def register(class_name, resolve, script):
    """Registers a method's hyper-parameters and script; `acai_tf`'s classes do so when defined.

    Args:
        class_name: the method's name in the names of run folders.
        resolve: a function that takes, by keyword, the method's sizes and those of its own
            hyper-parameters that differ from their defaults; returns all hyper-parameters,
            {name: value}, as they stand in a run folder's name.
        script: the name of the script that trains it, without .py.
    """
    _methods[class_name] = resolve, script


def script_of(class_name):
    """The name of the script that trains a registered method, without .py."""
    _, script = _registered(class_name)
    return script


def usual_params(class_name, sizes, changed=()):
    """All of a method's hyper-parameters, {name: value}, as they stand in its run folder's name.

    Args:
        class_name: a registered method.
        sizes: {'scales', 'depth' and 'latent': value}.
        changed: {own hyper-parameter: value}, for those that differ from their defaults.
    """
    resolve, _ = _registered(class_name)
    return resolve(**sizes, **dict(changed))


def _registered(class_name):
    if class_name not in _methods:
        raise LookupError(f'{class_name} is not registered; import acai_tf first.')
    return _methods[class_name]


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A run of the paper.

    changed: {own hyper-parameter: value}, for those whose value is not the method's usual one.
    note: what is unusual about the run, in words.
    """

    class_name: str
    dataset: str
    latent_width: int
    depth: int
    latent: int
    changed: dict = dataclasses.field(default_factory=dict)
    note: str = ''

    @property
    def latent_size(self):
        """Numbers in a latent."""
        return self.latent * self.latent_width**2

    @property
    def key(self):
        """(dataset, latent size): the row of tables 2 and 3."""
        return self.dataset, self.latent_size

    @property
    def title(self):
        """A title: 'ACAI lines32/64', or 'VAE advweight=0.5 lines32/64' if that is unusual."""
        changed = [f'{key}={value}' for key, value in self.changed.items()]
        method = reported.method(self.class_name)
        return ' '.join([method, *changed, f'{self.dataset}/{self.latent_size}'])

    @property
    def params(self):
        """{hyper-parameter: value}, as they stand in the run folder's name."""
        sizes = {
            'scales': (registry.width_of(self.dataset) // self.latent_width).bit_length() - 1,
            'depth': self.depth,
            'latent': self.latent,
        }
        return usual_params(self.class_name, sizes, self.changed)

    @property
    def command(self):
        """['SCRIPT.py', '--flag=value', ...] of the run, without its length, seed and folder."""
        sizes = {
            'dataset': self.dataset,
            'latent_width': self.latent_width,
            'depth': self.depth,
            'latent': self.latent,
        }
        flags = [f'--{name}={value}' for name, value in {**sizes, **self.changed}.items()]
        return [f'{script_of(self.class_name)}.py', *flags]

    def cluster_command(self, train_dir):
        """['cluster.py', '--flag=value', ...] that clusters the run in `train_dir` for table 3."""
        return [
            'cluster.py',
            f'--n_init={TABLE_3_OPTIONS["n_init"]}',
            f'--ae_dir={self.folder(train_dir).path}',
        ]

    def folder(self, train_dir):
        """Where the run lies: a `lib.runs.RunFolder`."""
        return runs.folder_of(train_dir, self.dataset, self.class_name, self.params)


def _experiment(class_name, dataset, latent_width, depth, latent):
    changed, note = {}, ''
    if (class_name, dataset) == ('AEVQVAE', constants.LINES32):
        # Original: its command for lines has latents of 4x4.
        latent_width, note = 4, "latents of 4x4, unlike the other methods' 2x2"
    if (class_name, dataset) == ('AEDropout', 'cifar10'):
        changed, note = {'dropout': 0.75}, "keeps 3 of 4 latents, as the paper's column does"
    return Experiment(class_name, dataset, latent_width, depth, latent, changed, note)


def _experiments(in_paper, class_names=DESCRIPTIONS):
    entries = [entry for entry in registry.DATASETS.values() if entry.in_paper == in_paper]
    return tuple(
        _experiment(class_name, entry.name, *sizes)
        for class_name in class_names
        for entry in entries
        for sizes in entry.sizes
    )


EXPERIMENTS = _experiments(in_paper=True)
TABLES = (1, 2, 3)
# Beyond the paper: which autoencoder of lines gives the best random samples?
SAMPLES_TABLE = 'samples'
_SAMPLED = (
    ('VAE', {}),
    ('VAE', {'advweight': 0.1}),
    ('VAE', {'advweight': 0.5}),
    ('VAE', {'advweight': 1.0}),
    ('VAE', {'advweight': 10.0}),
    # About as strong beside the VAE's sum over pixels as 0.5 beside ACAI's mean (docs/BEYOND.md).
    ('VAE', {'advweight': 100.0}),
    ('AAE', {}),
    ('ACAI', {}),
    ('AEBaseline', {}),
)
SAMPLES = tuple(
    dataclasses.replace(experiment, changed=changed)
    for class_name, changed in _SAMPLED
    for experiment in EXPERIMENTS
    if (experiment.class_name, experiment.dataset) == (class_name, constants.LINES32)
)


def of_method(class_name, dataset):
    """The experiments of a method on a dataset, neither of which has to be the paper's."""
    return [
        experiment
        for in_paper in (True, False)
        for experiment in _experiments(in_paper, [class_name])
        if experiment.dataset == dataset
    ]


def _is_in(experiment, table):
    """Whether one of the paper's experiments fills a cell of table 1, 2 or 3."""
    if table == 1:
        return experiment.dataset == constants.LINES32
    return experiment.key in {2: reported.TABLE_2, 3: reported.TABLE_3}[table]


def of_table(table, datasets=(), class_names=()):
    """The experiments, each once, whose runs fill a table.

    Args:
        table: 1, 2, 3 (which clusters the latents of runs that are also in table 2), or
            SAMPLES_TABLE, which is not in the paper.
        datasets: the datasets whose rows to take, the paper's or not; () for all of the paper's.
        class_names: the methods to take, the paper's or not; () for all of the table's.

    Raises:
        UserError: a dataset has no row in the table.
    """
    if table == SAMPLES_TABLE:
        return _of_samples(datasets, class_names)
    names = class_names or reported.COLUMNS
    papers = [experiment for experiment in _experiments(True, names) if _is_in(experiment, table)]
    if not datasets:
        return papers
    further = [
        experiment
        for experiment in _experiments(False, names)
        if table in registry.tables_of(experiment.dataset)
    ]
    known = dict.fromkeys(experiment.dataset for experiment in papers + further)
    for dataset in datasets:
        if dataset not in known:
            raise UserError(
                f'--datasets={dataset} has no rows in table {table}; known: {", ".join(known)}.'
            )
    return [experiment for experiment in papers + further if experiment.dataset in datasets]


def _of_samples(datasets, class_names):
    """`of_table` for SAMPLES_TABLE: SAMPLES, and lines32 runs of given methods not among them."""
    if set(datasets) - {constants.LINES32}:
        raise UserError(
            f'--datasets={",".join(datasets)}: the table of samples is about lines32 alone.'
        )
    if not class_names:
        return list(SAMPLES)
    sampled = {experiment.class_name for experiment in SAMPLES}
    others = [
        experiment
        for experiment in _experiments(True, class_names)
        if experiment.dataset == constants.LINES32 and experiment.class_name not in sampled
    ]
    return [experiment for experiment in SAMPLES if experiment.class_name in class_names] + others
