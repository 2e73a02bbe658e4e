"""What may be given to fit, evaluate and predict: Keras' forms of data, and what is refused."""
import collections
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from lib import eval
from lib.errors import UserError
from tests import tiny

make = tiny.make_8px


class Batches(keras.utils.PyDataset):
    """One batch, three times."""

    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return self.batch


def test_what_does_not_fit_is_said_in_every_fit():
    model = make()
    x, label = (tiny.batch(model)[key].numpy() for key in ('x', 'label'))
    model.compile()
    for _ in range(2):
        for wrong, words in (
            ((x[:, :4], label), r'must be \(B, 8, 8, 1\) .* not \(4, 4, 8, 1\)'),
            ((127 * x, label), r'values exceed 16\. To scale pixels of 0\.\.255'),
            ((x, label[:, :4]), r"the labels of this one are \('B', 4\)\. .*to_categorical"),
        ):
            with pytest.raises(UserError, match=words):
                model.fit(*wrong, verbose=0)
        model.fit(x, label, verbose=0)
    with pytest.raises(UserError, match=r'must be \(B, 8, 8, 1\)'):
        eval.encode(model, np.zeros((2, 4, 8, 1), np.float32))


def test_a_dataset_of_images_that_are_not_scaled_is_refused():
    model = make()
    x, label = (tiny.batch(model)[key].numpy() for key in ('x', 'label'))
    model.compile()
    for batch in ({'x': 127 * x, 'label': label}, (127 * x, label)):
        dataset = tf.data.Dataset.from_tensors(batch)
        before = model.get_weights()
        for ask in (model.fit, model.evaluate, model.predict):
            with pytest.raises(UserError, match=r'of floats .* values exceed 16\. To scale'):
                ask(dataset, verbose=0)
        for one, other in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_dataset_that_is_not_batched_is_told_so():
    model = make()
    batch = tiny.batch(model)
    model.compile()
    for dataset in (batch, (batch['x'], batch['label'])):
        examples = tf.data.Dataset.from_tensor_slices(dataset)
        for ask in (model.fit, model.evaluate, model.predict):
            with pytest.raises(UserError, match=r'single examples, .* dataset\.batch\(64\)'):
                ask(examples, verbose=0)
        model.fit(examples.batch(4), verbose=0)
    with pytest.raises(UserError, match=r'For one image: x\[None\]'):
        model.encode(batch['x'][0])


def test_weights_of_examples_are_refused_though_keras_would_drop_them():
    model = make()
    batch = {key: value.numpy() for key, value in tiny.batch(model).items()}
    weight, by_class = np.ones(len(batch['x'])), {0: 5.0}
    model.compile()
    before = model.get_weights()
    for ask, given in (
        (model.fit, {'sample_weight': weight}),
        (model.fit, {'class_weight': by_class}),
        (model.fit, {'validation_data': (batch, None, weight)}),
        (model.evaluate, {'sample_weight': weight}),
        (model.train_on_batch, {'class_weight': by_class}),
        (model.test_on_batch, {'sample_weight': weight}),
    ):
        with pytest.raises(UserError, match='leave out sample_weight and class_weight'):
            ask(batch, **given)
    with pytest.raises(UserError, match='leave out sample_weight'):
        model.fit(Batches(batch), class_weight=by_class, verbose=0)
    with pytest.raises(UserError, match='leave out sample_weight'):
        model.train_on_batch(batch, None, weight)
    np.testing.assert_equal(model.get_weights(), before)
    model.train_on_batch(batch)
    model.test_on_batch(batch)
    model.fit(batch, validation_data=(batch, None), verbose=0)


def test_images_that_are_no_numbers_are_not_said_to_be_unscaled():
    model = make()
    batch = tiny.batch(model)
    model.compile()
    history = model.fit(
        tf.data.Dataset.from_tensors({**batch, 'x': batch['x'] * np.nan}), verbose=0
    ).history
    assert np.isnan(history['loss_ae'][0])


