"""The paper's tables from runs."""
import csv
import dataclasses
import io
import math

from lib.paper import experiments, kinds, layouts, results, tables
from tests import original


def runs_of(class_name, dataset, values, kimg=1 << 14, table=2, **changes):
    """One run a value, of the paper's settings unless changed."""
    experiment = next(
        e for e in experiments.of_table(table)
        if (e.class_name, e.dataset) == (class_name, dataset)
    )  # fmt: skip
    name = changes.pop('name', 'latent_accuracy')
    step = 1 + kimg * 16
    return [
        results.Run(
            f'RUN{seed}', class_name, dataset, {**experiment.params, **changes},
            curves={name: {step: value}},
        )
        for seed, value in enumerate(values)
    ]  # fmt: skip


def test_cells_beside_the_papers():
    found = runs_of('ACAI', 'mnist32', [98.0, 99.0, 97.0])
    table = tables.build(found, 2)
    text = tables.render('text', [table])
    lines = text.splitlines()
    row = lines.index('mnist32, latent size 32')
    assert lines[row + 1].split()[-1] == '98.25±0.11'
    assert lines[row + 2].split() == ['ours', *['missing'] * 6, '98.00±1.00']
    assert lines[row + 3].split('  ')[-1].strip() == '3 x 16384'
    assert lines[row + 6].split() == ['ours', *['missing'] * 7]
    assert 'paper, to be checked' in text


def test_short_runs_and_one_seed():
    found = runs_of('VAE', 'lines32', [0.00123], kimg=512, table=1, name='mean_distance')
    found += runs_of('AAE', 'lines32', [0.001, 0.003], table=1, name='mean_distance')
    text = tables.render('text', [tables.build(found, 1)]).splitlines()
    row = text.index('mean distance x1e-3')
    assert text[row + 2].split()[4:6] == ['1.23*', '2.00±1.41']
    assert '1 x 512' in text[row + 3] and '2 x 16384' in text[row + 3]


def test_numbers_of_another_part_of_training_have_a_line_of_their_own():
    found = runs_of('VAE', 'mnist32', [90.0, 92.0])
    (run,) = runs_of('VAE', 'mnist32', [7.0])
    found.append(dataclasses.replace(run, report_kimg=1024))
    lines = tables.render('text', [tables.build(found, 2)]).splitlines()
    row = lines.index('mnist32, latent size 32')
    assert '91.00±1.41' in lines[row + 2]
    assert lines[row + 4].startswith('  ours, report_kimg=1024') and ' 7.00 ' in lines[row + 4]
    assert kinds.settings_of(found[-1], results.CLUSTERING) == ()


def test_lines_with_fewer_changes_come_first():
    often = [
        dataclasses.replace(run, report_kimg=1024)
        for changes in ({'beta': 2.0}, {})
        for run in runs_of('VAE', 'mnist32', [90.0], **changes)
    ]
    lines = tables.render('text', [tables.build(often, 2)]).splitlines()
    ours = [line.split('  ')[1] for line in lines if line.startswith('  ours, ')]
    assert ours[:2] == ['ours, report_kimg=1024', 'ours, beta=2.0 report_kimg=1024']


def test_other_settings_methods_and_datasets_have_their_own_places():
    found = runs_of('ACAI', 'mnist32', [90.0], reg=0.4)
    found += [results.Run('x', 'LRAE', 'mnist32', {'scales': 3, 'depth': 16, 'latent': 2},
                          curves={'latent_accuracy': {17: 80.0}})]
    digits = {'scales': 3, 'depth': 16, 'latent': 2}
    found += [results.Run('y', 'VAE', 'digits32', {**digits, 'beta': 1.0},
                          curves={'latent_accuracy': {17: 70.0}})]
    text = tables.render('text', [tables.build(found, 2)])
    lines = text.splitlines()
    assert lines[2].split()[-1] == 'LRAE'
    assert any(line.startswith('  ours, reg=0.4') and '90.00' in line for line in lines)
    row = lines.index('digits32, latent size 32')
    assert lines[row + 1].startswith('  ours, depth=16 latent=2 scales=3')
    assert 'missing' not in lines[row + 1]
    # Lines and CelebA are not of table 2.
    assert 'lines32' not in tables.render('text', [tables.build(runs_of('VAE', 'lines32', [9.0],
                                                                    table=1), 2)])


def test_clustering_with_other_options_is_marked():
    (run,) = runs_of('ACAI', 'mnist32', [1.0])
    usual = {'n_init': 1000, 'use_svd': True, 'n_try': 1}
    record = {'test_accuracy': 94.5, 'step': 262145, **usual}
    full = tables.build([results.dataclasses.replace(run, clustering=record)], 3)
    assert '94.50' in tables.render('text', [full]).splitlines()[5]
    for option in ('n_init', 'n_try'):
        other = results.dataclasses.replace(run, clustering={**record, option: 5})
        assert f'  ours, {option}=5 ' in tables.render('text', [tables.build([other], 3)])


