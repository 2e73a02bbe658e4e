"""What Keras promises of a model: fit, evaluate, predict, callbacks, save, load, export."""
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

import acai_tf
from lib import callbacks, checkpoints, eval, optimizer, runs
from lib.errors import UserError
from lib.runs import scalars
from tests import forked, tiny

IMAGE, make = tiny.IMAGE_8PX, tiny.make_8px
some_methods = pytest.mark.parametrize('method', ['ACAI', 'VAE', 'AEVQVAE'])
every_method = pytest.mark.parametrize('method', tiny.METHODS)


def batches(model, size=12, batch_size=4):
    return tf.data.Dataset.from_tensor_slices(tiny.batch(model, size)).batch(batch_size)


def values(variables):
    return [variable.numpy() for variable in variables]


def state(model):
    """Weights, step, and what the optimizers remember."""
    optimizers = [v for each in model.optimizers.values() for v in each.variables]
    return values([*model.variables, *optimizers])


def assert_equal(ours, expected):
    for one, other in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@some_methods
def test_fit_reports_the_epochs_means(method):
    model, by_hand = make(method), make(method)
    model.compile()
    history = model.fit(batches(model), epochs=2, verbose=0).history
    step = tf.function(by_hand.train_step)
    for epoch in range(2):
        scalars = [step(batch) for batch in batches(by_hand)]
        for tag in model.tags:
            mean = np.mean([float(one[tag]) for one in scalars])
            assert history[tag][epoch] == pytest.approx(mean, rel=1e-3, abs=1e-6), tag
    assert set(history) == set(model.tags)
    assert history[model.tags[0]][0] != history[model.tags[0]][1]


def test_hyper_parameters_are_fixed_when_a_model_is_made():
    model = make('VAE')
    for name, instead in (('beta', 'step'), ('depth', 'step'), ('lr', 'set learning_rate of each')):
        with pytest.raises(UserError, match=f'{name} is fixed when a VAE is made: .*{instead}'):
            setattr(model, name, 5)
    model.seed = 3  # of evaluation, say
    model.beta = 1.0  # as it is


def test_a_constructor_may_set_a_hyper_parameter_as_it_is():
    class Usual(acai_tf.AEBaseline):
        def __init__(self, *, weight=2.0, **shared):
            super().__init__(weight=weight, **shared)
            self.weight = weight

    assert Usual(nclass=10, depth=2, latent=4, weight=3.0, **IMAGE).weight == 3.0


def test_other_files_than_keras_own_are_refused(tmp_path):
    with pytest.raises(UserError, match='is saved as FILE.keras, not as .*h5; save_weights'):
        make().save(str(tmp_path / 'm.h5'))
    assert os.listdir(tmp_path) == []


def test_a_subclass_that_fixes_an_argument_is_told_so_when_it_is_loaded(tmp_path):
    class Fixed(acai_tf.AEBaseline):
        def __init__(self, **shared):
            super().__init__(lr=5e-3, **shared)

    class Default(acai_tf.AEBaseline):
        def __init__(self, **shared):
            shared.setdefault('lr', 5e-3)
            super().__init__(**shared)

    path = str(tmp_path / 'm.keras')
    Default(nclass=10, depth=2, latent=4, **IMAGE).save(path)
    assert keras.models.load_model(path).lr == 5e-3
    Fixed(nclass=10, depth=2, latent=4, **IMAGE).save(path)
    with pytest.raises(UserError, match='may only set defaults of them: shared.setdefault'):
        Fixed.from_config(Fixed(nclass=10, depth=2, latent=4, **IMAGE).get_config())


def test_nothing_counts_a_batch_that_is_not_there():
    """Keras asks for one more where it does not know how many there are."""
    model, known = make(), make()
    for each, data in ((known, batches(known)), (model, batches(model).filter(lambda _: True))):
        each.compile()
        each.fit(data, epochs=2, verbose=0)
    assert int(model.global_step) == 6
    assert_equal(state(model), state(known))


