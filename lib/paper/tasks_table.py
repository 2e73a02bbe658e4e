"""The accuracy of every task on latents, by dataset, method and latent size."""
import statistics
from typing import NamedTuple

from lib.paper import kinds, layouts, reported, results, tables

TITLE = (
    'Tasks. Accuracy in % on the test set of a single layer trained with the autoencoder, of one '
    'trained afterwards, and of k-means.'
)
NOTES = (
    'trained with it: the running classifier of the latents, as in table 2 but for --report_kimg, '
    'which may be any. trained afterwards: classify_latent_ae.py on stored latents, '
    'classify_fc.py on pixels, at their end. '
    'k-means: cluster.py. Means±sample standard deviation over seeds; "-" is not run.',
    'kimg: 1024s of images that the autoencoders, and the classifiers, were trained on; '
    '"afterwards 64" and "k-means 64": what the autoencoders had seen when latents were used.',
)
PIXELS = 'pixels'
HEADINGS = ('trained with it', 'trained afterwards', 'k-means', 'kimg')
SINGLE_LAYER = 'single_layer'
QUANTITIES = ('latent_accuracy', SINGLE_LAYER, results.CLUSTERING)
RUNS_OWN = ('latent_accuracy', results.CLUSTERING)  # those that autoencoders' own runs hold


class Classified(NamedTuple):
    """The result of a single-layer classifier that was trained afterwards.

    kind: a `lib.paper.kinds.Kind`: its dataset, the autoencoder's class or PIXELS, the settings
        that tell it apart, the size of its input, and whose code trained the autoencoder.
    accuracy: in % on the test set at the end of its training.
    kimg: 1024s of images that it was trained on by then.
    ae_kimg: those that the autoencoder was trained on; 0 for pixels, or if that is not recorded.
    autoencoder: tells the autoencoder from others of its kind; None for pixels.
    """

    kind: kinds.Kind
    accuracy: float
    kimg: int
    ae_kimg: int = 0
    autoencoder: str | None = None


class TasksLine(NamedTuple):
    """A line of the table.

    kind: as in `Classified`.
    cells: {quantity: lib.paper.results.Cell}.
    ae_kimg: that of the `Classified` that the line counts.
    """

    kind: kinds.Kind
    cells: dict
    ae_kimg: int = 0


class TasksTable(NamedTuple):
    """The table of tasks; `lines` is a list of `TasksLine`."""

    lines: list

    number = 'tasks'  # what --tables calls it
    notes = NOTES

    def layout(self, missing):
        """The `lib.paper.layouts.Layout`; `missing` is unused: every line is of existing runs."""
        lines, dataset = [], None
        for line in self.lines:
            if line.kind.dataset != dataset:
                dataset = line.kind.dataset
                lines.append(layouts.heading(dataset, len(HEADINGS)))
            name, *others = line.kind.words
            label = ', '.join([name, str(line.kind.size), *others])
            numbers = [
                tables.number_text(line.cells[name], reported.quantity(name))
                if name in line.cells
                else '-'
                for name in QUANTITIES
            ]
            lines.append(layouts.Line(label, [*numbers, _lengths(line)]))
        return layouts.Layout(TITLE, HEADINGS, lines)

    def csv_lines(self):
        """[{CSV column: value}], one for each cell."""
        return [
            tables.csv_line(self.number, line.kind, quantity, cell)
            | ({'ae_kimg': line.ae_kimg} if quantity == SINGLE_LAYER and line.ae_kimg else {})
            for line in self.lines
            for quantity, cell in line.cells.items()
        ]


def _lengths(line):
    """The text of a line's kimg: '64, 256' for the autoencoder's and the classifier's."""
    kimg = {quantity: cell.kimg for quantity, cell in line.cells.items()}
    clustered = kimg.get(results.CLUSTERING)
    autoencoder = kimg.get('latent_accuracy', clustered)
    texts = [str(each) for each in (autoencoder, kimg.get(SINGLE_LAYER)) if each is not None]
    # For an autoencoder that was trained further after its latents were classified or clustered.
    if line.ae_kimg not in (0, autoencoder):
        texts.append(f'afterwards {line.ae_kimg}')
    if clustered not in (None, autoencoder):
        texts.append(f'k-means {clustered}')
    return ', '.join(texts)


def build(records, classified):
    """The `TasksTable` of runs.

    Args:
        records: list of `lib.paper.results.Run`.
        classified: list of `Classified`; datasets with neither one of these nor a clustering are
            left out, because table 2 has them.
    """
    groups = {}
    for run in records:
        for quantity in RUNS_OWN:
            kind = kinds.of(run, quantity if quantity == results.CLUSTERING else None)
            groups.setdefault(kind, {}).setdefault(quantity, []).append(run)
    for one in classified:
        groups.setdefault(one.kind, {}).setdefault(SINGLE_LAYER, []).append(one)
    measured = {one.kind.dataset for one in classified}
    measured |= {run.dataset for run in records if run.clustering}

    def place(kind):
        return kind.dataset, kind.class_name != PIXELS, kind.place

    lines = []
    for kind in sorted(groups, key=place):
        if kind.dataset not in measured:
            continue
        classifiers = groups[kind].pop(SINGLE_LAYER, [])
        cells = {name: results.over_seeds(seeds, name) for name, seeds in groups[kind].items()}
        ae_kimg = 0
        if classifiers:
            longest = max((one.ae_kimg, one.kimg) for one in classifiers)
            counted = [one for one in classifiers if (one.ae_kimg, one.kimg) == longest]
            ae_kimg, kimg = longest
            values = _seeds(counted)
            shorter = len(_seeds(classifiers)) - len(values)
            cells[SINGLE_LAYER] = results.cell_of(values, kimg, shorter)
        cells = {quantity: cell for quantity, cell in cells.items() if cell}
        if cells:
            lines.append(TasksLine(kind, cells, ae_kimg))
    return TasksTable(lines)


def _seeds(classified):
    """Accuracies, one for each seed: for latents, the mean over the classifiers of an autoencoder;
    for pixels, each classifier's own."""
    seeds = {}
    for number, one in enumerate(classified):
        seed = number if one.autoencoder is None else one.autoencoder
        seeds.setdefault(seed, []).append(one.accuracy)
    return [statistics.fmean(accuracies) for accuracies in seeds.values()]
