"""reproduce.py from its start to its table, killed and started again."""
import shutil
import sys

import pytest

from tests import forked, original
from tests.stand_ins import jobs_of

SHORT = """
import runpy

from tests import run_short

run_short.shorten()
runpy.run_path({real!r}, run_name='__main__')
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='needs prctl')
def test_end_to_end_killed_and_started_again(tmp_path):
    """The scripts are those of a copy of the repository in which reports are short."""
    for name in ('cli', 'lib', 'acai_tf', 'tests'):
        (tmp_path / name).symlink_to(original.REPOSITORY / name)
    shutil.copy(original.REPOSITORY / 'reproduce.py', tmp_path)
    real = str(original.REPOSITORY / 'baseline.py')
    (tmp_path / 'baseline.py').write_text(SHORT.format(real=real))
    flags = ['--methods=baseline', '--seeds=1', '--total_kimg=1', '--report_kimg=1']
    command = [tmp_path / 'reproduce.py', *flags]
    unbroken = forked.Command(*command, f'--train_dir={tmp_path / "A"}')
    command.append(f'--train_dir={tmp_path / "B"}')
    (job,) = jobs_of(tmp_path / 'B')
    with forked.Command(*command) as parent:
        forked.wait_until(lambda: job.images_seen, parent)
    assert job.folder.checkpoint_steps() == [1] and job.next_command()
    again = forked.run(*command)
    assert again.returncode == 0, again.stderr
    assert 'at step 1.' in again.stderr and not job.next_command()
    table = again.stdout[again.stdout.index('Table 1.') :]
    assert table.count('report_kimg=1') == 2  # reports of another length have a line of their own
    assert table.count('1 x 1') == 2 and table.count('not run') == 14
    with unbroken:
        out, _ = unbroken.communicate()
    assert out[out.index('Table 1.') :] == table