@pytest.mark.parametrize('method', ['ACAI', 'AAE', 'AEVQVAE'])
def test_tensorflows_own_checkpoints_hold_all_of_a_model(method, tmp_path):
    dtype = 'mixed_float16' if method == 'AAE' else 'float32'
    model, other = make(method, dtype=dtype), make(method, dtype=dtype, seed=1)
    model.train_step(tiny.batch(model))
    for own in model.optimizers.values() if dtype == 'mixed_float16' else ():
        own.dynamic_scale.assign(8.0)
    path = tf.train.Checkpoint(model=model).save(str(tmp_path / 'own'))
    tf.train.Checkpoint(model=other).restore(path).assert_consumed()
    assert_equal(state(other), state(model))
    other.export(str(tmp_path / 'exported'), verbose=False)  # which needs no optimizer
    variables = tf.train.list_variables(str(tmp_path / 'exported' / 'variables' / 'variables'))
    assert not any('optimizer' in name for name, _ in variables)


def test_steps_per_execution_change_nothing_but_speed():
    one, three = make(), make()
    one.compile()
    three.compile(steps_per_execution=3)
    expected = one.fit(batches(one), epochs=2, verbose=0).history
    history = three.fit(batches(three), epochs=2, verbose=0).history
    for tag, means in expected.items():
        assert history[tag] == pytest.approx(means, rel=1e-3, abs=1e-7), tag
    assert int(three.global_step) == 6


@some_methods
def test_evaluate_gives_the_same_tags_and_changes_no_weight(method):
    model = make(method)
    model.compile()
    before = state(model)
    data = batches(model, size=11)  # the last batch is smaller, and counts for less
    scores = model.evaluate(data, return_dict=True, verbose=0)
    assert_equal(state(model), before)
    assert set(scores) == set(model.tags) and np.isfinite(list(scores.values())).all()
    again = model.evaluate(data, verbose=0)
    assert dict(zip(model.metrics_names, again, strict=True)) == pytest.approx(scores)
    means, seen = dict.fromkeys(model.tags, 0.0), 0
    for batch in data:
        noise = model.draw_noise(batch['x'], batch_index=1 + seen)
        scalars = model.compute_losses(batch['x'], batch['label'], noise).scalars
        seen += len(batch['x'])
        for tag in model.tags:
            means[tag] += float(scalars[tag]) * len(batch['x']) / 11
    assert scores == pytest.approx(means, rel=1e-5, abs=1e-7)


def test_validation_and_callbacks(tmp_path):
    model = make()
    model.compile()
    best, newest = str(tmp_path / 'best.keras'), str(tmp_path / 'newest.weights.h5')
    history = model.fit(
        batches(model),
        validation_data=batches(model, size=8),
        epochs=4,
        verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping('val_loss_ae', mode='max', patience=1),
            keras.callbacks.ModelCheckpoint(
                best, 'val_loss_ae', mode='min', save_best_only=True
            ),
            keras.callbacks.ModelCheckpoint(newest, save_weights_only=True),
            keras.callbacks.TensorBoard(str(tmp_path / 'board')),
        ],
    ).history
    # It falls and should rise, so that the second epoch is the last.
    assert set(history) == {*model.tags, *(f'val_{tag}' for tag in model.tags)}
    assert len(history['loss_ae']) == 2
    assert history['val_loss_ae'][1] < history['val_loss_ae'][0]
    assert_equal(state(keras.models.load_model(best)), state(model))
    other = make(seed=3)
    other.load_weights(newest)
    assert_equal(state(other), state(model))
    assert {path.name for path in (tmp_path / 'board').iterdir()} == {'train', 'validation'}


def test_the_reports_of_a_run_serve_fit_too(tmp_path, capsys):
    model, dataset = tiny.make('AEBaseline', scales=1, depth=1), tiny.dataset()
    run = runs.RunFolder(str(tmp_path / 'lines32' / 'AEBaseline_depth1_latent4_scales1'))
    run.create()
    events = tf.summary.create_file_writer(run.summaries)
    progress = callbacks.Progress(batch_size=4, last_step=6)
    reports = callbacks.autoencoder_reports(dataset, run, events, progress)
    model.compile()
    batches = dataset.train_from(0)
    history = model.fit(batches, epochs=2, steps_per_epoch=3, callbacks=reports, verbose=0).history
    curves = scalars.of_run(run)
    assert list(curves['loss']) == list(curves['latent_accuracy']) == [3, 6]
    by_hand = tiny.make('AEBaseline', scales=1, depth=1)
    losses = [float(by_hand.train_step(batch)['loss']) for batch in batches.take(6)]
    np.testing.assert_allclose(list(curves['loss'].values()), losses[2::3], rtol=1e-5)
    assert run.checkpoint_steps() == [6, 3]
    assert sorted(os.listdir(run.images)) == ['name.png', 'name_000000.png']
    again = tiny.make('AEBaseline', scales=1, depth=1)
    assert checkpoints.restore(again, run) == 6
    assert f"loss= {history['loss'][-1]:#.3g}" in capsys.readouterr().out


