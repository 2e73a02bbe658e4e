"""Models side by side: one table of numbers and one picture.

All models must draw the same noise: see `fix_noise`.
"""
import io
import math

import numpy as np
import tabulate
import tensorflow as tf

from lib import eval, losses, sampling
from lib.drawing import pictures

STEPS, PAIRS = 16, 6  # pictures per interpolation; number of interpolations
COLUMNS = STEPS + 2  # with the test image at each end


def fix_noise(model, seed):
    """Fixes a model's noise, so that all models given the same seed here draw the same.

    Noise is a function of seed and step, so both are set: afterwards, use the model only for
    evaluation.
    """
    model.seed = seed
    model.global_step.assign(0)


def scores(model, dataset, count):
    """Evaluates a model on a dataset.

    Args:
        model: an `acai_tf` model.
        dataset: a `lib.data.Dataset` of the model's image shape and classes.
        count: how many of its first test images the scalars and the rmse are computed on.

    Returns:
        {name: float}: the method's scalars as training reports them, 'reconstruction rmse' in
        pixel values of 0..255, 'latent_accuracy' in percent over the whole test set where there
        is more than one class, and for lines 'mean_distance', 'mean_smoothness' and
        the scores of random samples (`lib.sampling`).
    """
    numbers = _scalars(model, dataset, count)
    x = eval.first_images(dataset, count)
    error = np.square(eval.decode(model, eval.encode(model, x)) - x).mean(dtype=np.float64)
    numbers['reconstruction rmse'] = math.sqrt(error) * losses.PIXEL_SCALE
    if dataset.nclass > 1:
        numbers['latent_accuracy'] = eval.latent_accuracy(model, dataset.test)
    if dataset.has_lines:
        numbers.update(eval.line_eval(eval.interpolations(model, dataset))._asdict())
        numbers.update(sampling.scores(model, dataset))
    return numbers


def _scalars(model, dataset, count):
    """{tag: mean over the first test images} of the method's scalars."""

    @tf.function(autograph=False, reduce_retracing=True)
    def scalars(x, label, index):
        return model.compute_losses(x, label, model.draw_noise(x, index)).scalars

    sums, seen = dict.fromkeys(model.tags, 0.0), 0
    for index, batch in enumerate(dataset.test.unbatch().take(count).batch(eval.BATCH)):
        values = scalars(batch['x'], batch['label'], tf.constant(index))
        size = len(batch['x'])
        sums = {tag: total + size * float(values[tag]) for tag, total in sums.items()}
        seen += size
    return {tag: total / seen for tag, total in sums.items()}


def largest_differences(first, second, dataset, count):
    """The largest differences between two models' outputs.

    Args:
        first, second: `acai_tf` models of the same image shape.
        dataset: a `lib.data.Dataset`.
        count: how many of its first test images to feed.

    Returns:
        {what: number}: the largest absolute difference of reconstructions (images in [-1, 1]),
        of latents and of the images that both decode from the first one's latents, the latter two
        only if the latents of both have the same shape; and the percentage of the images that the
        latent classifiers classify differently.
    """
    x = eval.first_images(dataset, count)
    latents = [eval.encode(model, x) for model in (first, second)]
    decoded = [eval.decode(model, h) for model, h in zip((first, second), latents, strict=True)]
    classes = [eval.in_batches(model.graphs.classify, x) for model in (first, second)]
    differences = {'largest difference of reconstructions': _largest(*decoded)}
    if latents[0].shape == latents[1].shape:
        differences['largest difference of latents'] = _largest(*latents)
        others = eval.decode(second, latents[0])
        differences['largest difference of decoded latents'] = _largest(decoded[0], others)
    share = 100 * float(np.mean(classes[0] != classes[1]))
    differences['% of images classified differently'] = share
    return differences


def _largest(first, second):
    return float(np.abs(first - second).max())


def table(columns, differences=None):
    """The numbers of models as lines of text.

    Args:
        columns: {heading: {row: number}}; a row that a column lacks is shown as -, and NaN, as of
            interpolations that do not move, as undefined. If there are two columns, the second's
            difference from the first is shown too.
        differences: `largest_differences`, for the last rows.
    """
    rows = list(dict.fromkeys(row for column in columns.values() for row in column))
    cells = []
    for row in rows:
        values = [column.get(row) for column in columns.values()]
        texts = ['-' if value is None else _text(value) for value in values]
        if len(values) == 2:
            missing = None in values or math.isnan(values[1] - values[0])
            texts.append('-' if missing else _signed(values[1] - values[0]))
        cells.append([row, *texts])
    for row, value in (differences or {}).items():
        cells.append([row, *[''] * len(columns), f'{value:.3g}'])
    headings = [*columns, *(['difference'] if len(columns) == 2 else [])]
    return tabulate.tabulate(
        cells,
        ['', *headings],
        'plain',
        colalign=['left', *['right'] * len(headings)],
        disable_numparse=True,
    )


def _text(value):
    if isinstance(value, int):  # a number of steps
        return str(value)
    return 'undefined' if math.isnan(value) else f'{value:.6g}'


def _signed(difference):
    return f'{difference:+d}' if isinstance(difference, int) else f'{difference:+.2g}'


def picture(models, dataset):
    """The same test images reconstructed and interpolated by each model, row under row.

    Each interpolation stands between the two test images that it connects.

    Args:
        models: {label: `acai_tf` model}.
        dataset: a `lib.data.Dataset`.

    Returns:
        (PNG bytes, how many test images are reconstructed, how many interpolations are there).
    """
    images = eval.first_images(dataset, COLUMNS + 2 * PAIRS)
    x, ends = images[:COLUMNS], images[COLUMNS:]
    pairs = len(ends) // 2  # fewer than PAIRS if the test set is tiny
    groups = [[('test images', x)], *([] for _ in range(pairs))]
    for label, model in models.items():
        groups[0].append((label, eval.decode(model, eval.encode(model, x))))
        if not pairs:
            continue
        between = eval.between(model, ends[:pairs], ends[pairs : 2 * pairs], STEPS)
        for pair, steps in enumerate(between):
            shown = [ends[pair], *steps, ends[pairs + pair]]
            groups[1 + pair].append((label, np.stack(shown)))
    title = f'{dataset.name}: test images above their reconstructions'
    if pairs:
        title += '; interpolations, each between the two test images at its ends'
    return _drawn(groups, title), len(x), pairs


def _drawn(groups, title):
    """PNG bytes of groups of labelled rows, [[(label, images (n, H, W, C)), ...], ...], titled."""
    from matplotlib.figure import Figure  # here, because it is slow and only pictures need it

    rows = [row for group in groups for row in [*group, None]][:-1]  # None: a gap
    heights = [0.3 if row is None else 1 for row in rows]
    figure = Figure(figsize=(COLUMNS * 0.6 + 1, sum(heights) * 0.6), layout='constrained')
    figure.get_layout_engine().set(h_pad=0.01, w_pad=0.02, hspace=0)
    figure.suptitle(title, fontsize=11)
    axes = figure.subplots(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axis, row in zip(axes, rows, strict=True):
        axis.set_axis_off()
        if row is not None:
            label, images = row
            strip = pictures.to_uint8(pictures.tile(images[None]))
            axis.imshow(strip.squeeze(), cmap='gray', vmin=0, vmax=255)
            axis.set_anchor('W')
            axis.text(-0.01, 0.5, label, transform=axis.transAxes, ha='right', va='center')
    file = io.BytesIO()
    figure.savefig(file, dpi=120, bbox_inches='tight', pad_inches=0.15)
    return file.getvalue()
