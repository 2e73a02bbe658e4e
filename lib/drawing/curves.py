"""Learning curves: distance and smoothness against images seen, all methods in one figure."""
import numpy as np

from lib.paper import experiments, reported

# Lines differ in colour, dash and marker, and the colours in lightness, so that grey print does.
STYLES = {
    'AEBaseline': ('#000000', '-', 'o'),
    'AEDropout': ('#56b4e9', '--', 's'),
    'AEDenoising': ('#0072b2', '-.', '^'),
    'VAE': ('#e69f00', (0, (1, 1)), 'D'),
    'AAE': ('#009e73', (0, (5, 1, 1, 1, 1, 1)), 'v'),
    'AEVQVAE': ('#661144', (0, (3, 2)), 'P'),
    'ACAI': ('#d55e00', '-', '*'),
}
OTHER_STYLE = ('#999999', (0, (1, 2)), 'x')
# {evaluation: (label, scale)}
PANELS = {
    'mean_distance': ('mean distance (log scale)', 'log'),
    'mean_smoothness': ('mean smoothness', 'linear'),
}
SIZE_INCHES = (6.5, 7)
MARKERS = 10  # on a line, at most
FONT_POINTS, HANDLE_EM = 9, 4.5  # of the legend; the length of its lines


def over_seeds(found, name):
    """One method's curve.

    Args:
        found: list of `lib.paper.results.Run`.
        name: the evaluation's name.

    Returns:
        (images seen (n,), mean (n,), lowest (n,), highest (n,)) over the runs that were evaluated
        there; NaN where none is defined.
    """
    by_images = {}
    for run in found:
        for step, value in run.curves.get(name, {}).items():
            by_images.setdefault(step * run.batch, []).append(value)
    rows = []
    for images, values in sorted(by_images.items()):
        defined = [value for value in values if not np.isnan(value)] or [np.nan]
        rows.append((images, np.mean(defined), min(defined), max(defined)))
    return tuple(np.array(rows).reshape(-1, 4).T)


def draw(groups):
    """A figure of the lines runs, with the paper's figures at its right edge.

    Args:
        groups: {(class, label): list of `lib.paper.results.Run` of different seeds}; a label
            that is the paper's name of the method says that the settings are the paper's too.

    Returns:
        A matplotlib figure.
    """
    from matplotlib.figure import Figure  # here, for it is slow and only figures need it

    figure = Figure(figsize=SIZE_INCHES, layout='constrained')
    panels = figure.subplots(len(PANELS), 1, sharex=True)
    for axes, (name, (label, scale)) in zip(panels, PANELS.items(), strict=True):
        for (class_name, text), found in groups.items():
            _line(axes, class_name, text, over_seeds(found, name))
        _papers(axes, name, groups)
        axes.set_xscale('log')
        axes.set_yscale(scale)
        if scale == 'linear':
            axes.set_ylim(bottom=0)
        axes.set_ylabel(label)
        axes.grid(True, which='major', color='0.88', linewidth=0.6)
        axes.set_axisbelow(True)
        for side in ('top', 'right'):
            axes.spines[side].set_visible(False)
    panels[-1].set_xlabel('images seen (log scale)')
    longest = max(len(text) for _, text in groups)
    column_inches = (HANDLE_EM + 2 + 0.6 * longest) * FONT_POINTS / 72
    figure.legend(
        *panels[0].get_legend_handles_labels(),
        loc='outside lower center',
        ncols=max(1, int(SIZE_INCHES[0] / column_inches)),
        frameon=False,
        handlelength=HANDLE_EM,
        fontsize=FONT_POINTS,
    )
    seeds = max(len(found) for found in groups.values())
    about = f'Mean of up to {seeds} seeds; band: lowest to highest.' if seeds > 1 else 'One seed.'
    figure.suptitle(
        f'{about} Smaller is better.\nHollow marks: {reported.SOURCE}.',
        fontsize=FONT_POINTS,
    )
    return figure


def _line(axes, class_name, text, curve):
    images, mean, lowest, highest = curve
    color, dash, marker = STYLES.get(class_name, OTHER_STYLE)
    usual = text in (reported.METHODS.get(class_name), class_name)
    axes.plot(
        images,
        mean,
        color=color,
        linestyle=dash,
        marker=marker,
        markevery=_evenly(images),
        markersize=9 if marker == '*' else 6,
        markerfacecolor=color if usual else 'white',
        linewidth=1.5 if usual else 0.8,
        label=text,
    )
    if (highest > lowest).any():
        axes.fill_between(images, lowest, highest, color=color, alpha=0.2, linewidth=0)


def _evenly(images):
    """Which points of a line get a marker: MARKERS of them or fewer, evenly on a log scale."""
    wanted = np.geomspace(images[0], images[-1], MARKERS) if len(images) else []
    return sorted({int(np.abs(images - place).argmin()) for place in wanted})


def _papers(axes, name, groups):
    """Marks the paper's figures at the images that they were reached with, where there are any."""
    unit = 1e-3 if name == 'mean_distance' else 1
    for class_name, text in groups:
        figure = reported.figure(reported.LINES, name, class_name)
        if figure and text == reported.METHODS[class_name]:
            color, _, marker = STYLES[class_name]
            axes.plot(
                [experiments.TOTAL_KIMG << 10], [figure.mean * unit], color=color, marker=marker,
                markersize=11 if marker == '*' else 8, markerfacecolor='none', linestyle='none',
                clip_on=False,
            )  # fmt: skip
