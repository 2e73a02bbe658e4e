"""The scripts as a user runs them: training, resuming, mistakes, and TensorBoard beside them."""
import hashlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import numpy as np
import pytest
import tensorflow as tf

from lib import runs
from lib.runs import scalars
from tests import forked, run_kills, tiny

SIZES = ['--depth=2', '--latent=4', '--latent_width=4']
SMALL = ['--dataset=lines16', *SIZES]
LONGER = 'acai'  # the script whose finished run is made longer
GOLDEN_FLAGS = {'vqvae': ['--num_latents=2', '--z_log_size=6']}
ACAI = 'lines16/ACAI_advdepth2_advweight0.5_depth2_latent4_reg0.2_scales2'
LENGTH = ['--total_kimg=14', '--report_kimg=7']  # 225 steps
REPORTS = [1, 113, 225]
SCALARS = {
    *('rmse', 'loss_ae', 'loss_disc', 'loss_ae_disc', 'loss_disc_real', 'classify_latent'),
    *('latent_accuracy_1', 'mean_distance_1', 'mean_smoothness_1', 'time/images_per_sec'),
    *('mean_distance_2', 'mean_smoothness_2'),
    *('sample_distance_fitted', 'sample_coverage_fitted', 'sample_kl_fitted'),
}
PICTURES = {f'{name}/image/0' for name in ('reconstruction', 'interpolation', 'slerp', 'samples')}
ENVIRONMENT = {**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3'}
ENVIRONMENT.pop('AE_DATA', None)
ON_ALL_CORES = {name: value for name, value in ENVIRONMENT.items() if '_THREADS' not in name}


def run_scripts(several, **environment):
    """Runs scripts one after the other, in one process; their exit codes and output."""
    done = forked.run(
        'tests/run_scripts.py',
        input=json.dumps([list(map(str, command)) for command in several]),
        env={**ENVIRONMENT, **environment},
    )
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"code"')]
    assert len(answers) == len(several), done.stderr
    return answers


def acai(train_dir):
    """A run as a user's, on all cores: where it stops must not matter there either."""
    flags = [f'--train_dir={train_dir}', *SMALL, *LENGTH]
    return forked.Command('tests/run_short.py', 'acai.py', *flags, env=ON_ALL_CORES)


def contents(folder):
    """{path: hash} of every file."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


# Every script, quickly.


@pytest.fixture(scope='module')
def every_script(tmp_path_factory):
    """{script: (train_dir, [dry run, 17 steps, the same again])}; LONGER's makes 16 more then."""
    folder, several, answers = tmp_path_factory.mktemp('every'), {}, {}
    for script in tiny.SCRIPTS:
        flags = [f'{script}.py', f'--train_dir={folder}', *SIZES, *GOLDEN_FLAGS.get(script, [])]
        short = [*flags, '--dataset=lines16', '--total_kimg=1']
        several[script] = [[*flags, '--dry_run'], short, short]
    several[LONGER].append([*several[LONGER][-1], '--total_kimg=2'])
    said = iter(run_scripts([command for commands in several.values() for command in commands]))
    for script, commands in several.items():
        answers[script] = [next(said) for _ in commands]
    return folder, answers


@pytest.mark.parametrize('script', tiny.SCRIPTS)
def test_dry_run_tells_the_folder_and_the_size(script, every_script):
    folder, answers = every_script
    dry_run = answers[script][0]
    assert dry_run['code'] == 0, dry_run['err']
    config, _ = tiny.golden(script)
    text, _, sizes = dry_run['out'].partition('\n}\n')
    told = json.loads(text + '\n}')
    assert told['run_folder'] == f'{folder}/lines32/{config["experiment_name"]}'
    assert {key: told['args'][key] for key in config['params']} == config['params']
    shapes = tf.train.load_checkpoint(
        tiny.golden_prefix(script, 'initial')
    ).get_variable_to_shape_map()
    recorded = sum(np.prod(shape) for name, shape in shapes.items() if name.endswith('/Adam'))
    numbers = [int(number.replace(',', '')) for number in re.findall(r'^ *([\d,]+) ', sizes, re.M)]
    assert numbers[-1] == sum(numbers[:-1]) == recorded


@pytest.mark.parametrize('script', tiny.SCRIPTS)
def test_every_script_trains_and_resumes(script, every_script):
    folder, answers = every_script
    _, first, again, *longer = answers[script]
    config, _ = tiny.golden(script)
    params = {**config['params'], 'scales': 2}
    run = folder / 'lines16' / config['experiment_name'].replace('_scales3', '_scales2')
    for answer in answers[script][1:]:
        assert answer['code'] == 0, answer['err']
        assert answer['out'].endswith(f'Done; the run is in {run}\n')
    tags = r'  '.join(rf'{tag}= \S+' for tag in config['losses'])
    assert len(re.findall(rf'^kimg=0  {tags}  \[[\d.]+ img/s\]$', first['out'], re.M)) == 1
    for answer in (first, *longer):
        assert re.search(r'^kimg=\d+  accuracy=[\d.]+$', answer['out'], re.M)
        assert re.search(
            r'^kimg=\d+  mean_distance=[\d.]+  mean_smoothness(=[\d.]+| undefined \(.*\))$',
            answer['out'],
            re.M,
        )
    assert 'Resuming' not in first['out']
    assert not re.search('New run|Resuming|kimg=', again['out'])  # nothing was left to do
    for answer in longer:
        assert f'Resuming {run} at step 17.' in answer['out']
    steps = {int(path.suffixes[-2][6:]) for path in run.glob('tf/*.index')}
    assert steps == {1, 17, *(33 for _ in longer)}
    assert (run / 'images' / 'name.png').exists()
    record = json.loads((run / 'args.json').read_text())
    assert record['args']['total_kimg'] == 1 + len(longer)
    assert {key: record['args'][key] for key in params} == params


# A run that is stopped on its way (run_kills.py kills).


@pytest.fixture(scope='module')
def interrupted(tmp_path_factory):
    """(folder of an unbroken run, of one that was stopped, what the latter said)."""
    folder, said = tmp_path_factory.mktemp('interrupted'), []
    unbroken, broken = folder / 'unbroken', folder / 'broken'
    with acai(unbroken) as beside:
        with acai(broken) as process:
            reported = broken / ACAI / 'tf' / 'model.ckpt-113.index'
            forked.wait_until(reported.exists, process)
            process.terminate()
            said.append((*process.communicate(), process.returncode))
        with acai(broken) as process:
            said.append((*process.communicate(), process.returncode))
        _, err = beside.communicate()
        assert beside.returncode == 0, err
    return unbroken, broken, said


def test_a_stopped_script_says_so_and_goes_on(interrupted):
    _, broken, ((out, err, code), (last_out, last_err, last_code)) = interrupted
    assert code == 128 + signal.SIGTERM, err
    stopped = int(re.search(r'^Stopped at step (\d+); run the same command again', out, re.M)[1])
    assert 113 <= stopped < 225
    assert f'Resuming {broken / ACAI} at step {stopped}.' in last_out
    assert last_code == 0, last_err
    assert 'Traceback' not in err + last_err


def test_it_ends_as_an_unbroken_run(interrupted):
    """Weights, Adam's moments, events and pictures, bit for bit; nothing else is left."""
    unbroken, broken = (runs.RunFolder(str(folder / ACAI)) for folder in interrupted[:2])
    assert run_kills.differences(broken, unbroken) == []


def test_its_event_files_and_pictures_hold_each_report_once(interrupted):
    run = runs.RunFolder(str(interrupted[1] / ACAI))
    found = {}
    for step, tag, _ in run_kills.logged(run):
        found.setdefault(tag, []).append(step)
    assert found.pop('_hparams_/session_start_info') == [0]  # when it was new, and never again
    assert found == {tag: REPORTS for tag in SCALARS | PICTURES}
    names = ['name.png', 'name_000000.png', 'name_000007.png', 'name_000014.png']
    assert sorted(os.listdir(run.images)) == names


def test_it_leaves_nothing_behind(interrupted):
    _, broken, _ = interrupted
    names = {str(path.relative_to(broken / ACAI)) for path in contents(broken)}
    expected = r'args.json|images/name(_\d{6})?.png|tf/summaries/events\.\S+|'
    expected += r'tf/model.ckpt-\d+.(index|data-00000-of-00001)'
    assert all(re.fullmatch(expected, name) for name in names), names


def test_tensorboard_shows_every_scalar_and_picture(interrupted):
    _, broken, _ = interrupted
    run = f'{ACAI}/tf/summaries'
    flags = [f'--logdir={broken}', '--host=127.0.0.1', '--port=0', '--load_fast=false']
    flags.append('--reload_interval=1')
    with forked.Command('-m', 'tensorboard.main', *flags, env=ENVIRONMENT) as process:

        def told():
            return re.search(r'http://127\S+(?= )', process.err())

        forked.wait_until(told, process)
        address = told()[0]

        def ask(path, **query):
            url = f'{address.rstrip("/")}/data/plugin/{path}?{urllib.parse.urlencode(query)}'
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)

        def shown():
            tags = {kind: ask(f'{kind}/tags').get(run, ()) for kind in ('scalars', 'images')}
            found = {}
            for tag in tags['scalars']:
                found[tag] = [step for _, step, _ in ask('scalars/scalars', run=run, tag=tag)]
            for tag in tags['images']:
                pictures = ask('images/images', run=run, tag=tag, sample=0)
                found[tag] = [picture['step'] for picture in pictures]
            return found

        # TensorBoard shows what it has read so far.
        expected, end = {tag: REPORTS for tag in SCALARS | PICTURES}, time.monotonic() + 60
        while (found := shown()) != expected and time.monotonic() < end:
            time.sleep(0.5)
        assert found == expected


