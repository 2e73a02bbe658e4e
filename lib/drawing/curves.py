"""Learning curves: distance and smoothness against kimg, all methods in one figure."""
import colorsys

import numpy as np

from lib.paper import constants, reported, results

# Each method has a colour and a marker. The colours differ in lightness, to differ in grey print.
METHOD_LOOKS = {
    'AEBaseline': ('#000000', 'o'),
    'AEDropout': ('#56b4e9', 's'),
    'AEDenoising': ('#0072b2', '^'),
    'VAE': ('#e69f00', 'D'),
    'AAE': ('#009e73', 'v'),
    'AEVQVAE': ('#661144', 'P'),
    'ACAI': ('#d55e00', '*'),
    'LRAE': ('#8a8a8a', 'X'),
}
OTHER_MARKERS = 'hp<>d8'
# The line style shows whose code it is: dotted for the 2018 code. Settings other than the paper's
# are paler, and with our code also dashed.
ORIGINAL_DASH, USUAL_DASH = (0, (1, 1.6)), '-'
UNUSUAL_DASHES = ((0, (6, 2)), (0, (6, 2, 1, 2)), (0, (3, 1.5)), (0, (6, 2, 1, 2, 1, 2)))
PALER, PALEST = 0.65, 0.3  # share of the colour that each further setting keeps; the least share
PANELS = 'mean_distance', 'mean_smoothness'
# The smoothness axis is logarithmic above this. A path that turns back has a smoothness above 1, up
# to hundreds while a method still draws one and the same picture.
LINEAR_TO = 1
SMOOTHNESS_TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1, 10, 100, 1000)
SIZE_INCHES, LEGEND_ROWS, ROW_INCHES = (6.5, 7), 5, 0.19  # each further legend row adds height
MARKERS = 10  # on a line, at most
TICK_FACTORS, TICKS = (4, 2), 3  # from one tick of kimg to the next; how many to aim at
ABOUT = 1.1  # an axis that ends within this factor of a limit exceeds it only by its margin
FONT_POINTS, HANDLE_EM = 9, 4.5  # of the legend; the length of its lines
TITLE_WIDTH = 85  # characters


def looks(kinds):
    """{kind: (colour, dash, marker)} of `lib.paper.kinds.Kind`s.

    A method's settings differ in shade and, with our code, also in dashes. So the first seven
    settings of a method with our code, and the first four with the 2018 code, all look different.
    """
    others = sorted({kind.class_name for kind in kinds} - set(METHOD_LOOKS))
    methods = dict(METHOD_LOOKS)
    for number, name in enumerate(others):
        color = colorsys.hsv_to_rgb((0.12 + 0.618 * number) % 1, 0.8, 0.55)  # the golden ratio
        methods[name] = (color, OTHER_MARKERS[number % len(OTHER_MARKERS)])
    chosen, settings = {}, {}
    for kind in kinds:
        color, marker = methods[kind.class_name]
        own = settings.setdefault(kind.class_name, [()])
        if kind.settings not in own:
            own.append(kind.settings)
        place = own.index(kind.settings)
        dash = UNUSUAL_DASHES[(place - 1) % len(UNUSUAL_DASHES)] if place else USUAL_DASH
        if kind.code == results.ORIGINAL:
            dash = ORIGINAL_DASH
        chosen[kind] = (_paler(color, max(PALER**place, PALEST)), dash, marker)
    return chosen


def _paler(color, share):
    from matplotlib.colors import to_rgb

    return tuple(1 - share * (1 - part) for part in to_rgb(color))


def line_parts(seeds, name):
    """The line of one kind, in parts; the means of a part are all over the same seeds.

    There is a mean only where every seed that has got that far was evaluated. Where the seeds
    change, the line breaks, so that it never joins means over different runs.

    Args:
        seeds: list of `lib.paper.results.Run`.
        name: the evaluation's name.

    Returns:
        list of (images seen (n,), mean (n,), lowest (n,), highest (n,)).
    """
    by_seed = [
        {step * run.batch: value for step, value in run.curves[name].items()}
        for run in seeds
        if run.curves.get(name)
    ]
    parts, before = [], None
    for images in sorted(set().union(*by_seed)):
        there = [curve for curve in by_seed if max(curve) >= images]
        if not all(images in curve for curve in there):
            continue
        defined = [place for place, curve in enumerate(by_seed)
                   if not np.isnan(curve.get(images, np.nan))]  # fmt: skip
        if defined != before:
            parts.append([])
            before = defined
        values = [by_seed[place][images] for place in defined]
        if values:
            parts[-1].append((images, np.mean(values), min(values), max(values)))
    return [tuple(np.array(part).T) for part in parts if part]


def with_line(seeds):
    """The runs, of a list of `lib.paper.results.Run`, that have a distance to draw."""
    return [run for run in seeds if line_parts([run], 'mean_distance')]


