"""What can be told of GPUs without one: kernels for every operation, and what XLA compiles.

A TensorFlow that is built with CUDA, as for Linux on x86-64, has kernels for GPUs in its registry,
whatever the machine has; XLA compiles the same graphs for the CPU.
"""
import functools
import types
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

from lib import convolution, train
from lib.optimizer import without_loss_scale
from tests import tiny

SMALL = {'image_shape': (4, 4, 1), 'scales': 1, 'depth': 2, 'latent': 2}
# Compiled and not, losses and the norm of a group's gradients differ by that share at most: XLA
# keeps sums of low precision in float32 where single operations round them.
APART = {'float32': 1e-5, 'mixed_float16': 1e-2, 'mixed_bfloat16': 0.1}

HAS_GPU_KERNELS = tf.test.is_built_with_cuda()
# Of the graph itself.
NO_KERNEL = {'Placeholder', '_Arg', '_Retval', 'PartitionedCall', 'StatefulPartitionedCall'}


@functools.cache
def gpu_kernels(operation):
    """The registered kernels of an operation that run on GPUs."""
    found = kernels.get_registered_kernels_for_op(operation).kernel
    return [kernel for kernel in found if kernel.device_type in ('GPU', 'DEFAULT')]


def has_gpu_kernel(node):
    """Whether a registered kernel takes the types of a NodeDef."""
    return any(
        all(
            node.attr[constraint.name].type in constraint.allowed_values.list.type
            for constraint in kernel.constraint
            if node.attr[constraint.name].type
        )
        for kernel in gpu_kernels(node.op)
    )


def without_gpu_kernel(graph):
    """{operation} of a graph that no GPU could compute, and those of the graph."""
    definition = graph.as_graph_def()
    functions = definition.library.function
    nodes = [*definition.node, *(node for function in functions for node in function.node_def)]
    computed = [node for node in nodes if node.op not in NO_KERNEL]
    return {n.op for n in computed if not has_gpu_kernel(n)}, {n.op for n in computed}


CASES = [(method, dtype) for dtype in APART for method in tiny.METHODS]


@pytest.fixture(scope='module', params=CASES, ids='-'.join)
def traced(request):
    """A train step as XLA gets it, traced once, and its model, untrained."""
    method, dtype = request.param
    model = tiny.make(method, dtype=dtype, **SMALL)
    with mock.patch.object(convolution, 'MIN_DOUBLED_WIDTH', 2):  # so that all tricks are there
        batch = tiny.batch(model)
        noise = model.draw_noise(batch['x'])  # what XLA compiles draws others
        model.draw_noise = lambda x: noise
        step = tf.function(model.train_step, jit_compile=True)
        graph = step.get_concrete_function(batch).graph
        yield types.SimpleNamespace(dtype=dtype, batch=batch, model=model, step=step, graph=graph)


@pytest.mark.skipif(not HAS_GPU_KERNELS, reason='needs a TensorFlow with kernels for GPUs')
def test_every_operation_has_a_gpu_kernel(traced):
    missing, seen = without_gpu_kernel(traced.graph)
    assert not missing and {'Conv2D', 'ResourceApplyAdam'} <= seen


def test_a_compiled_step_is_the_uncompiled_one(traced):
    model, apart = traced.model, APART[traced.dtype]
    optimizers = [v for optimizer in model.optimizers.values() for v in optimizer.variables]
    untrained = [(v, v.numpy()) for v in (*model.variables, *optimizers)]
    plain, plain_moments, plain_averages = made(model, model.train_step(traced.batch))
    for variable, value in untrained:
        variable.assign(value)
    compiled, moments, averages = made(model, traced.step(traced.batch))
    for tag in model.tags:
        assert compiled[tag] == pytest.approx(plain[tag], rel=apart), tag
    for group, theirs in plain_moments.items():
        assert np.linalg.norm(theirs) > 0
        assert np.linalg.norm(moments[group] - theirs) <= apart * np.linalg.norm(theirs), group
    for ours, theirs in zip(averages, plain_averages, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=apart, atol=apart)


@pytest.mark.parametrize('method', ['ACAI', 'VAE', 'AAE', 'AEDropout', 'AEDenoising'])
def test_a_gpu_draws_noise_and_makes_several_steps_compiled(method):
    """As the loop does on one GPU, with noise of its own."""
    model = tiny.make(method, **SMALL)
    steps = train.make_train_steps(model, jit_compile=True)
    batches = iter(tf.data.Dataset.from_tensors(tiny.batch(model)).repeat())
    scalars = steps(batches, tf.constant(2)).numpy()
    assert int(model.global_step) == 2 and np.isfinite(scalars).all()
    noise = tf.function(model.draw_noise).get_concrete_function(tiny.batch(model)['x'])
    missing, seen = without_gpu_kernel(noise.graph)
    assert not (HAS_GPU_KERNELS and missing)
    assert any(name.startswith('StatelessRandom') for name in seen)


def made(model, scalars):
    """What one step made: ({tag: float}, {group: Adam's first moments, flat}, averages).

    The moments are 0.1 of the gradients; the averages are moved without any.
    """
    moments = {}
    for group, optimizer in model.optimizers.items():
        slots = without_loss_scale(optimizer).slots()
        moments[group] = np.concatenate([np.ravel(first) for first, _ in slots])
    averages = [variable.numpy() for variable in model.non_trainable_variables]
    return {tag: float(value) for tag, value in scalars.items()}, moments, averages


def test_an_operation_or_type_without_a_gpu_kernel_is_found():
    def graph_of(function, *inputs):
        return tf.function(function).get_concrete_function(*inputs).graph

    missing, _ = without_gpu_kernel(graph_of(tf.io.decode_png, tf.constant(b'')))
    assert missing == {'DecodePng'}
    missing, _ = without_gpu_kernel(graph_of(tf.strings.join, [tf.constant('a'), tf.constant('b')]))
    assert missing == {'StringJoin'}