@every_method
def test_summary_shows_every_part(method):
    lines, model = [], make(method)
    model.summary(print_fn=lines.append)
    text = '\n'.join(lines)
    assert '?' not in text and 'unbuilt' not in text
    for part in model.layers:
        assert part.name in text and f' {part.count_params():,} ' in text
    assert '(None, 8, 8, 1)' in text and '(None, 4, 4, 4)' in text and '(None, 10)' in text


@every_method
def test_a_saved_model_goes_on_as_if_never_stopped(method, tmp_path):
    model, path = make(method), str(tmp_path / 'm.keras')
    model.compile(steps_per_execution=3)
    for _ in range(3):
        model.train_step(tiny.batch(model))
    model.save(path)
    loaded = keras.models.load_model(path)
    assert type(loaded) is type(model) and loaded.params == model.params
    assert loaded.get_config() == model.get_config() and int(loaded.global_step) == 3
    assert loaded.steps_per_execution == 3
    assert_equal(state(loaded), state(model))
    x = tiny.batch(model)['x']
    np.testing.assert_array_equal(loaded(x), model(x))
    for each in (model, loaded):
        each.train_step(tiny.batch(model))
    assert_equal(state(loaded), state(model))


@pytest.mark.parametrize('compiled', [True, False])
@pytest.mark.parametrize(
    ('method', 'frozen'),
    [('ACAI', 'encoder'), ('ACAI', 'critic'), ('AEVQVAE', 'decoder')],  # in two layers, the last
)
def test_what_is_frozen_stays_so_in_a_saved_model(method, frozen, compiled, tmp_path):
    model, path = make(method), str(tmp_path / 'm.keras')
    getattr(model, frozen).trainable = False
    model.compile()
    model.train_step(tiny.batch(model))
    model.save(path)
    loaded = keras.models.load_model(path, compile=compiled)
    assert not getattr(loaded, frozen).trainable
    for each in (model, loaded):
        each.train_step(tiny.batch(model))
    assert_equal(state(loaded), state(model))


def test_a_model_that_was_frozen_and_not_compiled_is_not_saved(tmp_path):
    model = make()
    model.encoder.trainable = False
    words = "'autoencoder' were frozen, or made trainable, since .* call compile\\(\\) first"
    with pytest.raises(UserError, match=words):
        model.save(str(tmp_path / 'm.keras'))
    batch = tiny.batch(model)
    model.train_step(batch)  # what is frozen rests
    model.compile()
    model.encoder.trainable = True
    for train in (model.train_step, lambda batch: model.fit(batch, verbose=0)):
        with pytest.raises(UserError, match=words):
            train(batch)
    model.compile()
    model.train_step(batch)


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16', 'float64'])
def test_weights_of_other_precisions_are_refused(dtype):
    with pytest.raises(UserError, match=f'dtype={dtype} has weights in {dtype}.*mixed_float16'):
        make(dtype=dtype)
    encoder, decoder = (keras.layers.Dense(size, dtype=dtype) for size in (2, 6))
    with pytest.raises(UserError, match=f'kernel has weights in {dtype}'):
        acai_tf.AEBaseline((6,), 3, encoder=encoder, decoder=decoder)


def test_losses_are_scaled_for_weights_beside_a_layer():
    class Both(keras.layers.Layer):
        def __init__(self, size):
            super().__init__(dtype='mixed_float16')
            self.size, self.dropout = size, keras.layers.Dropout(0.5)

        def build(self, shape):
            self.kernel = self.add_weight(shape=(shape[-1], self.size))

        def call(self, x):
            return self.dropout(keras.ops.matmul(x, self.kernel))

    model = acai_tf.AEBaseline((6,), 3, encoder=Both(2), decoder=Both(6))
    kinds = {type(optimizer) for optimizer in model.optimizers.values()}
    assert kinds == {optimizer.LossScale}


