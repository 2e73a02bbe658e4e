"""What a training script does once its flags are parsed."""
import json
import math
import os
import sys

from absl import flags

from lib.errors import UserError

FLAGS = flags.FLAGS


def train(method):
    """Trains a method, a class of `acai_tf`, as the flags say; returns the exit code."""
    from lib import data, devices, runs

    strategy = devices.make_strategy(FLAGS.devices)
    precision = devices.resolve_precision(FLAGS.precision)
    if FLAGS.batch % strategy.num_replicas_in_sync:
        raise UserError(
            f'--batch={FLAGS.batch} cannot be shared out equally over '
            f'{strategy.num_replicas_in_sync} devices; choose a multiple of their number.'
        )
    dataset = data.get_dataset(FLAGS.dataset, FLAGS.batch, FLAGS.seed)
    own = {name: FLAGS[name].value for name in method.own_hyperparameters()}
    with strategy.scope():
        model = method(
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
    name = runs.experiment_name(method.__name__, model.params)
    folder = runs.RunFolder(os.path.join(FLAGS.train_dir, FLAGS.dataset, name))
    args = {key: FLAGS[key].value for key in _RECORDED}
    args = {'class': method.__name__, **args, **model.params}
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
        defaults = {option: FLAGS[option].default for option in args if option in FLAGS}
        folder.check_args(args, may_change, defaults)
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
        evenly = (width & -width).bit_length()  # how often it halves, and once for none
        widths = [str(width >> scale) for scale in range(evenly)]
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
