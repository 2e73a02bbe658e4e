"""The paper's tables 1, 2 and 3, ours beside the paper's."""
import csv
import io
import math
import textwrap
from typing import NamedTuple

from lib.paper import experiments, reported, results

FORMATS = ('text', 'markdown', 'latex', 'csv')
TITLES = {
    1: 'Table 1. Interpolations between lines (lines32): mean distance and mean smoothness, '
    'smaller is better.',
    2: 'Table 2. Accuracy in % on the test set of a single-layer classifier of the latents, '
    'trained with the autoencoder.',
    3: 'Table 3. Accuracy in % on the test set of k-means on whitened latents, clusters matched '
    'to classes.',
}
EVALUATED = (
    f'ours: per run the median of the last {results.LAST} evaluations after the first step (of '
    'all, where there are fewer), then mean±sample standard deviation over seeds.'
)
# {note: the tables that it is for}
NOTES = {
    EVALUATED: {1, 2},
    'A smoothness is undefined where no interpolation moves; the median leaves such evaluations '
    'out, the mean such seeds.': {1},
    'ours: k-means on the latents of the newest checkpoint that cluster.py saw, mean±sample '
    'standard deviation over seeds.': {3},
    f'* from runs shorter than the paper\'s {experiments.TOTAL_KIMG} kimg (2^24 images; 1 kimg is '
    '1024 images); the line below says how many seeds, and how long.': {1, 2, 3},
}
SHORT = '*'
NOTE_WIDTH = 100
LINES_SCALES = {'mean_distance': 1e3, 'mean_smoothness': 1}  # paper.LINES' units
LINES_LABELS = {'mean_distance': 'mean distance x1e-3', 'mean_smoothness': 'mean smoothness'}


class Row(NamedTuple):
    """One quantity of a table.

    label: what it is.
    key: (dataset, latent size); the size is None where methods differ in it.
    quantity: the evaluation's name.
    scale: what ours is multiplied with to be in the paper's unit.
    paper: {class: lib.paper.reported.Figure}.
    ours: {settings, '' for the paper's: {class: lib.paper.results.Cell}}.
    """

    label: str
    key: tuple
    quantity: str
    scale: float
    paper: dict
    ours: dict


class Table(NamedTuple):
    """number: 1, 2 or 3; columns: classes; rows: list of `Row`."""

    number: int
    columns: list
    rows: list


def build(found, number):
    """The `Table` of runs.

    Args:
        found: list of `lib.paper.results.Run`; those that the table is not about are passed over.
        number: 1, 2 or 3.
    """
    if number == 1:
        ours = [run for run in found if run.dataset == 'lines32']
        rows = [
            _row(ours, LINES_LABELS[name], ('lines32', None), name, LINES_SCALES[name], figures)
            for name, figures in reported.LINES.items()
        ]
        return Table(1, _columns(ours), rows)
    quantity = 'latent_accuracy' if number == 2 else results.CLUSTERING
    figures = reported.ACCURACY if number == 2 else reported.CLUSTERING
    # Lines are in table 1, and CelebA has no classes.
    ours = [
        run
        for run in found
        if run.dataset not in ('lines32', 'celeba32') and run.number(quantity) is not None
    ]
    keys = list(figures)
    keys += sorted({(run.dataset, run.latent_size) for run in ours} - set(keys))
    rows = []
    for key in keys:
        runs = [run for run in ours if (run.dataset, run.latent_size) == key]
        label = f'{key[0]}, latent size {key[1]}'
        rows.append(_row(runs, label, key, quantity, 1, figures.get(key, {})))
    return Table(number, _columns(ours), rows)


def _columns(found):
    others = {run.class_name for run in found} - set(reported.METHODS)
    return [*reported.METHODS, *sorted(others)]


