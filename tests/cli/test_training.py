"""What a training script refuses before it trains."""
import pytest
from absl import flags

from cli import training
from lib import devices, runs
from lib.errors import UserError
from tests import original


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
