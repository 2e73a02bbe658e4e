import shutil
import subprocess

import pytest

from lib import version


def git(folder, *command):
    identity = ['-c', 'user.name=A', '-c', 'user.email=a@b', '-c', 'commit.gpgsign=false']
    done = subprocess.run(['git', *identity, *command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path, monkeypatch):
    if not shutil.which('git'):
        pytest.skip('Git is not installed')
    monkeypatch.delenv('GIT_DIR', raising=False)  # as in a hook
    folder = tmp_path / 'a clone'
    folder.mkdir()
    git(folder, 'init', '--quiet')
    (folder / 'file').write_text('1')
    git(folder, 'add', 'file')
    git(folder, 'commit', '--quiet', '--message=first')
    git(folder, 'tag', '--annotate', '--message=other', '9.9')
    return folder


def test_of_a_clone_the_commit_is_named(clone):
    named = version.of_code(str(clone))
    release, _, commit = named.partition('+g')
    assert release == version.VERSION and len(commit) >= 7
    assert git(clone, 'rev-parse', 'HEAD').startswith(commit)
    (clone / 'runs of mine').write_text('')  # which Git does not know
    assert version.of_code(str(clone)) == named
    (clone / 'file').write_text('2')
    assert version.of_code(str(clone)) == f'{named}.dirty'


def test_what_is_installed_below_another_repository_is_not_of_its_commit(clone):
    packages = clone / 'site-packages'
    packages.mkdir()
    assert version.of_code(str(packages)) == version.VERSION


@pytest.mark.parametrize('program', [None, '#!/bin/sh\nexit 128\n', '#!/bin/sh\nexec sleep 60\n'])
def test_without_a_git_that_answers_there_is_the_release(program, clone, tmp_path, monkeypatch):
    monkeypatch.setattr(version, 'TIMEOUT_SEC', 0.2)
    programs = tmp_path / 'programs'
    programs.mkdir()
    if program:
        (programs / 'git').write_text(program)
        (programs / 'git').chmod(0o755)
    monkeypatch.setenv('PATH', f'{programs}:/bin' if program else str(programs))
    assert version.of_code(str(clone)) == version.VERSION
