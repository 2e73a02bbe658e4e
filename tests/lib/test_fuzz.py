"""Damage of every kind: what is read from a disk gives a result or the project's own error.

    FUZZ_EXAMPLES=10000 python -m pytest tests/lib/test_fuzz.py    # long, other examples each time
"""
import io
import json
import math
import os
import pathlib
import shutil
import tempfile

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

import acai_tf
from acai_tf import load
from lib import arrays, checkpoints, data, runs
from lib.data import decoding, records
from lib.errors import UserError
from lib.paper import kinds, results
from lib.runs import events, scalars
from tests import original, tiny
from tests.data.published_files import example

LONG = 'FUZZ_EXAMPLES' in os.environ
hypothesis.settings.register_profile(
    'here',
    max_examples=int(os.environ.get('FUZZ_EXAMPLES', 60)),
    derandomize=not LONG,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile('here')

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (32, 32, 3), np.uint8)
PNG, JPEG = tf.io.encode_png(PIXELS).numpy(), tf.io.encode_jpeg(PIXELS).numpy()
COLOR = decoding.Preparation('color', (32, 32, 3), (32, 32, 3), 10)


@st.composite
def damaged(draw, content):
    """Bytes with some cut out, altered, put in twice or replaced."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([1, 2, 8, 100, len(content)])))
        change = draw(st.sampled_from(['cut', 'flip', 'twice', 'replace']))
        if change == 'cut':
            del content[start:end]
        elif change == 'twice':
            content[end:end] = content[start:end]
        elif change == 'replace':
            content[start:end] = draw(st.binary(max_size=20))
        elif start < end:
            content[start] ^= 1 << draw(st.integers(0, 7))
    return bytes(content)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('fuzz')


# Records.


def load_records(path):
    """The rows of a record file, or None with the project's error, which names the file."""
    try:
        rows = decoding.load([str(path)], COLOR)
    except UserError as error:
        assert str(path) in str(error)
        return None
    assert rows.dtype == COLOR.row and ((rows['label'] >= 0) & (rows['label'] < 10)).all()
    return rows


def record_file(pictures):
    with tempfile.TemporaryDirectory() as made:
        path = os.path.join(made, 'x')
        records.write(path, pictures, len(pictures))
        return pathlib.Path(path).read_bytes()


RECORDS = record_file([(PNG, 0), (JPEG, 9), (PNG, 5)])


@hypothesis.given(st.binary(max_size=200) | damaged(RECORDS))
def test_record_files(folder, content):
    path = folder / 'a.tfrecord'
    path.write_bytes(content)
    rows = load_records(path)
    if content == RECORDS:
        assert len(rows) == 3
    elif rows is not None:  # some whole records are gone, or stand twice
        assert 0 < len(rows) * 500 < len(content)


FEATURES = st.one_of(
    st.binary(max_size=50).map(lambda v: [v]),
    st.sampled_from([[PNG], [JPEG], [PNG, PNG], []]),
    damaged(PNG).map(lambda v: [v]),
    damaged(JPEG).map(lambda v: [v]),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=2),
    st.integers(0, 9).map(lambda v: [v]),
    st.lists(st.floats(), max_size=2),
)


@hypothesis.given(
    st.lists(
        st.binary(max_size=30)
        | st.dictionaries(st.sampled_from(['image', 'label', 'size']), FEATURES).map(example),
        max_size=3,
    )
)
def test_records_of_other_contents(folder, contents):
    """Whole records, with right checksums, of anything."""
    path = folder / 'b.tfrecord'
    with tf.io.TFRecordWriter(str(path)) as writer:
        for content in contents:
            writer.write(content)
    rows = load_records(path)
    assert rows is None or len(rows) == len(contents)


def test_a_picture_that_claims_to_be_huge_is_not_allocated(folder):
    """100,000 x 100,000 pixels would be 30 GB."""
    path = folder / 'huge.tfrecord'
    huge = PNG[:16] + (100_000).to_bytes(4, 'big') * 2 + PNG[24:]
    records.write(str(path), [(huge, 0)], 1)
    with pytest.raises(UserError, match='100000x100000x3'):
        decoding.load([str(path)], COLOR)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(['args', 'classes', 'colors', 'depth', 'scales', 'latent', 'seed']), inner
    ),
)


@hypothesis.given(JSON.map(lambda v: json.dumps(v).encode()) | st.binary(max_size=30))
def test_class_names_of_own_pictures(folder, content):
    (folder / 'mine-classes.json').write_bytes(content)
    with pytest.raises(UserError, match='mine'):  # its records are missing in any case
        data.get_dataset('mine', data_dir=str(folder))


# Run folders.

PARAMS = sorted({name for m in tiny.METHODS for name in acai_tf.ALL_AES[m].hyperparameters()})
NAMES = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.tuples(st.sampled_from(PARAMS), st.text(max_size=4) | st.integers().map(str)), max_size=9
    ).flatmap(
        lambda pairs: st.sampled_from(tiny.METHODS).map(
            lambda m: '_'.join([m, *(key + value for key, value in sorted(pairs))])
        )
    ),
)


