import dataclasses
import math

import pytest

import acai_tf  # noqa: F401  (registers the methods)
from lib.paper import results, samples_table, tables

SIZES = {'scales': 4, 'depth': 16, 'latent': 16}
CRITIC = {'advweight': 0.5, 'advdepth': 16, 'reg': 0.2}


def run(class_name, seed, suffix='', kl=0.5, **own):
    curves = {
        f'sample_distance{suffix}': {1025: 9.0, 2049: 0.002, 3073: 0.004 + seed / 1000},
        f'sample_coverage{suffix}': {3073: 0.75},
        f'sample_kl{suffix}': {3073: kl},
    }
    path = f'T/RUN{seed}/lines32/{class_name}'
    return results.Run(path, class_name, 'lines32', {**SIZES, **own}, seed=seed, curves=curves)


@pytest.fixture(scope='module')
def table():
    return samples_table.build(
        [
            run('ACAI', 1, '_fitted', **CRITIC),
            run('VAE', 1, beta=1.0),
            run('VAE', 2, beta=1.0, kl=0.7),
            run('VAE', 1, beta=1.0, **CRITIC),
            results.Run('T/x', 'AAE', 'lines32', SIZES, curves={'mean_distance': {9: 1.0}}),
        ]
    )


def test_methods_settings_and_latents_have_lines_of_their_own(table):
    told = [(line.kind.class_name, line.kind.settings, line.source) for line in table.lines]
    assert told == [
        ('VAE', (), 'prior'),
        ('VAE', ('advweight=0.5',), 'prior'),
        ('ACAI', (), 'fitted'),
    ]


def test_numbers_are_medians_and_means_over_seeds_in_the_tables_units(table):
    cells = table.lines[0].cells
    assert cells['sample_distance'].mean == pytest.approx((0.005 + 0.006) / 2)
    assert cells['sample_kl'].mean == pytest.approx(0.6)
    assert cells['sample_kl'].sd == pytest.approx(math.sqrt(0.02))
    text = tables.render('text', [table])
    assert text.splitlines()[3].split() == [
        'VAE', 'prior', '5.50±0.71', '75.00±0.00', '0.60±0.14', '2', 'x', '192'
    ]  # fmt: skip


def test_lines_of_other_widths_are_apart():
    large = dataclasses.replace(run('VAE', 2, beta=1.0), dataset='lines64')
    table = samples_table.build([run('VAE', 1, beta=1.0), large])
    rows = tables.render('text', [table]).splitlines()[3:5]
    assert [line.split()[-3:] for line in rows] == [['1', 'x', '192']] * 2
    assert ['lines64' in line for line in rows] == [False, True]
    lines = tables.render('csv', [table]).splitlines()[1:]
    assert ['samples,lines64,' in line for line in lines] == [False] * 3 + [True] * 3


def test_every_format_has_every_line(table):
    for format in ('markdown', 'latex'):
        text = tables.render(format, [table])
        assert text.count('fitted') >= 2 and 'advweight=0.5' in text
    csv = tables.render('csv', [table])
    assert 'samples,lines32,64,sample_distance,1e-3,VAE,latents=prior,ours,5.5,' in csv
    assert len(csv.splitlines()) == 1 + 3 * 3


def test_a_method_with_fewer_changes_comes_first():
    often = [run('VAE', 1, beta=1.0, **CRITIC), run('VAE', 1, beta=1.0)]
    often = [dataclasses.replace(each, report_kimg=16) for each in often]
    told = [line.kind.settings for line in samples_table.build(often).lines]
    assert told == [('report_kimg=16',), ('advweight=0.5', 'report_kimg=16')]


def test_what_was_planned_has_a_line_without_runs():
    planned = [
        (dataclasses.replace(run('VAE', 1, beta=1.0), curves={}), 'prior'),
        (dataclasses.replace(run('ACAI', 1, **CRITIC), curves={}), 'fitted'),
    ]
    table = samples_table.build([run('VAE', 2, beta=1.0)], planned)
    rows = [line.split() for line in tables.render('text', [table], 'not run').splitlines()[3:5]]
    assert rows[0][:3] == ['VAE', 'prior', '6.00'] and rows[0][-3:] == ['1', 'x', '192']
    assert rows[1] == ['ACAI', 'fitted', *['not', 'run'] * 3]
    assert len(tables.render('csv', [table]).splitlines()) == 1 + 3
