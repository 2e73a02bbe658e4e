"""Vector quantisation with codes that follow their vectors by moving averages (VQ-VAE)."""
import tensorflow as tf
from keras import ops

DECAY = 0.999
EPSILON = 1e-5


def nearest_code(vectors, codebook):
    """The nearest code of each vector by squared euclidean distance; ties go to the first.

    Args:
        vectors: (N, D).
        codebook: (K, D).

    Returns:
        (N,) int32 in 0..K-1.
    """
    distance = (
        ops.sum(ops.square(vectors), axis=1, keepdims=True)
        - _products(2 * vectors, codebook)
        + ops.sum(ops.square(codebook), axis=1)
    )  # (N, K)
    # Not Keras' argmin: to put -0 before 0 on CPUs, it reads the whole array several times.
    return tf.argmin(distance, axis=1, output_type='int32')


def _products(vectors, codebook):
    """The dot product of each vector with each code, (N, K) float32, never in TF32.

    Where a run asked for TF32, a GPU rounds the factors of all its float32 products to ten bits,
    and close codes could not be told apart. It does not round float64.
    """
    if not tf.config.experimental.tensor_float_32_execution_enabled():
        return ops.matmul(vectors, ops.transpose(codebook))
    vectors, codebook = ops.cast(vectors, 'float64'), ops.cast(codebook, 'float64')
    return ops.cast(ops.matmul(vectors, ops.transpose(codebook)), 'float32')


def moving_averages(vectors, assignment, count, total):
    """One update of the moving averages that the codebook is computed from; no debiasing.

    Args:
        vectors: (N, D), the vectors of a batch.
        assignment: (N,), the index of each vector's code.
        count: (K,), moving average of how many vectors of a batch each code was assigned.
        total: (K, D), moving average of the sum of these vectors.

    Returns:
        (count, total, codebook) after the update: codebook = total / count, with the count smoothed
        so that nothing is divided by 0. # Original: a code that gets no vectors first jumps far
        away, because its count begins at 0, and then comes back by a factor of DECAY per step;
        docs/PAPER.md shows the effect on a VQ-VAE's first 640 kimg.
    """
    size = count.shape[0]
    batch_count = ops.segment_sum(ops.ones_like(vectors[:, 0]), assignment, size)
    batch_total = ops.segment_sum(vectors, assignment, size)
    replica = tf.distribute.get_replica_context()
    if replica and replica.num_replicas_in_sync > 1:  # the averages are of the whole batch
        batch_count, batch_total = replica.all_reduce('sum', [batch_count, batch_total])
    count = count - (count - batch_count) * (1 - DECAY)
    total = total - (total - batch_total) * (1 - DECAY)
    everything = ops.sum(count)
    smoothed = (count + EPSILON) / (everything + size * EPSILON) * everything
    return count, total, total / ops.expand_dims(smoothed, 1)
