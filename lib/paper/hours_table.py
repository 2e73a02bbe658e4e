"""How long runs have trained: a table that the paper does not have."""
from typing import NamedTuple

from lib import files
from lib.paper import kinds, layouts, results, tables

TITLE = 'Hours. How long each run has trained, by what it reported.'
NOTES = (
    "hours: sums over a run's reports of the images seen since the last one / its images a second, "
    'without the reports themselves; on whatever it was trained on. Where a run was stopped amid a '
    'period, the rate since it went on stands for all of it. kimg: 1024s of those images.',
)
HEADINGS = ('seed', 'kimg', 'hours', 'images a second')


class HoursLine(NamedTuple):
    """A line of the table.

    kind: a `lib.paper.kinds.Kind`.
    seed: the run's seed, in words.
    images: how many it was trained on in periods whose rate is known.
    hours: how long training on them took.
    """

    kind: kinds.Kind
    seed: str
    images: int
    hours: float

    @property
    def kimg(self):
        return self.images >> 10

    @property
    def rate(self):
        """Images a second on average."""
        return self.images / (self.hours * 3600)


class HoursTable(NamedTuple):
    """The table of hours; `lines` is a list of `HoursLine`."""

    lines: list

    number = 'hours'  # what --tables calls it
    notes = NOTES

    def layout(self, missing):
        """The `lib.paper.layouts.Layout`; `missing` is unused: every line is of an existing run."""
        lines = [
            layouts.Line(
                f'{line.kind.dataset}, {line.kind.label}',
                [line.seed, str(line.kimg), f'{line.hours:.1f}', f'{line.rate:.0f}'],
            )
            for line in self.lines
        ]
        return layouts.Layout(TITLE, HEADINGS, lines)

    def csv_lines(self):
        """[{CSV column: value}], one for each run."""
        return [
            tables.csv_line(
                self.number,
                line.kind._replace(settings=(*line.kind.settings, line.seed)),
                'hours',
                results.cell_of([line.hours], line.kimg),
            )
            for line in self.lines
        ]


def build(records):
    """The `HoursTable` of runs.

    Args:
        records: list of `lib.paper.results.Run`; those that reported no rate are passed over.
    """
    lines = [
        HoursLine(kinds.of(run), run.seed_name, images, hours)
        for run, (images, hours) in ((run, run.timed) for run in records)
        if images
    ]
    lines.sort(key=lambda line: (line.kind.place, files.natural_key(line.seed)))
    return HoursTable(lines)
