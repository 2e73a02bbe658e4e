"""The paper's figures from runs."""
import os

import numpy as np

from acai_tf import load
from lib import data, eval, randomness
from lib.data import registry
from lib.drawing import curves, line_examples, sheets
from lib.errors import UserError
from lib.paper import reported, results

STEPS = 16  # images of an interpolation
PAIRS = 4  # interpolations a method on real data
SAMPLES = 16  # rows and columns of VAE samples


def draw_all(train_dir, out):
    """Draws every figure that the runs below a folder allow, as PDF and PNG.

    Says which files it wrote, and in a sentence what it could not draw.

    Args:
        train_dir: holds [RUNk/]DATASET/EXPERIMENT.
        out: folder of the figures.

    Raises:
        UserError: there is no such folder, or `out` cannot be written.
    """
    groups = by_experiment(load.find_runs(train_dir))
    print_written(sheets.save(draw_examples(), os.path.join(out, 'lines')))
    if 'lines32' not in groups:
        print(f'No run of lines32 lies below {train_dir}: no interpolations, samples or curves.')
    for dataset, experiments in groups.items():
        if registry.is_lines(dataset):
            _draw_curves(dataset, experiments, out)
            _draw_lines(dataset, experiments, out)
        else:
            _draw_real(dataset, experiments, out)


def print_written(paths):
    print(f'Wrote {" and ".join(paths)}')


def by_experiment(found):
    """{dataset: {(class, label, latent size): its runs}}, in the paper's order of methods.

    Args:
        found: list of `lib.paper.results.Run`.
    """
    order = [*reported.METHODS, *sorted({run.class_name for run in found} - set(reported.METHODS))]
    groups = {}
    for run in sorted(found, key=lambda run: (run.dataset, order.index(run.class_name))):
        settings = results.settings(run)
        text = '\n'.join(
            [
                reported.METHODS.get(run.class_name, run.class_name),
                *(f'{key}={settings[key]}' for key in sorted(settings)),
            ]
        )
        key = (run.class_name, text, run.latent_size)
        groups.setdefault(run.dataset, {}).setdefault(key, []).append(run)
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


def _first_model(found):
    """A model of the first run that has a readable checkpoint; None, and says so, if none has."""
    for run in found:
        try:
            return load.load_run(run.path)
        except UserError as error:
            print(f'Not drawn: {error}')
    return None


def _lines_stem(dataset, name, out):
    """The path of a figure of lines, without its ending; the paper's dataset goes unnamed."""
    return os.path.join(out, name if dataset == 'lines32' else f'{dataset}_{name}')


def _draw_curves(dataset, experiments, out):
    groups = {
        (class_name, text.replace('\n', ', ')): found
        for (class_name, text, _), found in experiments.items()
    }
    stem = _lines_stem(dataset, 'learning_curves', out)
    print_written(sheets.save(curves.draw(groups), stem))


def _draw_lines(dataset, experiments, out):
    width = registry.width_of(dataset)
    ends = line_examples.ends(width)[:, None]  # (2, 1, width, width, 1)
    shown = [('correct', line_examples.examples(width)['correct'][None])]
    for (class_name, text, _), found in experiments.items():
        model = _first_model(found)
        if model is None:
            continue
        shown.append((text, eval.between(model, *ends, STEPS)))
        if class_name == 'VAE':
            name = 'vae_samples' if text == 'VAE' else f'vae_samples_{_file_name(text)}'
            stem = _lines_stem(dataset, name, out)
            print_written(sheets.save(_draw_samples(model), stem))
    stem = _lines_stem(dataset, 'lines_interpolations', out)
    print_written(sheets.save(sheets.strips(shown), stem))


def _file_name(text):
    return text.split('\n', 1)[1].replace('\n', '_')


def _draw_samples(model):
    shape = (SAMPLES**2, *model.latent_shape)
    latents = randomness.Draws(model.seed).normal('figures/samples', shape).numpy()
    images = eval.decode(model, latents)
    return sheets.grid(images.reshape(SAMPLES, SAMPLES, *images.shape[1:]))


def _draw_real(dataset_name, experiments, out):
    """The sheets of one dataset, one for each size of the latents."""
    try:
        images = eval.first_images(data.get_dataset(dataset_name), 2 * PAIRS)
    except UserError as error:
        print(f'Not drawn: interpolations of {dataset_name}. {error}')
        return
    ends = np.stack(np.split(images[: len(images) // 2 * 2], 2))
    for size in sorted({size for _, _, size in experiments}):
        shown = []
        for (_, text, latent_size), found in experiments.items():
            model = _first_model(found) if latent_size == size else None
            if model is not None:
                shown.append((text, eval.between(model, *ends, STEPS)))
        if shown:
            stem = os.path.join(out, f'interpolations_{dataset_name}_{size}')
            limits = registry.display_of(dataset_name)
            print_written(sheets.save(sheets.strips(shown, limits), stem))