def test_batches_may_be_named_tuples():
    model, Batch = make(), collections.namedtuple('Batch', 'x label')
    batch = tiny.batch(model)
    model.compile()
    dataset = tf.data.Dataset.from_tensors(Batch(batch['x'], batch['label']))
    model.fit(dataset, verbose=0)
    with pytest.raises(UserError, match='values exceed 16'):
        model.fit(dataset.map(lambda each: Batch(127 * each.x, each.label)), verbose=0)


def test_first_batches_of_generators_and_pydatasets_are_looked_at():
    x, label = (tiny.batch(make())[key].numpy() for key in ('x', 'label'))

    def generate(*batches):
        yield from batches

    for wrong, words in (
        (127 * x, r'values exceed 16\. To scale'),
        (x[:, :4], r'not \(4, 4, 8, 1\)'),
    ):
        for given in (
            Batches((wrong, label)),
            Batches([wrong, label]),
            Batches((tf.constant(wrong), label)),
            Batches({'x': wrong, 'label': label}),
            generate((wrong, label)),
        ):
            model = make()
            model.compile()
            with pytest.raises(UserError, match=words):
                model.fit(given, verbose=0)
            assert int(model.global_step) == 0
    # None of a generator's batches is lost.
    for given in (generate((x, label), (-x, label), (x, label)), Batches([x, label])):
        model = make()
        model.compile()
        model.fit(given, verbose=0)
        assert int(model.global_step) == 3


def test_nothing_is_taken_from_a_generator_that_fit_validates_with():
    x, label = (tiny.batch(make())[key].numpy() for key in ('x', 'label'))

    def generate():
        for number in range(99):
            time.sleep(0.05)  # so that Keras, which takes batches ahead, is within it
            yield x * number / 99, label

    model = make('AEBaseline', lr=0.0)
    model.compile()
    fitted = model.fit(Batches((x, label)), epochs=3, verbose=0, shuffle=False,
                       validation_data=generate(), validation_steps=4)  # fmt: skip
    own = [model.evaluate(x * number / 99, label, verbose=0, return_dict=True)['loss']
           for number in range(4)]  # fmt: skip
    assert fitted.history['val_loss'][0] == pytest.approx(np.mean(own), rel=1e-6)


@pytest.mark.parametrize('form', ['dataset', 'arrays', 'dict', 'lists of one'])
def test_data_come_in_keras_forms(form):
    model = make('AEBaseline')
    model.compile()
    batch = {key: value.numpy() for key, value in tiny.batch(model, 8).items()}
    data = {
        'dataset': (tf.data.Dataset.from_tensor_slices(batch).batch(4),),
        'arrays': (batch['x'], batch['label']),
        'dict': (batch,),
        'lists of one': ([batch['x']], [batch['label']]),
    }[form]
    model.fit(*data, batch_size=None if form == 'dataset' else 4, verbose=0)
    assert int(model.global_step) == 2
    pictures = model.predict(*data[:1], verbose=0)
    np.testing.assert_allclose(pictures, model.reconstruct(batch['x']), atol=1e-5)


def test_data_without_x_are_refused():
    with pytest.raises(UserError, match="A batch must have 'x', .* this one has 'label'"):
        make().predict({'label': np.zeros((2, 10))}, verbose=0)


@pytest.mark.parametrize('pair', [list, tuple])
def test_two_batches_are_not_one(pair):
    x = np.zeros((2, 32, 32, 1), 'float32')
    for use in (make(), make().predict):
        with pytest.raises(UserError, match='takes one array .* was given 2; '):
            use(pair([x, x]))


def test_a_batch_that_is_none_is_refused_in_one_sentence():
    model = make('AEBaseline')
    for step in (model.train_step, model.test_step):
        with pytest.raises(UserError, match="this one has 'x' but no 'label'") as raised:
            step({'x': np.zeros((2, 8, 8, 1))})
        assert '\n' not in str(raised.value)
