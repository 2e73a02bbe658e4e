"""Low precision trains as float32 does, within a stated distance."""
import numpy as np
import pytest
import tensorflow as tf

from lib import data
from tests import tiny

STEPS, LAST = 200, 50
DISTANCE = 0.03  # of float32's mean over the last steps


@pytest.fixture(scope='module')
def train():
    """dtype -> {scalar: its mean over the last steps}, and the gradients of the step after."""
    batches = list(data.get_dataset('lines32', 16).train.take(STEPS + 1))

    def run(dtype):
        model = tiny.make('ACAI', dtype=dtype, lr=1e-3)
        step = tf.function(model.train_step)
        history = [step(batch) for batch in batches[:STEPS]]
        last = batches[STEPS]
        with tf.GradientTape(persistent=True) as tape:
            losses = model.compute_losses(last['x'], last['label'], model.draw_noise(last['x']))
        gradients = model.compute_gradients(tape, losses.objectives)
        means = {tag: np.mean([scalars[tag] for scalars in history[-LAST:]]) for tag in model.tags}
        return model, means, gradients

    return run


def test_low_precision_stays_near_float32(train):
    _, reference, _ = train('float32')
    assert reference['loss_ae'] < 0.8  # it has learnt something by then
    for dtype in ('mixed_bfloat16', 'mixed_float16'):
        model, means, gradients = train(dtype)
        for conv in (model.encoder.convs[1], model.decoder.convs[0], model.critic.encoder.convs[1]):
            assert conv.compute_dtype == dtype.removeprefix('mixed_')
        assert means['loss_ae'] != reference['loss_ae']
        for tag in ('loss_ae', 'loss_disc', 'classify_latent'):
            assert means[tag] == pytest.approx(reference[tag], rel=DISTANCE), (dtype, tag)
        for group, values in gradients.items():
            for gradient, variable in zip(values, model.group_variables(group), strict=True):
                assert np.isfinite(gradient).all() and gradient.dtype == tf.float32
                assert variable.dtype == 'float32'
