"""Every operation of every method's train step has a GPU kernel for its types: no GPU is needed.

TensorFlow's registry of kernels holds those for GPUs on Linux, whatever the machine has.
"""
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

from tests import tiny

# Of the graph itself.
NO_KERNEL = {'Placeholder', '_Arg', '_Retval', 'PartitionedCall', 'StatefulPartitionedCall'}


def has_gpu_kernel(node, on_gpu):
    """Whether a registered kernel takes the types of a NodeDef."""
    return any(
        all(
            node.attr[constraint.name].type in constraint.allowed_values.list.type
            for constraint in kernel.constraint
            if node.attr[constraint.name].type
        )
        for kernel in on_gpu
    )


def without_gpu_kernel(function, *inputs):
    """{operation} of a function's graph that no GPU could compute, and those of the graph."""
    graph = tf.function(function).get_concrete_function(*inputs).graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    registered, missing = {}, set()
    for node in nodes:
        if node.op in NO_KERNEL:
            continue
        if node.op not in registered:
            found = kernels.get_registered_kernels_for_op(node.op).kernel
            registered[node.op] = [k for k in found if k.device_type in ('GPU', 'DEFAULT')]
        if not has_gpu_kernel(node, registered[node.op]):
            missing.add(node.op)
    return missing, set(registered)


@pytest.mark.parametrize('dtype', ['float32', 'mixed_float16', 'mixed_bfloat16'])
@pytest.mark.parametrize('method', tiny.METHODS)
def test_every_operation_has_a_gpu_kernel(method, dtype):
    model = tiny.make(method, scales=1, dtype=dtype)
    missing, seen = without_gpu_kernel(model.train_step, tiny.batch(model))
    assert not missing and {'Conv2D', 'ResourceApplyAdam'} <= seen


def test_an_operation_or_type_without_a_gpu_kernel_is_found():
    missing, _ = without_gpu_kernel(tf.io.decode_png, tf.constant(b''))
    assert missing == {'DecodePng'}
    missing, _ = without_gpu_kernel(tf.strings.join, [tf.constant('a'), tf.constant('b')])
    assert missing == {'StringJoin'}
