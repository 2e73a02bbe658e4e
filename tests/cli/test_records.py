"""What `convert.py --records` keeps of runs: tables and curves are as of the runs themselves."""
import json
import os
import pathlib
import shutil

import numpy as np
import pytest

import acai_tf
from acai_tf import load
from cli import convert, records, tables
from lib import files, runs
from lib.errors import UserError
from tests import original
from tests.original import OPTIONS


@pytest.fixture
def trained(tmp_path):
    """Two runs of the 2018 code, one of them made ours, which was clustered."""
    folder = tmp_path / 'trained'
    baseline = original.BASELINE_RUN
    shutil.copytree(baseline, folder / baseline.relative_to(original.RUNS))
    run, _ = convert.from_original(str(original.ACAI_RUN), str(folder / 'RUN2'), OPTIONS)
    clustering = {'test_accuracy': 50.5, 'step': 49, 'n_init': 1000, 'use_svd': True}
    pathlib.Path(run.path, runs.CLUSTERING_NAME).write_text(json.dumps(clustering))
    return folder


def kept(trained, **options):
    out = trained.parent / 'kept'
    return out, records.keep(str(trained), str(out), **options)


def test_one_run_of_many_has_a_place_of_its_own(trained, tmp_path):
    for folder in ('RUN1', 'RUN2'):
        for run in (trained / folder / 'lines32').iterdir():
            records.keep(str(run), str(tmp_path / 'one'), overwrite=False)
    names = {path.parent.name for path in (tmp_path / 'one' / 'lines32').glob('*/curve.csv')}
    assert len(names) == len(load.find_runs(str(tmp_path / 'one'))) == 2


def test_it_is_read_as_the_runs_are(trained):
    out, count = kept(trained)
    of_runs, of_records = (load.find_runs(str(folder)) for folder in (trained, out))
    assert count == len(of_runs) == len(of_records) == 2
    for run, record in zip(of_runs, of_records, strict=True):
        assert os.path.relpath(run.path, trained) == os.path.relpath(record.path, out)
        assert (run.params, run.seed, run.code) == (record.params, record.seed, record.code)
        assert run.clustering == record.clustering
        assert run.curves.keys() == record.curves.keys() and 'mean_distance' in run.curves
        for tag, curve in run.curves.items():
            np.testing.assert_equal(curve, record.curves[tag])
    names = ['1', '3', 'tasks', 'original']
    assert tables.text(str(out), names, 'csv') == tables.text(str(trained), names, 'csv')


def test_it_counts_once_beside_its_run(trained):
    before = len(load.find_runs(str(trained)))
    records.keep(str(trained), str(trained / 'kept'))
    assert len(load.find_runs(str(trained))) == before


@pytest.mark.parametrize('given', [original.BASELINE_RUN, original.BASELINE_RUN.parent])
def test_a_record_of_one_run_keeps_the_names_that_say_what_it_is(given, tmp_path):
    records.keep(str(given), str(tmp_path / 'kept'))
    kept = load.find_runs(str(tmp_path / 'kept'))
    assert {run.dataset for run in kept} == {'lines32'}
    assert 'AEBaseline' in {run.class_name for run in kept}


def test_it_holds_no_weights_and_says_so(trained):
    out, _ = kept(trained)
    names = {path.name for path in out.rglob('*') if path.is_file()}
    assert names == {runs.ARGS_NAME, runs.CURVE_NAME, runs.CLUSTERING_NAME}
    for run in load.find_runs(str(out)):
        with pytest.raises(UserError, match='without its weights'):
            acai_tf.load_run(run.path)
        before = original.files(out)
        with pytest.raises(UserError, match='cannot go on from there; choose another --train_dir'):
            runs.RunFolder(run.path).create()
        assert original.files(out) == before


