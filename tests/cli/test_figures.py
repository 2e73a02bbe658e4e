"""Figures: from tiny runs to files, and what is in them."""
import dataclasses
import io
import math
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from cli import figures
from lib import checkpoints, data
from lib.drawing import curves, sheets
from lib.paper import kinds, results
from tests import made_runs, original


def test_padding_and_display_range():
    images = np.stack([np.full((4, 4, 1), value) for value in (-1.2, 0, 1.2)])
    shown = sheets.to_display(images, (-1.2, 1.2))
    padded = sheets.pad(shown)
    assert padded.shape == (3, 8, 8, 1) and (padded[:, :2] == 255).all()
    assert shown[:, 0, 0, 0].tolist() == [0, 128, 255]
    assert sheets.to_display(images)[:, 0, 0, 0].tolist() == [0, 128, 255]
    assert sheets.to_display(images * 0.5, (-1.2, 1.2))[:, 0, 0, 0].tolist() == [64, 128, 191]


def pixels(figure):
    content = io.BytesIO()
    figure.savefig(content, dpi=sheets.DPI)
    return np.asarray(Image.open(content).convert('L'))


def test_a_pixel_is_a_square_of_dots():
    images = np.random.default_rng(0).uniform(-1, 1, (2, 3, 32, 32, 1))
    shown = pixels(sheets.mosaic(images))
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


def run_of(curve, seed=0, batch=64, name='mean_distance', **changes):
    return results.Run(f'RUN{seed}', 'VAE', 'lines32', {}, seed, batch=batch, curves={name: curve},
                       **changes)  # fmt: skip


def parts_of(*by_seed):
    parts = curves.line_parts([run_of(curve) for curve in by_seed], 'mean_distance')
    return [[tuple(map(float, point)) for point in zip(*part, strict=True)] for part in parts]


def test_a_mean_is_over_the_seeds_that_have_the_step():
    assert parts_of({1: 2.0, 2: 3.0}, {1: 4.0, 2: 6.0}) == [[(64, 3, 2, 4), (128, 4.5, 3, 6)]]
    # Two seeds, then one: what no run did is not drawn.
    assert parts_of({1: 2.0, 2: 3.0, 3: 1.0}, {1: 4.0, 2: 6.0}) == [
        [(64, 3, 2, 4), (128, 4.5, 3, 6)], [(192, 1, 1, 1)]
    ]  # fmt: skip
    # Reported at other steps: only those that both have.
    assert parts_of({1: 2.0, 2: 9.0, 3: 4.0}, {1: 2.0, 3: 6.0}) == [[(64, 2, 2, 2), (192, 5, 4, 6)]]
    # Undefined for one, then for both, then for none.
    nan = math.nan
    assert parts_of({1: nan, 2: nan, 3: 5.0}, {1: 4.0, 2: nan, 3: 7.0}) == [
        [(64, 4, 4, 4)], [(192, 6, 5, 7)]
    ]  # fmt: skip
    assert curves.line_parts([], 'mean_distance') == []


def kind(class_name, *settings, code=results.OURS):
    return kinds.Kind('lines32', class_name, settings, 64, code)


def test_every_method_setting_and_code_has_its_own_look():
    methods = [*curves.METHOD_LOOKS, 'WAE', 'GAN']
    every = [
        kind(name, *settings, code=code)
        for name in methods
        for settings in ((), ('depth=2',), ('depth=4', 'lr=0.1'))
        for code in (results.OURS, results.ORIGINAL)
    ]
    looks = curves.looks(every)
    assert len(looks) == len(set(looks.values())) == 10 * 3 * 2
    of_methods = [looks[kind(name)] for name in methods]
    assert len({color for color, _, _ in of_methods}) == 10
    assert len({marker for _, _, marker in of_methods}) == 10
    for name in methods:
        ours, theirs = looks[kind(name)], looks[kind(name, code=results.ORIGINAL)]
        assert (ours[0], ours[2]) == (theirs[0], theirs[2])
        assert ours[1] == '-' and theirs[1] == curves.ORIGINAL_DASH
    sizes = [kind('ACAI', f'latent={size}')._replace(size=4 * size) for size in (8, 32)]
    assert len(set(curves.looks(sizes).values())) == 2
    sweep = curves.looks([kind('ACAI', f'reg={place / 40}') for place in range(40)])
    assert all(min(color) < 0.8 for color, _, _ in sweep.values())  # not white


def test_runs_without_a_report_have_no_curve(tmp_path, capsys):
    seen = run_of({1025: 0.1})
    assert curves.with_line([run_of({}), seen, run_of({1025: math.nan})]) == [seen]
    save_run(tmp_path / 'T', 'AEBaseline', 'lines64', image_shape=(64, 64, 1), scales=5)
    figures.draw_all(str(tmp_path / 'T'), str(tmp_path / 'out'))
    said = capsys.readouterr().out
    assert 'Not drawn: learning curves of lines64, whose runs have no report yet.' in said
    assert (tmp_path / 'out' / 'lines64_lines_interpolations.png').exists()


