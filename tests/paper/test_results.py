"""A run's numbers from its event files, and numbers over seeds."""
import json
import math
import shutil
import statistics

import numpy as np
import pytest
import tensorflow as tf

from acai_tf import load
from lib import original_names, runs
from lib.errors import UserError
from lib.paper import kinds, results
from lib.runs import scalars
from tests import original
from tests.made_runs import PARAMS, reported, write_events


def by_tensorflow(path, tag):
    """{step: value} as TensorFlow's own iterator reads the 2018 code's event file."""
    return {
        event.step: value.simple_value
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
        if value.tag == tag
    }


@pytest.mark.parametrize('folder', [
    *(original.BASELINE_RUN, original.OTHER_BASELINE_RUN),
    *(original.ACAI_RUN, original.OTHER_ACAI_RUN),
], ids=lambda path: '/'.join(path.parts[-3:]))  # fmt: skip
def test_the_originals_runs_as_tensorflow_reads_them(folder):
    (path,) = (folder / 'tf' / 'summaries').iterdir()
    (run,) = [run for run in load.find_runs(str(original.RUNS)) if run.path == str(folder)]
    assert (run.dataset, run.seed, run.latent_size) == ('lines32', None, 64)
    assert run.code == results.ORIGINAL
    for name in original_names.EVALUATIONS:
        expected = by_tensorflow(path, f'{name}_1')
        assert expected.pop(1) == 0  # a placeholder
        np.testing.assert_equal(run.curves[name], expected)
        defined = [value for value in expected.values() if not math.isnan(value)]
        median = statistics.median(defined) if defined else math.nan
        np.testing.assert_equal(run.number(name), (median, 3))


def test_mean_and_sd_over_the_originals_seeds():
    found = [r for r in load.find_runs(str(original.RUNS)) if r.class_name == 'AEBaseline']
    medians = []
    for folder in (original.BASELINE_RUN, original.OTHER_BASELINE_RUN):
        (path,) = (folder / 'tf' / 'summaries').iterdir()
        values = by_tensorflow(path, 'mean_distance_1')
        medians.append(statistics.median(list(values.values())[1:]))
    cell = results.over_seeds(found, 'mean_distance')
    assert cell.mean == pytest.approx(statistics.mean(medians))
    assert cell.sd == pytest.approx(statistics.stdev(medians))
    assert (cell.seeds, cell.undefined, cell.kimg, cell.is_short) == (2, 0, 3, True)
    # No interpolation of the first seed ever moved.
    cell = results.over_seeds(found, 'mean_smoothness')
    assert (cell.seeds, cell.undefined, cell.sd) == (1, 1, None)
    assert results.over_seeds(found, results.CLUSTERING) is None


def test_median_of_the_last_twenty(tmp_path):
    steps = {1 + 1024 * k: float(k) for k in range(257)}
    folder = reported(tmp_path, {'latent_accuracy': steps, 'mean_smoothness': {1: 5.0}})
    (run,) = load.find_runs(str(tmp_path))
    assert run.path == str(folder) and run.seed == 1 and kinds.settings(run) == {}
    assert run.number('latent_accuracy') == (statistics.median(range(237, 257)), 1 << 14)
    assert run.number('mean_smoothness') is None  # of an untrained model
    assert not results.over_seeds([run], 'latent_accuracy').is_short


def test_undefined_ones_of_the_last_twenty_are_left_out(tmp_path):
    steps = {1 + 1024 * k: float(k) for k in range(40)}
    undefined = {1 + 1024 * k: math.nan for k in (30, 31, 38)}
    reported(tmp_path, {'mean_smoothness': {**steps, **undefined}})
    (run,) = load.find_runs(str(tmp_path))
    defined = {*range(20, 40)} - {30, 31, 38}
    assert run.number('mean_smoothness') == (statistics.median(defined), 39 * 64)


def test_what_was_written_last_counts(tmp_path):
    folder = reported(tmp_path, {'mean_distance': {65: 1.0, 129: 2.0}})
    (first,) = (folder / 'tf' / 'summaries').iterdir()
    first.rename(first.with_name('events.out.tfevents.1'))
    write_events(folder / 'tf' / 'summaries', {'mean_distance': {129: 3.0, 193: math.nan}})
    found = scalars.read(str(folder / 'tf' / 'summaries'))
    np.testing.assert_equal(found, {'mean_distance': {65: 1.0, 129: 3.0, 193: math.nan}})


@pytest.mark.parametrize('damage', ['cut', 'flipped', 'empty', 'no events'])
def test_a_damaged_file_counts_as_far_as_it_goes(damage, tmp_path, capsys):
    folder = reported(tmp_path, {'mean_distance': {65: 1.0, 129: 2.0, 193: 3.0}})
    (path,) = (folder / 'tf' / 'summaries').iterdir()
    content = bytearray(path.read_bytes())
    if damage == 'cut':
        content = content[:-3]
    elif damage == 'flipped':
        content[-20] ^= 1
    path.write_bytes({'empty': b'', 'no events': b'x' * 100}.get(damage, content))
    (run,) = load.find_runs(str(tmp_path))
    expected = {65: 1.0, 129: 2.0} if damage in ('cut', 'flipped') else {}
    assert run.curves.get('mean_distance', {}) == expected
    note = capsys.readouterr().err
    assert (f'{path} is damaged after' in note) == (damage != 'empty')


