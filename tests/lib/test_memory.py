import subprocess
import sys

import pytest

import acai_tf
from lib import memory
from lib.errors import UserError
from tests import tiny

ENCODER = 2 * 2 * 1024 + 2 * 4 * 256 + 2 * 8 * 64 + (16 + 4) * 16  # channels * pixels
DECODER = 2 * 8 * 16 + 2 * 4 * 64 + 2 * 2 * 256 + (2 + 1) * 1024
CODES = {'num_latents': 3, 'z_log_size': 5}


def test_what_a_step_keeps_is_counted_from_the_shapes():
    assert memory.stored_activations(tiny.make('AEBaseline')) == ENCODER + DECODER
    assert memory.stored_activations(tiny.make('ACAI')) == 3 * ENCODER + DECODER
    codes = memory.stored_activations(tiny.make('AEVQVAE', **CODES)) - ENCODER - DECODER
    assert codes == 3 * 32


def test_a_batch_that_cannot_fit_is_refused_with_one_that_does(monkeypatch):
    model = tiny.make('AEBaseline')
    per_image = 4 * (ENCODER + DECODER)
    monkeypatch.setattr(memory, 'machine_bytes', lambda: 1e9)
    fits = int(1e9 / (memory.MOST * per_image))
    memory.check_batch(model, int(1e9 / (memory.LEAST * per_image)))  # it may
    with pytest.raises(UserError) as refused:
        memory.check_batch(model, 100_000)
    needed = 100_000 * memory.LEAST * per_image / 1e9
    assert str(refused.value) == (
        f'--batch=100000 does not fit: a train step needs at least {needed:.3g} GB of memory and '
        f'this machine has 1 GB; use at most --batch={fits}.'
    )
    with pytest.raises(UserError, match=f'--batch=300000 .*use at most --batch={3 * fits}'):
        memory.check_batch(model, 300_000, machines=3)


def test_numbers_of_two_bytes_may_fit_where_others_do_not(monkeypatch):
    monkeypatch.setattr(memory, 'machine_bytes', lambda: 1e9)
    per_image = memory.LEAST * 2 * (ENCODER + DECODER)
    memory.check_batch(tiny.make('AEBaseline', dtype='mixed_bfloat16'), int(1e9 / per_image))


def test_a_critic_of_ones_own_is_not_counted(monkeypatch):
    class OwnCritic(acai_tf.AEBaseline):
        def make_groups(self):
            self.critic = self.encoder
            return super().make_groups()

    monkeypatch.setattr(memory, 'machine_bytes', lambda: 1)
    sizes = dict(image_shape=(32, 32, 1), nclass=10, **tiny.SIZES)
    memory.check_batch(OwnCritic(**sizes), 100_000)


@pytest.mark.parametrize(
    ('groups', 'limit'),
    [
        ('0::/\n', 'memory.max'),  # cgroups 2
        ('0::/slurm/job_7\n', 'slurm/job_7/memory.max'),
        ('0::/slurm/job_7\n', 'slurm/memory.max'),
        ('5:cpu:/x\n4:memory:/docker\n', 'memory/docker/memory.limit_in_bytes'),  # cgroups 1
        ('4:memory:/docker\n0::/\n', 'memory/memory.limit_in_bytes'),
    ],
)
def test_a_container_may_use_less_than_the_machine_has(tmp_path, groups, limit):
    path, file = tmp_path / limit, tmp_path / 'groups'
    file.write_text(groups)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = memory.machine_bytes(str(tmp_path), str(file))
    assert whole > 2**28
    for text, expected in (('max\n', whole), (f'{2**27}\n', 2**27)):
        path.write_text(text)
        assert memory.machine_bytes(str(tmp_path), str(file)) == expected
    assert memory.machine_bytes(str(tmp_path), str(tmp_path / 'none')) == whole


@pytest.mark.parametrize(
    ('before', 'fix'),
    [
        ('', 'end other programs and runs, or use a machine with more memory.'),
        (
            'cli.flags.DEFINE_integer("batch", 64, ""); cli.paths.define("train_dir", None, ""); ',
            'choose a smaller --batch, fewer runs',
        ),
        ('import convert; ', 'end other programs and runs'),  # its --batch is what is recorded
    ],
)
def test_a_command_that_runs_out_of_memory_ends_with_a_sentence(before, fix):
    fails = 'cli.run(lambda: bytearray(1 << 62), wants_tensorflow=lambda: False)'
    program = f'import cli, cli.paths; {before}{fails}'
    command = [sys.executable, '-c', program]
    done = subprocess.run(command, cwd=tiny.REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f'-c: There is too little memory: {fix}')


def test_lines_whose_reports_cannot_fit_are_refused(monkeypatch):
    monkeypatch.setattr(memory, 'machine_bytes', lambda: 4e9)
    memory.check_report((128, 128, 1))
    with pytest.raises(UserError, match='Lines of 512x512 do not fit: .* 4.29 GB .* 4 GB'):
        memory.check_report((512, 512, 1))
