"""Run folders as the 2018 code left them: compared, trained on, and refused when damaged."""
import pathlib
import re
import shutil

import pytest
import tensorflow as tf
from tensorboard.compat.proto.event_pb2 import Event

import acai_tf
from cli import compare
from lib import checkpoints, runs
from lib.errors import UserError
from tests import made_runs, original, tiny

FLAGS = ['--depth=2', '--latent=4', '--latent_width=4', '--report_kimg=1']


@pytest.fixture
def copied(tmp_path):
    """A train_dir with a copy of an original run folder, and that folder."""
    folder = tmp_path / 'lines32' / original.BASELINE_RUN.name
    shutil.copytree(original.BASELINE_RUN, folder)
    return tmp_path, folder


def steps_of(path):
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    return [Event.FromString(record).step for record in records]


def test_training_goes_on_where_the_original_stopped(copied):
    train_dir, folder = copied
    (events,) = (folder / 'tf' / 'summaries').iterdir()
    before = events.read_bytes()
    command = ['tests/run_short.py', original.REPOSITORY / 'baseline.py']
    command += [f'--train_dir={train_dir}', *FLAGS]

    code, out, error = original.run(*command, '--total_kimg=4', cwd=train_dir)
    assert code == 0, error
    assert f'Resuming {folder} at step 49, from a checkpoint written by the 2018 code' in out
    record = runs.RunFolder(str(folder)).read_record()
    assert record['args']['class'] == 'AEBaseline' and record['args']['total_kimg'] == 4
    assert events.read_bytes() == before
    (new,) = set((folder / 'tf' / 'summaries').iterdir()) - {events}
    assert set(steps_of(new)) == {0, 65}
    steps = made_runs.steps_by_tag(folder / 'tf' / 'summaries')
    assert steps['_hparams_/session_start_info'] == [0]
    assert record['computed_on'].startswith('Devices: ')
    assert (folder / 'tf' / 'model.ckpt-49.index').exists()
    assert int(acai_tf.load_run(str(folder)).global_step) == 65

    code, out, _ = original.run(*command, '--total_kimg=4', cwd=train_dir)
    assert code == 0 and f'{folder} is complete, at step 65 of 65' in out and '2018' not in out
    assert len(list((folder / 'tf' / 'summaries').iterdir())) == 2  # no new event file


def test_a_checkpoint_that_does_not_fit_leaves_the_folder_alone(copied):
    train_dir, folder = copied
    for suffix in (checkpoints.INDEX, checkpoints.DATA):
        shutil.copy(
            original.prefix('aae', 'final') + suffix, folder / 'tf' / f'model.ckpt-49{suffix}'
        )
    before = original.files(folder)
    code, _, error = original.run('baseline.py', f'--train_dir={train_dir}', *FLAGS, cwd=train_dir)
    assert code == 1 and 'Traceback' not in error
    assert 'another method than AEBaseline. (It looks like AAE' in error.splitlines()[-1]
    assert original.files(folder) == before


@pytest.mark.parametrize('damage', ['truncated data', 'missing index'])
def test_damage_is_one_sentence(damage, copied):
    train_dir, folder = copied
    if damage == 'missing index':
        (folder / 'tf' / f'model.ckpt-49{checkpoints.INDEX}').unlink()
    else:
        values = folder / 'tf' / f'model.ckpt-49{checkpoints.DATA}'
        values.write_bytes(values.read_bytes()[:1000])
    code, _, error = original.run('compare.py', f'--original={folder}', cwd=train_dir)
    assert code == 1 and 'Traceback' not in error
    assert error.splitlines()[-1].startswith(str(original.REPOSITORY / 'compare.py'))
    assert str(folder) in error.splitlines()[-1]


def test_compares_two_runs_of_the_original(tmp_path):
    before = original.files(original.RUNS)
    code, out, error = original.run(
        'compare.py',
        f'--original={original.BASELINE_RUN}',
        f'--ours={original.OTHER_BASELINE_RUN}',
        '--images=64',
        cwd=tmp_path,
    )
    assert code == 0, error
    assert original.files(original.RUNS) == before
    cells = [re.split(r'  +', line) for line in out.splitlines()]
    table = {row: numbers for row, *numbers in cells}
    assert table['step'] == ['49', '49', '+0']
    for row in ('loss', 'rmse', 'classify_latent', 'reconstruction rmse', 'latent_accuracy'):
        assert len(table[row]) == 3
    # The lines scores of the 2018 code, on its own random lines, and ours of its weights.
    for column in (0, 1):
        ours, recorded = (
            float(table[row][column]) for row in ('mean_distance', 'mean_distance, as recorded')
        )
        assert abs(ours - recorded) < 0.01 * recorded
    picture = tmp_path / f'compare_lines32_{original.BASELINE_RUN.name}.png'
    assert tf.io.decode_png(picture.read_bytes()).shape[0] > 500


@pytest.fixture
def quick(monkeypatch):
    """Without the scores, which `test_comparison` covers."""
    monkeypatch.setattr('lib.tasks.comparison.scores', lambda *_: {'latent_accuracy': 1.0})


def compared(paths, out, dataset=None):
    paths = {label: str(path) for label, path in paths.items()}
    compare.compare_runs(paths, dataset, seed=0, images=8, out=str(out))


def test_one_run_is_shown_beside_what_it_recorded(quick, tmp_path, capsys):
    compared({'original': original.ACAI_RUN}, tmp_path / 'deep' / 'a.png')
    out = capsys.readouterr().out
    assert '(ACAI, step 49)' in out
    assert [line.split()[-1] for line in out.splitlines() if 'recorded' in line] == ['10.6']
    assert 'difference' not in out
    assert (tmp_path / 'deep' / 'a.png').exists()


def test_runs_that_cannot_be_compared(quick, tmp_path):
    elsewhere = tmp_path / 'mnist32' / original.BASELINE_RUN.name
    shutil.copytree(original.BASELINE_RUN, elsewhere)
    both = {'original': original.BASELINE_RUN, 'ours': elsewhere}
    with pytest.raises(UserError, match='of lines32 and mnist32; say with --dataset'):
        compared(both, tmp_path / 'a.png')
    compared(both, tmp_path / 'a.png', 'lines32')
    with pytest.raises(UserError):
        compared(both, tmp_path / 'a.png', 'no such dataset')
    with pytest.raises(UserError, match='Cannot write'):
        compared({'original': original.BASELINE_RUN}, elsewhere / 'images' / 'name.png' / 'a.png')

    colored = tiny.golden_model('baseline', (32, 32, 3), 10)
    folder = pathlib.Path(tmp_path, 'lines32', original.BASELINE_RUN.name)
    checkpoints.save_original(colored, str(folder / 'tf' / 'model.ckpt-0'), 0)
    with pytest.raises(UserError, match='has images of 32x32x1, but .* was trained on 32x32x3;'):
        compared({'original': folder}, tmp_path / 'a.png')