def test_a_seed_of_two_report_periods_is_one_line_and_two_weights(tmp_path, capsys):
    """The longer is a curve, and what has weights is drawn."""
    for name, period in (('a', 64), ('b', 16)):
        run = save_run(tmp_path / 'T' / name, 'AEBaseline', 'lines32')
        run.write_args({**run.args, 'report_kimg': period})
        with tf.summary.create_file_writer(run.summaries).as_default():
            for step in (1025, 2049)[: 1 + (name == 'b')]:
                tf.summary.scalar('mean_distance', 0.1, step)
    checkpoints.remove(run.checkpoint(1))
    figures.draw_all(str(tmp_path / 'T'), str(tmp_path / 'out'))
    said = capsys.readouterr().out
    assert f'Not drawn as a curve: {tmp_path}/T/a/lines32/' in said
    (drawn,) = [line for line in said.splitlines() if line.endswith(' at step 1')]
    assert f': {tmp_path}/T/a/lines32/' in drawn and 'lines_interpolations.png' in said


def test_the_weights_of_a_repeat_are_drawn(tmp_path, capsys):
    """The longer record of the same seed, as convert.py --records keeps it, has none."""
    for name, steps in (('a', (1025,)), ('b', (1025, 2049))):
        run = save_run(tmp_path / 'T' / name, 'AEBaseline', 'lines32')
        made_runs.write_events(run.summaries, {'mean_distance': dict.fromkeys(steps, 0.1)})
    checkpoints.remove(run.checkpoint(1))
    figures.draw_all(str(tmp_path / 'T'), str(tmp_path / 'out'))
    said = capsys.readouterr()
    assert f'{tmp_path}/T/a/lines32/' in said.err  # left out of the curves
    assert f': {tmp_path}/T/a/lines32/' in said.out and 'Without a checkpoint' not in said.out
    assert (tmp_path / 'out' / 'lines_interpolations.png').exists()


def test_lines_that_cannot_be_made_leave_the_other_figures(tmp_path, capsys):
    for dataset in ('lines1', 'lines32'):
        save_run(tmp_path / 'T', 'AEBaseline', dataset)
    figures.draw_all(str(tmp_path / 'T'), str(tmp_path / 'out'))
    assert 'Not drawn: interpolations and samples of lines1.' in capsys.readouterr().out
    assert (tmp_path / 'out' / 'lines_interpolations.png').exists()


def test_records_without_weights_have_no_sheets(tmp_path):
    run = save_run(tmp_path / 'T', 'AEBaseline', 'lines32')
    checkpoints.remove(run.checkpoint(1))
    figures.draw_all(str(tmp_path / 'T'), str(tmp_path / 'out'))
    assert {path.stem for path in (tmp_path / 'out').iterdir()} == {'lines'}


def test_a_broken_line_has_no_more_marks_than_a_whole_one():
    curve = {1024 * k: 1 / k for k in range(1, 200)}
    shorter = {step: value for step, value in curve.items() if step < 1024 * 100}
    for seeds in ([curve], [curve, shorter]):
        figure = curves.learning_curves({kind('VAE'): [run_of(each) for each in seeds]})
        lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 1]
        assert len(lines) == len(seeds)
        assert 5 < sum(len(line.get_markevery()) for line in lines) <= curves.MARKERS
    alone = {1024 * k: value for k, value in enumerate([1, math.nan, 1, math.nan, *[1] * 200], 1)}
    figure = curves.learning_curves({kind('VAE'): [run_of(alone)]})
    points = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    assert [list(line.get_markevery()) for line in points if line.get_markevery()] == [[0], [0]]


def test_learning_curves():
    runs = [run_of({1025: 0.1, 2049: 0.01})]
    theirs = [run_of({1025: 0.2}), run_of({1025: 0.4})]
    figure = curves.learning_curves(
        {kind('VAE'): runs, kind('VAE', code=results.ORIGINAL): theirs, kind('VAE', 'lr=1'): runs}
    )
    distance, smoothness = figure.axes
    assert distance.get_yscale() == distance.get_xscale() == 'log'
    assert 'images seen' in smoothness.get_xlabel() and 'distance' in distance.get_ylabel()
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == ['VAE', 'VAE, 2018 code (2 seeds)', 'VAE, lr=1']
    drawn = [line for line in distance.lines if len(line.get_xdata())]
    ours, original, other, papers = drawn
    assert ours.get_xdata().tolist() == [64.0625, 128.0625]
    assert original.get_ydata() == [pytest.approx(0.3)]
    assert papers.get_ydata() == [pytest.approx(1.21e-3)] and papers.get_xdata() == [1 << 14]
    # Hollow marks are the paper's, and nothing else is hollow.
    assert [line.get_markerfacecolor() == 'none' for line in drawn] == [False] * 3 + [True]
    assert 'Dotted: the 2018 code' in figure.get_suptitle()
    assert 'Hollow marks' in figure.get_suptitle()
    unmarked = curves.learning_curves({kind('VAE', 'lr=1'): runs})
    assert 'Hollow marks' not in unmarked.get_suptitle()


