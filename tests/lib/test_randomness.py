import numpy as np
import pytest
import tensorflow as tf

from acai_tf import critic
from lib import data, eval, randomness
from tests import tiny

ADDRESSES = [
    {'seed': seed, 'step': step, 'replica': replica, 'batch_index': batch_index}
    for seed in (0, 1, randomness.MAX_SEED)
    for step in (0, 1, 2**31 - 1)
    for replica in (0, 1)
    for batch_index in (0, 1)
]


def test_equal_addresses_give_equal_draws_and_others_do_not():
    seen = {}
    for address in ADDRESSES:
        for stream in ('a', 'b'):
            numbers = randomness.Draws(**address).normal(stream, (3,)).numpy()
            again = randomness.Draws(**address).normal(stream, (3,)).numpy()
            np.testing.assert_array_equal(numbers, again)
            seen[(stream, *address.values())] = numbers.tobytes()
    assert len(set(seen.values())) == len(seen) == 2 * len(ADDRESSES)


def test_counters_do_not_stand_for_one_another():
    def first(**address):
        return float(randomness.Draws(0, **address).uniform('x', ()))

    numbers = {first(), first(step=1), first(replica=1), first(batch_index=1)}
    numbers.add(first(step=1, batch_index=1))
    assert len(numbers) == 5


def test_graph_and_tensors_give_the_same():
    def numbers(step):
        return randomness.Draws(7, step).normal('x', (4,))

    expected = numbers(3)
    np.testing.assert_array_equal(numbers(tf.constant(3, tf.int64)), expected)
    np.testing.assert_array_equal(tf.function(numbers)(tf.constant(3, tf.int64)), expected)


def test_numbers_are_those_of_philox():
    def asked_for(step):
        key = tf.constant([7, randomness.layer_seed(0, 'x')])
        for counter in (step, 1, 2):
            key = tf.random.experimental.stateless_fold_in(key, counter, alg='philox')
        return (
            tf.random.stateless_uniform((9,), key, -1, 3, alg='philox'),
            tf.random.stateless_normal((9,), key, stddev=0.5, alg='philox'),
            tf.random.experimental.stateless_shuffle(tf.range(9), key, alg='philox'),
        )

    def drawn(step):
        draws = randomness.Draws(7, step, 1, 2)
        uniform, normal = draws.uniform('x', (9,), -1, 3), draws.normal('x', (9,), 0.5)
        return uniform, normal, draws.permutation('x', 9)

    both = tf.function(asked_for), tf.function(drawn)
    for expected, numbers in zip(*(function(tf.constant(3)) for function in both), strict=True):
        np.testing.assert_array_equal(numbers, expected)


# What seed 1 draws at step 3: other numbers would end every run that is to go on from a checkpoint.
RECORDED = {
    'VAE': ('eps', [0.4102821, -1.2234726, 0.6879079]),
    'AAE': ('prior', [0.4368936, 1.4846903, 1.5710174]),
    'AEDenoising': ('noise', [-1.0675318, -0.5206401, 0.2393844]),
    'AEDropout': ('mask', [0, 0, 0, 1, 0]),
    'ACAI': ('alpha', [0.3195590, 0.0517423, 0.0688417]),
}


@pytest.mark.parametrize('method', RECORDED)
def test_noise_is_what_it_always_was(method):
    kind, expected = RECORDED[method]
    model = tiny.make(method, image_shape=(8, 8, 1), scales=1, seed=1)
    model.global_step.assign(3)
    noise = model.draw_noise(tf.zeros((8, 8, 8, 1)))[kind].numpy()
    np.testing.assert_allclose(noise.ravel()[: len(expected)], expected, rtol=1e-5)