def learning_curves(groups, beside_paper=True):
    """A figure with the learning curves of runs on lines.

    Args:
        groups: {`lib.paper.kinds.Kind`: list of `lib.paper.results.Run` of different seeds}, each
            `with_line`.
        beside_paper: whether to mark the paper's values, which are of lines32.

    Returns:
        A matplotlib figure.
    """
    from matplotlib.figure import Figure  # imported here: it is slow, and only figures need it

    longest = max(len(_label(kind, len(seeds))) for kind, seeds in groups.items())
    column_inches = (HANDLE_EM + 2 + 0.6 * longest) * FONT_POINTS / 72
    width, height = SIZE_INCHES
    width = max(width, column_inches)
    columns = int(width / column_inches)
    height += ROW_INCHES * max(0, -(-len(groups) // columns) - LEGEND_ROWS)
    figure = Figure(figsize=(width, height), layout='constrained')
    panels = figure.subplots(len(PANELS), 1, sharex=True)
    styles, breaks, marks = looks(groups), False, 0
    for axes, name in zip(panels, PANELS, strict=True):
        for kind, seeds in groups.items():
            parts = line_parts(seeds, name)
            _line(axes, kind, styles[kind], parts, len(seeds))
            breaks |= len(seeds) > 1 and len(parts) > 1
        if beside_paper:
            marks += _papers(axes, name, groups, styles)
        axes.set_xscale('log')
        _scale(axes, name)
        axes.grid(True, which='major', color='0.88', linewidth=0.6)
        axes.set_axisbelow(True)
        for side in ('top', 'right'):
            axes.spines[side].set_visible(False)
    _tick_kimg(panels[-1])
    panels[-1].set_xlabel('kimg, 1,024 images seen each (log scale)')
    figure.legend(
        *panels[0].get_legend_handles_labels(),
        loc='outside lower center',
        ncols=columns,
        frameon=False,
        handlelength=HANDLE_EM,
        fontsize=FONT_POINTS,
    )
    figure.suptitle(_title(groups, breaks, marks), fontsize=FONT_POINTS)
    return figure


def _tick_kimg(axes):
    """Sets the x axis' ticks once lines are drawn: powers of 4 or 2, or evenly spaced for
    short runs."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    low, high = axes.get_xlim()
    factor = next((factor for factor in TICK_FACTORS if high >= low * factor**TICKS), None)
    axes.xaxis.set_major_locator(LogLocator(factor) if factor else MaxNLocator(TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter('{x:,g}')


def _scale(axes, name):
    """Scales and labels the y axis of an evaluation once its lines are drawn."""
    from matplotlib.ticker import FixedLocator, MaxNLocator

    label = reported.QUANTITIES[name].name
    if name == 'mean_distance':
        axes.set_yscale('log')
        label += ' (log scale)'
    else:
        axes.set_yscale('symlog', linthresh=LINEAR_TO)
        axes.set_ylim(bottom=0)
        few = axes.get_ylim()[1] < SMOOTHNESS_TICKS[TICKS - 1]
        axes.yaxis.set_major_locator(MaxNLocator(TICKS) if few else FixedLocator(SMOOTHNESS_TICKS))
        axes.yaxis.set_major_formatter('{x:g}')
        if axes.get_ylim()[1] > ABOUT * LINEAR_TO:
            label += f' (log above {LINEAR_TO})'
    axes.set_ylabel(label)


def _label(kind, seeds):
    return kind.label + f' ({seeds} seeds)' * (seeds > 1)


def _title(groups, breaks, marks):
    several = any(len(seeds) > 1 for seeds in groups.values())
    about = ['Mean of the seeds; band: lowest to highest.' if several else 'One seed each.']
    about.append('Smaller is better.')
    if breaks:
        about.append('A line breaks where other seeds than before are averaged.')
    if any(kind.code == results.ORIGINAL for kind in groups):
        about.append('Dotted: the 2018 code.')
    if marks:
        about.append(f'Hollow marks: {reported.SOURCE}.')
    lines = about[:1]
    for sentence in about[1:]:  # each stays whole on one line
        joined = f'{lines[-1]} {sentence}'
        lines[-1:] = [joined] if len(joined) <= TITLE_WIDTH else [lines[-1], sentence]
    return '\n'.join(lines)


def _line(axes, kind, style, parts, seeds):
    color, dash, marker = style
    drawn_as = {
        'color': color,
        'linestyle': dash,
        'marker': marker,
        # Smaller for the 2018 code, so that points without a line can also be told apart.
        'markersize': (9 if marker == '*' else 6) * (0.6 if dash == ORIGINAL_DASH else 1),
        'linewidth': 0.9 if kind.settings else 1.5,
    }
    axes.plot([], [], label=_label(kind, seeds), **drawn_as)
    marked = _evenly(np.concatenate([images for images, *_ in parts])) if parts else set()
    for images, mean, lowest, highest in parts:
        kimg = images / 1024
        is_alone = len(images) == 1  # then only a marker shows it
        places = [place for place, seen in enumerate(images) if is_alone or seen in marked]
        axes.plot(kimg, mean, markevery=places, **drawn_as)
        if (highest > lowest).any():
            axes.fill_between(kimg, lowest, highest, color=color, alpha=0.2, linewidth=0)


def _evenly(images):
    """Which points of a line get a marker: MARKERS of them or fewer, evenly on a log scale."""
    wanted = np.geomspace(images[0], images[-1], MARKERS)
    return {images[np.abs(images - place).argmin()] for place in wanted}


def _papers(axes, name, groups, styles):
    """Marks the paper's values at the kimg at which they were reached; returns how many."""
    unit, seen = reported.QUANTITIES[name].unit, set()
    for kind in groups:
        value = reported.paper_value(reported.TABLE_1, name, kind.class_name)
        if value and not kind.settings and kind.class_name not in seen:
            seen.add(kind.class_name)
            color, _, marker = styles[kind]
            axes.plot(
                [constants.TOTAL_KIMG], [value.mean * unit], color=color, marker=marker,
                markersize=11 if marker == '*' else 8, markerfacecolor='none', linestyle='none',
                clip_on=False,
            )  # fmt: skip
    return len(seen)