def _row(found, label, key, quantity, scale, figures):
    groups = {'': {}} if figures else {}
    for run in found:
        groups.setdefault(_settings(run, quantity), {}).setdefault(run.class_name, []).append(run)
    ours = {}
    for settings, classes in sorted(groups.items()):
        cells = {name: results.over_seeds(runs, quantity) for name, runs in classes.items()}
        cells = {name: cell for name, cell in cells.items() if cell}
        if cells or not settings:
            ours[settings] = cells
    return Row(label, key, quantity, scale, figures, ours)


def _settings(run, quantity):
    """How a run differs from the paper's, as text; '' if it does not."""
    options = results.settings(run)
    if quantity == results.CLUSTERING and run.clustering:
        usual = {'n_init': experiments.CLUSTER_INITS, 'use_svd': True}
        clustering = run.clustering
        options |= {key: clustering[key] for key in usual if clustering[key] != usual[key]}
    return ' '.join(f'{key}={options[key]}' for key in sorted(options))


def _number(cell, scale):
    """'0.24±0.01*', or 'undefined'."""
    if math.isnan(cell.mean):
        text = 'undefined'
    else:
        text = f'{scale * cell.mean:.2f}'
        if cell.sd is not None:
            text += f'±{scale * cell.sd:.2f}'
    return text + SHORT * cell.is_short


def _length(cell):
    """'5x16384': seeds x kimg."""
    least, most = cell.kimg
    kimg = str(most) if least == most else f'{least}-{most}'
    seeds = f'{cell.seeds} of {cell.seeds + cell.undefined}' if cell.undefined else f'{cell.seeds}'
    return f'{seeds} x {kimg}'


def _lines(table, missing):
    """[(label, is a heading, [text of each column])] of a table as people read it."""
    lines = []
    for row in table.rows:
        lines.append((row.label, True, [''] * len(table.columns)))
        if row.paper:
            figures = [row.paper.get(name) for name in table.columns]
            lines.append((reported.SOURCE, False, [str(figure or '-') for figure in figures]))
        for settings, cells in row.ours.items():
            label = f'ours, {settings}' if settings else 'ours'
            lines.append(
                (
                    label,
                    False,
                    [
                        _number(cells[name], row.scale)
                        if name in cells
                        else ('-' if settings or name not in row.paper else missing)
                        for name in table.columns
                    ],
                )
            )
            if cells:
                texts = [_length(cells[name]) if name in cells else '' for name in table.columns]
                lines.append(('seeds x kimg', False, texts))
    return lines


def _headings(table):
    return [reported.METHODS.get(name, name) for name in table.columns]


def to_text(table, missing='missing'):
    """A table as aligned text."""
    cells = [['', *_headings(table)]]
    for label, heading, texts in _lines(table, missing):
        cells.append([label if heading else f'  {label}', *texts])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        label.ljust(widths[0])
        + ''.join(f'  {text:>{width}}' for text, width in zip(texts, widths[1:], strict=True))
        for label, *texts in cells
    ]
    return '\n'.join([TITLES[table.number], '', *map(str.rstrip, lines)])


def to_markdown(table, missing='missing'):
    """A table for a README."""
    headings = _headings(table)
    lines = [f'| | {" | ".join(headings)} |', f'|---{"|--:" * len(headings)}|']
    for label, heading, texts in _lines(table, missing):
        label = f'**{label}**' if heading else label
        texts = [text.replace(SHORT, _short_mark('markdown')) for text in texts]
        lines.append(f'| {label} | {" | ".join(texts)} |')
    return '\n'.join([f'**{TITLES[table.number]}**', '', *lines])