def test_undefined_smoothness():
    found = runs_of('VAE', 'lines32', [math.nan], table=1, name='mean_smoothness')
    table = tables.build(found, 1)
    assert '  undefined  ' in tables.render('text', [table])
    (cell,) = [line for line in read_csv(tables.render('csv', [table]))
               if line['status'] == 'undefined']
    assert (cell['method'], cell['mean'], cell['seeds_undefined']) == ('VAE', '', '1')


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_line_for_each_cell():
    found = runs_of('AEVQVAE', 'svhn32', [40.0, 50.0], kimg=640)
    cells = read_csv(tables.render('csv', [tables.build(found, number) for number in (1, 2, 3)]))
    assert len(cells) == 14 + 42 + 28
    assert [cell for cell in cells if cell['status'] != 'missing'] == [
        {
            'table': '2', 'dataset': 'svhn32', 'latent_size': '32', 'quantity': 'latent_accuracy',
            'unit': '%', 'method': 'VQ-VAE', 'settings': '', 'code': 'ours', 'mean': '45',
            'sd': '7.07107', 'seeds': '2', 'seeds_undefined': '0', 'seeds_shorter': '0',
            'kimg': '640', 'status': 'short', 'paper_mean': '24.53', 'paper_sd': '1.33',
            'paper_source': 'paper, to be checked', 'ae_kimg': '',
        }
    ]  # fmt: skip


def test_markdown_and_latex_have_every_cell():
    found = runs_of('ACAI', 'mnist32', [98.0, 99.0], kimg=512)
    table = tables.build(found, 2)
    markdown = tables.render('markdown', [table]).splitlines()
    rows = [line for line in markdown if line.startswith('|')]
    assert {row.count('|') for row in rows} == {9} and len(rows) == 2 + 6 * 3 + 1
    assert rows[4].endswith(r' 98.50±0.71\* |') and rows[4].count('missing') == 6
    latex = tables.render('latex', [table], missing='not run').splitlines()
    rows = [line for line in latex if line.endswith(r'\\')]
    assert {row.count('&') for row in rows} == {7}
    assert rows[3].endswith(r' 98.50$\pm$0.71* \\') and rows[3].count('not run') == 6
    assert not any('_' in line.replace(r'\_', '') or '%' in line.replace(r'\%', '')[1:]
                   for line in latex)  # fmt: skip


def test_script(tmp_path):
    code, out, error = original.run('tables.py', str(original.RUNS), '--format=csv', cwd=tmp_path)
    assert code == 0, error
    cells = [cell for cell in read_csv(out) if cell['status'] != 'missing']
    assert {cell['settings'] for cell in cells} == {'depth=2 latent=4 scales=3'}
    assert {cell['code'] for cell in cells} == {'2018 code'}
    assert {cell['method'] for cell in cells} == {'Baseline', 'ACAI'}
    code, out, error = original.run('tables.py', str(tmp_path), cwd=tmp_path)
    assert code == 1 and error.rstrip().endswith('no run folder ([RUNk/]DATASET/EXPERIMENT).')
    code, _, error = original.run('tables.py', cwd=tmp_path)
    assert code == 1 and 'TRAIN is missing; use: python' in error


def test_the_2018_code_has_rows_of_its_own():
    ours = runs_of('VAE', 'lines32', [0.002], kimg=64, table=1, name='mean_distance')
    theirs = runs_of('VAE', 'lines32', [0.004, 0.006], kimg=128, table=1, name='mean_distance')
    theirs = [results.dataclasses.replace(run, code=results.ORIGINAL) for run in theirs]
    text = tables.render('text', [tables.build(ours + theirs, 1)]).splitlines()
    row = text.index('mean distance x1e-3')
    assert text[row + 2].split() == ['2018', 'code', *'---', '5.00±1.41*', *'---']
    assert text[row + 3].split() == ['seeds', 'x', 'kimg', '2', 'x', '128']
    assert text[row + 4].split()[4] == '2.00*' and '1 x 64' in text[row + 5]


def test_seeds_that_are_behind_are_counted_and_left_out():
    runs = runs_of('ACAI', 'mnist32', [98.0, 99.0])
    runs += runs_of('ACAI', 'mnist32', [11.0], kimg=64)
    text = tables.render('text', [tables.build(runs, 2)]).splitlines()
    row = text.index('mnist32, latent size 32')
    assert text[row + 2].endswith(' 98.50±0.71') and text[row + 3].endswith('2 x 16384, +1 shorter')


def test_captions_are_latex():
    layout = layouts.Layout('Table 1. adversary_lr=5 % & {more}.', [], [])
    assert r'\caption{adversary\_lr=5 \% \& \{more\}.}' in layouts.to_latex(layout)
