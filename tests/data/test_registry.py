"""The registry of datasets: what an entry says is what every other part of the project reads."""
import pytest

import acai_tf  # noqa: F401 (its methods say what their run folders are called)
from lib import data
from lib.data import registry
from lib.errors import UserError
from lib.paper import experiments, results, tables


def test_every_entry_is_whole():
    for name, entry in registry.DATASETS.items():
        assert entry.name == name and registry.width_of(name) == entry.width
        if entry.records:
            records, source = entry.records, entry.source
            assert records.preparation.name == name
            assert records.preparation.shape[:2] == (entry.width, entry.width)
            assert set(records.train + records.test) == set(source.splits)
            assert records.made_by == f'--datasets={source.name}'
            assert registry.SOURCES[source.name] is source
        for width, _, _ in entry.sizes:
            assert entry.width % width == 0


@pytest.mark.parametrize('name, width', [('lines64', 64), ('lines8', 8), ('celeba146', 146)])
def test_other_widths(name, width):
    entry = registry.find(name)
    assert (entry.name, entry.width, registry.width_of(name)) == (name, width, width)
    assert entry.tables == registry.DATASETS[f'{name.rstrip("0123456789")}32'].tables
    assert not entry.sizes  # the tables need no run of it
    assert registry.is_known(name) and registry.is_lines(name) == name.startswith('lines')


@pytest.mark.parametrize(
    'name',
    [
        *('lines', 'lines33', 'lines6', 'lines2048', 'lines064', 'lines６４'),
        *('celeba148', 'celeba33', 'mnist64'),
    ],
)
def test_widths_that_are_not_possible(name, monkeypatch):
    monkeypatch.delenv('AE_DATA', raising=False)
    messages = {'celeba148': 'use an even width of at most 146', 'celeba33': 'even, from 8 to 146'}
    messages |= dict.fromkeys(('lines33', 'lines6', 'lines2048'), 'is not possible: the encoders')
    with pytest.raises(UserError, match=messages.get(name, 'There is no dataset')):
        data.get_dataset(name)


def test_lines_of_64():
    dataset = data.get_dataset('lines64', batch_size=6)
    batch = next(dataset.train.as_numpy_iterator())
    assert batch['x'].shape == (6, 64, 64, 1) and dataset.image_shape == (64, 64, 1)
    assert dataset.has_lines and not data.get_dataset('digits32').has_lines
    first, again = (next(dataset.test.as_numpy_iterator())['x'] for _ in range(2))
    assert (first == again).all() and sum(len(batch['x']) for batch in dataset.test) == 5000
    # Every width has the same lines.
    same = next(data.get_dataset('lines32', batch_size=6).train.as_numpy_iterator())
    assert (same['label'] == batch['label']).all()


def run(dataset, **options):
    params = {'scales': 3, 'depth': 16, 'latent': 2}
    evaluation = 'mean_distance' if registry.is_lines(dataset) else 'latent_accuracy'
    curves = {evaluation: {64: 0.5}, 'mean_smoothness': {64: 0.1}}
    return results.Run(dataset, 'AEBaseline', dataset, params, 1, curves=curves, **options)


def test_a_dataset_that_the_paper_has_not_has_its_own_rows():
    assert not any(e.dataset == 'fashion32' for e in experiments.EXPERIMENTS)
    for table in (2, 3):
        chosen = experiments.of_table(table, ['fashion32'])
        assert [e.class_name for e in chosen[::2]] == list(dict.fromkeys(tables.columns([])))
        assert {(e.dataset, e.latent_size) for e in chosen} == {
            ('fashion32', 32), ('fashion32', 256)
        }  # fmt: skip
        assert all(e.dataset != 'fashion32' for e in experiments.of_table(table))
    text = tables.render('text', [tables.build([run('fashion32')], 2)])
    row = text[text.index('fashion32, latent size 32') :].splitlines()
    assert row[1].split()[:2] == ['ours', '0.50*']  # no other settings, and no figure of the paper
    with pytest.raises(UserError, match='--datasets=fashion32 has no rows in table 1; .*lines32'):
        experiments.of_table(1, ['fashion32'])


def test_latent_sizes_are_those_of_the_pictures_width():
    assert run('mnist32').latent_size == 2 * 4 * 4
    assert run('lines64').latent_size == 2 * 8 * 8
    assert run('mine').latent_size == 2 * 4 * 4  # as long as nothing else is recorded
    assert run('mine', latent_width=6).latent_size == 2 * 6 * 6


def test_lines_of_other_widths_are_in_table_1_only():
    found = [run('lines64'), run('lines32'), run('celeba64')]
    rows = {row.key[0]: row for row in tables.build(found, 1).rows}
    assert list(rows) == ['lines32', 'lines64'] and not rows['lines64'].paper
    assert rows['lines64'].label.startswith('lines64, ')
    assert all(row.paper for row in tables.build(found, 2).rows)  # none but the paper's


def test_figures_show_faces_in_a_wider_range():
    assert registry.display_of('celeba32') == registry.display_of('celeba64') == (-1.2, 1.2)
    assert registry.display_of('svhn32') == (-1, 1)