@pytest.mark.parametrize('dtype', ['float32', 'mixed_float16'])
def test_callbacks_set_the_learning_rates_of_all_groups(dtype, tmp_path, capsys):
    model = make(lr=1e-2, dtype=dtype)
    model.compile()
    never = keras.callbacks.ReduceLROnPlateau('rmse', mode='min', min_delta=1e9, patience=1)
    steps = keras.callbacks.TensorBoard(tmp_path, write_steps_per_second=True)
    logs = model.fit(batches(model), epochs=2, verbose=0, callbacks=[never, steps]).history
    groups = {'autoencoder', 'critic', 'classifier'}
    assert {tag for tag in logs if 'rate' in tag} == {f'learning_rate_{group}' for group in groups}
    tenth = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 10)
    model.fit(batches(model), verbose=0, callbacks=[tenth])
    rates = [float(each.learning_rate) for each in model.optimizers.values()]
    np.testing.assert_allclose(rates, 1e-4, rtol=1e-6)
    model.summary()
    assert 'Optimizer params' in capsys.readouterr().out


@pytest.mark.parametrize(
    'lr', [1e-2, keras.optimizers.schedules.ExponentialDecay(1e-2, 10, 0.5)]
)
def test_a_new_optimizer_goes_on_at_the_rate_and_step_of_the_one_before(lr):
    model = make(lr=lr)
    model.compile()
    if lr == 1e-2:
        for each in model.optimizers.values():
            each.learning_rate = 1e-3
    model.train_step(tiny.batch(model))
    before = {group: float(each.learning_rate) for group, each in model.optimizers.items()}
    model.encoder.trainable = False
    model.compile()
    assert {g: float(each.learning_rate) for g, each in model.optimizers.items()} == before
    assert {int(each.iterations) for each in model.optimizers.values()} == {1}


@pytest.mark.parametrize('as_dataset', [False, True])
def test_pixels_to_validate_on_must_be_scaled_too(as_dataset):
    model = make()
    model.compile()
    batch = {key: value.numpy() for key, value in tiny.batch(model).items()}
    pixels = 255 * batch['x'], batch['label']
    if as_dataset:
        pixels = tf.data.Dataset.from_tensor_slices(pixels).batch(4)
    with pytest.raises(UserError, match='but their values exceed'):
        model.fit(batch['x'], batch['label'], validation_data=pixels, verbose=0)


def test_a_model_of_a_models_parts_can_be_saved(tmp_path):
    model, path = make('VAE'), str(tmp_path / 'm.keras')
    x = keras.Input(model.image_shape)
    mean, _ = model.latent_distribution(x)
    parts = keras.Model(x, model.classifier(mean))
    parts.save(path)
    batch = tiny.batch(model)['x']
    np.testing.assert_array_equal(keras.models.load_model(path)(batch), parts(batch))


def test_a_model_of_a_vqvaes_decoder_has_its_newest_codes():
    model = make('AEVQVAE')
    h = keras.Input(model.latent_shape)
    parts = keras.Model(h, model.decode(h))
    for _ in range(3):
        model.train_step(tiny.batch(model))
    latents = tf.random.normal((2, *model.latent_shape))
    np.testing.assert_array_equal(parts(latents), model.decode(latents))


def test_an_argument_that_no_file_would_have_is_refused(tmp_path):
    class Unsaved(acai_tf.AEBaseline):
        def __init__(self, *, activation=None, **shared):
            super().__init__(**shared)
            self.activation, self.shared = activation, 'an attribute of no argument'

    class Own(Unsaved):
        def get_config(self):
            return {**super().get_config(), 'activation': self.activation}

    sizes, path = dict(tiny.SIZES, image_shape=IMAGE['image_shape'], nclass=3), tmp_path / 'm.keras'
    Unsaved(**sizes).save(path)
    with pytest.raises(UserError, match="would be loaded without activation='relu'; give it a get"):
        Unsaved(activation='relu', **sizes).save(path)
    Own(activation='relu', **sizes).save(path)
    assert keras.models.load_model(path).activation == 'relu'


def test_a_hyper_parameter_is_what_the_constructor_sets():
    class Warm(acai_tf.AEBaseline):
        def __init__(self, *, temperature=1.0, **shared):
            self.temperature = temperature
            super().__init__(**shared)

    sizes = dict(tiny.SIZES, image_shape=IMAGE['image_shape'], nclass=3)
    assert Warm(**sizes).params['temperature'] == 1.0
    with pytest.raises(UserError, match='sets temperature=2.0, and .* temperature=1.0; pass it on'):
        Warm(temperature=2.0, **sizes)


