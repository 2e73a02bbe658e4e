"""README.md and docs/: each command is one that its script takes, each file and flag is there."""
import ast
import csv
import importlib
import io
import os
import re
import shutil
import subprocess

import pytest

import acai_tf
from cli import convert, tables
from lib import runs
from lib.paper import reported
from lib.runs import scalars
from tests import original, script_flags, tiny

README = tiny.REPOSITORY / 'README.md'
DOCS = sorted((tiny.REPOSITORY / 'docs').glob('*.md'))
FOLDERS = [tiny.REPOSITORY / folder / 'README.md' for folder in ('released', 'unfinished')]
pages = pytest.mark.parametrize(
    'page',
    [README, tiny.REPOSITORY / 'CONTRIBUTING.md', *FOLDERS, *DOCS],
    ids=lambda page: page.relative_to(tiny.REPOSITORY).as_posix(),
)
SCRIPTS = sorted(path.name for path in tiny.REPOSITORY.glob('*.py'))
POSITIONAL = {'figures.py': [1], 'tables.py': [1], 'compare.py': range(9)}
OTHER_FLAGS = {'help', 'kills'}  # of absl, and of tests/run_kills.py
FENCE = re.compile(r'^```(\w*)\n(.*?)^```$', re.MULTILINE | re.DOTALL)
# What a block of commands may call.
PROGRAMS = 'python', 'make', 'pip', 'tensorboard', 'cp', 'mkdir'
COMMAND = re.compile(rf'(\$ |[A-Z_]+=\S+ )*({"|".join(PROGRAMS)}|source|export|[A-Z_]+=)\b')
# Bash expands a block's loops and variables, and says what it would have called.
SAY = r"""
PATH=
set -eu
say() { printf '%s\0' "$@"; printf '\n'; }
source() { :; }
""" + ''.join(f'{name}() {{ say {name} "$@"; }}\n' for name in PROGRAMS)


def prose(page):
    """A page without its fenced blocks."""
    return FENCE.sub('', page.read_text())


def inline_code(page):
    return [' '.join(code.split()) for code in re.findall(r'`([^`]+)`', prose(page))]


def shell_blocks(page):
    """A page's blocks of commands, and the commands within its sentences."""
    fenced = [text for language, text in FENCE.findall(page.read_text()) if language == 'bash']
    indented = re.findall(r'(?:^ {4}.*\n|^\n(?= {4}))+', prose(page), re.MULTILINE)
    indented = [re.sub(r'(?m)^ {4}', '', block).strip('\n') for block in indented]
    for block in [*fenced, *indented, *inline_code(page)]:
        lines = block.splitlines()
        if any(line.startswith('$ ') for line in lines):  # the others are what it prints
            yield '\n'.join(line[2:] for line in lines if line.startswith('$ '))
        elif any(COMMAND.match(line) and not line.endswith('=') for line in lines):
            yield block


