"""The 2018 code's runs beside ours after equally many images: evaluations and losses."""
import math
from typing import NamedTuple

from lib import original_names
from lib.data import registry
from lib.paper import kinds, layouts, reported, results, tables

MOST_COLUMNS = 4  # how many values of kimg a table shows at most
NOTE = (
    'Each number is that of the report at so many kimg (1 kimg is 1024 images): an evaluation, or '
    "a loss of the report's last batch alone, as the 2018 code writes it; mean±sample standard "
    'deviation over as many seeds as the last line says.'
)


class EqualKimg(NamedTuple):
    """One method's runs by both codes, the 2018 one and ours.

    kind: the `lib.paper.kinds.Kind` of the 2018 code's runs.
    kimgs: 1024s of images seen at which the numbers are taken.
    ours_kimg: 1024s of images that the longest of our runs has seen; -1 if there is none.
    cells: {tag: {(kimg, code): lib.paper.results.Cell}}.
    """

    kind: kinds.Kind
    kimgs: list
    ours_kimg: int
    cells: dict

    number = 'original'  # what --tables calls it
    notes = (NOTE,)

    def _columns(self):
        return [(kimg, code) for kimg in self.kimgs for code in (results.ORIGINAL, results.OURS)]

    def layout(self, missing):
        """The `lib.paper.layouts.Layout`; `missing` stands where no run of ours has got so far, and
        "-" where one has, but has no such report."""
        dataset = self.kind.dataset
        if not registry.is_lines(dataset):  # on other datasets the paper has two sizes
            dataset += f', latent size {self.kind.size}'
        about = [reported.method(self.kind.class_name) + f' on {dataset}', *self.kind.settings]
        title = f'{", ".join(about)}: the 2018 code beside ours.'
        headings = [
            f'{kimg} kimg, {code}' if code == results.ORIGINAL else code
            for kimg, code in self._columns()
        ]
        absent = {
            (kimg, code): '-' if code == results.OURS and kimg <= self.ours_kimg else missing
            for kimg, code in self._columns()
        }
        lines = [
            layouts.Line(
                reported.quantity(tag).label,
                [_number(cells.get(column), tag, absent[column]) for column in self._columns()],
            )
            for tag, cells in self.cells.items()
        ]
        seeds = [
            max((cell.seeds + cell.undefined for cell in column_cells), default=0)
            for column_cells in (
                [cells[column] for cells in self.cells.values() if column in cells]
                for column in self._columns()
            )
        ]
        return layouts.Layout(title, headings, [*lines, layouts.Line('seeds', map(str, seeds))])

    def csv_lines(self):
        """[{CSV column: value}], one for each cell."""
        return [
            tables.csv_line(
                self.number, self.kind._replace(code=code), tag, cells.get((kimg, code))
            )
            | {'kimg': kimg}
            for tag, cells in self.cells.items()
            for kimg, code in self._columns()
        ]


def _number(cell, tag, missing):
    if cell is None:
        return missing
    if math.isnan(cell.mean):
        return 'undefined'
    quantity = reported.quantity(tag)
    text = f'{quantity.in_units(cell.mean):.3g}'
    if cell.sd is not None:
        text += f'±{quantity.in_units(cell.sd):.2g}'
    return text + f' ({cell.seeds} defined)' * bool(cell.undefined)


def build(records):
    """An `EqualKimg` for each method and setting that the 2018 code was run with.

    Args:
        records: list of `lib.paper.results.Run`.
    """
    groups = {}
    for run in records:
        kind = kinds.of(run)._replace(code=results.ORIGINAL)
        groups.setdefault(kind, {}).setdefault(run.code, []).append(run)
    return [
        _equal_kimg(kind, groups[kind])
        for kind in sorted(groups, key=lambda kind: kind.place)
        if _reports(groups[kind].get(results.ORIGINAL, []))  # a run may have no report yet
    ]


def _equal_kimg(kind, by_code):
    originals = by_code[results.ORIGINAL]
    longest = max(originals, key=lambda run: run.last_step)
    ours = _reports(by_code.get(results.OURS, []))
    ours_kimg, theirs = max(ours, default=-1), _reports(originals)
    # Where both codes reported, or further than ours have got; if nowhere, where theirs reported.
    reports = {kimg for kimg in theirs if kimg in ours or kimg > ours_kimg} or theirs
    kimgs = sorted(reports)
    if len(kimgs) > MOST_COLUMNS:  # evenly on a log scale
        first = max(kimgs[0], 1)
        wanted = [
            first * (kimgs[-1] / first) ** (place / (MOST_COLUMNS - 1))
            for place in range(MOST_COLUMNS)
        ]
        kimgs = sorted({min(reports, key=lambda k: abs(k - place)) for place in wanted})
    cells = {}
    for tag in _ordered(longest.curves):
        for code, seeds in by_code.items():
            for kimg in kimgs:
                having, _ = results.distinct(
                    [run for run in seeds if _at(run, tag, kimg)], any_period=True
                )
                values = [v for run in having for v in _at(run, tag, kimg)]
                if values:
                    cells.setdefault(tag, {})[kimg, code] = results.cell_of(values, kimg)
    return EqualKimg(kind, kimgs, ours_kimg, cells)


def _reports(seeds):
    """1024s of images at which runs reported. # Original: rounded down from the step's images."""
    return {run.kimg(step) for run in seeds for curve in run.curves.values() for step in curve}


def _ordered(tags):
    """Tags in order: evaluations, then the method's own; the drawn pictures' scores left out."""
    rest = [tag for tag in tags if tag not in original_names.EVALUATIONS and not tag.endswith('_2')]
    return [tag for tag in original_names.EVALUATIONS if tag in tags] + rest


def _at(run, tag, kimg):
    """[the value of a tag that a run reported at a kimg], or [] if it reported none there."""
    curve = run.curves.get(tag, {})
    return [value for step, value in curve.items() if run.kimg(step) == kimg][:1]
