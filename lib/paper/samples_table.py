"""How good random samples of the lines are: a table that the paper does not have."""
from typing import NamedTuple

from lib import sampling
from lib.paper import constants, kinds, layouts, reported, results, tables

TITLE = (
    'Samples. Images decoded from random latents on lines: mean distance to the closest line, '
    'share of 100 angles that occur, and KL divergence of the angles from uniform.'
)
NOTES = (
    'prior: latents ~ N(0, 1), where training pulls latents there. fitted: latents from a normal '
    'distribution with the mean and covariance of the latents of training images. Per run the '
    f'median of the last {results.LAST} evaluations, then mean±sample standard deviation over the '
    'seeds that have seen the most images.',
    'Of 1,024 real lines at random angles the distance is 0, the coverage 100 % and the divergence '
    '0.05 nats on average.',
)
QUANTITIES = [reported.QUANTITIES[measure] for measure in sampling.MEASURES]
SOURCES = {'prior': '', 'fitted': sampling.FITTED}
HEADINGS = ('latents', 'distance x1e-3', 'coverage %', 'divergence (nats)', 'seeds x kimg')


class SamplesLine(NamedTuple):
    """The scores of one method with its settings, for samples from one kind of latents.

    kind: a `lib.paper.kinds.Kind`.
    source: a key of SOURCES.
    cells: {measure: lib.paper.results.Cell}; {} where no run is scored.
    """

    kind: kinds.Kind
    source: str
    cells: dict


class SamplesTable(NamedTuple):
    """The table of samples; `lines` is a list of `SamplesLine`."""

    lines: list

    number = 'samples'  # what --tables calls it
    notes = NOTES

    def layout(self, missing):
        """The `lib.paper.layouts.Layout`."""
        lines = []
        for line in self.lines:
            label = line.kind.label
            if line.kind.dataset != constants.LINES32:
                label += f', {line.kind.dataset}'
            numbers = [
                tables.number_text(line.cells[measure], quantity)
                if measure in line.cells
                else missing
                for measure, quantity in zip(sampling.MEASURES, QUANTITIES, strict=True)
            ]
            length = next((tables.length_text(cell) for cell in line.cells.values()), '')
            lines.append(layouts.Line(label, [line.source, *numbers, length]))
        return layouts.Layout(TITLE, HEADINGS, lines)

    def csv_lines(self):
        """[{CSV column: value}], one for each cell."""
        return [
            tables.csv_line(
                self.number,
                line.kind._replace(settings=(*line.kind.settings, f'latents={line.source}')),
                measure,
                cell,
            )
            for line in self.lines
            for measure, cell in line.cells.items()
        ]


def build(records, planned=()):
    """The `SamplesTable` of runs.

    Args:
        records: list of `lib.paper.results.Run`; those without scores of samples are passed over.
        planned: [(`Run`, one of SOURCES)]; each gets a line even where nothing is scored.
    """
    groups, wanted = {}, {(_kind(run), source) for run, source in planned}
    records = [*records, *(run for run, _ in planned)]
    for run in records:
        groups.setdefault(_kind(run), []).append(run)
    lines = []
    for kind in sorted(groups, key=lambda kind: kind.place):
        for source, suffix in SOURCES.items():
            scored = {
                measure: results.over_seeds(groups[kind], measure + suffix)
                for measure in sampling.MEASURES
            }
            cells = {measure: cell for measure, cell in scored.items() if cell}
            if cells or (kind, source) in wanted:
                lines.append(SamplesLine(kind, source, cells))
    return SamplesTable(lines)


def _kind(run):
    return kinds.of(run, sampling.MEASURES[0])
