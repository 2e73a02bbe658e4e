"""What a run says when it begins and when it ends."""
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from cli import announcements
from lib import checkpoints, devices, runs
from lib.runs.folder import OwedReport
from lib.tasks import linear_classifier
from tests import forked, made_runs, tiny

ARGS = {'class': 'AEBaseline', 'precision': 'float32', 'lr': 1e-4, 'seed': 0, 'total_kimg': 2,
        'report_kimg': 1, 'latent_width': 4, 'scales': 3}  # fmt: skip


@pytest.fixture(scope='module')
def model():
    return tiny.make('AEBaseline')


def test_a_gpu_that_tensorflow_does_not_see_is_told_of(monkeypatch, tmp_path):
    driver = tmp_path / 'version'
    monkeypatch.setattr(announcements, 'NVIDIA_DRIVER', str(driver))
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    assert announcements.unused_gpu([]) is None
    driver.write_text('NVRM version: NVIDIA')
    assert "pip install 'tensorflow[and-cuda]" in announcements.unused_gpu([])
    assert announcements.unused_gpu([devices.Gpu('T4', (7, 5))]) is None
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
    assert announcements.unused_gpu([]) is None


def begun(folder, model, capsys, last=33, **changes):
    run = runs.RunFolder(str(folder))
    run.create()
    announcements.begin(run, model, {**ARGS, **changes}, last)
    return capsys.readouterr().out.splitlines()


def recorded(folder, **changes):
    return made_runs.made(folder, {**ARGS, **changes})


def test_a_new_run_tells_its_size_and_the_run_that_it_resembles(tmp_path, model, capsys):
    (new,) = begun(tmp_path / 'a', model, capsys)
    variables = [variable.value for variable in model.trainable_variables]
    size = sum(variable.shape.num_elements() for variable in variables)
    assert new == f'New run {tmp_path}/a: {size:,} parameters.'
    recorded(tmp_path / 'b', total_kimg=99)
    recorded(tmp_path / 'c', seed=5, lr=1.0)
    _, alike = begun(tmp_path / 'd', model, capsys, seed=4)
    assert alike == f'It differs from {tmp_path}/b in seed alone: 0 there, 4 here.'
    # What follows from another option is not a difference of its own.
    lines = begun(tmp_path / 'e', model, capsys, latent_width=2, scales=4)
    assert lines[1].endswith('b in latent_width alone: 4 there, 2 here.')
    (tmp_path / 'b' / 'args.json').write_text('{')
    assert len(begun(tmp_path / 'f', model, capsys, seed=7)) == 1


def test_a_run_with_more_hyperparameters_differs_in_them_too(tmp_path, model, capsys):
    recorded(tmp_path / 'critic', advweight=1.0, advdepth=16, reg=0.2, depth=16)
    assert len(begun(tmp_path / 'a', model, capsys, depth=16)) == 1
    assert len(begun(tmp_path / 'b', model, capsys, depth=16, seed=1)) == 1
    # advdepth is depth unless it is given.
    changes = {'advweight': 1.0, 'advdepth': 32, 'reg': 0.2, 'depth': 16}
    _, alike = begun(tmp_path / 'c', model, capsys, **changes)
    assert alike.endswith('critic in advdepth alone: 16 there, 32 here.')
    assert len(begun(tmp_path / 'd', model, capsys, **changes, seed=1)) == 1


def test_a_resumed_run_tells_what_changed_and_a_finished_one_nothing(tmp_path, model, capsys):
    run = recorded(tmp_path / 'a')
    open(run.checkpoint(17) + '.index', 'w').close()
    assert begun(run.path, model, capsys, total_kimg=3) == ['--total_kimg is 3 now; it was 2.']
    run.write_args({**ARGS, 'jit': False})
    assert begun(run.path, model, capsys, jit=True) == ['--jit is on now; it was off.']
    assert begun(run.path, model, capsys, total_kimg=1, last=17) == []


def test_complete_and_past_the_end(tmp_path, model, capsys, monkeypatch):
    run = recorded(tmp_path / 'a')
    model.global_step.assign(17)
    checkpoints.save_original(model, run.checkpoint(17), 17)
    for last, words in ((17, 'is complete, at step 17 of 17; raise --total_kimg'),
                        (9, 'is at step 17, past the 9 of this length: nothing to do'),
                        (33, '17 of 33 steps are done.')):  # fmt: skip
        checkpoints.resume(model, run, last)
        assert words in capsys.readouterr().out
    fixed = linear_classifier.LinearClassifier.FIXED_LENGTH
    monkeypatch.setattr(type(model), 'FIXED_LENGTH', fixed)
    checkpoints.resume(model, run, 17)
    assert capsys.readouterr().out.endswith('is complete, at step 17 of 17.\n')
    run.owe_report(17, OwedReport({}, {}))
    for last in (17, 9):
        checkpoints.resume(model, run, last)
        told = f'is at step 17 of {last}; its report is owed, and made now.\n'
        assert capsys.readouterr().out.endswith(told)


@pytest.mark.skipif(not os.path.exists('/proc/self/maps'), reason='sees what a process has loaded')
def test_ctrl_c_at_start_up_is_a_word():
    command = [sys.executable, 'cluster.py', '--ae_dir=/no/such']
    with subprocess.Popen(
        command, cwd=tiny.REPOSITORY, stderr=subprocess.PIPE, text=True
    ) as process:
        modules = pathlib.Path(f'/proc/{process.pid}/maps')
        forked.wait_until(lambda: '/tensorflow/' in modules.read_text(), process)
        process.send_signal(signal.SIGINT)  # TensorFlow is being imported
        error = process.communicate()[1]
    assert error == 'Stopped.\n' and process.returncode in (130, -signal.SIGINT)


def test_many_models_are_no_retracing():
    """A figure of seven methods traces each model's graphs, which TensorFlow would warn of."""
    code = """
import cli, sys
cli._import_tensorflow() if sys.argv[1] == 'script' else None
import tensorflow as tf
for number in range(6):
    tf.function(lambda x: x + 1)(number)
"""
    said = {who: forked.run('-c', code, who).stderr for who in ('script', 'other')}
    assert 'retracing' in said['other'] and said['script'] == ''