def to_latex(table, missing='missing'):
    """A table for a paper; needs the package booktabs."""
    headings = _headings(table)
    lines = [
        r'\begin{table}',
        rf'  \caption{{{_escape(TITLES[table.number].split(". ", 1)[1])}}}',
        r'  \centering\small',
        rf'  \begin{{tabular}}{{l{"r" * len(headings)}}}',
        r'    \toprule',
        f'    & {" & ".join(map(_escape, headings))} \\\\',
    ]
    for label, heading, texts in _lines(table, missing):
        if heading:
            lines += [
                r'    \midrule',
                rf'    \multicolumn{{{len(headings) + 1}}}{{l}}{{{_escape(label)}}} \\',
            ]
        else:
            lines.append(f'    \\quad {_escape(label)} & {" & ".join(map(_escape, texts))} \\\\')
    lines += [r'    \bottomrule', r'  \end{tabular}', r'\end{table}']
    return '\n'.join(lines)


def _escape(text):
    text = text.replace('_', r'\_').replace('%', r'\%').replace('±', r'$\pm$').replace('^', r'\^{}')
    return text.replace('x1e-3', r'$\times 10^{-3}$').replace(' x ', r' $\times$ ')


CSV_COLUMNS = (
    'table', 'dataset', 'latent_size', 'quantity', 'unit', 'method', 'settings', 'paper_mean',
    'paper_sd', 'paper_source', 'ours_mean', 'ours_sd', 'seeds', 'seeds_undefined', 'kimg_least',
    'kimg_most', 'status',
)  # fmt: skip


def to_csv(tables):
    """Tables with one line for each cell.

    A status is 'missing', 'undefined', 'short' (runs shorter than the paper's) or 'full'.
    """
    file = io.StringIO()
    writer = csv.DictWriter(file, CSV_COLUMNS, restval='', lineterminator='\n')
    writer.writeheader()
    for table in tables:
        for row in table.rows:
            for settings, cells in row.ours.items():
                for name in table.columns:
                    if name in cells or (not settings and name in row.paper):
                        line = _csv_line(table.number, row, settings, name, cells.get(name))
                        writer.writerow(line)
    return file.getvalue().rstrip('\n')


def _csv_line(number, row, settings, class_name, cell):
    units = {'mean_distance': '1e-3', 'mean_smoothness': ''}
    line = {
        'table': number,
        'dataset': row.key[0],
        'latent_size': row.key[1],
        'quantity': row.quantity,
        'unit': units.get(row.quantity, '%'),
        'method': reported.METHODS.get(class_name, class_name),
        'settings': settings,
        'status': 'missing',
    }
    figure = row.paper.get(class_name)
    if figure and not settings:
        line |= {'paper_mean': figure.mean, 'paper_sd': figure.sd, 'paper_source': reported.SOURCE}
    if cell:
        line |= {'seeds': cell.seeds, 'seeds_undefined': cell.undefined, 'status': 'undefined'}
        line |= {'kimg_least': cell.kimg[0], 'kimg_most': cell.kimg[1]}
        if cell.seeds:
            line |= {'ours_mean': f'{row.scale * cell.mean:.6g}'}
            line |= {'status': 'short' if cell.is_short else 'full'}
        if cell.sd is not None:
            line |= {'ours_sd': f'{row.scale * cell.sd:.6g}'}
    return line


def to(format, tables, missing='missing'):
    """Tables as one text.

    Args:
        format: one of FORMATS.
        tables: list of `Table`.
        missing: what a cell without a run says, but in CSV, where its status says so.
    """
    if format == 'csv':
        return to_csv(tables)
    one = {'text': to_text, 'markdown': to_markdown, 'latex': to_latex}[format]
    lead = {'text': '', 'markdown': '- ', 'latex': '% '}[format]
    numbers = {table.number for table in tables}
    notes = [note for note, about in NOTES.items() if about & numbers]
    notes = [lead + note.replace(SHORT, _short_mark(format)) for note in notes]
    if format == 'text':
        notes = [textwrap.fill(note, NOTE_WIDTH, subsequent_indent='  ') for note in notes]
    return '\n\n'.join([*(one(table, missing) for table in tables), '\n'.join(notes)])


def _short_mark(format):
    return rf'\{SHORT}' if format == 'markdown' else SHORT
