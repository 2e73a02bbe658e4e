import os

import pytest
import tensorflow as tf
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from lib.runs import events
from tests import made_runs


def write(folder, steps):
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for step in steps:
            tf.summary.scalar('loss', float(step), step=step)
    writer.close()
    (path,) = folder.glob('events.out.tfevents.*')
    return path


def steps_in(folder):
    return made_runs.steps_by_tag(folder).get('loss', [])


def test_later_steps_are_dropped(tmp_path):
    path = write(tmp_path, [1, 3, 5, 7])
    events.drop_after(str(tmp_path), 5)
    assert steps_in(tmp_path) == [1, 3, 5]
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_without_later_steps_stays_as_it_is(tmp_path):
    path = write(tmp_path, [1, 3])
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    events.drop_after(str(tmp_path), 3)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_every_file_of_the_folder_is_looked_at(tmp_path):
    for number, steps in enumerate([[1, 2], [3, 4], [3, 5]]):
        folder = tmp_path / str(number)
        path = write(folder, steps)
        path.rename(tmp_path / f'{path.name}.{number}')
    events.drop_after(str(tmp_path), 3)
    assert sorted(steps_in(tmp_path)) == [1, 2, 3, 3]


def test_a_file_cut_short_is_read_as_far_as_it_goes(tmp_path):
    path = write(tmp_path, [1, 2, 3])
    whole = path.read_bytes()
    for missing in (1, 5, 30):
        path.write_bytes(whole[:-missing])
        events.drop_after(str(tmp_path), 3)
        assert steps_in(tmp_path) == [1, 2]  # and it is whole again


@pytest.mark.parametrize('byte, bit', [(0, 0), (0, 1), (5, 0), (7, 6), (8, 0), (20, 0)])
def test_a_damaged_event_ends_its_file_and_the_whole_is_kept(tmp_path, capsys, byte, bit):
    """Damaged in its length, of 8 bytes, in the checksum of that, and in what it holds."""
    (tmp_path / 'shorter').mkdir()
    begin = write(tmp_path / 'shorter', [1, 2]).stat().st_size
    path = write(tmp_path, [1, 2, 3, 4])
    content = bytearray(path.read_bytes())
    content[begin + byte] ^= 1 << bit
    path.write_bytes(content)
    events.drop_after(str(tmp_path), 4)
    assert steps_in(tmp_path) == [1, 2]
    copy = tmp_path / path.name.replace('tfevents', 'damaged')
    assert copy.read_bytes() == content
    assert f'all of it as {copy.name}.' in capsys.readouterr().err


def test_a_file_that_cannot_be_read_now_is_not_taken_for_damaged(tmp_path, monkeypatch):
    path = write(tmp_path, [1, 2, 3])
    before = path.read_bytes()

    def failing(*_):
        raise tf.errors.ResourceExhaustedError(None, None, 'input/output error')

    monkeypatch.setattr(tf.data, 'TFRecordDataset', failing)
    with pytest.raises(tf.errors.ResourceExhaustedError):
        events.drop_after(str(tmp_path), 1)
    assert path.read_bytes() == before


def test_an_enormous_event_is_not_allocated(tmp_path):
    """With the right checksum of its length, TensorFlow's reader crashes over it."""
    path = write(tmp_path, [1, 2])
    length = (2**62).to_bytes(8, 'little')
    checksum = masked_crc32c(length).to_bytes(4, 'little')
    path.write_bytes(path.read_bytes() + length + checksum + b'and so on')
    with pytest.raises(events.DamagedEventsError, match='after 3 events') as error:  # and a header
        list(events.read(str(path)))
    assert error.value.cut_short


def test_what_a_killed_clean_up_leaves_is_no_event_file(tmp_path, monkeypatch):
    """TensorBoard reads every file with tfevents in its name: a second copy of every step."""
    path = write(tmp_path, [1, 2, 3])

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, 'replace', killed)
    with pytest.raises(KeyboardInterrupt):
        events.drop_after(str(tmp_path), 2)
    monkeypatch.undo()
    assert [file for file in tmp_path.iterdir() if 'tfevents' in file.name] == [path]
    events.drop_after(str(tmp_path), 2)
    assert steps_in(tmp_path) == [1, 2]
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_run_has_nothing_to_drop(tmp_path):
    events.drop_after(str(tmp_path), 0)
    events.drop_after(str(tmp_path / 'missing'), 0)
    assert list(tmp_path.iterdir()) == []
