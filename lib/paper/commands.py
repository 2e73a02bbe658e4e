"""The scripts in runs/: the paper's commands for people, written from `lib.paper.experiments`."""
import os
import shlex

from lib import files
from lib.data import registry
from lib.errors import UserError
from lib.paper import constants, experiments, reported

TRAIN_DIR = 'experiments'  # the training scripts' default
FIRST_LINE = '#!/usr/bin/env bash'
STRICT = 'set -euo pipefail'
WRITTEN = '# Written from lib/paper/experiments.py by: python reproduce.py --write_runs'
CLASSIFIED = tuple(
    entry.name
    for entry in registry.DATASETS.values()
    if entry.in_paper and entry.sizes and 2 in entry.tables
)


def texts():
    """{file name: content} of every file in runs/."""
    names = experiments.DESCRIPTIONS
    methods = {f'{experiments.script_of(name)}.sh': _method(name) for name in names}
    return {**methods, 'cluster.sh': _cluster(), 'classify.sh': _classify()}


def write(folder):
    """Writes every file into a folder.

    Raises:
        UserError: a file cannot be written.
    """
    for name, text in texts().items():
        path = os.path.join(folder, name)
        files.write_file(path, text.encode())
        try:
            os.chmod(path, 0o755)
        except OSError as error:  # as on a mount without file modes
            raise UserError(f'Cannot make {path} executable ({error.strerror}).') from error


def _method(class_name):
    runs = "the paper's runs"
    values = [
        '# After a command: on lines32 mean distance and smoothness (table 1), else latent '
        'accuracy in %',
        '# (table 2), mean±sd over 5 seeds.',
    ]
    if class_name not in reported.COLUMNS:
        runs = "runs of the sizes of the paper's"
        values = ['# The paper prints no figure of its own for these.']
    lines = [
        FIRST_LINE,
        f'# {experiments.DESCRIPTIONS[class_name]}: {runs}, 2^24 images each.',
        *values,
        "# Run from the repository's folder; the data of all but lines32 must lie in AE_DATA.",
        '# On GPUs --precision=float32 --jit=off --devices=1 computes as the paper did, slower.',
        WRITTEN,
        STRICT,
    ]
    dataset = None
    for experiment in experiments.EXPERIMENTS:
        if experiment.class_name != class_name:
            continue
        if experiment.dataset != dataset:
            dataset = experiment.dataset
            lines += ['', f'# {dataset}: {experiment.note}' if experiment.note else f'# {dataset}']
        lines.append(_line(experiment.command, _paper_values(experiment)))
    return '\n'.join(lines) + '\n'


def _paper_values(experiment):
    """The paper's values for a run as text; '' if the paper has none."""
    if experiment.dataset == constants.LINES32:
        lines, class_name = reported.TABLE_1, experiment.class_name
        cells = {name: reported.paper_value(lines, name, class_name) for name in lines}
        texts = [f'{cell} {reported.QUANTITIES[name].unit_text}' for name, cell in cells.items()]
        return ', '.join(map(str.rstrip, texts)) if all(cells.values()) else ''
    return str(reported.paper_value(reported.TABLE_2, experiment.key, experiment.class_name) or '')


def _cluster():
    lines = [
        FIRST_LINE,
        '# k-means on the latents of the runs that the other files here train '
        f'({experiments.TABLE_3_OPTIONS["n_init"]} random starts each).',
        '# After a command: accuracy in % on the test set (table 3).',
        "# Run from the repository's folder, after those; the data must lie in AE_DATA.",
        "# The 2018 code's own file names folders of depth 16 for SVHN and CIFAR-10, which no run "
        'makes.',
        WRITTEN,
        STRICT,
    ]
    for key, trained in _classified():
        note = '' if key in reported.TABLE_3 else ': not in the paper'
        lines += ['', f'# {key[0]}, {key[1]} latents{note}']
        for experiment in trained:
            value = reported.paper_value(reported.TABLE_3, key, experiment.class_name)
            lines.append(_line(experiment.cluster_command(TRAIN_DIR), str(value or '')))
    return '\n'.join(lines) + '\n'


def _classify():
    lines = [
        FIRST_LINE,
        '# A single-layer classifier on pixels, and on the latents of the runs that the other '
        'files train.',
        "# The paper prints no figure of its own for these: table 2 is of the runs' own "
        'classifiers.',
        "# Run from the repository's folder, after those; the data must lie in AE_DATA.",
        WRITTEN,
        STRICT,
        '',
        '# pixels',
        *(_line(['classify_fc.py', f'--dataset={dataset}']) for dataset in CLASSIFIED),
    ]
    for key, trained in _classified():
        lines += ['', f'# {key[0]}, {key[1]} latents']
        for experiment in trained:
            folder = experiment.folder(TRAIN_DIR).path
            lines.append(_line(['classify_latent_ae.py', f'--ae_dir={folder}']))
    return '\n'.join(lines) + '\n'


def _classified():
    """((dataset, latent size), its experiments) pairs of the paper's methods on labelled data."""
    by_key = {}
    for experiment in experiments.EXPERIMENTS:
        if experiment.dataset in CLASSIFIED and experiment.class_name in reported.COLUMNS:
            by_key.setdefault(experiment.key, []).append(experiment)
    return by_key.items()


def _line(command, values=''):
    comment = f'  # {reported.SOURCE}: {values}' if values else ''
    return f'python {shlex.join(command)}{comment}'
