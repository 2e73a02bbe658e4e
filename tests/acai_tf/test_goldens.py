"""Every method against the recorded runs of the original: same start, batches and noise."""
import numpy as np
import pytest
import tensorflow as tf

from lib import checkpoints, eval
from lib.drawing import pictures
from tests import golden_runs, tiny

IMAGE_TOLERANCE = 1e-5  # of the range
# Of what golden_runs allows a variable: a moment 1e-4 of its norm, a power of beta nothing.
ADAM_ALLOWED = {'/Adam': 0.1, '_power': 0}


@pytest.fixture(scope='module', params=['eager', 'graph'])
def mode(request):
    return request.param


@pytest.mark.parametrize('script', tiny.SCRIPTS)
def test_ten_steps_end_where_the_original_did(script, mode):
    tiny.assert_on_one_side_of_the_kink(lambda: weights_apart(script, mode))


def weights_apart(script, mode):
    """Names of the variables that do not end where the original's did; scalars must agree."""
    config, trajectory = tiny.golden(script)
    model = tiny.golden_model(script)
    assert checkpoints.load_original(model, tiny.golden_prefix(script, 'initial')) == 0
    steps = range(config['steps'])
    history = golden_runs.train(model, trajectory, steps, graph=mode == 'graph')
    for scalars in history:
        assert list(scalars) == list(model.tags)
        assert set(scalars) == set(config['losses'])
    for where, error in golden_runs.scalar_errors(history, trajectory).items():
        assert error <= 1, where
    errors = golden_runs.weight_errors(model, script)
    return [name for name, error in errors.items() if not error <= allowed(name)]


def allowed(name):
    """The largest error of a variable that passes."""
    return next((most for part, most in ADAM_ALLOWED.items() if part in name), 1)


@pytest.mark.parametrize('script', tiny.SCRIPTS)
def test_what_is_allowed_of_adam_is_a_share_of_its_moments(script):
    """They begin at 0, so that their update is all of them."""
    before = tf.train.load_checkpoint(tiny.golden_prefix(script, 'initial'))
    names = before.get_variable_to_shape_map()
    assert not any(before.get_tensor(name).any() for name in names if '/Adam' in name)
    assert {allowed(name) for name in names} == {1, *ADAM_ALLOWED.values()}


@pytest.fixture(scope='module', params=tiny.SCRIPTS)
def fresh(request):
    """A golden's script, and a model of it that nothing trains."""
    return request.param, tiny.golden_model(request.param)


def test_trained_model_answers_as_the_original(fresh):
    script, model = fresh
    config, trajectory = tiny.golden(script)
    step = checkpoints.load_original(model, tiny.golden_prefix(script, 'final'))
    assert step == int(model.global_step) == config['steps']
    assert {int(optimizer.iterations) for optimizer in model.optimizers.values()} == {step}
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


def test_numbers_of_parameters_are_the_originals(fresh):
    script, model = fresh
    shapes = tf.train.load_checkpoint(
        tiny.golden_prefix(script, 'initial')
    ).get_variable_to_shape_map()
    recorded = sum(np.prod(shape) for name, shape in shapes.items() if name.endswith('/Adam'))
    assert sum(np.prod(variable.shape) for variable in model.trainable_variables) == recorded


def test_codebook_of_the_vqvae_moves_in_training_alone():
    config, trajectory = tiny.golden('vqvae')
    model = tiny.golden_model('vqvae')
    checkpoints.load_original(model, tiny.golden_prefix('vqvae', 'initial'))
    golden_runs.train(model, trajectory, range(config['steps']), graph=False)
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
