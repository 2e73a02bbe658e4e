"""The paper's tables 1, 2 and 3: its own numbers, the 2018 code's runs and ours."""
import csv
import io
import math
from typing import NamedTuple, Protocol

from lib.data import registry
from lib.paper import constants, kinds, layouts, reported, results

TITLES = {
    1: 'Table 1. Interpolations between lines (lines32): mean distance and mean smoothness, '
    'smaller is better.',
    2: 'Table 2. Accuracy in % on the test set of a single-layer classifier of the latents, '
    'trained with the autoencoder.',
    3: 'Table 3. Accuracy in % on the test set of k-means on whitened latents, clusters matched '
    'to classes.',
}
# {note: the tables that it is for}
NOTES = {
    f'2018 code, ours: per run the median of the last {results.LAST} evaluations after the first '
    'step (of all, where there are fewer), then mean±sample standard deviation over the seeds that '
    'have seen the most images; "+1 shorter" does not count.': {1, 2},
    'A smoothness is undefined where no interpolation moves; the median leaves such evaluations '
    'out, the mean such seeds.': {1},
    'ours: k-means on the latents of the newest checkpoint that cluster.py saw, mean±sample '
    'standard deviation over seeds.': {3},
    f"{layouts.SHORT} from runs shorter than the paper's {constants.TOTAL_KIMG} kimg (2^24 "
    'images; 1 kimg is 1024 images); the line below says how many seeds, and how long.': {1, 2, 3},
}


class Origin(NamedTuple):
    """Whose code trained runs, and how their settings differ from the paper's: () if not at all."""

    code: str
    settings: tuple = ()


OURS_AS_PAPER = Origin(results.OURS)


class AnyTable(Protocol):
    """A table that `render` can show, whether the paper has it or not.

    number: what --tables calls it.
    notes: sentences below it.
    """

    number: int | str
    notes: tuple

    def layout(self, missing):
        """The `lib.paper.layouts.Layout`; `missing` stands where there is no run of ours."""

    def csv_lines(self):
        """[{CSV column: value}], one for each cell."""


class Row(NamedTuple):
    """One quantity of a table.

    label: what readers see, such as 'mnist32, latent size 32'.
    key: (dataset, latent size); the size is None where methods differ in it.
    quantity: a key of `lib.paper.reported.QUANTITIES`.
    paper: {class: lib.paper.reported.PaperValue}.
    trained: {`Origin`: {class: lib.paper.results.Cell}}.
    """

    label: str
    key: tuple
    quantity: str
    paper: dict
    trained: dict


class Table(NamedTuple):
    """One of the paper's tables: its number (1, 2 or 3), its columns (classes), a list of `Row`."""

    number: int
    columns: list
    rows: list

    @property
    def notes(self):
        """Sentences below it."""
        return [note for note, numbers in NOTES.items() if self.number in numbers]

    def layout(self, missing):
        """The `lib.paper.layouts.Layout`; `missing` stands where there is no run of ours."""
        lines = [line for row in self.rows for line in _layout_lines(row, self.columns, missing)]
        return layouts.Layout(TITLES[self.number], headings(self.columns), lines)

    def csv_lines(self):
        """[{CSV column: value}], one for each cell."""
        return [
            _csv_line(self.number, row, origin, name, cells.get(name))
            for row in self.rows
            for origin, cells in row.trained.items()
            for name in self.columns
            if name in cells or (origin == OURS_AS_PAPER and name in row.paper)
        ]


def build(records, number):
    """The `Table` of runs.

    Args:
        records: list of `lib.paper.results.Run`; those that do not belong in the table are skipped.
        number: 1, 2 or 3.
    """
    if number == 1:
        on_lines = [run for run in records if 1 in registry.tables_of(run.dataset)]
        others = {run.dataset for run in on_lines} - {constants.LINES32}
        rows = _rows_of_lines(on_lines, constants.LINES32, '', reported.TABLE_1)
        for dataset in sorted(others, key=registry.width_of):
            unreported = dict.fromkeys(reported.TABLE_1, {})
            rows += _rows_of_lines(on_lines, dataset, f'{dataset}, ', unreported)
        return Table(1, columns(on_lines), rows)
    quantity = 'latent_accuracy' if number == 2 else results.CLUSTERING
    values = reported.TABLE_2 if number == 2 else reported.TABLE_3
    classified = [
        run
        for run in records
        if number in registry.tables_of(run.dataset) and run.number(quantity) is not None
    ]
    keys = list(values)
    keys += sorted({(run.dataset, run.latent_size) for run in classified} - set(keys))
    rows = []
    for key in keys:
        of_key = [run for run in classified if (run.dataset, run.latent_size) == key]
        label = f'{key[0]}, latent size {key[1]}'
        rows.append(_row(of_key, label, key, quantity, values.get(key, {})))
    return Table(number, columns(classified), rows)


def _rows_of_lines(records, dataset, lead, reported_rows):
    """The rows of table 1 for one dataset; their labels begin with `lead`."""
    of_dataset = [run for run in records if run.dataset == dataset]
    return [
        _row(of_dataset, lead + reported.QUANTITIES[name].label, (dataset, None), name, values)
        for name, values in reported_rows.items()
    ]


def columns(records):
    """The paper's classes, then others that runs are of."""
    names = {run.class_name for run in records}
    return sorted(names.union(reported.COLUMNS), key=reported.place)


def headings(class_names):
    """What the paper calls methods."""
    return [reported.method(name) for name in class_names]