@hypothesis.given(NAMES)
@hypothesis.example('VAE_depth2_latent4_scales-1')
@hypothesis.example('VAE_beta1_depth2_latent4_scales3')
def test_names_of_run_folders(folder, name):
    try:
        params = runs.parse_experiment_name(name, PARAMS)
    except UserError:
        params = {}
    assert all(f'_{key}{value}' in name for key, value in params.items())
    if '/' in name or '\0' in name:
        return
    try:
        class_name, params, _, _ = load.identify(runs.RunFolder(str(folder / name)))
    except UserError:
        return
    types = acai_tf.ALL_AES[class_name].hyperparameters()
    assert all(type(value) is types[key] for key, value in params.items())
    assert params['scales'] >= 0 and params['depth'] > 0 and params['latent'] > 0


SCRIPT = 'baseline'
RUN = tiny.golden(SCRIPT)[0]['experiment_name']
ARGS = {'class': 'AEBaseline', 'dataset': 'lines32', **tiny.golden(SCRIPT)[0]['params']}


@pytest.fixture(scope='module')
def run(folder):
    """A run folder of one checkpoint, and an unchanged copy of that."""
    run = runs.RunFolder(str(folder / 'lines32' / RUN))
    run.create()
    for suffix in (checkpoints.INDEX, checkpoints.DATA):
        shutil.copy(original.prefix(SCRIPT, 'final') + suffix, run.checkpoint(10) + suffix)
    return run


@hypothesis.given(
    st.one_of(
        st.binary(max_size=30),
        damaged(json.dumps({'args': ARGS}).encode()),
        JSON.map(lambda v: json.dumps(v).encode()),
        st.dictionaries(st.sampled_from([*ARGS, 'lr', 'seed', 'batch']), JSON).map(
            lambda changes: json.dumps({'args': {**ARGS, **changes}}).encode()
        ),
    )
)
@hypothesis.example(b'[' * 100_000)
@hypothesis.example(json.dumps({'args': {**ARGS, 'lr': 10**400}}).encode())
@hypothesis.example(json.dumps({'args': {**ARGS, 'scales': -1}}).encode())
@hypothesis.example(json.dumps({'args': {**ARGS, 'depth': 10**9}}).encode())
@hypothesis.example(json.dumps({'args': ARGS}).encode())
def test_records_of_options(run, content):
    path = pathlib.Path(run.path) / runs.ARGS_NAME
    path.write_bytes(content)
    try:
        run.check_args({'depth': 2})
    except UserError:
        pass
    try:
        acai_tf.load_run(run.path)
    except UserError:
        assert content != json.dumps({'args': ARGS}).encode()
    for found in load.find_runs(os.path.dirname(run.path)):
        assert found.latent_size >= 0 and kinds.settings(found) is not None
    path.unlink()


CLUSTERING = {'test_accuracy': 99.5, 'step': 10, 'n_init': 1000, 'use_svd': True}


@hypothesis.given(
    st.one_of(
        st.binary(max_size=30),
        damaged(json.dumps(CLUSTERING).encode()),
        st.dictionaries(st.sampled_from(list(CLUSTERING)), JSON, max_size=2).map(
            lambda changes: json.dumps({**CLUSTERING, **changes}).encode()
        ),
    )
)
@hypothesis.example(json.dumps({**CLUSTERING, 'step': 1.5}).encode())
@hypothesis.example(json.dumps(CLUSTERING).encode())
def test_records_of_clustering(run, content):
    path = pathlib.Path(run.path) / runs.CLUSTERING_NAME
    path.write_bytes(content)
    (found,) = load.find_runs(os.path.dirname(run.path))
    number = found.number(results.CLUSTERING)
    if content == json.dumps(CLUSTERING).encode():
        assert number == (99.5, (10 * 64) >> 10)
    assert number is None or found.clustering.keys() == results.CLUSTERING_RECORD.keys()
    assert found.latent_size == 64
    path.unlink()


def npz():
    """Too large for the zip to check its sum before NumPy reads the header."""
    content = io.BytesIO()
    np.savez(content, key='k', train=np.ones((2000, 4), np.float32), train_label=np.arange(2000))
    return content.getvalue()


@hypothesis.given(damaged(npz()) | st.binary(max_size=100))
def test_stored_arrays(folder, content):
    path = folder / 'latents.npz'
    path.write_bytes(content)
    assert set(arrays.read(str(path), 'k')) <= {'train', 'train_label'}


def test_stored_arrays_with_any_byte_of_a_header_altered(folder):
    path, whole = folder / 'latents.npz', npz()
    begin = whole.index(b'\x93NUMPY', whole.index(b'train.npy'))
    for place in range(begin, whole.index(b'\n', begin)):
        for bit in (0x01, 0x04, 0x10):
            path.write_bytes(
                whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :]
            )
            assert set(arrays.read(str(path), 'k')) <= {'train', 'train_label'}


# Event files.


