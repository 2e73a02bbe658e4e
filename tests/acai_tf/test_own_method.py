"""docs/EXTENDING.md is right: its files are all that a method of one's own takes."""
import os
import re
import shutil

import pytest

from tests import forked, tiny

MAX_LINES = {'acai_tf/wae.py': 60, 'wae.py': 30, 'acai_tf/sparse.py': 60}
NAME = 'WAE_depth2_latent4_mmd_weight0.5_scales3'


def files_in_docs():
    """{path: text} of the Python blocks that begin with their file's name."""
    text = (tiny.REPOSITORY / 'docs' / 'EXTENDING.md').read_text()
    blocks = re.findall(r'^```python\n# (\S+\.py)\n(.*?)^```', text, re.MULTILINE | re.DOTALL)
    return dict(blocks)


@pytest.fixture(scope='module')
def repository(tmp_path_factory):
    """A copy of what a script needs, with these files added."""
    folder = tmp_path_factory.mktemp('repository')
    for name in ('acai_tf', 'lib'):
        shutil.copytree(tiny.REPOSITORY / name, folder / name)
    shutil.copytree(tiny.REPOSITORY / 'cli', folder / 'cli')
    for path, text in files_in_docs().items():
        assert not (folder / path).exists()
        (folder / path).write_text(text)
    return folder


def run(repository, *arguments):
    return forked.run(*arguments, cwd=repository)


def test_it_is_short():
    files = files_in_docs()
    assert set(files) == set(MAX_LINES)
    for path, text in files.items():
        assert len(text.splitlines()) < MAX_LINES[path]
        assert max(map(len, text.splitlines())) <= 100


def test_it_trains_and_can_be_loaded(repository):
    done = run(
        repository,
        tiny.REPOSITORY / 'tests' / 'run_short.py',
        'wae.py',
        *('--depth=2', '--latent=4', '--mmd_weight=0.5', '--lr=0.003'),
        *('--batch=16', '--total_kimg=3', f'--train_dir={repository / "experiments"}'),
    )
    assert done.returncode == 0, done.stderr
    losses = [float(loss) for loss in re.findall(r'loss_ae= (\S+)', done.stdout)]
    assert len(losses) == 2 and losses[1] < losses[0] / 2  # after step 1, and 193
    folder = repository / 'experiments' / 'lines32' / NAME
    assert {'args.json', 'images', 'tf'} <= set(os.listdir(folder))
    done = run(
        repository,
        '-c',
        f'import acai_tf; model = acai_tf.load_run({str(folder)!r});'
        'print(acai_tf.WAE is type(model), int(model.global_step), model.params);'
        'from cli.reproduction import planning;'
        'options = dict(seeds=1, total_kimg=1, report_kimg=1, methods=["wae"]);'
        'jobs = planning.plan(1, "T", **options);'
        'print(jobs[0].name, *jobs[0].next_command()[:2])',
    )
    params = "{'scales': 3, 'depth': 2, 'latent': 4, 'mmd_weight': 0.5}"
    assert done.stdout.splitlines()[-2:] == [
        f'True 193 {params}', 'RUN1 WAE lines32/64 wae.py --dataset=lines32'
    ], done.stderr  # fmt: skip


def test_the_regulariser_serves_another_method(repository):
    code = """
import tensorflow as tf
import acai_tf
model = acai_tf.SparseACAI(
    image_shape=(8, 8, 1), nclass=3, scales=1, depth=2, latent=2, lr=1e-2, sparsity=10.0
)
batch = {'x': tf.random.uniform((8, 8, 8, 1), -1, 1), 'label': tf.one_hot(tf.range(8) % 3, 3)}
step = tf.function(model.train_step)
sizes = []
for _ in range(60):
    scalars = step(batch)
    sizes.append(float(tf.reduce_mean(abs(model.encode(batch['x'])))))
print(sorted(model.groups), 'loss_ae_disc' in scalars, sizes[-1] < sizes[0] / 2)
"""
    done = run(repository, '-c', code)
    assert done.stdout == "['autoencoder', 'classifier', 'critic'] True True\n", done.stderr
