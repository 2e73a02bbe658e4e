"""What the scripts share: their flags, and one clear sentence for a user's mistake."""
import importlib
import json
import math
import os
import sys
import tempfile

from absl import app, flags, logging

# TensorFlow's notes; what goes wrong comes as an exception.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

FLAGS = flags.FLAGS
SHARED_FLAGS_MODULES = ('cli', 'tasks')


def define_training_flags(dataset='lines32'):
    """The flags of every script that trains.

    Args:
        dataset: the default one.
    """
    flags.DEFINE_string('train_dir', './experiments', 'Folder of the run folders.')
    flags.DEFINE_string('dataset', dataset, 'Dataset to train on.')
    define_schedule_flags()
    flags.DEFINE_bool('dry_run', False, 'Print the resolved run and its size, and stop.')


def define_schedule_flags():
    """The flags of a run that its folder's name does not say: seed, speed and length."""
    flags.DEFINE_integer('seed', 0, 'Seed of weights, data and noise.', 0, 2**31 - 1)
    flags.DEFINE_float('lr', 1e-4, 'Learning rate.', 0.0)
    flags.DEFINE_integer('batch', 64, 'Images of a step.', 1)
    flags.DEFINE_integer('total_kimg', 1 << 14, 'Length of the run, in 1024 images.', 0)
    flags.DEFINE_integer('report_kimg', 64, 'Images from report to report, in 1024.', 1)
    flags.DEFINE_bool('allow_nan', False, 'Go on when a loss or weight is no finite number.')


def define_autoencoder_flags():
    """The flags of every autoencoder script."""
    flags.DEFINE_integer('depth', 64, 'Channels of the first block of convolutions.', 1)
    flags.DEFINE_integer('latent', 16, 'Channels of the latents.', 1)
    flags.DEFINE_integer('latent_width', 4, 'Width and height of the latents.', 1)
    flags.DEFINE_enum(
        'precision',
        'auto',
        ['auto', 'float32', 'mixed_float16', 'mixed_bfloat16'],
        'Number format of the convolutions; auto is mixed_float16 on GPUs with tensor cores.',
    )
    flags.DEFINE_enum('jit', 'auto', ['auto', 'on', 'off'], 'Compile with XLA; auto does on a GPU.')
    flags.DEFINE_integer('devices', 0, 'How many GPUs to use; 0 for all.', 0)


def train(class_name, own_flags=()):
    """Runs a script that trains a method.

    Args:
        class_name: the method's class in `acai_tf`.
        own_flags: names of its own flags, which are its hyper-parameters.
    """
    define_training_flags()
    define_autoencoder_flags()
    run(lambda: _train(class_name, own_flags))


def run(main, positional=()):
    """Parses the flags and runs `main`; a mistake of the user ends with one sentence, exit code 1.

    Args:
        main: a function of the positional arguments; what it returns is the exit code.
        positional: what these are called, such as TRAIN; all must be given.
    """

    def guarded(arguments):
        script, *given = arguments
        if len(given) > len(positional):
            unknown = given[len(positional)]
            sys.exit(f'{script}: unknown argument {unknown!r}; flags begin with --.')
        if len(given) < len(positional):
            usage = ' '.join(positional)
            sys.exit(f'{script}: {positional[len(given)]} is missing; use: python {script} {usage}')
        for name, value in FLAGS.flag_values_dict().items():
            if isinstance(value, float) and not math.isfinite(value):
                sys.exit(f'{arguments[0]}: --{name}={value} is no number to compute with.')
        _import_quietly('tensorflow')
        logging.set_verbosity(logging.WARNING)  # such as its notes on every collective operation
        from lib import checkpoints, data, devices, runs

        try:
            return main(*given)
        except (
            checkpoints.CheckpointError,
            data.DataError,
            devices.DeviceError,
            runs.RunError,
        ) as error:
            sys.exit(f'{script}: {error}')

    for module in SHARED_FLAGS_MODULES:  # so that --help lists them too
        for flag in FLAGS.flags_by_module_dict().get(module, ()):
            FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    app.run(guarded)