def test_weights_of_a_model_without_shapes_cannot_be_loaded(tmp_path):
    networks = {'encoder': keras.layers.Dense(2), 'decoder': keras.layers.Dense(6)}
    with pytest.raises(UserError, match='shapes are not known yet'):
        acai_tf.AEBaseline(nclass=3, **networks).load_weights(tmp_path / 'm.weights.h5')


def test_the_scale_of_what_never_overflows_does_not_become_infinite():
    model = make('AAE', dtype='mixed_float16')
    for own in model.optimizers.values():
        own.dynamic_scale.assign(np.inf)  # as a run of an earlier version may have it
        own.dynamic_growth_steps = 1
    for _ in range(3):
        before = values(model.group_variables('classifier'))
        model.train_step(tiny.batch(model))
    scale = model.optimizers['classifier'].dynamic_scale
    assert float(scale) == optimizer.MAX_LOSS_SCALE
    after = values(model.group_variables('classifier'))
    assert all((one != other).any() for one, other in zip(before, after, strict=True))


def test_a_device_without_an_example_does_not_make_the_mean_undefined():
    model = make()
    model.update_means({tag: tf.constant(2.0) for tag in model.tags}, tf.zeros((3, 1)))
    model.update_means({tag: tf.constant(np.nan) for tag in model.tags}, tf.zeros((0, 1)))
    assert {float(mean.result()) for mean in model.metrics} == {2.0}


def test_a_saved_model_keeps_its_precision_and_loss_scale(tmp_path):
    model, path = make(dtype='mixed_float16', lr=0.01, seed=5), str(tmp_path / 'm.keras')
    model.train_step(tiny.batch(model))
    model.save(path)
    loaded = keras.models.load_model(path)
    assert loaded.dtype_policy.name == 'mixed_float16' and not loaded.compiled
    assert_equal(state(loaded), state(model))


@pytest.mark.parametrize('asked', [{}, {'jit_compile': True}, {'jit_compile': False}])
def test_the_compiler_is_chosen_where_a_model_is_loaded(tmp_path, monkeypatch, asked):
    model, path = make(), str(tmp_path / 'm.keras')
    model.compile(steps_per_execution=2, **asked)
    model.save(path)
    elsewhere = []  # with a GPU, 'auto' is another answer
    monkeypatch.setattr(
        acai_tf.ACAI, 'compile', lambda self, **kwargs: elsewhere.append(kwargs)
    )
    keras.models.load_model(path)
    (given,) = elsewhere
    assert given['jit_compile'] == asked.get('jit_compile', 'auto')
    assert given['steps_per_execution'] == 2


