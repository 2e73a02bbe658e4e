"""The machine's devices, and the number formats and the compiler that suit them."""
import dataclasses
import functools

import joblib
import tensorflow as tf

from lib.errors import UserError

FLOAT16_FROM, BFLOAT16_FROM = (7, 0), (8, 0)  # lowest compute capabilities that are fast in it


@dataclasses.dataclass(frozen=True)
class Gpu:
    """A GPU: its name, and its compute capability (major, minor), (0, 0) where none is known."""

    name: str
    compute_capability: tuple = (0, 0)


@dataclasses.dataclass(frozen=True)
class Choice:
    """What a run computes on, and how.

    gpus: the GPUs in use, the machine's first; none where the CPU computes.
    replicas: how many parts each batch is split into, over all machines.
    precision: 'float32', 'tf32', 'mixed_float16' or 'mixed_bfloat16'.
    jit: whether XLA compiles the train step.
    """

    gpus: tuple
    replicas: int
    precision: str
    jit: bool

    @property
    def dtype(self):
        """The Keras dtype policy."""
        return 'float32' if self.precision == 'tf32' else self.precision

    @property
    def line(self):
        """The choice as one line of text."""
        names = [gpu.name for gpu in self.gpus] or ['CPU']
        counted = [f'{names.count(name)} x {name}' for name in dict.fromkeys(names)]
        devices = ', '.join(counted).replace('1 x CPU', 'CPU')
        jit = 'on' if self.jit else 'off'
        return f'Devices: {devices}; replicas: {self.replicas}; {self.precision}; jit {jit}.'


def choose(gpus, *, precision='auto', jit='auto', devices=0, machines=1):
    """Chooses what a run computes on, and how, from the flags of the same names.

    Args:
        gpus: list of `Gpu`, those of this machine; a run's other machines are assumed to be alike.
        precision: as in `Choice`, or 'auto': mixed_bfloat16 where every GPU in use has compute
            capability 8.0 or more, mixed_float16 on a single one of 7.x, and float32 elsewhere.
        jit: 'auto', 'on' or 'off'. 'auto' is on where one GPU computes.
        devices: how many GPUs to use; 0 for all.
        machines: how many train together.

    Raises:
        UserError: there are fewer GPUs than asked for, or a flag cannot work on several devices.
    """
    if devices > max(1, len(gpus)):
        raise UserError(f'--devices={devices}, but TensorFlow sees {len(gpus)} GPUs here.')
    used = tuple(gpus[: devices or len(gpus)])
    replicas = max(1, len(used)) * machines
    alone = '--devices=1' if machines == 1 else 'one machine and --devices=1'
    if replicas > 1 and jit == 'on':
        raise UserError(
            f'--jit=on works on one device, not on {replicas}: XLA compiles no step that several '
            f'share; use --jit=off or {alone}.'
        )
    if replicas > 1 and precision == 'mixed_float16':
        raise UserError(
            f'--precision=mixed_float16 works on one device, not on {replicas}: Keras checks for '
            f'overflow on only one of them; use mixed_bfloat16 or float32, or {alone}.'
        )
    if precision == 'auto':
        slowest = min((gpu.compute_capability for gpu in used), default=(0, 0))
        precision = 'float32'
        if slowest >= BFLOAT16_FROM:
            precision = 'mixed_bfloat16'
        elif slowest >= FLOAT16_FROM and replicas == 1:
            precision = 'mixed_float16'
    one_gpu = len(used) == replicas == 1
    return Choice(used, replicas, precision, jit == 'on' or (jit == 'auto' and one_gpu))


def find_gpus():
    """[`Gpu`] of this machine, in TensorFlow's order."""
    gpus = []
    for device in tf.config.list_physical_devices('GPU'):
        details = tf.config.experimental.get_device_details(device)
        name = details.get('device_name', device.name)
        gpus.append(Gpu(name, details.get('compute_capability', (0, 0))))
    return gpus


def count_machines():
    """How many machines train together, according to the environment variable TF_CONFIG.

    Raises:
        UserError: TF_CONFIG does not describe a cluster that this machine's task is in.
    """
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    try:
        cluster = resolver.cluster_spec().as_dict()
        count = max(1, sum(len(addresses) for addresses in cluster.values()))
        own = resolver.task_type, resolver.task_id
        if count > 1 and own[1] not in range(len(cluster.get(own[0], ()))):
            raise ValueError(f'its task {own} is not in its cluster')
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f'TF_CONFIG does not describe a cluster ({error}); unset it to train on this machine '
            'alone.'
        ) from error
    return count


def cores_of_each(processes):
    """How many cores each process gets if several share those that this one may use; at least 1."""
    return max(1, joblib.cpu_count() // processes)


def keep_float32():
    """Makes newer GPUs multiply float32 numbers as such, instead of rounding them to TF32."""
    tf.config.experimental.enable_tensor_float_32_execution(False)


def start(choice, machines=1):
    """Sets up the devices; returns the distribution strategy, in whose scope models must be made.

    Only the GPUs in use become visible, and their memory is taken as it is needed, so that other
    programs can use the rest. Whether float32 is multiplied as TF32 is set for the whole process.
    Call this before TensorFlow computes anything.

    Args:
        choice: the `Choice` that `choose` returned.
        machines: how many train together; if several, TF_CONFIG must describe each.
    """
    tf.config.experimental.enable_tensor_float_32_execution(choice.precision == 'tf32')
    if choice.gpus:
        gpus = tf.config.list_physical_devices('GPU')[: len(choice.gpus)]
        tf.config.set_visible_devices(gpus, 'GPU')
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    if machines > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(choice.gpus) > 1:
        return tf.distribute.MirroredStrategy([f'GPU:{k}' for k in range(len(choice.gpus))])
    return tf.distribute.get_strategy()


def is_several_machines(strategy):
    """Whether a strategy spans several machines."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def mean_over_machines(strategy, numbers):
    """The means of some numbers over the machines of a strategy, (n,) float64.

    Each machine waits for the others.
    """
    numbers = tf.constant(numbers, tf.float64)
    return (_mean_of(strategy)(numbers) if is_several_machines(strategy) else numbers).numpy()


@functools.cache
def _mean_of(strategy):
    @tf.function(autograph=False)  # on several machines TensorFlow warns of eager runs
    def mean(numbers):
        return strategy.reduce('mean', strategy.run(tf.identity, (numbers,)), axis=None)

    return mean


def is_same_on_all(strategy, number):
    """Whether all machines of a strategy give the same integer; each waits for the others."""
    mean, mean_of_squares = mean_over_machines(strategy, [number, number**2])
    return bool(mean**2 == mean_of_squares)  # the variance is 0


def distribute(strategy, dataset):
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
        # With an endless dataset no step has to ask all machines whether there is a next batch.
        endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
        return shared.unbatch().apply(endless).prefetch(2)

    return strategy.distribute_datasets_from_function(local_shares)
