import os
import time

import pytest
import tensorflow as tf

from lib import files
from lib.data import records
from lib.errors import UserError
from tests import tiny
from tests.data.published_files import example

PICTURES = [(f'picture {i}'.encode() * 9, i % 3) for i in range(600)]


@pytest.fixture
def path(tmp_path):
    path = str(tmp_path / 'new' / 'set.tfrecord')
    records.write(path, PICTURES, len(PICTURES))
    return path


def read(path):
    return [picture for chunk in records.read(path) for picture in chunk]


def write_raw(path, examples):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in examples:
            writer.write(example)
    return str(path)


def test_round_trip(path):
    assert records.count(path) == len(PICTURES)
    assert read(path) == PICTURES
    assert os.listdir(os.path.dirname(path)) == ['set.tfrecord']


def test_format_is_the_originals(path):
    spec = {
        'image': tf.io.FixedLenFeature([], tf.string),
        'label': tf.io.FixedLenFeature([], tf.int64),
    }
    record = next(iter(tf.data.TFRecordDataset(path)))
    parsed = tf.io.parse_single_example(record, spec)
    assert (parsed['image'].numpy(), parsed['label'].numpy()) == PICTURES[0]


def test_a_file_that_is_not_complete_does_not_appear(tmp_path):
    def interrupted():
        yield PICTURES[0]
        raise KeyboardInterrupt

    path = str(tmp_path / 'set.tfrecord')
    with pytest.raises(KeyboardInterrupt):
        records.write(path, interrupted(), 2)
    with pytest.raises(UserError, match='2 pictures were expected, but 1 came'):
        records.write(path, PICTURES[:1], 2)
    assert os.listdir(tmp_path) == []


def test_a_file_that_is_there_stays_when_its_replacement_fails(path):
    with pytest.raises(UserError):
        records.write(path, PICTURES[:1], 2)
    assert read(path) == PICTURES


def test_what_a_killed_run_left_is_removed(tmp_path):
    old, new = tmp_path / 'set.tfrecord.partial-1', tmp_path / 'set.tfrecord.partial-2'
    old.write_bytes(b'')
    new.write_bytes(b'')
    hours_ago = time.time() - 2 * files.STALE_SECONDS
    os.utime(old, (hours_ago, hours_ago))
    records.write(str(tmp_path / 'set.tfrecord'), PICTURES, len(PICTURES))
    assert sorted(os.listdir(tmp_path)) == ['set.tfrecord', 'set.tfrecord.partial-2']


def test_two_that_write_one_file_do_not_meet(tmp_path):
    path = str(tmp_path / 'set')
    with files.written_whole(path) as first, files.written_whole(path) as second:
        for partial in (first, second):
            with open(partial, 'x') as file:
                file.write(partial)
    assert os.listdir(tmp_path) == ['set'] and open(path).read() == first


def test_no_room_is_one_sentence(path):
    no_room, sentence = tiny.no_room(10_000), 'Cannot write .*set.tfrecord .*make room'
    with no_room, pytest.raises(UserError, match=sentence):
        records.write(path, PICTURES * 10, 10 * len(PICTURES))
    assert os.listdir(os.path.dirname(path)) == ['set.tfrecord']
    assert read(path) == PICTURES


def test_truncated_file_names_the_record(path):
    size = os.path.getsize(path)
    record = size // len(PICTURES)
    for cut in (1, record // 2, record - 3):
        os.truncate(path, size - cut)
        with pytest.raises(UserError, match=r'set.tfrecord: record 599 .* is truncated'):
            read(path)


@pytest.mark.parametrize('number', [0, 300, 599])
def test_flipped_bits_name_the_record(path, number):
    content = bytearray(open(path, 'rb').read())
    position = content.index(PICTURES[number][0])
    content[position + 5] ^= 4
    open(path, 'wb').write(content)
    with pytest.raises(UserError, match=rf'record {number} .* corrupt \(its checksum is wrong\)'):
        read(path)


def test_enormous_length_is_refused(path):
    content = bytearray(open(path, 'rb').read())
    content[:8] = (2**63).to_bytes(8, 'little')
    open(path, 'wb').write(content)
    with pytest.raises(UserError, match='record 0 .* truncated or corrupt'):
        read(path)


def test_empty_and_missing_files(tmp_path):
    (tmp_path / 'empty.tfrecord').write_bytes(b'')
    with pytest.raises(UserError, match='empty.tfrecord is empty\\.'):
        read(str(tmp_path / 'empty.tfrecord'))
    with pytest.raises(UserError, match='Cannot read .*no.tfrecord'):
        read(str(tmp_path / 'no.tfrecord'))
    with pytest.raises(UserError, match='Cannot read'):
        read(str(tmp_path))


@pytest.mark.parametrize(
    'features',
    [
        {},
        {'image': [b'x']},
        {'label': [1]},
        {'image': [b'x'], 'class': [1]},
        {'image': [b'x'], 'label': [b'1']},
        {'image': [1], 'label': [1]},
        {'image': [b'x', b'y'], 'label': [1]},
        {'image': [b'x'], 'label': [1, 2]},
    ],
)
def test_wrong_features(tmp_path, features):
    good = example({'image': [b'x'], 'label': [1]})
    path = write_raw(tmp_path / 'set.tfrecord', [good, example(features)])
    with pytest.raises(UserError, match='record 1 .* has the wrong features'):
        read(path)


def test_records_of_something_else(tmp_path):
    path = write_raw(tmp_path / 'set.tfrecord', [b'\xff\xff not a protocol buffer'])
    with pytest.raises(UserError, match='record 0 .*no tf.train.Example'):
        read(path)