def test_a_method_of_a_script_is_loaded_where_the_script_is_imported(tmp_path):
    (tmp_path / 'mine.py').write_text(
        'import acai_tf\n\n\nclass Mine(acai_tf.AEBaseline):\n    pass\n\n\n'
        "if __name__ == '__main__':\n"
        '    model = Mine((8, 8, 1), 2, scales=1, depth=2, latent=2)\n'
        "    model.save('mine.keras')\n"
    )
    env = {**os.environ, 'PYTHONPATH': f'{tmp_path}:{tiny.REPOSITORY}'}
    load = "import mine, keras; assert type(keras.models.load_model('mine.keras')) is mine.Mine"
    for command in (['mine.py'], ['-c', load]):
        done = forked.run(*command, cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
    named = type('Named', (acai_tf.AEBaseline,), {'__module__': 'theirs.methods'})
    for package in ('acai_tf', 'theirs'):  # as files of earlier versions have it
        assert keras.saving.get_registered_object(f'{package}>Named') is named


@every_method
def test_export(method, tmp_path):
    model = make(method)
    model.export(str(tmp_path), verbose=False)
    served = keras.layers.TFSMLayer(str(tmp_path))  # takes Keras' own endpoint
    x = tiny.batch(model)['x']
    np.testing.assert_allclose(served(x), model(x), atol=1e-5)
    signatures = tf.saved_model.load(str(tmp_path)).signatures
    assert {'encode', 'decode', 'reconstruct', 'classify'} <= set(signatures)
    for size in (1, 3):
        x = tiny.batch(model, size)['x']
        h = model.encode(x)
        for name, given in {'encode': x, 'decode': h, 'reconstruct': x, 'classify': x}.items():
            (answer,) = signatures[name](given).values()
            np.testing.assert_allclose(answer, getattr(model, name)(given), atol=1e-5)


@pytest.mark.parametrize(
    'wrong',
    [{'loss': 'mse'}, {'metrics': ['mae']}, {'weighted_metrics': ['mae']}, {'loss_weights': [1]}],
)
def test_losses_and_metrics_are_the_methods(wrong):
    with pytest.raises(UserError, match='ACAI minimises and reports what its method says'):
        make().compile(**wrong)


def test_optimizers_are_the_models():
    model = make()
    model.optimizers['critic'] = keras.optimizers.SGD()
    with pytest.raises(UserError, match="'critic' is of class SGD; leave the model's own"):
        model.compile()


@pytest.mark.parametrize('dtype', ['float32', 'mixed_float16'])
def test_what_no_optimizer_would_learn_of_is_refused(dtype):
    model = make(dtype=dtype)
    model.compile()
    with pytest.raises(UserError, match=r'are those of model\.optimizers\.values\(\)\. Set each'):
        model.optimizer.learning_rate = 1e-5
    with pytest.raises(AttributeError, match='Each parameter group has an optimizer of its own'):
        print(model.optimizer.learning_rate)
    with pytest.raises(UserError, match='ACAI has one optimizer per parameter group'):
        model.optimizer = keras.optimizers.SGD()


@pytest.mark.parametrize('method', tiny.METHODS)
def test_keras_own_settings_change_nothing(method):
    def losses():
        model = make(method)
        model.compile()
        return model.fit(batches(model), epochs=2, verbose=0).history

    usual = losses()
    try:
        keras.config.set_floatx('float64')
        keras.config.set_image_data_format('channels_first')
        ours = losses()
    finally:
        keras.config.set_floatx('float32')
        keras.config.set_image_data_format('channels_last')
    for tag, values in usual.items():
        assert ours[tag] == pytest.approx(values, rel=1e-4), tag


def test_a_saved_model_has_signatures_of_its_own(tmp_path):
    with pytest.raises(UserError, match='input_signature does not apply to a SavedModel'):
        make().export(str(tmp_path), input_signature=[])


def test_a_layer_that_no_group_lists_is_refused():
    class Ungrouped(acai_tf.AEBaseline):
        def make_groups(self):
            self.head = keras.layers.Dense(4, name='forgotten')
            return super().make_groups()

        def decode(self, h):
            return self.decoder(self.head(h))

    class Warm(acai_tf.AEBaseline):
        def make_groups(self):
            self._temperature = self.add_weight(name='temperature', shape=())
            return super().make_groups()

    for cls, name in (Ungrouped, 'forgotten/kernel'), (Warm, 'temperature'):
        with pytest.raises(UserError, match=f'{name} is in no group of make_groups'):
            cls(**IMAGE, depth=2, latent=4, nclass=3)


def test_classes_are_registered():
    for name, cls in acai_tf.ALL_AES.items():
        assert keras.saving.get_registered_object(f'acai_tf>{name}') is cls


def test_another_seed_reaches_graphs_that_were_traced():
    model, other = tiny.make('VAE', seed=1), tiny.make('VAE', seed=2)
    x = np.zeros((2, 32, 32, 1), np.float32)
    other.set_weights(model.get_weights())
    before = eval.encode(model, x)
    model.seed = 2
    np.testing.assert_array_equal(eval.encode(model, x), eval.encode(other, x))
    assert (eval.encode(model, x) != before).any()
    for wrong in (-1, 1.5, 2**31):
        with pytest.raises(UserError, match='must be an integer from 0'):
            model.seed = wrong
    model.seed = np.int64(3)
    assert type(model.seed) is int


def test_a_seed_may_change_while_keras_trains(monkeypatch):
    model, other, seen = tiny.make('VAE', seed=1), tiny.make('VAE', seed=1), []
    batch = tiny.batch(model)
    data = tf.data.Dataset.from_tensors(batch).repeat()

    class Reseed(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.seed = 2
            seen.append(logs['elbo'])

    model.compile()
    model.fit(data, steps_per_epoch=2, verbose=0, callbacks=[Reseed()])
    other.compile()
    other.fit(data, steps_per_epoch=1, verbose=0)
    other.seed = 2
    other.fit(data, steps_per_epoch=1, verbose=0)
    assert len(seen) == 2
    for own, expected in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(own, expected)
