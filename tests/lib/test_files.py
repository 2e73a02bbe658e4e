"""Files that are there completely or not at all."""
import errno
import os
import pathlib
import time

import pytest

from lib import files
from lib.errors import UserError


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path):
    (tmp_path / 'file').write_text('kept')
    with pytest.raises(UserError, match='/file is a file; give a folder, or a new name'):
        files.write_file(str(tmp_path / 'file' / 'lines.pdf'), b'')
    assert (tmp_path / 'file').read_text() == 'kept'


def test_a_failed_write_leaves_the_old_content(tmp_path, monkeypatch):
    path = str(tmp_path / 'name.png')
    files.write_atomically(path, b'old')

    def full(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='No space'):
        files.write_atomically(path, b'new')
    monkeypatch.undo()
    assert open(path, 'rb').read() == b'old'
    files.write_atomically(path, b'new')
    assert open(path, 'rb').read() == b'new'
    assert os.listdir(tmp_path) == ['name.png']


def hidden_folder(path, hours):
    """What a process that was killed so long ago left of `folder_written_whole`."""
    left = path.parent / f'.{path.name}.12-ab.tmp'
    left.mkdir()
    (left / 'half').write_text('written')
    os.utime(left, (time.time() - 3600 * hours,) * 2)
    return left


def test_a_folder_appears_whole_or_stays_as_it_was(tmp_path):
    path = tmp_path / 'run[1]'
    others = hidden_folder(tmp_path / 'run1', hours=2)  # of another folder
    for content in ('old', 'new'):
        left = hidden_folder(path, hours=2)
        with files.folder_written_whole(str(path)) as hidden:
            (pathlib.Path(hidden) / content).write_text(content)
            assert [name for name in os.listdir(tmp_path) if not name.startswith('.')] == (
                [] if content == 'old' else ['run[1]']
            )
        assert os.listdir(path) == [content] and not left.exists()
    at_work = hidden_folder(path, hours=0)
    with pytest.raises(UserError, match=r'Cannot write .*run\[1\] \(No space left'):
        with files.folder_written_whole(str(path)) as hidden:
            (pathlib.Path(hidden) / 'third').write_text('third')
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert os.listdir(path) == ['new']
    assert {*os.listdir(tmp_path)} == {path.name, others.name, at_work.name}


def test_a_folder_whose_name_cannot_be_taken_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / 'run'
    path.mkdir()
    (path / 'old').write_text('old')
    replace = os.replace

    def once(source, target):
        if str(target) == str(path) and 'old' not in os.listdir(source):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        replace(source, target)

    monkeypatch.setattr(os, 'replace', once)
    with pytest.raises(UserError, match='Cannot write .*run .Permission denied'):
        with files.folder_written_whole(str(path)):
            pass
    assert os.listdir(tmp_path) == ['run'] and os.listdir(path) == ['old']


@pytest.mark.parametrize(
    'number, order',
    [(errno.ENOSPC, 'make room'), (errno.EROFS, 'make the folder writable')],
)
def test_what_is_said_to_be_done_helps(number, order):
    assert files.what_to_do(OSError(number, os.strerror(number))) == order
