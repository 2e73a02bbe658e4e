"""Every method against the recorded runs of the original: same start, batches and noise."""
import numpy as np
import pytest
import tensorflow as tf

from lib import checkpoints, eval, original_names
from lib.drawing import pictures
from tests import tiny

SCALAR_TOLERANCE = 1e-4
FLOORS = {'loss_kl': 2e-5}  # it cancels
FLOOR = 1e-9  # losses of the critic start near 0
WEIGHT_TOLERANCE = 1e-3  # of the norm of a tensor's update
IMAGE_TOLERANCE = 1e-5  # of the range


@pytest.fixture(scope='module', params=['eager', 'graph'])
def mode(request):
    return request.param


def train_as_recorded(model, trajectory, steps, mode):
    """Feeds the recorded batches and noise; the scalars of each step."""

    def step(batch, noise):
        model.draw_noise = lambda x: noise
        return model.train_step(batch)

    step = tf.function(step) if mode == 'graph' else step
    history = []
    for index in range(steps):
        recorded = {
            key: tf.constant(trajectory[key][index])
            for key in trajectory
            if key in ('x', 'label') or key.startswith('noise/')
        }
        batch = {'x': recorded.pop('x'), 'label': recorded.pop('label')}
        noise = {key.removeprefix('noise/'): value for key, value in recorded.items()}
        history.append({tag: float(value) for tag, value in step(batch, noise).items()})
    return history


@pytest.mark.parametrize('script', tiny.SCRIPTS)
def test_ten_steps_end_where_the_original_did(script, mode, monkeypatch):
    tiny.assert_on_one_side_of_the_kink(lambda: weights_apart(script, mode), monkeypatch)


def weights_apart(script, mode):
    """Names of the variables that do not end where the original's did; scalars must agree."""
    config, trajectory = tiny.golden(script)
    model = tiny.golden_model(script)
    initial, final = (tiny.golden_prefix(script, moment) for moment in ('initial', 'final'))
    assert checkpoints.load_original(model, initial) == 0
    history = train_as_recorded(model, trajectory, config['steps'], mode)

    for index, scalars in enumerate(history):
        assert list(scalars) == list(model.tags)
        assert set(scalars) == set(config['losses'])
        for tag, value in scalars.items():
            recorded = trajectory[f'loss/{tag}'][index]
            allowed = max(FLOORS.get(tag, FLOOR), SCALAR_TOLERANCE * abs(recorded))
            assert abs(value - recorded) <= allowed, (index, tag)

    before, after = tf.train.load_checkpoint(initial), tf.train.load_checkpoint(final)
    ours = dict(original_names.stored_variables(model))
    recorded = after.get_variable_to_shape_map()
    assert set(recorded) == set(ours)
    updates = {name: after.get_tensor(name) - before.get_tensor(name) for name in recorded}
    errors = {name: ours[name].numpy() - after.get_tensor(name) for name in recorded}
    return [
        name
        for name in recorded
        if np.linalg.norm(errors[name]) > WEIGHT_TOLERANCE * np.linalg.norm(updates[name])
    ]


@pytest.mark.parametrize('script', tiny.SCRIPTS)
def test_trained_model_answers_as_the_original(script):
    config, trajectory = tiny.golden(script)
    model = tiny.golden_model(script)
    step = checkpoints.load_original(model, tiny.golden_prefix(script, 'final'))
    assert step == int(model.global_step) == config['steps']
    noise = {'eps': trajectory['eval/eps']} if 'eval/eps' in trajectory else None
    x = trajectory['eval/x']
    answers = {
        'encode': model.encode(x, noise),
        'decode': model.decode(trajectory['eval/h']),
        'ae': model.reconstruct(x, noise),
    }
    for name, answer in answers.items():
        recorded = trajectory[f'eval/{name}']
        assert np.abs(answer - recorded).max() <= IMAGE_TOLERANCE * np.ptp(recorded), name
    np.testing.assert_array_equal(model.classify(x), trajectory['eval/classify'])


@pytest.mark.parametrize('script', tiny.SCRIPTS)
def test_numbers_of_parameters_are_the_originals(script):
    model = tiny.golden_model(script)
    shapes = tf.train.load_checkpoint(
        tiny.golden_prefix(script, 'initial')
    ).get_variable_to_shape_map()
    recorded = sum(np.prod(shape) for name, shape in shapes.items() if name.endswith('/Adam'))
    assert sum(np.prod(variable.shape) for variable in model.trainable_variables) == recorded


def test_codebook_of_the_vqvae_moves_in_training_alone():
    config, trajectory = tiny.golden('vqvae')
    model = tiny.golden_model('vqvae')
    checkpoints.load_original(model, tiny.golden_prefix('vqvae', 'initial'))
    train_as_recorded(model, trajectory, config['steps'], 'eager')
    after = tf.train.load_checkpoint(tiny.golden_prefix('vqvae', 'final'))
    averages = {'means': model.codebook, 'ema_count_0': model.count, 'ema_means_0': model.total}
    for name, variable in averages.items():
        np.testing.assert_allclose(variable, after.get_tensor(name), rtol=1e-5, atol=1e-7)

    before = {name: variable.numpy() for name, variable in averages.items()}
    x = tf.constant(trajectory['eval/x'])
    model.reconstruct(x)
    model.decode(model.encode(x))
    model.classify(x)
    for name, variable in averages.items():
        np.testing.assert_array_equal(variable, before[name])


def test_picture_grid_is_the_originals():
    grid = np.load(tiny.GOLDENS / 'baseline' / 'grid.npz')
    model = tiny.golden_model('baseline')
    checkpoints.load_original(model, tiny.golden_prefix('baseline', 'final'))
    drawn, _ = pictures.report_pictures(
        lambda images: eval.encode(model, images),
        lambda latents: eval.decode(model, latents),
        grid['images'],
        grid['random_latents'],
        pairs=int(grid['random']),
        rows=int(grid['height']),
        steps=int(grid['n_interpolation']),
    )
    assert set(drawn) == {'reconstruction', 'interpolation', 'slerp', 'samples'}
    for name, picture in drawn.items():
        assert np.abs(picture - grid[name]).max() <= IMAGE_TOLERANCE * np.ptp(grid[name]), name
