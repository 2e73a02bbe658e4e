"""Draws the paper's figures from runs."""
import dataclasses
import os

import numpy as np

from acai_tf import load
from cli import fitting
from lib import data, eval, randomness, runs, sampling
from lib.data import registry
from lib.drawing import curves, line_examples, sheets
from lib.errors import UserError
from lib.paper import constants, kinds, results

STEPS = 16  # images of an interpolation
PAIRS = 4  # interpolations per method on real data
SAMPLES = 16  # rows and columns of VAE samples


def draw_all(train_dir, out):
    """Draws every figure that the runs below a folder allow, as PDF and PNG.

    Prints which files it wrote, which runs their rows show, and in a sentence what it could not
    draw.

    Args:
        train_dir: holds [RUNk/]DATASET/EXPERIMENT.
        out: folder of the figures.

    Raises:
        UserError: there is no such folder, or `out` cannot be written.
    """
    groups = by_kind(load.find_runs(train_dir))
    print_written(sheets.save(draw_examples(), os.path.join(out, 'lines')))
    if not groups:
        print(f'No run that can be read lies below {train_dir}: only lines are drawn.')
    for name, of_kind in groups.items():
        if registry.is_lines(name):
            _draw_curves(name, of_kind, out)
        try:
            dataset = data.get_dataset(name)
        except UserError as error:
            print(f'Not drawn: interpolations and samples of {name}. {error}')
            continue
        draw = _draw_lines if dataset.has_lines else _draw_real
        draw(dataset, of_kind, out)


def _draw_curves(dataset_name, of_kind, out):
    lines = {kind: seeds for kind, having in of_kind.items() if (seeds := _curves_of(having))}
    if lines:
        figure = curves.learning_curves(lines, beside_paper=dataset_name == constants.LINES32)
        print_written(sheets.save(figure, _lines_stem(dataset_name, 'learning_curves', out)))
    else:
        print(f'Not drawn: learning curves of {dataset_name}, whose runs have no report yet.')


def _curves_of(records):
    """The runs of a kind over which its curves are averaged: each seed once. Prints which runs it
    leaves out."""
    seeds, notes = results.distinct(curves.with_line(records), any_period=True)
    for note in notes:
        print(f'Not drawn as a curve: {note}')
    return seeds


def print_written(paths):
    print(f'Wrote {" and ".join(paths)}')


def by_kind(records):
    """{dataset: {`lib.paper.kinds.Kind`: its runs}}, in the paper's order of methods.

    Args:
        records: list of `lib.paper.results.Run`.
    """
    groups = {}
    for kind, run in sorted(((kinds.of(run), run) for run in records), key=lambda of: of[0].place):
        groups.setdefault(kind.dataset, {}).setdefault(kind, []).append(run)
    return groups


def draw_examples():
    """A figure of the paper's six pictures of lines."""
    examples = line_examples.examples().items()
    letters = 'abcdef'
    return sheets.strips(
        [
            (f'({letter}) {title}', images[None])
            for letter, (title, images) in zip(letters, examples, strict=True)
        ]
    )


def _models(of_kind, dataset):
    """Yields (kind, label of its row, model) for each kind that has a run which can be drawn.

    The run is the longest of the kind's first seed that has a readable checkpoint for the dataset's
    images. Prints which run that is, and which kinds have no checkpoint.
    """
    trained = {
        kind: [dataclasses.replace(run, path=run.weights) for run in having]
        for kind, seeds in of_kind.items()
        if (having := [run for run in seeds if run.weights])
    }
    if bare := [kind.label for kind in of_kind if kind not in trained]:
        print(f'Without a checkpoint, and so without pictures: {"; ".join(bare)}.')
    for kind, having in trained.items():
        longest, _ = results.distinct(having, any_period=True)
        paths = {run.path for run in longest}
        for run in longest + [run for run in having if run.path not in paths]:
            try:
                model = load.load_run(run.path)
                fitting.check_fits(
                    runs.RunFolder(run.path), model, dataset, dataset.name, 'leave that run out'
                )
            except UserError as error:
                print(f'Not drawn: {error}')
                continue
            step = int(model.global_step)
            seen = f'{run.seed_name}, {run.kimg(step)} kimg'
            print(f'{kind.label}: {run.path} at step {step}')
            yield kind, '\n'.join([*kind.words, seen]), model
            break


def _lines_stem(dataset, name, out):
    """The path of a figure of lines, without its extension; it names the dataset unless that is the
    paper's."""
    return os.path.join(out, name if dataset == constants.LINES32 else f'{dataset}_{name}')


def _draw_lines(dataset, of_kind, out):
    width = dataset.width
    ends = line_examples.ends(width)[:, None]  # (2, 1, width, width, 1)
    between = [('correct', line_examples.examples(width)['correct'][None])]
    samples = []
    for kind, label, model in _models(of_kind, dataset):
        between.append((label, eval.between(model, *ends, STEPS)))
        samples.append(_samples_row(label, model, dataset))
        if kind.class_name == 'VAE':
            name = '_'.join(['vae_samples', *kind.words[1:]]).replace(' ', '_')
            stem = _lines_stem(dataset.name, name, out)
            print_written(sheets.save(_draw_samples(model), stem))
    if samples:
        stem = _lines_stem(dataset.name, 'lines_interpolations', out)
        print_written(sheets.save(sheets.strips(between), stem))
        stem = _lines_stem(dataset.name, 'samples', out)
        print_written(sheets.save(sheets.strips(samples), stem))


def _samples_row(label, model, dataset):
    """(label, two rows of random samples); the label says where the samples' latents are from."""
    images = sampling.sample_images(model, dataset, 2 * STEPS)
    source = 'prior' if model.HAS_PRIOR else 'fitted normal'
    return f'{label}\n{source}', images.reshape(2, STEPS, *images.shape[1:])


def _draw_samples(model):
    shape = (SAMPLES, SAMPLES, *model.latent_shape)
    latents = randomness.Draws(model.seed).normal('figures/samples', shape).numpy()
    return sheets.mosaic(eval.decode(model, latents))


def _draw_real(dataset, of_kind, out):
    """Draws the sheets of one dataset, two for each latent size."""
    images = eval.first_images(dataset, 2 * PAIRS)
    ends = np.stack(np.split(images[: len(images) // 2 * 2], 2))
    if not ends.size:
        print(f'Not drawn: interpolations of {dataset.name}, which has one test image.')
    limits = registry.display_of(dataset.name)
    for size in sorted({kind.size for kind in of_kind}):
        between, samples = [], []
        of_size = {kind: seeds for kind, seeds in of_kind.items() if kind.size == size}
        for _, label, model in _models(of_size, dataset):
            if ends.size:
                between.append((label, eval.between(model, *ends, STEPS)))
            samples.append(_samples_row(label, model, dataset))
        for name, rows in {'interpolations': between, 'samples': samples}.items():
            if rows:
                stem = os.path.join(out, f'{name}_{dataset.name}_{size}')
                print_written(sheets.save(sheets.strips(rows, limits), stem))