def _row(records, label, key, quantity, values):
    groups = {OURS_AS_PAPER: {}} if values else {}
    for run in records:
        origin = Origin(run.code, kinds.settings_of(run, quantity))
        groups.setdefault(origin, {}).setdefault(run.class_name, []).append(run)
    trained = {}
    # '2018 code' comes before 'ours'.
    for origin in sorted(groups, key=lambda of: (of.code, kinds.fewer_first(of.settings))):
        classes = groups[origin]
        cells = {name: results.over_seeds(seeds, quantity) for name, seeds in classes.items()}
        cells = {name: cell for name, cell in cells.items() if cell}
        if cells or origin == OURS_AS_PAPER:
            trained[origin] = cells
    return Row(label, key, quantity, values, trained)


def number_text(cell, quantity):
    """'0.24±0.01', or 'undefined'."""
    if math.isnan(cell.mean):
        return 'undefined'
    sd = None if cell.sd is None else quantity.in_units(cell.sd)
    return reported.mean_and_sd(quantity.in_units(cell.mean), sd)


def length_text(cell):
    """'5 x 16384': seeds x kimg."""
    seeds = f'{cell.seeds} of {cell.seeds + cell.undefined}' if cell.undefined else f'{cell.seeds}'
    return f'{seeds} x {cell.kimg}' + (f', +{cell.shorter} shorter' if cell.shorter else '')


def _layout_lines(row, class_names, missing):
    """The `Line`s of a row as people read it."""
    yield layouts.heading(row.label, len(class_names))
    if row.paper:
        values = [row.paper.get(name) for name in class_names]
        yield layouts.Line(reported.SOURCE, [str(value or '-') for value in values])
    quantity = reported.QUANTITIES[row.quantity]
    for origin, cells in row.trained.items():
        is_ours = origin == OURS_AS_PAPER
        texts = [
            number_text(cells[name], quantity) + layouts.SHORT * cells[name].is_short
            if name in cells
            else (missing if is_ours and name in row.paper else '-')
            for name in class_names
        ]
        settings = [' '.join(origin.settings)] if origin.settings else []
        yield layouts.Line(', '.join([origin.code, *settings]), texts)
        if cells:
            texts = [length_text(cells[name]) if name in cells else '' for name in class_names]
            yield layouts.Line('seeds x kimg', texts)


CSV_COLUMNS = (
    'table', 'dataset', 'latent_size', 'quantity', 'unit', 'method', 'settings', 'code', 'mean',
    'sd', 'seeds', 'seeds_undefined', 'seeds_shorter', 'kimg', 'status', 'paper_mean', 'paper_sd',
    'paper_source', 'ae_kimg',
)  # fmt: skip


def _csv_line(number, row, origin, class_name, cell):
    dataset, size = row.key
    kind = kinds.Kind(dataset, class_name, origin.settings, size, origin.code)
    line = csv_line(number, kind, row.quantity, cell)
    value = row.paper.get(class_name)
    if value and not origin.settings:
        line |= {'paper_mean': value.mean, 'paper_sd': value.sd, 'paper_source': reported.SOURCE}
    return line


def csv_line(table, kind, name, cell):
    """{CSV column: value} of a cell, in the unit of its quantity.

    Args:
        table: its number, or what --tables calls it.
        kind: the `lib.paper.kinds.Kind` of the cell's runs.
        name: the quantity's, or a tag.
        cell: a `lib.paper.results.Cell`; None where no run has it.
    """
    line = {
        'table': table,
        'dataset': kind.dataset,
        'latent_size': kind.size,
        'quantity': name,
        'unit': reported.quantity(name).unit_text.removeprefix('x'),
        'method': reported.method(kind.class_name),
        'settings': ' '.join(kind.settings),
        'code': kind.code,
    }
    return line | _cell_columns(cell, reported.quantity(name))


def _cell_columns(cell, quantity):
    if not cell:
        return {'status': 'missing'}
    line = {'seeds': cell.seeds, 'seeds_undefined': cell.undefined, 'seeds_shorter': cell.shorter}
    line |= {'kimg': cell.kimg, 'status': 'undefined'}
    if cell.seeds:
        line |= {'mean': f'{quantity.in_units(cell.mean):.6g}'}
        line |= {'status': 'short' if cell.is_short else 'full'}
    if cell.sd is not None:
        line |= {'sd': f'{quantity.in_units(cell.sd):.6g}'}
    return line


def to_csv(tables):
    """Tables as CSV, with one line for each cell.

    A status is 'missing', 'undefined', 'short' (runs shorter than the paper's) or 'full'. ae_kimg
    is only for classifiers of latents: 1024s of images that their autoencoders had seen.
    """
    file = io.StringIO()
    writer = csv.DictWriter(file, CSV_COLUMNS, restval='', lineterminator='\n')
    writer.writeheader()
    for table in tables:
        writer.writerows(table.csv_lines())
    return file.getvalue().rstrip('\n')


def render(format, tables, missing='missing'):
    """Tables as one text.

    Args:
        format: one of `lib.paper.layouts.FORMATS`.
        tables: list of `AnyTable`.
        missing: the text of a cell without a run; not used in CSV, where the status says so.
    """
    if format == 'csv':
        return to_csv(tables)
    sentences = dict.fromkeys(note for table in tables for note in table.notes)
    parts = [layouts.RENDERERS[format](table.layout(missing)) for table in tables]
    return '\n\n'.join([*parts, layouts.notes(format, sentences)])