def test_a_repeated_seed_counts_once(tmp_path, capsys):
    short, long = {'latent_accuracy': {17: 1.0}}, {'latent_accuracy': {17: 1.0, 33: 2.0}}
    reported(tmp_path / 'a', short)
    reported(tmp_path / 'b', long)
    reported(tmp_path / 'c', long, seed=2)
    (kept, other) = load.find_runs(str(tmp_path))
    assert '/b/' in kept.path and other.seed == 2
    assert '/a/' in capsys.readouterr().err
    # In another precision it is another run.
    reported(tmp_path / 'e', short, precision='mixed_bfloat16')
    assert len(load.find_runs(str(tmp_path))) == 3
    capsys.readouterr()
    # In RUNk the folder tells the seeds apart, but not a copy of a run.
    reported(tmp_path / 'd' / 'RUN1', short)
    reported(tmp_path / 'd' / 'RUN2', {'latent_accuracy': {17: 1.5}})
    reported(tmp_path / 'd' / 'RUN3', long)
    kept = [run.path for run in load.find_runs(str(tmp_path / 'd'))]
    assert [path.split('/')[-3] for path in kept] == ['RUN2', 'RUN3']
    # Nor is a copy that ended between two of the other's reports.
    reported(tmp_path / 'k' / 'RUN1', {'latent_accuracy': {17: 1.0, 20: 3.0}})
    reported(tmp_path / 'k' / 'RUN2', long)
    assert len(load.find_runs(str(tmp_path / 'k'))) == 1
    # How fast it was is nothing that a seed decides.
    for seed, rate in (1, 200.0), (2, 201.0):
        values = {'mean_distance': {17: 0.1}, 'time/images_per_sec': {17: rate}}
        reported(tmp_path / 'f' / f'RUN{seed}', values)
    assert len(load.find_runs(str(tmp_path / 'f'))) == 1
    # Reported at another period, it has a line of its own.
    reported(tmp_path / 'g', short)
    reported(tmp_path / 'h', long, report_kimg=16)
    for place in 'gh':
        assert len(load.find_runs(str(tmp_path / place))) == 1
    (tmp_path / 'g').rename(tmp_path / 'h' / 'g')
    both = load.find_runs(str(tmp_path / 'h'))
    assert len(both) == 2
    # Where no line is of one period, the seed counts once, and so does a clustering of it.
    assert [run.last_step for run in results.distinct(both, any_period=True)[0]] == [33]
    cell = results.over_seeds(both, 'latent_accuracy')
    assert (cell.mean, cell.sd, cell.seeds, cell.shorter) == (1.5, None, 1, 0)


def test_of_a_run_and_its_record_the_run_counts_with_all_that_is_known(tmp_path):
    """Whichever is found first."""
    for places in ('ab', 'ba'):
        train_dir = tmp_path / places
        values = {'latent_accuracy': {17: 1.0}}
        record, run = (reported(train_dir / place, values) for place in places)
        (run / 'tf' / 'model.ckpt-17.index').touch()
        clustering = {'test_accuracy': 50.0, 'step': 17, 'n_init': 1, 'use_svd': False}
        (record / runs.CLUSTERING_NAME).write_text(json.dumps(clustering))
        (kept,) = load.find_runs(str(train_dir))
        assert kept.path == str(run) and kept.number(results.CLUSTERING) == (50.0, 1)


def test_copies_of_a_2018_run_count_once(tmp_path, capsys):
    name = original.BASELINE_RUN.name
    for place in ('a', 'copy'):
        shutil.copytree(original.BASELINE_RUN, tmp_path / place / 'lines32' / name)
    other = tmp_path / 'other' / 'lines32' / name
    shutil.copytree(original.OTHER_BASELINE_RUN, other)
    converted = tmp_path / 'converted' / 'lines32' / name
    shutil.copytree(original.BASELINE_RUN, converted)
    args = {'class': 'AEBaseline', 'dataset': 'lines32', 'seed': 7, 'batch': 64, 'lr': 1e-4}
    params = {'scales': 3, 'depth': 2, 'latent': 4}
    runs.RunFolder(str(converted)).write_args({**args, **params}, code=results.ORIGINAL)
    kept = [run.path for run in load.find_runs(str(tmp_path))]
    assert kept == [str(tmp_path / 'a' / 'lines32' / name), str(other)]
    assert capsys.readouterr().err.count('it repeats') == 2


