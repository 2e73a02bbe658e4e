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


def test_a_link_to_a_run_is_the_run_that_it_leads_to(tmp_path):
    run = made_runs.made(tmp_path / 'lines32' / runs.experiment_name('AE', PARAMS), PARAMS)
    os.remove(os.path.join(run.path, runs.ARGS_NAME))
    (tmp_path / 'link').symlink_to(run.path)
    methods = {'AE': METHODS['My_AE']}
    identity = discovery.identify(runs.RunFolder(str(tmp_path / 'link')), methods)
    assert (identity.params, identity.dataset) == (PARAMS, 'lines32')


def test_a_table_of_another_kind_hides_no_run(tmp_path, capsys):
    run = made(tmp_path / 'lines32', **{'class': 'My_AE'})
    (tmp_path / runs.CURVE_NAME).write_text('a,b\n')
    assert [found.path for found, _ in discovery.find(str(tmp_path), METHODS)] == [run.path]
    assert f'{tmp_path} is not a run folder' in capsys.readouterr().err


def test_any_number_that_a_run_was_trained_with_is_read(tmp_path):
    made(tmp_path, **{'class': 'My_AE', 'lr': 1e30})
    ((_, identity),) = discovery.find(str(tmp_path), METHODS)
    assert identity.recorded['lr'] == 1e30
