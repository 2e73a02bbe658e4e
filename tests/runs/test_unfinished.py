"""unfinished/: the long runs can go on from what the repository holds of them."""
import pytest

from acai_tf import load
from lib import checkpoints, runs
from lib.runs import scalars
from tests import tiny

UNFINISHED = tiny.REPOSITORY / 'unfinished'
PATHS = sorted(UNFINISHED.glob('RUN*/*/*'))


@pytest.mark.parametrize('path', PATHS, ids=lambda path: path.name)
def test_a_long_run_can_go_on(path):
    run = runs.RunFolder(str(path))
    model = load.load_run(run.path)
    assert checkpoints.restore(model, run) == run.newest_step()  # with Adam's moments
    record = tiny.REPOSITORY / 'docs' / 'records-long' / path.relative_to(UNFINISHED)
    for name in (runs.ARGS_NAME, runs.CURVE_NAME):  # the same stands there, for tables
        assert (path / name).read_bytes() == (record / name).read_bytes()
    reported = scalars.of_run(run)['mean_distance']
    assert 0 <= int(model.global_step) - max(reported) <= (64 << 10) // 64  # less than a report ago