def test_data_and_first_weights_are_what_they_always_were():
    lines32 = data.get_dataset('lines32', 4, seed=1)
    for batches, expected in (
        (lines32.train_from(3), [4.66778, 4.21665, 0.39018, 0.14388]),
        (lines32.test, [0.90289, 3.88741, 6.22538, 0.52088]),
    ):
        _, angles = eval.closest_line(next(iter(batches))['x'])
        np.testing.assert_allclose(angles, expected, atol=1e-4)
    rows = next(iter(data.shuffled_rows(1433, 64, 1, 30)))
    assert rows[:6].numpy().tolist() == [645, 93, 1204, 1179, 1225, 1352]
    kernels = tiny.make('ACAI', seed=1).trainable_variables[:24:6]
    first = [float(np.asarray(kernel).ravel()[0]) for kernel in kernels]
    np.testing.assert_allclose(first, [-1.0740414, -0.1277380, -0.1099206, 0.0475122], rtol=1e-5)


def test_distributions():
    draws, count = randomness.Draws(0), 100_000
    normal = draws.normal('n', (count,), stddev=3.0).numpy()
    assert abs(normal.mean()) < 0.05 and abs(normal.std() - 3) < 0.05
    assert abs((np.abs(normal) < 3).mean() - 0.6827) < 0.01
    uniform = draws.uniform('u', (count,), -1.0, 3.0).numpy()
    assert uniform.min() >= -1 and uniform.max() < 3
    assert abs(uniform.mean() - 1) < 0.02 and abs(uniform.var() - 16 / 12) < 0.02
    coins = draws.bernoulli('b', (count,), 0.8).numpy()
    assert set(coins) == {0.0, 1.0} and abs(coins.mean() - 0.8) < 0.01
    order = draws.permutation('p', 1000).numpy()
    np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    assert abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.15


@pytest.mark.parametrize('jit_compile', [False, True])
def test_steps_are_not_correlated(jit_compile):
    def numbers(step):
        return randomness.Draws(0, step).normal('x', (20_000,))

    draw = tf.function(numbers, jit_compile=jit_compile)
    steps = np.stack([draw(tf.constant(step)) for step in range(4)])
    np.testing.assert_array_equal(draw(tf.constant(1)), steps[1])
    assert abs(steps.mean()) < 0.02 and abs(steps.std() - 1) < 0.02
    correlation = np.corrcoef(steps) - np.eye(4)
    assert np.abs(correlation).max() < 0.03


def test_alpha_is_uniform_up_to_a_half():
    alpha = critic.sample_alpha(50_000, (2, 2, 4), randomness.Draws(0)).numpy()
    assert alpha.shape == (50_000, 1, 1, 1)
    assert alpha.min() >= 0 and alpha.max() <= 0.5
    assert abs(alpha.mean() - 0.25) < 0.005 and abs(alpha.var() - 0.25 / 12) < 0.001


@pytest.mark.parametrize(
    'method, kind, mean, variance',
    [
        ('VAE', 'eps', 0, 1),
        ('AAE', 'prior', 0, 1),
        ('AEDenoising', 'noise', 0, 0.25),
        ('AEDropout', 'mask', 0.75, 0.75 * 0.25),
        ('ACAI', 'alpha', 0.25, 0.25 / 12),
    ],
)
def test_noise_of_the_methods(method, kind, mean, variance):
    own = {'AEDenoising': {'noise': 0.5}, 'AEDropout': {'dropout': 0.75}}.get(method, {})
    model = tiny.make(method, image_shape=(8, 8, 1), scales=1, seed=3, **own)
    x = tf.zeros((3000, *model.image_shape))
    assert list(model.draw_noise(x)) == [kind]
    numbers = model.draw_noise(x)[kind]
    spread = np.sqrt(variance)
    assert abs(np.mean(numbers) - mean) < 5 * spread / np.sqrt(3000)
    assert abs(np.var(numbers) / variance - 1) < 0.1
    np.testing.assert_array_equal(model.draw_noise(x)[kind], numbers)
    assert (model.draw_noise(x, batch_index=1)[kind] != numbers).numpy().any()
    model.global_step.assign(1)
    assert (model.draw_noise(x)[kind] != numbers).numpy().any()
    model.global_step.assign(0)
    model.seed = 4
    assert (model.draw_noise(x)[kind] != numbers).numpy().any()


def test_methods_without_noise():
    for method in ('AEBaseline', 'AEVQVAE', 'LRAE'):
        model = tiny.make(method)
        assert model.draw_noise(tiny.batch(model)['x']) == {}
