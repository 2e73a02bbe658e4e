"""What a training script refuses before it trains."""
import json
import os

import pytest
from absl import flags

import acai_tf
from cli import training
from lib import devices, runs
from lib.errors import UserError
from tests import forked, original, tiny


def test_a_2018_run_goes_on_otherwise_only_when_asked(monkeypatch, tmp_path):
    run = runs.RunFolder(str(original.BASELINE_RUN))
    fast = devices.Choice((), 1, 'mixed_bfloat16', True)
    two = devices.Choice((devices.Gpu('a'), devices.Gpu('b')), 2, 'float32', False)
    machines = devices.Choice((), 2, 'float32', False)

    def given(*words):
        own = flags.FlagValues()
        flags.DEFINE_string('precision', 'auto', '', flag_values=own)
        flags.DEFINE_integer('devices', 0, '', flag_values=own)
        own(['script', *words])
        monkeypatch.setattr(training, 'FLAGS', own)

    given()
    training._check_original(run, devices.choose([]))
    training._check_original(runs.RunFolder(str(tmp_path)), fast)
    with pytest.raises(UserError, match='knew precision=float32 only, .*; give --prec'):
        training._check_original(run, fast)
    with pytest.raises(UserError, match='knew devices=1 only, .*; give --devices=1'):
        training._check_original(run, two)
    with pytest.raises(UserError, match='trained on one machine, .*; go on with one'):
        training._check_original(run, machines)
    given('--precision=mixed_bfloat16', '--devices=2')
    training._check_original(run, fast)
    training._check_original(run, two)


def test_a_run_goes_on_on_as_many_devices_of_all_machines():
    assert training._as_many_devices(machines=1, gpus=4, before=4) == 'give --devices=4'
    assert training._as_many_devices(machines=2, gpus=2, before=4) == 'give --devices=2'
    assert training._as_many_devices(machines=1, gpus=0, before=1) == 'give --devices=1'
    for too_few in (4, 2, 2), (1, 0, 2), (1, 1, 2), (2, 1, 4):
        assert training._as_many_devices(*too_few).startswith('train on as many machines')


def test_a_flag_without_effect_is_refused_and_its_switch_is_not(monkeypatch):
    class Switched(acai_tf.VAE):
        def __init__(self, *, advweight=1.0, **shared):
            super().__init__(advweight=advweight, **shared)

    given = flags.FlagValues()
    for name in 'advweight', 'advdepth', 'reg':
        flags.DEFINE_float(name, 0.0, '', flag_values=given)
    monkeypatch.setattr(training, 'FLAGS', given)
    for cls in acai_tf.VAE, Switched:
        model = cls(image_shape=(32, 32, 1), nclass=10, advweight=0.0, **tiny.SIZES)
        own = {'advweight': 0.0, 'advdepth': 16, 'reg': 0.5}
        given(['script', '--advweight=0'])
        training._check_own(own, model)
        given.unparse_flags()
        given(['script', '--advweight=0', '--advdepth=16'])
        with pytest.raises(UserError, match='--advdepth=16 has no effect with --advweight=0.0;'):
            training._check_own(own, model)
        given['advdepth'].present = 0


def test_flags_reach_the_model_and_the_training(tmp_path):
    """Those that no other test sees the effect of."""
    program = '''
import cli, json
from unittest import mock
from lib import data, train
def train_run(model, dataset, run, **options):
    told = {key: options[key] for key in ('jit_compile', 'allow_nan', 'batch_size', 'report_kimg')}
    print(json.dumps([model.dtype_policy.name, model.seed, model.lr, told]))
mock.patch.object(train, 'train_run', train_run).start()
cli.train('AEBaseline')
'''
    flags = ['--precision=mixed_bfloat16', '--jit=on', '--allow_nan', '--seed=7', '--lr=0.5']
    flags += ['--batch=16', '--report_kimg=3', '--depth=2', '--latent=4', f'--train_dir={tmp_path}']
    env = {**os.environ, 'PYTHONPATH': str(tiny.REPOSITORY)}
    done = forked.run('-c', program, *flags, env=env)
    assert done.returncode == 0, done.stderr
    (told,) = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('["')]
    options = {'jit_compile': True, 'allow_nan': True, 'batch_size': 16, 'report_kimg': 3}
    assert told == ['mixed_bfloat16', 7, 0.5, options]


def test_nothing_is_decoded_before_flags_are_checked(tmp_path):
    (tmp_path / 'mine-classes.json').write_text(json.dumps({'classes': ['cats'], 'colors': 3}))
    for part in ('train', 'test'):
        (tmp_path / f'mine-{part}.tfrecord').write_text('nothing that can be decoded')

    def run(*flags):
        command = 'baseline.py', '--dataset=mine', '--depth=2', '--latent=4', *flags
        env = {**os.environ, 'AE_DATA': str(tmp_path)}
        return forked.run(*command, f'--train_dir={tmp_path}/T', env=env)

    done = run('--dry_run')
    assert done.returncode == 0 and ' parameters  autoencoder' in done.stdout
    done = run('--latent_width=5')
    assert done.returncode == 1 and '--latent_width=5 does not divide' in done.stderr
    done = run()
    assert done.returncode == 1 and 'mine-train.tfrecord' in done.stderr.splitlines()[-1]
    assert os.listdir(tmp_path / 'T' / 'mine') == []  # no run folder


def test_a_method_that_is_none_is_named(tmp_path):
    env = {**os.environ, 'PYTHONPATH': str(tiny.REPOSITORY)}
    done = forked.run('-c', "import cli; cli.train('Wae')", cwd=tmp_path, env=env)
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    assert 'There is no method Wae in acai_tf: there are ' in sentence and 'AEBaseline' in sentence


def test_a_batch_that_devices_cannot_share_equally_is_refused(tmp_path):
    program = (
        'import cli\n'
        'from lib import devices\n'
        "devices.choose = lambda *_, **__: devices.Choice((), 2, 'float32', False)\n"
        "cli.train('AEBaseline')\n"
    )
    env = {**os.environ, 'PYTHONPATH': str(tiny.REPOSITORY)}
    done = forked.run('-c', program, '--batch=63', f'--train_dir={tmp_path}', env=env)
    assert done.returncode == 1 and not os.listdir(tmp_path)
    assert '--batch=63 cannot be shared out equally over 2 devices' in done.stderr