def commands(page):
    """The commands of a page, each a list of words."""
    found = []
    for block in shell_blocks(page):
        done = subprocess.run(
            ['/bin/bash', '-c', SAY + block.replace('.venv/bin/', '')],
            env={'HOME': '/home/me'},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0 and not done.stderr, f'{block}\n{done.stderr}'
        found += [line.split('\0')[:-1] for line in done.stdout.splitlines()]
    return found


def calls(page):
    """[(script, arguments)] of a page's Python commands."""
    for program, *words in commands(page):
        if program != 'python' or words[0] == '-m' or '--help' in words:
            continue
        if words[0] == 'tests/run_kills.py':  # [--kills=N] [--seed=N] [script flags]
            words = [word for word in words[1:] if not re.fullmatch(r'--(kills|seed)=\d+', word)]
        if words:
            yield words[0], words[1:]


@pytest.fixture(scope='module')
def parsed():
    """{script: ([(arguments, what becomes of them)], its flags)}."""
    by_script = {script: [] for script in SCRIPTS if "'__main__'" in read(script)}
    for page in [README, *FOLDERS, *DOCS]:
        for script, arguments in calls(page):
            by_script.setdefault(script, []).append(arguments)
    return {
        script: (list(zip(by_script[script], answers, strict=True)), own)
        for script, (answers, own) in script_flags.parse(by_script).items()
    }


def read(path):
    return (tiny.REPOSITORY / path).read_text()


def test_every_command_is_one_that_its_script_takes(parsed):
    assert sum(len(answers) for answers, _ in parsed.values()) > 30
    for script, (answers, _) in parsed.items():
        for arguments, answer in answers:
            command = f'python {script} {" ".join(arguments)}: {answer}'
            assert 'error' not in answer, command
            assert len(answer['rest']) in POSITIONAL.get(script, [0]), command


@pages
def test_other_commands(page):
    targets = set(re.findall(r'^([\w-]+):', read('Makefile'), re.MULTILINE))
    for program, *words in commands(page):
        if program == 'make':
            assert {word for word in words if '=' not in word} <= targets, words
        if program == 'python' and words[0] == '-m':
            if words[1].startswith('examples.'):
                assert (tiny.REPOSITORY / f'{words[1].replace(".", "/")}.py').exists(), words
                continue
            assert words[1] == 'pytest' and (tiny.REPOSITORY / words[2]).exists(), words


@pages
def test_every_flag_is_one_of_a_script(page, parsed):
    known = OTHER_FLAGS.union(*(flags for _, flags in parsed.values()))
    for code in inline_code(page):
        assert set(re.findall(r'(?<!\S)--([\w-]+)', code)) <= known, code


def exists(path):
    """Whether a file is there; one without its folder may be in any."""
    patterns = [path] if '/' in path else [path, f'[!.]*/**/{path}']  # not in .venv
    return any(any(tiny.REPOSITORY.glob(pattern)) for pattern in patterns)


@pages
def test_every_file_is_there(page):
    for code in inline_code(page):
        if re.fullmatch(r'[\w*/]+\.(py|sh)|(lib|acai_tf|cli|runs|tests|benchmarks)/[\w/]*', code):
            assert exists(code.rstrip('/')), code


def anchors(page):
    """The headings of a page as GitHub's links call them."""
    headings = re.findall(r'^#+ (.*)$', prose(page), re.MULTILINE)
    return {re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-') for heading in headings}


@pages
def test_every_link_leads_somewhere(page):
    for target in re.findall(r'\]\(([^)\s]+)\)', prose(page)):
        if target.startswith('http'):
            continue
        path, _, anchor = target.partition('#')
        file = page.parent / path if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pages
def test_python_blocks_name_what_exists(page):
    for language, text in FENCE.findall(page.read_text()):
        if language != 'python':
            continue
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    if not hasattr(module, alias.name):
                        importlib.import_module(f'{node.module}.{alias.name}')
            elif isinstance(node, ast.Attribute) and getattr(node.value, 'id', '') == 'acai_tf':
                assert hasattr(acai_tf, node.attr), node.attr


def test_the_example_in_python_runs():
    (text,) = [text for language, text in FENCE.findall(README.read_text()) if language == 'python']
    names = {}
    exec(text, names)
    assert names['h'].shape == (64, 2, 2, 16) and names['pictures'].shape == (64, 32, 32, 1)
    assert names['between'].shape == (16, 32, 32, 1)


def test_the_readme_is_short_and_leads_to_every_page():
    text = README.read_text()
    assert len(text.splitlines()) <= 180
    assert set(re.findall(r'\(docs/(\w+\.md)', text)) == {page.name for page in DOCS}


def test_the_layout_names_every_folder():
    layout = README.read_text().partition('## Layout')[2].partition('\n## ')[0]
    named = set(re.findall(r'^    ([\w/]+)/ ', layout, re.MULTILINE))
    depths, kinds = ('*/', 'cli/*/', 'lib/*/'), ('py', 'sh', 'md')
    patterns = [f'{depth}*.{kind}' for depth in depths for kind in kinds]
    files = [path for pattern in patterns for path in tiny.REPOSITORY.glob(pattern)]
    folders = {path.parent.relative_to(tiny.REPOSITORY).as_posix() for path in files}
    assert named == {name for name in folders if re.fullmatch(r'\w+|(cli|lib)/\w+', name)}


def test_the_records_print_what_the_page_shows():
    printed = tables.text(str(tiny.REPOSITORY / 'docs' / 'records'), ['samples'], 'markdown')
    rows = [line for line in printed.splitlines() if line.startswith('|')]
    assert len(rows) > 3 and '\n'.join(rows) in read('docs/BEYOND.md')


def test_the_readme_shows_what_the_records_print():
    printed = tables.text(str(tiny.REPOSITORY / 'docs' / 'records-long'), ['1'], 'csv')
    cells = [cell for cell in csv.DictReader(io.StringIO(printed))
             if (cell['code'], cell['settings']) == ('ours', '')]  # fmt: skip
    rows = [[cell.strip() for cell in line.strip('|').split('|')]
            for line in README.read_text().splitlines() if line.startswith('|')]  # fmt: skip
    (methods,) = [row[1:] for row in rows if row[0] == 'lines32']
    ours = [row[1:] for row in rows if row[0] == r'ours\*']
    for quantity, shown in zip(('mean_distance', 'mean_smoothness'), ours, strict=True):
        of = {cell['method']: cell for cell in cells if cell['quantity'] == quantity}
        assert [f'{float(of[method]["mean"]):.2f}' for method in methods] == shown
    (lengths,) = [row[1:] for row in rows if row[0] == r'seeds x kimg (ours\*)']
    for method, length in zip(methods, lengths, strict=True):
        cell = of[method]
        more = f', +{cell["seeds_shorter"]} shorter' if int(cell['seeds_shorter']) else ''
        assert f'{cell["seeds"]} x {cell["kimg"]}{more}' == length


def test_the_pages_show_the_hours_that_the_records_print():
    printed = tables.text(str(tiny.REPOSITORY / 'docs' / 'records-long'), ['hours'], 'csv')
    cells = sorted(csv.DictReader(io.StringIO(printed)), key=lambda cell: int(cell['kimg']))
    hours = {cell['method']: f'{float(cell["mean"]):.1f}' for cell in cells}  # the longest run's
    (shown,) = re.findall(r'--tables=1,hours.*\| ([\d., ]+) \|$', README.read_text(), re.MULTILINE)
    assert shown.split(', ') == [hours[method] for method in reported.COLUMNS.values()]
    for cell in cells:
        assert f'{float(cell["mean"]):.1f} hours' in read('docs/PAPER.md')


def test_the_page_on_the_paper_shows_the_last_scores_of_what_is_released():
    row = re.compile(r'^\| `(lines32-[\w-]+)` \|.*\| ([\d.]+) \| ([\d.]+) \|$', re.MULTILINE)
    shown = {name: scores for name, *scores in row.findall(read('docs/PAPER.md'))}
    curves = {path.parent.name: scalars.read_curve(path)
              for path in (tiny.REPOSITORY / 'released').glob('*/curve.csv')}  # fmt: skip
    assert shown.keys() == curves.keys()
    for name, curve in curves.items():
        distance, smoothness = (
            curve[tag][max(curve[tag])] for tag in ('mean_distance', 'mean_smoothness')
        )
        assert shown[name] == [f'{1e3 * distance:.2f}', f'{smoothness:.3f}'], name


def test_what_the_page_on_the_2018_code_trains_on_is_a_run_again(tmp_path, monkeypatch):
    blocks = FENCE.findall((tiny.REPOSITORY / 'docs' / 'ORIGINAL.md').read_text())
    (text,) = [text for language, text in blocks if language == 'python']
    run, step = convert.from_original(str(original.BASELINE_RUN), str(tmp_path), original.OPTIONS)
    os.makedirs(tmp_path / 'TRAIN/RUN2/lines32')
    shutil.move(run.path, tmp_path / 'TRAIN/RUN2/lines32/EXPERIMENT')
    monkeypatch.chdir(tmp_path)
    exec(text.replace('steps_per_epoch=1024', 'steps_per_epoch=1'), {})
    new = runs.RunFolder('NEW/lines32/EXPERIMENT')
    assert new.checkpoint_steps() == [step + 1]
    assert int(acai_tf.load_run(new.path).global_step) == step + 1


@pytest.mark.parametrize('page', DOCS, ids=lambda page: page.name)
def test_a_page_begins_by_saying_whom_it_is_for(page):
    title, sentence, *_ = page.read_text().split('\n\n')
    assert re.fullmatch(r'# .+', title)
    assert re.fullmatch(r'For (who|some|every|all)[^.]+\.', sentence)