def test_only_records_are_replaced(trained):
    out, _ = kept(trained)
    before = original.files(out)
    with pytest.raises(UserError, match='exists; give --overwrite'):
        kept(trained)
    assert kept(trained, overwrite=True) == (out, 2)
    assert original.files(out) == before
    before = original.files(trained)
    for source in (trained, out):
        with pytest.raises(UserError, match='is not such a record; choose another --out'):
            records.keep(str(source), str(trained), overwrite=True)
    assert original.files(trained) == before


def test_a_stopped_command_leaves_no_record_and_can_be_given_again(trained, monkeypatch):
    with monkeypatch.context() as patch:
        write = files.write_file

        def stopped(path, content):
            write(path, content)
            if 'RUN2' in path:
                raise KeyboardInterrupt

        patch.setattr(files, 'write_file', stopped)
        with pytest.raises(KeyboardInterrupt):
            kept(trained)
    out = trained.parent / 'kept'
    assert len(load.find_runs(str(out))) == 1
    (run,) = trained.glob('RUN2/*/*')
    begun = out / run.relative_to(trained)  # as commands left it that were killed
    begun.mkdir()
    for name in (runs.ARGS_NAME, f'{runs.CURVE_NAME}{files.PARTIAL}1-2'):
        (begun / name).touch()
    kept(trained, overwrite=True)
    assert len(load.find_runs(str(out))) == 2
    assert not list(out.rglob('*1-2')) and not list(out.rglob('.*'))


def test_nothing_of_a_former_run_stays_in_its_record(trained):
    out, _ = kept(trained)
    (run,) = trained.glob('RUN2/*/*')
    copy = out / run.relative_to(trained)
    assert set(os.listdir(copy)) == {runs.CURVE_NAME, runs.CLUSTERING_NAME, runs.ARGS_NAME}
    for name in (runs.CLUSTERING_NAME, runs.ARGS_NAME):
        (run / name).unlink()
    kept(trained, overwrite=True)
    assert os.listdir(copy) == [runs.CURVE_NAME]


def test_what_lies_beside_a_record_is_not_removed(trained):
    out, _ = kept(trained)
    (copy, _) = sorted(out.glob('RUN*/*/*'))
    (copy / 'notes.txt').touch()
    with pytest.raises(UserError, match='holds notes.txt, which --overwrite would remove'):
        kept(trained, overwrite=True)
    assert (copy / 'notes.txt').exists()


def test_what_a_repeat_has_beside_is_kept_too(trained):
    """As tables count it."""
    out, _ = kept(trained)
    shutil.copytree(out, trained / 'kept')
    (run,) = trained.glob('RUN2/*/*')
    for format in ('csv', 'text'):
        if format == 'csv':
            (run / runs.CLUSTERING_NAME).unlink()
        else:
            (run / runs.CLUSTERING_NAME).write_text('{')
        records.keep(str(trained), str(trained.parent / format))
        again = tables.text(str(trained.parent / format), ['tasks'], format)
        assert again == tables.text(str(trained), ['tasks'], format) and '50.5' in again


def test_what_cannot_be_read_is_named(trained):
    (run, _) = sorted(trained.glob('RUN*/*/*'))
    (run / runs.CLUSTERING_NAME).mkdir()
    with pytest.raises(UserError, match=r'^Cannot read .*clustering.json \(Is a directory\)'):
        kept(trained)


def test_script(trained, tmp_path):
    code, out, _ = original.run('convert.py', '--records=trained', '--out=kept', cwd=tmp_path)
    assert code == 0 and 'Wrote what 2 runs reported to kept.' in out
    for arguments in (['--records=trained'], ['--records=trained', '--release=x']):
        code, _, error = original.run('convert.py', *arguments, cwd=tmp_path)
        assert code == 1 and '--original or --records' in error
    (tmp_path / 'empty').mkdir()
    code, _, error = original.run('convert.py', '--records=empty', '--out=x', cwd=tmp_path)
    assert code == 1 and 'holds no run folder' in error and 'Traceback' not in error
