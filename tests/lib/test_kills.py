"""A short round of tests/run_kills.py."""
from tests import run_kills


def test_a_killed_run_makes_what_an_unbroken_one_makes(tmp_path, monkeypatch):
    monkeypatch.setenv(run_kills.SHORT, '1')
    kills = len(run_kills.FIRST_KILLS)
    problems, table = run_kills.main(kills, 0, run_kills.SCRIPT, tmp_path)
    assert not problems
    assert table == {phase: [1, 1, 0] for phase in run_kills.FIRST_KILLS}
