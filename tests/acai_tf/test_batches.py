"""What a batch is, and what is none."""
import collections

import numpy as np
import pytest
import tensorflow as tf

from acai_tf import batches
from lib.errors import UserError

X, LABEL = np.zeros((2, 8, 8, 1)), np.zeros((2, 10))


@pytest.mark.parametrize(
    'batch', [(X, LABEL), {'x': X, 'label': LABEL}, ([X], [LABEL]), ({'x': X, 'label': LABEL},)]
)
def test_a_batch(batch):
    x, label = batches.unpack(batch, X.shape[1:], 10)
    assert x is X and label is LABEL


@pytest.mark.parametrize(
    'batch, words',
    [
        ({'label': LABEL}, "this one has 'label' but no 'x'"),
        ({}, "this one has nothing but no 'x'"),
        ({'x': X}, "this one has 'x' but no 'label'"),
        (X, 'the labels of this one are missing'),
        ((X, np.zeros((2, 3))), r"are \('B', 3\)"),
        ((X, np.zeros(2)), r"are \('B',\)"),
        ((X, LABEL, np.ones(2)), 'leave out sample_weight'),
        (({'x': X}, LABEL), "this one has 'x' but no 'label'"),
        (({'x': X, 'label': LABEL}, LABEL), "A dict has its own 'label'; leave out the labels"),
        (([X, X], LABEL), 'takes one array .* was given 2; '),
    ],
)
def test_what_is_no_batch_is_refused_in_one_sentence(batch, words):
    with pytest.raises(UserError, match=words) as raised:
        batches.unpack(batch, X.shape[1:], 10)
    assert '\n' not in str(raised.value)


@pytest.mark.parametrize('data', [X, [X], {'x': X}, {'x': X, 'label': LABEL}])
def test_the_data_of_a_batch(data):
    assert batches.examples(data) is X


@pytest.mark.parametrize('shape', [(None, 8, 8, 1), [2, 8, 8, 1], (None,)])
def test_a_shape_is_no_list_of_batches(shape):
    assert batches.examples(shape) is shape


@pytest.mark.parametrize(
    'data, words',
    [
        ([X, X], 'takes one array .* was given 2; '),
        ((X, LABEL), 'takes one array .* was given 2; '),
        ({'label': LABEL}, "must have 'x'"),
    ],
)
def test_what_are_no_data_are_refused(data, words):
    with pytest.raises(UserError, match=words):
        batches.examples(data)


def test_two_of_a_pipeline_are_refused():
    pipeline = tf.data.Dataset.from_tensor_slices(((X, X), LABEL)).batch(2)
    with pytest.raises(UserError, match='takes one array .* was given 2; '):
        batches.begun(pipeline)


def test_what_fit_is_given_tells_the_shape_of_its_data():
    pairs = tf.data.Dataset.from_tensor_slices((X, LABEL)).batch(2)
    for given in (pairs, pairs.map(lambda x, label: {'x': x, 'label': label}), X, (X, LABEL)):
        data, same = batches.begun(given)
        assert tuple(data.shape[1:]) == (8, 8, 1) and same is given
    Batch = collections.namedtuple('Batch', 'x label')
    assert batches.examples_of(Batch(X, LABEL)) is X
    for given in (pairs.as_numpy_iterator(), (each for each in ())):
        assert batches.begun(given)[0] is given  # an iterator is not a generator
    data, again = batches.begun(each for each in ((X, LABEL), (-X, LABEL)))
    assert data is X and [x[0, 0, 0, 0] for x, _ in again] == [X[0, 0, 0, 0], -X[0, 0, 0, 0]]


def test_a_generator_that_was_looked_at_stays_its_users():
    own = (each for each in ((X, LABEL), (-X, LABEL), (2 * X, LABEL)))
    again = batches.begun(own)[1]
    next(again), next(again)
    del again
    assert len(list(own)) == 1