# Mistakes.


@pytest.fixture(scope='module')
def mistakes(interrupted, tmp_path_factory):
    """{name: the answer to a wrong command}, and whether a file was touched by it."""
    folder = tmp_path_factory.mktemp('mistakes')
    (folder / 'file').write_text('kept')
    own = [f'--train_dir={folder / "experiments"}', *SIZES]
    broken = [f'--train_dir={interrupted[1]}', *SMALL]
    wrong = {
        'unknown data set': ['acai.py', '--dataset=mnits32', *own],
        'unknown flag': ['acai.py', '--depht=3', *own],
        'argument without a flag': ['acai.py', 'depth=3', *own],
        'latents of 5x5': ['acai.py', *own, '--latent_width=5'],
        'latents larger than the image': ['acai.py', *own, '--latent_width=64'],
        'negative depth': ['acai.py', *own, '--depth=-2'],
        'no latents': ['vae.py', *own, '--latent=0'],
        'negative learning rate': ['aae.py', *own, '--lr=-1e-4'],
        'no number': ['baseline.py', *own, '--lr=nan'],
        'words for a number': ['baseline.py', *own, '--batch=many'],
        'more images than fit': ['baseline.py', *own, '--batch=100000000'],
        'negative hidden layer': ['aae.py', *own, '--disc_layer_sizes=100,-3'],
        'no latent kept': ['dropout.py', *own, '--dropout=0'],
        "a part's flag without the part": ['vae.py', *own, '--reg=0.5'],
        'a file in the way': ['acai.py', *own, f'--train_dir={folder / "file"}'],
        'a folder that nobody can make': ['acai.py', *own, '--train_dir=/proc/experiments'],
        'another learning rate': ['acai.py', *broken, '--lr=0.01'],
        'another seed': ['acai.py', *broken, '--seed=3'],
        'another batch': ['acai.py', *broken, '--batch=32'],
        'a second process': ['acai.py', f'--train_dir={tmp_path_factory.getbasetemp()}', *SMALL],
    }
    taken = runs.RunFolder(str(tmp_path_factory.getbasetemp() / ACAI))
    taken.create()
    before = contents(interrupted[1])
    with taken.locked():
        answers = dict(zip(wrong, run_scripts(wrong.values()), strict=True))
    assert contents(interrupted[1]) == before
    assert contents(folder) == {
        folder / 'file': hashlib.sha256(b'kept').hexdigest()
    }
    return answers


