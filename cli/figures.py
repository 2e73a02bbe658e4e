"""The paper's figures from runs."""
import os

import numpy as np

from acai_tf import load
from lib import data, eval, randomness
from lib.drawing import curves, line_examples, sheets
from lib.errors import UserError
from lib.paper import reported, results

STEPS = 16  # images of an interpolation
PAIRS = 4  # interpolations a method on real data
SAMPLES = 16  # rows and columns of VAE samples
LIMITS = {'celeba32': (-1.2, 1.2)}  # display range, [-1, 1] elsewhere


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
    on_lines = groups.pop('lines32', {})
    if on_lines:
        curve_groups = {
            (class_name, text.replace('\n', ', ')): found
            for (class_name, text, _), found in on_lines.items()
        }
        print_written(sheets.save(curves.draw(curve_groups), os.path.join(out, 'learning_curves')))
        _draw_lines(on_lines, out)
    else:
        print(f'No run of lines32 lies below {train_dir}: no interpolations, samples or curves.')
    for dataset, experiments in groups.items():
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


def _draw_lines(experiments, out):
    ends = line_examples.ends()[:, None]  # (2, 1, 32, 32, 1)
    shown = [('correct', line_examples.examples()['correct'][None])]
    for (class_name, text, _), found in experiments.items():
        model = _first_model(found)
        if model is None:
            continue
        shown.append((text, eval.between(model, *ends, STEPS)))
        if class_name == 'VAE':
            stem = 'vae_samples' if text == 'VAE' else f'vae_samples_{_file_name(text)}'
            print_written(sheets.save(_draw_samples(model), os.path.join(out, stem)))
    stem = os.path.join(out, 'lines_interpolations')
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
    limits = LIMITS.get(dataset_name, (-1, 1))
    for size in sorted({size for _, _, size in experiments}):
        shown = []
        for (_, text, latent_size), found in experiments.items():
            model = _first_model(found) if latent_size == size else None
            if model is not None:
                shown.append((text, eval.between(model, *ends, STEPS)))
        if shown:
            stem = os.path.join(out, f'interpolations_{dataset_name}_{size}')
            print_written(sheets.save(sheets.strips(shown, limits), stem))
