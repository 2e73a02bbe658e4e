"""The paper's commands in runs/: every line is one that its script takes."""
import json
import os
import re
import shlex
import subprocess
import sys

import pytest

from tests import tiny

RUNS = sorted((tiny.REPOSITORY / 'runs').glob('*.sh'))
DATASETS = {'lines32', 'mnist32', 'svhn32', 'celeba32', 'cifar10'}
# Defines a script's flags as running it would, and prints them for each of the commands.
PARSE = """
import importlib, json, sys
from absl import flags
import cli
defined = {}
for number, (script, *arguments) in enumerate(json.load(sys.stdin)):
    if script not in defined:
        for name in [name for module in defined for name in defined[module]]:
            if name in flags.FLAGS:
                delattr(flags.FLAGS, name)
        before = set(flags.FLAGS)
        importlib.import_module(script.removesuffix('.py'))
        if 'depth' not in flags.FLAGS and script in AUTOENCODERS:
            cli.define_autoencoder_flags()
        defined[script] = set(flags.FLAGS) - before
    flags.FLAGS.unparse_flags()
    rest = flags.FLAGS([script, *arguments])[1:]
    values = {name: flags.FLAGS[name].value for name in flags.FLAGS}
    values = {name: v for name, v in values.items() if isinstance(v, (int, float, str))}
    print(json.dumps({'rest': rest, 'values': values}))
"""


def commands(path):
    """[(command without its comment, comment)] of a runs file."""
    found = []
    for line in path.read_text().splitlines():
        if line.startswith('python '):
            command, _, comment = line.partition('  # ')
            found.append((command, comment))
    return found


@pytest.fixture(scope='module')
def parsed():
    """{command: its flags' values}, all from one process."""
    every = sorted(
        {command for path in RUNS for command, _ in commands(path)},
        key=lambda command: shlex.split(command)[1],
    )
    autoencoders = [f'{script}.py' for script in tiny.SCRIPTS]
    done = subprocess.run(
        [sys.executable, '-c', f'AUTOENCODERS = {autoencoders}\n{PARSE}'],
        input=json.dumps([shlex.split(command)[1:] for command in every]),
        cwd=tiny.REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert not any(answer['rest'] for answer in answers)
    return {command: answer['values'] for command, answer in zip(every, answers, strict=True)}


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
    for command, _ in commands(path):
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


def test_every_line_parses_and_names_a_dataset(parsed):
    assert {values['dataset'] for values in parsed.values()} == DATASETS
