"""Curves from event files and tables."""
import os
import sys

import pytest

from lib import runs
from lib.runs import scalars
from tests import made_runs

CURVES = {'loss': {64: 0.5, 128: 0.25}, 'mean_distance': {128: 0.125}}


def test_a_table_gives_its_curves_again(tmp_path):
    path = tmp_path / runs.CURVE_NAME
    path.write_text(scalars.to_csv(CURVES))
    assert scalars.read_curve(str(path)) == CURVES


def test_event_files_go_on_with_what_a_table_began(tmp_path):
    later = {'mean_distance': {128: 0.0625, 192: 0.25}, 'rmse': {192: 1.0}}
    run = runs.RunFolder(str(made_runs.reported(tmp_path, later)))
    (tmp_path / 'lines32' / made_runs.NAME / runs.CURVE_NAME).write_text(scalars.to_csv(CURVES))
    assert scalars.of_run(run) == {
        'loss': {64: 0.5, 128: 0.25}, 'mean_distance': {128: 0.0625, 192: 0.25}, 'rmse': {192: 1.0}
    }  # fmt: skip


@pytest.mark.parametrize('there', [False, True])
def test_a_table_that_cannot_be_read_is_passed_over(there, tmp_path, capsys):
    path = tmp_path / runs.CURVE_NAME
    if there:
        path.mkdir()
    assert scalars.read_curve(str(path)) == {}
    said = f'Cannot read {path} (Is a directory); skipped.\n' if there else ''
    assert capsys.readouterr().err == said


@pytest.mark.skipif(sys.platform == 'darwin', reason='needs names that are not UTF-8')
def test_event_files_below_a_name_that_is_not_utf8_are_skipped(tmp_path, capfd):
    folder = os.path.join(tmp_path, os.fsdecode(b'caf\xe9'))
    os.mkdir(folder)
    assert scalars.read(folder) == {}
    assert 'is not UTF-8' in capfd.readouterr().err
