"""The examples run, on tiny settings."""
import re

from tests import forked


def run(name, *arguments):
    done = forked.run('-m', f'examples.{name}', *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_vectors():
    out = run('digits_vectors', '--seeds=1', '--epochs=8')
    rows = re.findall(r'^\| (\w+) \| (\S+)±0.0 \| (\S+)±0.0000 \|$', out, re.MULTILINE)
    assert [row[0] for row in rows] == ['autoencoder', 'ACAI']
    # What is learnt: one class in ten is right by chance, and the pixels' variance is 0.57.
    assert all(30 < float(accuracy) <= 100 and 0 < float(mse) < 0.2 for _, accuracy, mse in rows)
    assert rows[0][1:] != rows[1][1:]


def test_residual_network(tmp_path):
    out = run('lines64_residual', '--steps=3', '--width=16', f'--out={tmp_path / "picture.png"}')
    found = re.search(r'After 3 steps: mean distance (\S+), smoothness (\S+)', out)
    assert 0 < float(found[1]) < 2
    assert (tmp_path / 'picture.png').read_bytes().startswith(b'\x89PNG')
