"""The paper's figures from runs."""
import os

import numpy as np

from acai_tf import load
from lib import data, eval, randomness
from lib.data import registry
from lib.drawing import curves, line_examples, sheets
from lib.errors import UserError
from lib.paper import results, tables

STEPS = 16  # images of an interpolation
PAIRS = 4  # interpolations a method on real data
SAMPLES = 16  # rows and columns of VAE samples


def draw_all(train_dir, out):
    """Draws every figure that the runs below a folder allow, as PDF and PNG.

    Says which files it wrote, which runs their rows show, and in a sentence what it could not draw.

    Args:
        train_dir: holds [RUNk/]DATASET/EXPERIMENT.
        out: folder of the figures.

    Raises:
        UserError: there is no such folder, or `out` cannot be written.
    """
    groups = by_kind(load.find_runs(train_dir))
    print_written(sheets.save(draw_examples(), os.path.join(out, 'lines')))
    if 'lines32' not in groups:
        print(f'No run of lines32 lies below {train_dir}: no interpolations, samples or curves.')
    for dataset, kinds in groups.items():
        if registry.is_lines(dataset):
            figure = curves.learning_curves(kinds, beside_paper=dataset == 'lines32')
            print_written(sheets.save(figure, _lines_stem(dataset, 'learning_curves', out)))
            _draw_lines(dataset, kinds, out)
        else:
            _draw_real(dataset, kinds, out)


def print_written(paths):
    print(f'Wrote {" and ".join(paths)}')


def by_kind(records):
    """{dataset: {`lib.drawing.curves.Kind`: its runs}}, in the paper's order of methods.

    Args:
        records: list of `lib.paper.results.Run`.
    """
    order = tables.columns(records)
    groups = {}
    # Ours and the paper's settings come first.
    for run in sorted(
        records,
        key=lambda run: (
            run.dataset,
            order.index(run.class_name),
            results.settings_texts(run),
            run.code == results.ORIGINAL,
        ),
    ):
        settings = results.settings_texts(run)
        kind = curves.Kind(run.class_name, settings, run.code, run.latent_size)
        groups.setdefault(run.dataset, {}).setdefault(kind, []).append(run)
    return groups


def draw_examples():
    """The six pictures of lines."""
    examples = line_examples.examples().items()
    letters = 'abcdef'
    return sheets.strips(
        [
            (f'({letter}) {title}', images[None])
            for letter, (title, images) in zip(letters, examples, strict=True)
        ]
    )


def _first_model(seeds):
    """(model, `Run`) of the first seed that has a readable checkpoint; (None, None), and says so,
    if none has."""
    for run in seeds:
        try:
            return load.load_run(run.path), run
        except UserError as error:
            print(f'Not drawn: {error}')
    return None, None


def _row(kind, seeds, ends):
    """[(label, interpolations)] of a kind's first readable run, and that model; ([], None) if there
    is none."""
    model, run = _first_model(seeds)
    if model is None:
        return [], None
    step = int(model.global_step)
    seen = f'{run.seed_name}, {run.kimg(step)} kimg'
    print(f'{", ".join(kind.words)}: {run.path} at step {step}')
    return [('\n'.join([*kind.words, seen]), eval.between(model, *ends, STEPS))], model


def _lines_stem(dataset, name, out):
    """The path of a figure of lines, without its ending; the paper's dataset goes unnamed."""
    return os.path.join(out, name if dataset == 'lines32' else f'{dataset}_{name}')


def _draw_lines(dataset, kinds, out):
    width = registry.width_of(dataset)
    ends = line_examples.ends(width)[:, None]  # (2, 1, width, width, 1)
    shown = [('correct', line_examples.examples(width)['correct'][None])]
    for kind, seeds in kinds.items():
        rows, model = _row(kind, seeds, ends)
        shown += rows
        if model is not None and kind.class_name == 'VAE':
            name = '_'.join(['vae_samples', *kind.words[1:]]).replace(' ', '_')
            stem = _lines_stem(dataset, name, out)
            print_written(sheets.save(_draw_samples(model), stem))
    stem = _lines_stem(dataset, 'lines_interpolations', out)
    print_written(sheets.save(sheets.strips(shown), stem))


def _draw_samples(model):
    shape = (SAMPLES**2, *model.latent_shape)
    latents = randomness.Draws(model.seed).normal('figures/samples', shape).numpy()
    images = eval.decode(model, latents)
    return sheets.mosaic(images.reshape(SAMPLES, SAMPLES, *images.shape[1:]))


def _draw_real(dataset_name, kinds, out):
    """The sheets of one dataset, one for each size of the latents."""
    try:
        images = eval.first_images(data.get_dataset(dataset_name), 2 * PAIRS)
    except UserError as error:
        print(f'Not drawn: interpolations of {dataset_name}. {error}')
        return
    ends = np.stack(np.split(images[: len(images) // 2 * 2], 2))
    limits = registry.display_of(dataset_name)
    for size in sorted({kind.latent_size for kind in kinds}):
        of_size = {kind: seeds for kind, seeds in kinds.items() if kind.latent_size == size}
        shown = [row for kind, seeds in of_size.items() for row in _row(kind, seeds, ends)[0]]
        if shown:
            stem = os.path.join(out, f'interpolations_{dataset_name}_{size}')
            print_written(sheets.save(sheets.strips(shown, limits), stem))