@pytest.mark.parametrize(
    'mistake, words',
    [
        ('unknown data set', "'mnits32'"),
        ('unknown flag', "'depht'"),
        ('argument without a flag', "'depth=3'; flags begin with --"),
        ('latents of 5x5', 'use one of 32, 16, 8, 4, 2, 1'),
        ('latents larger than the image', 'use one of 32, 16, 8, 4, 2, 1'),
        ('negative depth', '--depth=-2: -2 is not a positive integer'),
        ('no latents', '--latent=0: 0 is not a positive integer'),
        ('negative learning rate', '--lr=-1e-4: -0.0001 is not a non-negative number'),
        ('no number', '--lr=nan is not a number to compute with'),
        ('words for a number', '--batch=many'),
        ('more images than fit', '--batch=100000000 does not fit: '),
        ('negative hidden layer', 'must be positive integers separated by commas'),
        ('no latent kept', '--dropout=0'),
        ("a part's flag without the part", '--reg=0.5 has no effect with --advweight=0'),
        ('a file in the way', ' (Not a directory); choose another --train_dir.'),
        ('a folder that nobody can make', 'Cannot write to the run folder'),
        ('another learning rate', 'was made with lr=0.0001, not 0.01; give --lr=0.0001'),
        ('another seed', 'was made with seed=0, not 3'),
        ('another batch', 'was made with batch=64, not 32'),
        ('a second process', f' on {socket.gethostname()} is training in the run folder'),
    ],
)
def test_a_mistake_is_one_sentence(mistake, words, mistakes):
    answer = mistakes[mistake]
    assert answer['code'] == 1
    assert answer['out'] == ''
    sentence, *rest = answer['err'].strip().splitlines()
    assert words in sentence or (rest and words in rest[0])
    assert 'Traceback' not in answer['err']
    assert len(rest) <= 2  # absl adds where to find help


