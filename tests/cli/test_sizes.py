"""Pictures of other widths than 32: every command follows, from records to figures."""
import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from tests.cli.test_scripts import run_scripts

RNG = np.random.default_rng(0)
FLAGS = ['--depth=2', '--latent=2', '--total_kimg=1', '--report_kimg=1', '--batch=64']
NAME = 'AEBaseline_depth2_latent2_scales'


@pytest.fixture(scope='module')
def done(tmp_path_factory):
    """(folder, [answer of each command]): lines at 64, own pictures at 48."""
    folder = tmp_path_factory.mktemp('sizes')
    for i in range(60):
        path = folder / 'pictures' / 'ab'[i % 2] / f'{i}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((70, 90, 3), 60 + 100 * (i % 2), np.uint8)
        pixels[::2, ::2] += RNG.integers(0, 40, (35, 45, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    train, own, lines = folder / 'T', f'large/{NAME}4', f'lines64/{NAME}4'
    pictures = [f'--left={folder}/pictures/a/0.png', f'--right={folder}/pictures/b/1.png']
    commands = [
        ['create_datasets.py', f'--images={folder}/pictures', '--name=large', '--size=48'],
        ['baseline.py', '--dataset=large', '--latent_width=3', f'--train_dir={train}', *FLAGS],
        ['baseline.py', '--dataset=lines64', '--latent_width=4', f'--train_dir={train}', *FLAGS],
        ['cluster.py', f'--ae_dir={train}/{own}', '--n_init=2', '--n_jobs=1'],
        ['classify_latent_ae.py', f'--ae_dir={train}/{own}', f'--train_dir={train}',
         '--total_kimg=1'],
        ['compare.py', f'--original={train}/{lines}', f'--out={folder}/lines.png', '--images=32'],
        ['interpolate.py', f'--run={train}/{own}', *pictures, f'--out={folder}/strip.png',
         '--zoom=1', '--steps=5'],
        ['interpolate.py', f'--run={train}/{lines}', '--left_index=0', '--right_index=1',
         f'--out={folder}/index.png', '--zoom=1', '--steps=5'],
        ['tables.py', str(train), '--format=csv'],
        ['figures.py', str(train)],
    ]  # fmt: skip
    answers = run_scripts(commands, AE_DATA=str(folder))
    for command, answer in zip(commands, answers, strict=True):
        assert answer['code'] == 0, (command, answer)
    return folder, answers


def picture_size(path):
    with Image.open(path) as picture:
        return picture.size


def test_records_keep_the_resolution(done):
    folder, answers = done
    about = json.loads((folder / 'large-classes.json').read_text())
    assert about['size'] == 48 and 'large: 54 pictures' in answers[0]['out']


def test_pictures_are_as_large(done):
    """Grids hold so many pictures of the run's width, with narrow gaps; strips are as high."""
    folder, _ = done
    for run, width in ((f'large/{NAME}4', 48), (f'lines64/{NAME}4', 64)):
        found = picture_size(folder / 'T' / run / 'images' / 'name.png')
        for size, count in zip(found, (56, 16), strict=True):
            assert count * width <= size < 1.1 * count * width
    heights = [picture_size(folder / name)[1] for name in ('strip.png', 'index.png')]
    assert heights[1] - heights[0] == 64 - 48 and heights[0] >= 48


def test_lines_of_any_width_are_scored(done):
    _, answers = done
    assert 'mean_distance=' in answers[2]['out'] and 'mean_distance' not in answers[1]['out']
    assert 'mean_distance' in answers[5]['out']


def test_tables_have_rows_with_the_right_latent_size(done):
    _, answers = done
    rows = [line.split(',') for line in answers[8]['out'].splitlines()]
    heading = rows[0]
    cells = [dict(zip(heading, row, strict=False)) for row in rows[1:]]
    trained = {(c['table'], c['dataset'], c['latent_size']) for c in cells if c['mean']}
    assert {('2', 'large', '18'), ('3', 'large', '18')} <= trained
    assert ('1', 'lines64', '') in trained and not any(c[:2] == ('2', 'lines64') for c in trained)
    assert 'latent_size=18' in answers[3]['out'] and 'latent_size=18' in answers[4]['out']


def test_figures_are_drawn(done):
    folder, _ = done
    names = {path.stem for path in pathlib.Path(folder, 'T', 'figures').glob('*.png')}
    assert names == {
        'lines', 'interpolations_large_18', 'samples_large_18', 'lines64_learning_curves',
        'lines64_lines_interpolations', 'lines64_samples',
    }  # fmt: skip


def test_flags_that_cannot_be(tmp_path):
    (tmp_path / 'p' / 'a').mkdir(parents=True)
    own = ['create_datasets.py', f'--images={tmp_path}/p', '--name=mine', f'--data_dir={tmp_path}']
    dry = ['baseline.py', '--dry_run', f'--train_dir={tmp_path}/T']
    wrong = {
        (*own, '--size=33'): '--size=33 is not possible: the encoders halve a picture',
        (*own, '--size=0'): '--size=0 is not possible',
        (*own, '--size=2000000'): 'from 8 to 1024',
        (*dry, '--dataset=lines33'): 'lines33 is not possible: the encoders halve a picture',
        (*dry, '--dataset=celeba148'): "CelebA's faces are 146 pixels wide",
        (*dry, '--dataset=lines48'): 'use one of 48, 24, 12, 6, 3.',
        ('create_datasets.py', '--datasets=celeba', '--size=64', f'--data_dir={tmp_path}'):
            'train with --dataset=celeba64',
        (*own, '--datasets=svhn'): '--datasets is for published datasets; leave it out',
        (own[0], *own[2:]): '--images is missing; give the folder of your pictures',
        (*own[:2], own[3]): '--name is missing; give their dataset a name',
        (*own, '--from=p'): '--from is for published datasets',
        ('create_datasets.py', '--strict', f'--data_dir={tmp_path}'):
            '--strict is for your own pictures; give --images',
        ('reproduce.py', '--table=samples', '--datasets=mnist32', '--dry_run'):
            'the table of samples is about lines32 alone',
        ('reproduce.py', '--table=1', '--executor=slurm', '--jobs=2', f'--train_dir={tmp_path}/T'):
            '--jobs is for runs here',
    }  # fmt: skip
    for sentence, answer in zip(wrong.values(), run_scripts(list(wrong)), strict=True):
        assert answer['code'] == 1 and sentence in answer['err'], answer
        assert 'Traceback' not in answer['err']
    assert sorted(path.name for path in tmp_path.iterdir()) == ['p']