def event_file():
    (path,) = (original.REPOSITORY / 'tests' / 'goldens' / 'original_runs').rglob(
        f'RUN1/**/{RUN}/**/*.tfevents.*'
    )
    return path.read_bytes()


EVENTS = event_file()


@hypothesis.given(damaged(EVENTS) | damaged(EVENTS[:2000]) | st.binary(max_size=100))
def test_event_files(folder, content):
    summaries = folder / 'summaries'
    summaries.mkdir(exist_ok=True)
    path = summaries / 'events.out.tfevents.1.host'
    path.write_bytes(content)
    before = scalars.read(str(summaries))
    events.drop_after(str(summaries), 17)
    after = scalars.read(str(summaries))
    for tag, values in before.items():
        kept = {step: value for step, value in values.items() if step <= 17}
        assert repr(kept) == repr(after.get(tag, {}))  # with its NaNs
    assert set(os.listdir(summaries)) <= {path.name, path.name.replace('tfevents', 'damaged')}


# Checkpoints.


@pytest.fixture(scope='module')
def model():
    """The model of the checkpoint, and its state at the start."""
    model = tiny.golden_model(SCRIPT)
    return model, original.state(model)


def load_checkpoint(model, prefix):
    """Loads it, or leaves the model as it was and gives the project's error, which names it."""
    model, fresh = model
    try:
        step = checkpoints.load_original(model, str(prefix))
    except UserError as error:
        assert str(prefix) in str(error) and original.state(model) == fresh
        return None
    assert step >= 0
    checkpoints.load_original(model, str(prefix.parent / 'fresh'))
    assert original.state(model) == fresh
    return step


@pytest.fixture(scope='module')
def place(model, folder):
    """Where damaged checkpoints go; `fresh` beside it holds the model's state at the start."""
    checkpoints.save_original(model[0], str(folder / 'fresh'), 0)
    return folder / 'model.ckpt-10'


def part(suffix):
    return pathlib.Path(original.prefix(SCRIPT, 'final') + suffix).read_bytes()


@hypothesis.given(
    st.tuples(damaged(part(checkpoints.INDEX)), st.just(part(checkpoints.DATA)))
    | st.tuples(st.just(part(checkpoints.INDEX)), damaged(part(checkpoints.DATA)))
    | st.tuples(st.binary(max_size=100), st.binary(max_size=100))
)
def test_damaged_checkpoints(model, place, parts):
    for suffix, content in zip((checkpoints.INDEX, checkpoints.DATA), parts, strict=True):
        pathlib.Path(f'{place}{suffix}').write_bytes(content)
    whole = parts == (part(checkpoints.INDEX), part(checkpoints.DATA))
    assert load_checkpoint(model, place) in ([10] if whole else [None, 10])


@pytest.fixture(scope='module')
def values():
    reader = tf.train.load_checkpoint(original.prefix(SCRIPT, 'final'))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


SHAPES = st.lists(st.integers(0, 5), max_size=5)
STRANGE = st.one_of(
    st.sampled_from([np.float32, np.float64, np.int64, np.int32]).flatmap(
        lambda kind: SHAPES.map(lambda shape: np.ones(shape, kind))
    ),
    st.integers(-(2**63), 2**63 - 1).map(np.int64),
    st.binary(max_size=5).map(lambda text: np.array(text, object)),
)


class Once:
    """A method whose model of some sizes is made once, for to make one takes most of a load."""

    def __init__(self, method):
        self.method, self.made = method, {}

    def __getattr__(self, name):
        return getattr(self.method, name)

    def __call__(self, **arguments):
        key = repr(sorted(arguments.items()))
        if key not in self.made:
            self.made[key] = self.method(**arguments)
        return self.made[key]


@pytest.fixture
def made_once(monkeypatch):
    methods = {name: Once(method) for name, method in acai_tf.ALL_AES.items()}
    monkeypatch.setattr(load.Autoencoder, 'methods', lambda: methods)


@hypothesis.given(st.data())
def test_checkpoints_of_other_variables(made_once, run, model, values, place, data):
    """Whole checkpoints whose variables are missing, of other kinds and shapes, or unknown."""
    names = sorted(values)
    important = [name for name in names if 'kernel' in name and 'Adam' not in name]
    where = st.sampled_from(names) | st.sampled_from([*important, 'global_step', 'means'])
    changed = {**values, **data.draw(st.dictionaries(where, STRANGE, max_size=3))}
    for name in data.draw(st.lists(st.sampled_from(names), max_size=2)):
        changed.pop(name, None)
    for prefix in (str(place), run.checkpoint(10)):
        tf.raw_ops.SaveV2(
            prefix=prefix,
            tensor_names=list(changed),
            shape_and_slices=[''] * len(changed),
            tensors=[tf.constant(value) for value in changed.values()],
        )
    load_checkpoint(model, place)
    try:
        loaded = acai_tf.load_run(run.path)
    except UserError:
        return
    assert math.prod(loaded.image_shape) <= 32 * 32 * 5
