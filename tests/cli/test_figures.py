"""Figures: from tiny runs to files, and what is in them."""
import io
import math
import shutil

import numpy as np
import pytest
from PIL import Image

from cli import figures
from lib import checkpoints, runs
from lib.drawing import curves, sheets
from lib.paper import results
from tests import original, tiny


def test_padding_and_display_range():
    images = np.stack([np.full((4, 4, 1), value) for value in (-1.2, 0, 1.2)])
    padded = sheets.pad(images)
    assert padded.shape == (3, 8, 8, 1) and (padded[:, :2] == 1).all()
    shown = sheets.to_display(images, (-1.2, 1.2))
    assert shown[:, 0, 0, 0].tolist() == [0, 128, 255]
    assert sheets.to_display(images)[:, 0, 0, 0].tolist() == [0, 128, 255]
    assert sheets.to_display(images * 0.5, (-1.2, 1.2))[:, 0, 0, 0].tolist() == [64, 128, 191]


def pixels(figure):
    content = io.BytesIO()
    figure.savefig(content, dpi=sheets.DPI)
    return np.asarray(Image.open(content).convert('L'))


def test_a_pixel_is_a_square_of_dots():
    images = np.random.default_rng(0).uniform(-1, 1, (2, 3, 32, 32, 1))
    shown = pixels(sheets.grid(images))
    start = sheets.MARGIN_PX * sheets.ZOOM
    expected = sheets.to_display(images[0, 1, ..., 0]).repeat(2, axis=0).repeat(2, axis=1)
    np.testing.assert_array_equal(shown[start : start + 64, start + 64 : start + 128], expected)


def test_strips_have_room_for_their_labels():
    images = np.zeros((1, 3, 32, 32, 1))
    short = pixels(sheets.strips([('a', images)]))
    long = pixels(sheets.strips([('a label\nof\nfour\nlines', images)]))
    assert long.shape[0] > short.shape[0] and long.shape[1] > short.shape[1]
    for shown in (short, long):
        edge = np.concatenate([shown[:2].ravel(), shown[-2:].ravel(), shown[:, :2].ravel()])
        assert (edge == 255).all()


def run_of(curve, seed=0, batch=64, name='mean_distance'):
    return results.Run(f'RUN{seed}', 'VAE', 'lines32', {}, seed, batch=batch, curves={name: curve})


def test_a_curve_over_seeds():
    found = [run_of({1: 2.0, 2: math.nan, 3: 5.0}), run_of({1: 4.0, 2: math.nan})]
    images, mean, lowest, highest = curves.over_seeds(found, 'mean_distance')
    assert images.tolist() == [64, 128, 192]
    np.testing.assert_equal(mean, [3, math.nan, 5])
    np.testing.assert_equal([lowest, highest], [[2, math.nan, 5], [4, math.nan, 5]])
    assert [len(part) for part in curves.over_seeds([], 'mean_distance')] == [0] * 4


def test_every_method_has_its_own_look():
    looks = list(curves.STYLES.values())
    for part in zip(*looks, strict=True):
        assert len(set(part)) >= 6
    assert len(looks) == len(set(looks)) == 7
    figure = curves.draw({('VAE', 'VAE'): [run_of({1025: 0.1, 2049: 0.01})]})
    distance, smoothness = figure.axes
    assert distance.get_yscale() == distance.get_xscale() == 'log'
    assert 'images seen' in smoothness.get_xlabel() and 'distance' in distance.get_ylabel()
    line, papers = distance.lines
    assert line.get_xdata().tolist() == [65600, 131136]
    assert papers.get_ydata() == [pytest.approx(1.21e-3)] and papers.get_xdata() == [1 << 24]


def save_run(folder, method, dataset, **sizes):
    """A run folder of an untrained model."""
    model = tiny.make(method, **sizes)
    run = runs.RunFolder(str(folder / dataset / runs.experiment_name(method, model.params)))
    run.create()
    run.write_args({'class': method, 'dataset': dataset, 'seed': 1, **model.params})
    checkpoints.save_original(model, run.checkpoint(1), 1)
    return run


def test_every_figure_end_to_end(tmp_path, capsys):
    train_dir = tmp_path / 'T'
    shutil.copytree(original.RUNS, train_dir)
    save_run(train_dir / 'RUN1', 'VAE', 'lines32')
    save_run(train_dir / 'RUN1', 'ACAI', 'digits32')
    save_run(train_dir / 'RUN1', 'AEDropout', 'mnist32')
    damaged = save_run(train_dir / 'RUN2', 'AAE', 'digits32')
    (train_dir / 'RUN2' / 'digits32' / damaged.name / 'tf' / 'model.ckpt-1.index').unlink()
    figures.draw_all(str(train_dir), str(tmp_path / 'out'))
    out = capsys.readouterr().out
    names = [
        'interpolations_digits32_64', 'learning_curves', 'lines', 'lines_interpolations',
        'vae_samples_depth=2_latent=4_scales=3',
    ]  # fmt: skip
    written = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert written == sorted(f'{name}.{kind}' for name in names for kind in ('pdf', 'png'))
    assert 'Not drawn: interpolations of mnist32. AE_DATA is not set' in out
    assert f'Not drawn: {damaged.path} has no checkpoint' in out
    for path in (tmp_path / 'out').glob('*.png'):
        with Image.open(path) as picture:
            assert min(picture.size) > 250
    before = original.files(tmp_path / 'out')
    figures.draw_all(str(train_dir), str(tmp_path / 'out'))
    again = original.files(tmp_path / 'out')
    assert {path for path in before if before[path] != again[path]} == set()


def test_nothing_to_draw_but_the_lines(tmp_path):
    code, out, error = original.run('figures.py', str(tmp_path), cwd=tmp_path)
    assert code == 0, error
    assert {path.name for path in (tmp_path / 'figures').iterdir()} == {'lines.pdf', 'lines.png'}
    assert 'No run of lines32' in out