def test_2018_runs_of_one_class_are_told_apart_by_their_losses():
    def run(seed, loss):
        curves = {'latent_accuracy': {17: 1.0, 33: 1.0}, 'loss': loss}
        return results.Run(
            f'/T/RUN{seed}/celeba32/x', 'AEBaseline', 'celeba32', PARAMS, code=results.ORIGINAL,
            curves=curves,
        )  # fmt: skip

    records = [run(1, {17: 0.5, 33: math.nan}), run(2, {17: 0.4, 33: 0.3})]
    assert results.distinct(records) == (records, [])
    copy = run(3, {17: 0.5, 33: float('nan')})
    assert results.distinct([*records, copy])[0] == records


def test_one_seed_in_folders_of_one_name_counts_once():
    def run(place, name):
        curves = {'latent_accuracy': {17: len(place)}}
        return results.Run(
            f'/{place}/{name}/lines32/x', 'AEBaseline', 'lines32', PARAMS, 1, curves=curves
        )

    assert len(results.distinct([run('here', 'RUN1'), run('elsewhere', 'RUN1')])[0]) == 1
    assert len(results.distinct([run('here', 'RUN1'), run('elsewhere', 'RUN2')])[0]) == 2


def test_unreadable_folders_are_named_and_passed_over(tmp_path, capsys):
    reported(tmp_path / 'RUN1', {})
    damaged = reported(tmp_path / 'RUN2', {})
    (damaged / 'args.json').write_text('{')
    lacking = reported(tmp_path / 'RUN3', {}, latent=None)
    odd = tmp_path / 'lines32' / 'ACAI_what'
    (odd / 'tf').mkdir(parents=True)
    (tmp_path / 'loop').symlink_to(tmp_path)
    assert len(load.find_runs(str(tmp_path))) == 1
    notes = capsys.readouterr().err.splitlines()
    assert [any(str(path) in note or path.name in note for note in notes)
            for path in (damaged, lacking, odd)] == [True] * 3
    with pytest.raises(UserError, match='is not a folder'):
        load.find_runs(str(tmp_path / 'nothing'))


def test_clustering(tmp_path, capsys):
    folder = reported(tmp_path, {}, dataset='mnist32', scales=3, latent=2)
    record = {'test_accuracy': 77.5, 'step': 1025, 'n_init': 1000, 'use_svd': True, 'tries': []}
    (folder / 'clustering.json').write_text(json.dumps(record))
    (run,) = load.find_runs(str(tmp_path))
    assert run.number(results.CLUSTERING) == (77.5, 64) and run.latent_size == 32
    (folder / 'clustering.json').write_text(json.dumps(record)[:-5])
    (run,) = load.find_runs(str(tmp_path))
    assert run.number(results.CLUSTERING) is None
    assert 'is damaged' in capsys.readouterr().err


def test_what_the_2018_code_reported_of_a_run_is_not_ours(tmp_path):
    folder = reported(tmp_path, {'latent_accuracy': {17: 1.0, 33: 2.0, 49: 3.0, 65: 4.0}})
    run = runs.RunFolder(str(folder))
    run.write_args(run.args, taken_over=33)
    (record,) = load.find_runs(str(tmp_path))
    assert record.code == results.OURS
    assert record.curves['latent_accuracy'] == {49: 3.0, 65: 4.0} and record.since == 33
    run.write_args(run.args, taken_over='33')
    assert load.find_runs(str(tmp_path)) == []


def test_a_copy_without_event_files_does_not_tell_when_its_reports_begin(tmp_path):
    for number, (first, since, about) in enumerate(
        [(1, 1, {}), (17, None, {}), (17, 20, {'taken_over': 20}), (17, None, {'taken_over': 9})]
    ):
        folder = reported(tmp_path / f'RUN{number}', {'latent_accuracy': {first: 1.0, 33: 2.0}})
        run = runs.RunFolder(str(folder))
        run.write_args(run.args, **about)
        (record,) = load.find_runs(str(tmp_path / f'RUN{number}'))
        assert record.since == since


def test_the_originals_ablation_is_told_from_acai(tmp_path):
    name = 'ACAI_advdepth2_advweight0.5_depth2_latent4_scales3'
    shutil.copytree(original.ACAI_RUN, tmp_path / 'lines32' / name)
    (run,) = load.find_runs(str(tmp_path))
    assert run.class_name == 'LRAE'


def test_runs_of_different_length_are_never_averaged():
    def run(path, *values, code=results.OURS):
        curve = {1025 + 1024 * k: value for k, value in enumerate(values)}
        params = {'scales': 4, 'depth': 16, 'latent': 16}
        return results.Run(path, 'AEBaseline', 'lines32', params, code=code,
                           curves={'mean_distance': curve})  # fmt: skip

    cell = results.over_seeds([run('a', 1, 3), run('b', 5), run('c', 3, 5)], 'mean_distance')
    assert (cell.mean, cell.seeds, cell.kimg, cell.shorter) == (3, 2, 128, 1)
    # A run of the 2018 code is not a repeat of ours, whatever it recorded.
    both = [run('a', 1, 3), run('b', 1, 3, code=results.ORIGINAL)]
    assert results.distinct(both) == (both, [])
