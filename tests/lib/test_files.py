"""Files that are there completely or not at all."""
import os

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
