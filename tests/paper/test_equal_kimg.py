"""The 2018 code's runs beside ours at equal kimg."""
import dataclasses
import math

from lib.paper import equal_kimg, results, tables

PARAMS = {'scales': 4, 'depth': 16, 'latent': 16}


def run(code, curves, seed=1):
    return results.Run(f'RUN{seed}', 'AEBaseline', 'lines32', PARAMS, code=code, curves=curves)


def cells_of(records):
    (table,) = equal_kimg.build(records)
    lines = table.layout('not run').lines
    return table, {line.label: list(line.cells) for line in lines}


def test_numbers_at_equal_kimg_losses_included():
    theirs = run(results.ORIGINAL, {
        'loss': {1025: 0.5, 2049: 0.25}, 'mean_distance': {1025: 0.03, 2049: 0.01},
        'mean_distance_2': {1025: 1.0},
    })  # fmt: skip
    other = run(results.ORIGINAL, {'mean_distance': {1025: 0.05}}, seed=2)
    ours = run(results.OURS, {'mean_distance': {1025: 0.02, 1031: 7.0}, 'loss': {1025: 0.4}})
    table, cells = cells_of([theirs, other, ours])
    assert table.kimgs == [64, 128]
    # 64 kimg of the 2018 code and ours, then 128.
    assert cells == {
        'mean distance x1e-3': ['40±14', '20', '10', 'not run'],
        'loss': ['0.5', '0.4', '0.25', 'not run'],
        'seeds': ['2', '1', '1', '0'],
    }
    csv = tables.render('csv', [table]).splitlines()
    assert len(csv) == 1 + 2 * 4 and csv[1].startswith('original,lines32,64,mean_distance,1e-3')


def test_latents_of_different_size_are_not_seeds():
    records = [
        results.Run(
            'RUN1', 'AEBaseline', 'mnist32', {'scales': 3, 'depth': 16, 'latent': latent},
            code=results.ORIGINAL, curves={'loss': {1025: 0.1 * latent}},
        )
        for latent in (16, 2)
    ]  # fmt: skip
    titles = [table.layout('not run').title for table in equal_kimg.build(records)]
    assert [title.split(':')[0] for title in titles] == [
        'Baseline on mnist32, latent size 32', 'Baseline on mnist32, latent size 256'
    ]  # fmt: skip


def test_columns_are_where_both_reported():
    theirs = run(results.ORIGINAL, {'loss': {step: 0.5 for step in (1025, 2049, 3073, 9217)}})
    ours = run(results.OURS, {'loss': {2049: 0.4, 4097: 0.3}})
    table, cells = cells_of([theirs, ours])
    assert table.kimgs == [128, 576]
    assert cells['loss'] == ['0.5', '0.4', '0.5', 'not run']
    _, cells = cells_of([theirs, run(results.OURS, {'loss': {10241: 0.4}})])  # past all of theirs
    assert cells['loss'] == ['0.5', '-'] * 4


def test_a_seed_of_two_report_periods_counts_once_wherever_it_reported():
    theirs = run(results.ORIGINAL, {'mean_distance': {1025: 0.02, 2049: 0.03}})
    ours = [
        dataclasses.replace(
            run(results.OURS, {'mean_distance': curve}), seed=1, report_kimg=period, path=path
        )
        for path, period, curve in (
            ('a', 64, {1025: 0.01, 2049: 0.02}),
            ('b', 128, {2049: 0.02, 4097: 0.01}),
        )
    ]
    table, _ = cells_of([theirs, *ours])
    found = table.cells['mean_distance']
    assert [found[kimg, results.OURS].seeds for kimg in (64, 128)] == [1, 1]


def test_undefined_seeds_are_counted():
    theirs = [
        run(results.ORIGINAL, {'mean_smoothness': {1025: value}}, seed)
        for seed, value in enumerate([math.nan, 0.5])
    ]
    _, cells = cells_of(theirs)
    assert cells['mean smoothness'] == ['0.5 (1 defined)', 'not run']
    _, cells = cells_of(theirs[:1])
    assert cells['mean smoothness'] == ['undefined', 'not run']


def test_a_long_run_is_shown_at_a_few_places_and_ours_alone_not_at_all():
    steps = {1 + 1024 * k: 1.0 for k in range(1, 257)}
    table, _ = cells_of([run(results.ORIGINAL, {'loss': steps})])
    assert table.kimgs == [64, 384, 2560, 16384]
    table, _ = cells_of([run(results.ORIGINAL, {'loss': {2: 1.0, **steps}})])  # the first of 0 kimg
    assert table.kimgs == [0, 640, 16384]
    assert equal_kimg.build([run(results.OURS, {'loss': steps})]) == []
    assert equal_kimg.build([run(results.ORIGINAL, {})]) == []  # nothing was reported yet
