"""What the machine offers: devices, number formats and the compiler that suit it."""
import tensorflow as tf

from lib.errors import UserError

TENSOR_CORES = (7, 0)  # compute capability from which float16 is faster


def _gpus():
    return tf.config.list_physical_devices('GPU')


def resolve_precision(precision):
    """The Keras dtype policy for the flag --precision.

    'auto' is mixed_float16 where every GPU has tensor cores, and float32 elsewhere.
    """
    if precision != 'auto':
        return precision
    details = [tf.config.experimental.get_device_details(gpu) for gpu in _gpus()]
    capable = [gpu.get('compute_capability', (0, 0)) >= TENSOR_CORES for gpu in details]
    return 'mixed_float16' if capable and all(capable) else 'float32'


def resolve_jit(jit):
    """Whether to compile the train step with XLA, for the flag --jit; 'auto' does so on a GPU."""
    return bool(_gpus()) if jit == 'auto' else jit == 'on'


def make_strategy(count=0):
    """The distribution strategy of this process; a model must be made in its scope.

    Several machines where the environment variable TF_CONFIG describes them, else several GPUs,
    else one device. Every strategy but the last shares a batch out in equal parts.

    Args:
        count: how many GPUs to use; 0 for all.

    Raises:
        UserError: there are fewer.
    """
    if tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec().jobs:
        return tf.distribute.MultiWorkerMirroredStrategy()
    gpus = _gpus()
    if count > max(1, len(gpus)):
        raise UserError(f'--devices={count}, but TensorFlow sees {len(gpus)} GPUs here.')
    names = [f'GPU:{index}' for index in range(count or len(gpus))]
    return tf.distribute.MirroredStrategy(names) if len(names) > 1 else tf.distribute.get_strategy()


def share_out(strategy, dataset):
    """Distributes global batches: replica r of R gets the r-th of R equal parts of each.

    Args:
        strategy: a distribution strategy with R replicas in all.
        dataset: endless batches of nested tensors (B, ...), B divisible by R, the same on every
            machine.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return dataset

    def local_shares(context):
        count = replicas // context.num_input_pipelines  # replicas of this machine
        first = context.input_pipeline_id * count

        def shares(tensor):
            return tf.reshape(tensor, (replicas, -1, *tensor.shape[1:]))[first : first + count]

        shared = dataset.map(lambda batch: tf.nest.map_structure(shares, batch))
        # Of an endless dataset no step has to ask all machines whether there is a next batch.
        endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
        return shared.unbatch().apply(endless).prefetch(2)

    return strategy.distribute_datasets_from_function(local_shares)
