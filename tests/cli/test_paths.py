"""Flags that name files and folders, where the shell leaves a ~ as it is."""
from tests.cli.test_scripts import run_scripts

COMMANDS = {
    'reproduce.py --status --train_dir=~/runs': 'runs',
    'interpolate.py --run=~/run --left=a.png --right=b.png': 'run',
    'interpolate.py --run=released/lines32-acai --corners=3,4,~/a.png,5': 'a.png',
    'create_datasets.py --datasets=mnist --from=~/published --data_dir=~/records': 'published',
    'baseline.py --dataset=mnist32 --dry_run --train_dir=~/runs': 'data/mnist-train.tfrecord',
}


def test_the_tilde_of_a_path_is_the_users_home(tmp_path):
    commands = [command.split() for command in COMMANDS]
    answers = run_scripts(commands, HOME=str(tmp_path), AE_DATA='~/data')
    for answer, path in zip(answers, COMMANDS.values(), strict=True):
        assert answer['code'] == 1
        assert f'{tmp_path}/{path}' in answer['err']


def test_an_empty_path_of_a_list_is_refused():
    command = 'interpolate.py --run=released/lines32-acai --corners=,0,1,2'.split()
    (answer,) = run_scripts([command])
    assert answer['code'] == 1 and '--corners has an empty part; give it' in answer['err']