def _import_quietly(module):
    """Imports a module without what it logs meanwhile, unless the import fails.

    TensorFlow logs before it reads the level that should keep it from doing so.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            importlib.import_module(module)
        except BaseException:
            log.seek(0)
            os.write(stderr, log.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _train(class_name, own_flags):
    from acai_tf import ALL_AES
    from lib import data, devices, runs

    strategy = devices.make_strategy(FLAGS.devices)
    precision = devices.resolve_precision(FLAGS.precision)
    if FLAGS.batch % strategy.num_replicas_in_sync:
        raise devices.DeviceError(
            f'--batch={FLAGS.batch} cannot be shared out equally over '
            f'{strategy.num_replicas_in_sync} devices; choose a multiple of their number.'
        )
    dataset = data.get_dataset(FLAGS.dataset, FLAGS.batch, FLAGS.seed)
    own = {name: FLAGS[name].value for name in own_flags}
    with strategy.scope():
        model = ALL_AES[class_name](
            image_shape=dataset.image_shape,
            nclass=dataset.nclass,
            lr=FLAGS.lr,
            scales=_scales(dataset.width),
            depth=FLAGS.depth,
            latent=FLAGS.latent,
            seed=FLAGS.seed,
            dtype=precision,
            **own,
        )
    name = runs.experiment_name(class_name, model.params)
    folder = runs.RunFolder(os.path.join(FLAGS.train_dir, FLAGS.dataset, name))
    args = {'class': class_name, **{key: FLAGS[key].value for key in _RECORDED}, **model.params}
    args |= {'precision': precision, 'devices': strategy.num_replicas_in_sync}
    if FLAGS.dry_run:
        describe(model, folder, args)
        return 0
    return train_in(
        folder,
        args,
        model,
        lambda: dataset,
        may_change=('total_kimg', 'report_kimg'),
        jit_compile=devices.resolve_jit(FLAGS.jit),
    )


def train_in(folder, args, model, make_dataset, may_change, **options):
    """Trains a model in its run folder, from wherever it was left, and records its options there.

    Args:
        folder: a `lib.runs.RunFolder`.
        args: {option: value} to record.
        model: as `lib.train.train_run` trains it.
        make_dataset: a function without arguments that returns the `lib.data.Dataset`; called once
            the folder turned out to be usable.
        may_change: options that may differ from those the run was started with.
        **options: of `train_run`.

    Returns:
        The exit code: 0 at the end, 128 + the signal's number if a signal stopped it.
    """
    from lib import train as training

    folder.create()
    with training.locked(model, folder):
        folder.check_args(args, may_change)
        stopped_by = training.train_run(
            model,
            make_dataset(),
            folder,
            batch_size=FLAGS.batch,
            total_kimg=FLAGS.total_kimg,
            report_kimg=FLAGS.report_kimg,
            allow_nan=FLAGS.allow_nan,
            args=args,
            **options,
        )
    if stopped_by:
        step = int(model.global_step.numpy())
        print(f'Stopped at step {step}; the same command goes on from there.')
        return 128 + stopped_by
    print(f'Done; the run is in {folder.path}')
    return 0


_RECORDED = ('dataset', 'latent_width', 'lr', 'batch', 'seed', 'total_kimg', 'report_kimg')


def _scales(width):
    halvings = math.log2(width / FLAGS.latent_width)
    if halvings < 0 or not halvings.is_integer():
        widths = [str(width >> scale) for scale in range(width.bit_length())]
        sys.exit(
            f'{sys.argv[0]}: --latent_width={FLAGS.latent_width} does not divide the image width '
            f'{width} into a power of two; use one of {", ".join(widths)}.'
        )
    return int(halvings)


def describe(model, folder, args):
    """Prints a resolved run: its folder, its options, and its parameters by group."""
    print(json.dumps({'run_folder': folder.path, 'args': args}, indent=2))
    for group in model.groups:
        print(f'{_size(model.group_variables(group)):>12,} parameters  {group}')
    print(f'{_size(model.trainable_variables):>12,} parameters')


def _size(variables):
    return sum(math.prod(variable.shape) for variable in variables)