@pytest.mark.parametrize(
    'environment, words',
    [({}, 'Cannot write to the run folder'), ({'KERAS_BACKEND': 'jax'}, 'Keras is set to compute')],
)
def test_a_mistake_of_a_real_process(environment, words):
    command = [sys.executable, 'acai.py', *SIZES, '--train_dir=/proc/experiments']
    done = subprocess.run(
        command,
        cwd=tiny.REPOSITORY,
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
    )
    err = done.stderr
    assert done.returncode == 1 and done.stdout == ''
    assert err.strip().splitlines()[-1].startswith(f'acai.py: {words}')
    assert 'Traceback' not in err


def test_help_is_no_failure(tmp_path):
    done = forked.run('acai.py', '--help')
    assert done.returncode == 0 and '--advweight' in done.stdout
    gone = f'mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir {tmp_path}/gone; '
    command = shlex.join([sys.executable, str(tiny.REPOSITORY / 'tables.py'), str(tmp_path)])
    done = subprocess.run(['sh', '-c', gone + command], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.endswith('The current folder does not exist any more; change to another.\n')


def test_a_reader_that_ends_costs_no_training(tmp_path):
    command = [sys.executable, 'baseline.py', *SIZES, f'--train_dir={tmp_path}', '--report_kimg=1']
    with subprocess.Popen(
        command, cwd=tiny.REPOSITORY, env=ENVIRONMENT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    ) as reader:  # fmt: skip
        assert any(line.startswith('kimg=1 ') for line in reader.stdout)
        reader.stdout.close()
        err = reader.stderr.read()
    assert reader.returncode == 1 and 'BrokenPipe' not in err
    assert re.search(r'that read the output has exited.* The checkpoint of step \d+ is saved', err)


def test_closed_output_costs_no_training(tmp_path):
    words = [sys.executable, 'baseline.py', *SIZES, f'--train_dir={tmp_path}', '--total_kimg=1']
    command = ['sh', '-c', f'{shlex.join(words)} <&- >&- 2>&-']
    assert subprocess.run(command, cwd=tiny.REPOSITORY, env=ENVIRONMENT).returncode == 0
    (run,) = tmp_path.glob('lines32/*')
    assert runs.RunFolder(str(run)).checkpoint_steps() == [17, 1]


def test_a_full_disk_costs_no_training(tmp_path):
    """Files can be no larger than 60 KiB: the events and pictures of a report do not fit."""
    command = ['tests/run_short.py', 'baseline.py', *SIZES]
    command += [f'--train_dir={tmp_path}', '--total_kimg=1']
    first = forked.run(*command, max_file_bytes=60 << 10)
    assert first.returncode == 1 and 'Traceback' not in first.stderr
    assert re.search(r'Cannot write to .* The checkpoint of step 1 is saved', first.stderr)
    assert not list(tmp_path.glob('**/*partial*'))
    second = forked.run(*command)
    assert second.returncode == 0, second.stderr
    assert 'at step 1.' in second.stdout and 'Done' in second.stdout
    unbroken = [word.replace(str(tmp_path), f'{tmp_path}/unbroken') for word in command]
    assert forked.run(*unbroken).returncode == 0
    (run,) = tmp_path.glob('lines32/*')
    other = tmp_path / 'unbroken' / 'lines32' / run.name
    for picture in (other / 'images').iterdir():  # also of the report that found no room
        assert (run / 'images' / picture.name).read_bytes() == picture.read_bytes()
    ours, theirs = (scalars.read(str(folder / 'tf' / 'summaries')) for folder in (run, other))
    rate = 'time/images_per_sec'
    assert ours.pop(rate).keys() == theirs.pop(rate).keys()
    np.testing.assert_equal(ours, theirs)