@pytest.mark.parametrize(
    'steps, expected',
    [
        ([1024, 2048], {'75', '100', '125'}),
        ([64, 1024], {'4', '8', '16', '32', '64'}),
        ([1024, 1 << 18], {'64', '256', '1,024', '4,096', '16,384'}),
    ],
)
def test_ticks_are_of_kimg(steps, expected):
    runs = [run_of(dict.fromkeys(steps, 0.1))]
    figure = curves.learning_curves({kind('VAE', 'lr=1'): runs})
    figure.draw_without_rendering()
    axes = figure.axes[1]
    low, high = axes.get_xlim()
    labels = [(tick.get_loc(), tick.label1.get_text()) for tick in axes.xaxis.get_major_ticks()]
    assert {text for place, text in labels if low <= place <= high} == expected
    assert not axes.xaxis.get_minor_ticks()


@pytest.mark.parametrize('top, words', [(0.9, ''), (80, ' (log above 1)')])
def test_smoothness_above_one_does_not_flatten_the_rest(top, words):
    runs = [run_of({1: 0.2, 2: top}, name='mean_smoothness')]
    _, axes = curves.learning_curves({kind('VAE'): runs}, beside_paper=False).axes
    assert axes.get_ylabel() == 'mean smoothness' + words
    _, height = (axes.transData + axes.transAxes.inverted()).transform((0.0625, 0.2))
    assert height > 0.05


@pytest.mark.parametrize('top', [0.1, 0.3, 0.7, 30])
def test_smoothness_of_any_height_has_three_ticks_or_more(top):
    runs = [run_of({1: top / 2, 2: top}, name='mean_smoothness')]
    _, axes = curves.learning_curves({kind('VAE'): runs}, beside_paper=False).axes
    highest = axes.get_ylim()[1]
    assert sum(0 <= tick <= highest for tick in axes.get_yticks()) >= 3


def save_run(folder, method, dataset, **sizes):
    """A run folder of an untrained model."""
    model, run = made_runs.of_method(folder, method, dataset, sizes, seed=1)
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
        'interpolations_digits32_64', 'learning_curves', 'lines', 'lines_interpolations', 'samples',
        'samples_digits32_64', 'vae_samples_depth=2_latent=4_scales=3',
    ]  # fmt: skip
    written = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert written == sorted(f'{name}.{kind}' for name in names for kind in ('pdf', 'png'))
    assert 'Not drawn: interpolations and samples of mnist32. AE_DATA is not set' in out
    assert 'Without a checkpoint, and so without pictures: AAE, ' in out
    # Which run a row shows.
    acai = 'ACAI, depth=2, latent=4, scales=3, 2018 code'
    path = train_dir / original.OTHER_ACAI_RUN.relative_to(original.RUNS)  # the first of two
    assert f'{acai}: {path} at step 49' in out
    for path in (tmp_path / 'out').glob('*.png'):
        with Image.open(path) as picture:
            assert min(picture.size) > 190
    before = original.files(tmp_path / 'out')
    figures.draw_all(str(train_dir), str(tmp_path / 'out'))
    again = original.files(tmp_path / 'out')
    assert {path for path in before if before[path] != again[path]} == set()


def test_one_test_image_has_nothing_between(tmp_path, monkeypatch, capsys):
    save_run(tmp_path / 'T', 'AEBaseline', 'digits32')
    digits = data.get_dataset('digits32')
    one = dataclasses.replace(digits, test=digits.test.unbatch().take(1).batch(1))
    monkeypatch.setattr(figures.data, 'get_dataset', lambda *_: one)
    figures.draw_all(str(tmp_path / 'T'), str(tmp_path / 'out'))
    assert 'Not drawn: interpolations of digits32, which has one test' in capsys.readouterr().out
    drawn = {path.name for path in (tmp_path / 'out').glob('*digits32*.png')}
    assert drawn == {'samples_digits32_64.png'}


def test_a_run_of_pictures_that_were_made_again_is_left_out(tmp_path, capsys):
    run = save_run(tmp_path / 'T', 'AEBaseline', 'digits32')
    run.write_args(run.args, counts=(1, 2))
    figures.draw_all(str(tmp_path / 'T'), str(tmp_path / 'out'))
    assert f'Not drawn: The run folder {run.path} was begun with 1 ' in capsys.readouterr().out
    assert not list((tmp_path / 'out').glob('*digits32*'))


def test_nothing_to_draw_but_the_lines(tmp_path):
    code, out, error = original.run('figures.py', str(tmp_path), cwd=tmp_path)
    assert code == 0, error
    assert {path.name for path in (tmp_path / 'figures').iterdir()} == {'lines.pdf', 'lines.png'}
    assert 'No run that can be read lies below' in out
