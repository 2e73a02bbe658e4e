import dataclasses
import math

import pytest

import acai_tf  # noqa: F401  (registers the methods)
from lib.paper import hours_table, kinds, layouts, results, tables

RATE = 'time/images_per_sec'


def run(seed, rates, batch=64, **curves):
    params = {'scales': 4, 'depth': 16, 'latent': 16}
    return results.Run(f'T/RUN{seed}/lines32/x', 'AEBaseline', 'lines32', params, seed=seed,
                       batch=batch, curves={RATE: rates, **curves})  # fmt: skip


def test_hours_are_of_the_images_between_reports():
    # 64 kimg at 128 images a second, then at 256; a report between them tells no rate.
    told = run(1, {1025: 128.0, 3073: 256.0}, mean_distance={1025: 0.1, 2049: 0.1, 3073: 0.1})
    assert told.timed == (131072, pytest.approx((65536 / 128 + 65536 / 256) / 3600))
    larger = run(1, {257: 128.0, 513: math.nan, 769: math.inf}, batch=256)
    assert larger.timed == (65536, pytest.approx(65536 / 128 / 3600))
    assert run(1, {}).timed == (0, 0)


def test_rates_are_of_all_images():
    (line,) = hours_table.build([run(1, {11: 100.0}, batch=100)]).lines
    assert (line.images, line.kimg, line.rate) == (1000, 0, pytest.approx(100))


def test_hours_are_of_what_was_trained_here():
    told = run(1, {4097: 128.0, 5121: 128.0})
    taken_over = dataclasses.replace(told, since=3073)
    assert taken_over.timed == (131072, pytest.approx(131072 / 128 / 3600))
    # Whatever came before the first report of a copy without event files.
    assert dataclasses.replace(told, since=None).timed == (65536, pytest.approx(65536 / 128 / 3600))


def test_every_run_that_told_its_rate_has_a_line():
    longer = run(10, {1025: 128.0, 2049: 128.0})
    table = hours_table.build([longer, run(2, {1025: 64.0}), run(3, {})])
    kind = kinds.of(longer)
    assert [line[:2] for line in table.lines] == [(kind, 'RUN2'), (kind, 'RUN10')]
    assert [line.kimg for line in table.lines] == [64, 128]
    rows = [line.split() for line in tables.render('text', [table]).splitlines()[3:5]]
    assert rows == [['lines32,', 'Baseline', 'RUN2', '64', '0.3', '64'],
                    ['lines32,', 'Baseline', 'RUN10', '128', '0.3', '128']]  # fmt: skip
    for format in layouts.FORMATS:
        assert tables.render(format, [table]).count('Baseline') == 2
    assert r'\quad' not in tables.render('latex', [table])  # nothing stands above its rows
