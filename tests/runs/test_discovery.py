"""Which folders are runs."""
import os

from lib import runs
from lib.runs import discovery
from tests import made_runs

METHODS = {'My_AE': {**dict.fromkeys(runs.SIZES, int), 'kind': str}}
PARAMS = {'scales': 3, 'depth': 2, 'latent': 4, 'kind': 'a'}


def made(folder, **args):
    path = folder / runs.experiment_name('My_AE', PARAMS)
    return made_runs.made(path, {'dataset': 'lines32', **PARAMS, **args})


def test_a_class_whose_name_has_an_underscore_is_known_by_its_args(tmp_path):
    run = made(tmp_path, **{'class': 'My_AE'})
    ((found, identity),) = discovery.find(str(tmp_path), METHODS)
    assert found.path == run.path
    assert (identity.class_name, identity.params) == ('My_AE', PARAMS)


def test_what_is_no_methods_run_is_passed_over(tmp_path, capsys):
    made(tmp_path / 'a', **{'class': 'Classifier'})
    made(tmp_path / 'b', **{'class': ['My_AE']})
    damaged = made(tmp_path / 'c', **{'class': 'My_AE'})
    with open(os.path.join(damaged.path, runs.ARGS_NAME), 'w') as file:
        file.write('{')
    assert not list(discovery.find(str(tmp_path), METHODS))
    assert capsys.readouterr().err == ''
