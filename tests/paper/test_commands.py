"""The paper's commands in runs/: every line is one that its script takes."""
import math
import os
import re
import shlex
import subprocess

import pytest

import acai_tf
from lib import runs
from lib.paper import commands, experiments
from tests import script_flags, tiny

RUNS = sorted((tiny.REPOSITORY / 'runs').glob('*.sh'))
DATASETS = {'lines32', 'mnist32', 'svhn32', 'celeba32', 'cifar10'}


def commands_of(path):
    """[(command without its comment, comment)] of a runs file."""
    found = []
    for line in path.read_text().splitlines():
        if line.startswith('python '):
            command, _, comment = line.partition('  # ')
            found.append((command, comment))
    return found


@pytest.fixture(scope='module')
def parsed():
    """{command: its flags' values}."""
    by_script = {}
    for path in RUNS:
        for command, _ in commands_of(path):
            by_script.setdefault(shlex.split(command)[1], []).append(command)
    arguments = {
        script: [shlex.split(command)[2:] for command in every]
        for script, every in by_script.items()
    }
    values = {}
    for script, (answers, _) in script_flags.parse(arguments).items():
        for command, answer in zip(by_script[script], answers, strict=True):
            assert not answer['rest'], command
            values[command] = answer['values']
    return values


def sizes_of(values):
    """The sizes that a training command's flags ask for."""
    scales = int(math.log2(32 / values['latent_width']))
    return {'scales': scales, 'depth': values['depth'], 'latent': values['latent']}


def makes(values, folder):
    """Whether a training command makes the run folder DATASET/EXPERIMENT."""
    dataset, name = folder.split('/')
    types = acai_tf.ALL_AES[name.split('_')[0]].hyperparameters()
    params = runs.parse_experiment_name(name, types)
    values = {
        **values,
        **sizes_of(values),
        'advdepth': values.get('advdepth') or values['depth'],
    }
    same = all(values[key] == types[key](value) for key, value in params.items())
    return same and values['dataset'] == dataset


def test_flags_have_the_originals_defaults():
    parsed = script_flags.parse({'acai.py': [[]], 'cluster.py': [[]]})
    values = {script: answers[0]['values'] for script, (answers, _) in parsed.items()}
    for script, expected in {
        'acai.py': {
            'dataset': 'lines32', 'train_dir': './experiments', 'lr': 1e-4, 'batch': 64,
            'total_kimg': 16384, 'report_kimg': 64, 'depth': 64, 'latent': 16, 'latent_width': 4,
            'advweight': 0.5, 'advdepth': 0, 'reg': 0.2,
        },
        'cluster.py': {'use_svd': True, 'n_init': 1000, 'n_jobs': 8, 'n_try': 1},
    }.items():  # fmt: skip
        assert {name: values[script][name] for name in expected} == expected


def test_every_method_has_its_runs():
    assert {path.stem for path in RUNS} >= set(tiny.SCRIPTS)


@pytest.mark.parametrize('path', RUNS, ids=lambda path: path.name)
def test_form(path):
    assert os.access(path, os.X_OK)
    lines = path.read_text().splitlines()
    assert lines[0] == '#!/usr/bin/env bash'
    assert 'set -euo pipefail' in lines
    for line in lines:
        assert re.match(r'#|set |python \w+\.py --|$', line), line
    assert subprocess.run(['bash', '-n', path]).returncode == 0


@pytest.mark.parametrize('script', tiny.SCRIPTS)
def test_runs_of_a_method_are_the_papers(script, parsed):
    path = tiny.REPOSITORY / 'runs' / f'{script}.sh'
    sizes = set()
    for command, _ in commands_of(path):
        values = parsed[command]
        assert shlex.split(command)[1] == f'{script}.py'
        assert values['total_kimg'] == 1 << 14 and values['batch'] == 64 and values['lr'] == 1e-4
        if 'dropout' in values:
            assert values['dropout'] == (0.75 if values['dataset'] == 'cifar10' else 0.5)
        sizes.add(tuple(values[name] for name in ('dataset', 'latent_width', 'depth', 'latent')))
    lines_width = 4 if script == 'vqvae' else 2
    assert sizes == {
        ('lines32', lines_width, 16, 16),
        ('mnist32', 4, 16, 2),
        ('mnist32', 4, 16, 16),
        ('svhn32', 4, 64, 2),
        ('svhn32', 4, 64, 16),
        ('celeba32', 4, 64, 2),
        ('celeba32', 4, 64, 16),
        ('cifar10', 4, 64, 16),
        ('cifar10', 4, 64, 64),
    }


@pytest.mark.parametrize('path', RUNS, ids=lambda path: path.name)
def test_files_are_written_from_the_experiments(path):
    text = commands.texts()[path.name]
    assert path.read_text() == text, 'run: python reproduce.py --write_runs'


def test_the_scripts_defaults_are_the_papers(parsed):
    assert {experiments.script_of(name): name for name in experiments.DESCRIPTIONS} == tiny.SCRIPTS
    for experiment in experiments.EXPERIMENTS:
        values = parsed[f'python {shlex.join(experiment.command)}']
        types = acai_tf.ALL_AES[experiment.class_name].own_hyperparameters()
        own = {name: values[name] for name in types}
        params = acai_tf.ALL_AES[experiment.class_name].resolve(**sizes_of(values), **own)
        assert params == experiment.params


def test_run_folders_are_those_of_the_scripts():
    names = {
        experiment.folder('T').path
        for table in experiments.TABLES
        for experiment in experiments.of_table(table)
    }
    assert len(names) == 7 + 42
    assert names >= {
        'T/lines32/AEBaseline_depth16_latent16_scales4',
        'T/lines32/ACAI_advdepth16_advweight0.5_depth16_latent16_reg0.2_scales4',
        'T/lines32/VAE_beta1.0_depth16_latent16_scales4',
        'T/mnist32/AAE_adversary_lr0.0001_depth16_disc_layer_sizes100,100_latent16_scales3',
        'T/lines32/AEVQVAE_beta10.0_depth16_latent16_num_latents10_scales3_z_log_size14',
        'T/cifar10/AEDropout_depth64_dropout0.75_latent64_scales3',
    }
    sizes = {(e.dataset, e.latent_size) for e in experiments.of_table(3)}
    assert sizes == {('mnist32', 32), ('mnist32', 256), ('svhn32', 32), ('svhn32', 256)}


def test_every_line_parses_and_names_a_dataset(parsed):
    assert {values.get('dataset') for values in parsed.values()} - {None} == DATASETS


@pytest.mark.parametrize('name', ['cluster', 'classify'])
def test_tasks_read_what_the_runs_make(name, parsed):
    scripts = {class_name: script for script, class_name in tiny.SCRIPTS.items()}
    read = [
        parsed[command]['ae_dir'].removeprefix('experiments/')
        for command, _ in commands_of(tiny.REPOSITORY / 'runs' / f'{name}.sh')
        if 'ae_dir' in parsed[command]
    ]
    assert len(read) == len(set(read)) == 7 * 6  # the paper's methods, three data sets
    for folder in read:
        script = scripts[folder.split('/')[1].split('_')[0]]
        training = commands_of(tiny.REPOSITORY / 'runs' / f'{script}.sh')
        assert sum(makes(parsed[command], folder) for command, _ in training) == 1, folder
