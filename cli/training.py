"""What a training script does once its flags are parsed."""
import contextlib
import functools
import json
import math
import sys

from absl import flags

from cli import announcements
from cli.shared_flags import SCHEDULE
from lib.errors import UserError
from lib.paper import constants

FLAGS = flags.FLAGS
_RECORDED = ('dataset', 'latent_width', *SCHEDULE)


def train(method):
    """Trains a method, a class of `acai_tf`, as the flags say; returns the exit code."""
    from cli import machines
    from lib import data, devices, files, runs, train

    machines.join()
    count = devices.count_machines()
    gpus = devices.find_gpus()
    choice = devices.choose(
        gpus,
        precision=FLAGS.precision,
        jit=FLAGS.jit,
        devices=FLAGS.devices,
        machines=count,
    )
    if FLAGS.batch % choice.replicas:
        raise UserError(
            f'--batch={FLAGS.batch} cannot be shared out equally over {choice.replicas} devices; '
            'choose a multiple of their number, or fewer devices (--devices=1).'
        )
    if count > 1:
        print(f'Waiting for the {count} processes that train together (TF_CONFIG, or Slurm tasks).')
    own = {name: FLAGS[name].value for name in method.own_hyperparameters()}
    model = _model(method, own, choice, devices.start(choice, count))
    folder = runs.folder_of(FLAGS.train_dir, FLAGS.dataset, method.__name__, model.params)
    files.check_checkpoint_path(folder.name, 'choose other values of its flags')
    args = recorded_args(
        model,
        {key: FLAGS[key].value for key in _RECORDED},
        precision=choice.precision,
        devices=choice.replicas,
        jit=choice.jit,
    )
    _check_own(own, model)
    _check_original(folder, choice)
    if FLAGS.dry_run:
        print_resolved(model, folder, args)
        return 0
    to_resume = {'devices': functools.partial(_as_many_devices, count, len(gpus))}
    with opened(folder, args, model, announcements.MAY_CHANGE, to_resume):
        # Decoding records may take minutes, so mistakes are refused before.
        dataset = data.get_dataset(FLAGS.dataset, FLAGS.batch, FLAGS.seed)
        last = train.total_steps(FLAGS.total_kimg, FLAGS.batch)
        announcements.begin(folder, model, args, last)
        print(choice.line)
        if note := announcements.unused_gpu(choice.gpus):
            print(note, file=sys.stderr)
        stopped_by = train.train_run(
            model,
            dataset,
            folder,
            args=args,
            about={'computed_on': choice.line},
            jit_compile=choice.jit,
            **schedule(),
        )
    return end(folder, model, stopped_by)


def recorded_args(model, options, *, precision, devices, jit):
    """{option: value} as args.json records them for an autoencoder.

    Args:
        model: the autoencoder.
        options: {name: value} of those in _RECORDED.
        precision, devices, jit: what it is trained on and how; see `lib.devices.Choice`.
    """
    computed_on = {'precision': precision, 'devices': devices, 'jit': jit}
    return {'class': type(model).__name__, **options, **model.params, **computed_on}


def _model(method, own, choice, strategy):
    """Makes the model that the flags ask for, with its `own` hyper-parameters, under a strategy.

    Raises:
        UserError: it cannot be made, or it, its batches or its reports do not fit into the memory.
    """
    from tensorflow import errors

    from lib import data, memory
    from lib.data import registry

    image_shape, nclass = data.describe(FLAGS.dataset)
    try:
        with strategy.scope():
            model = method(
                image_shape=image_shape,
                nclass=nclass,
                lr=FLAGS.lr,
                scales=_scales(image_shape[1]),
                depth=FLAGS.depth,
                latent=FLAGS.latent,
                seed=FLAGS.seed,
                dtype=choice.dtype,
                **own,
            )
    except (MemoryError, errors.ResourceExhaustedError) as error:
        raise UserError(
            'The weights do not fit into the memory that is free: choose smaller sizes (--depth, '
            '--latent, ...), or end what else takes memory.'
        ) from error
    if not choice.gpus:
        memory.check_batch(model, FLAGS.batch, choice.replicas)
    if registry.is_lines(FLAGS.dataset):
        memory.check_report(image_shape)
    return model


def _check_own(own, model):
    """Raises UserError if a hyper-parameter is given that another one switches off."""
    switch = model.SWITCH
    why = 'the other flags; leave it out.'
    if switch:
        why = f'--{switch}={own[switch]}; leave it out, or give --{switch} too.'
    for name, value in own.items():
        if name not in (*model.params, switch) and FLAGS[name].present:
            raise UserError(f'--{name}={value} has no effect with {why}')


def _check_original(folder, choice):
    """Raises UserError if a run of the 2018 code would go on with another precision or number of
    devices than it began with, unless flags ask for that, or with several machines."""
    if not folder.is_original:
        return
    count = max(1, len(choice.gpus))
    if choice.replicas > count:
        raise UserError(
            f'{folder.path} has no args.json: the 2018 code trained on one machine, and this would '
            'go on with several; go on with one.'
        )
    now_used = {'precision': choice.precision, 'devices': count}
    for name, before in constants.COMPUTED_ON.items():
        now = now_used[name]
        if now != before and not FLAGS[name].present:
            raise UserError(
                f'{folder.path} has no args.json: the 2018 code knew {name}={before} only, and '
                f'this would go on with {now}; give --{name}={before}, or --{name}={now}.'
            )


@contextlib.contextmanager
def opened(folder, args, model, may_change=(), to_resume=None):
    """A context in which only this process trains in a run folder.

    The folder is made and locked, and the options that it records are checked.

    Args:
        folder: a `lib.runs.RunFolder`.
        args: {option: value}, as they will be recorded.
        model: what is trained.
        may_change, to_resume: as for `lib.runs.RunFolder.check_args`.

    Raises:
        UserError: another process trains in it, an option differs, or it cannot be written.
    """
    folder.create()
    # Of several machines only the first saves, so only it needs the lock.
    saves = model.distribute_strategy.extended.should_checkpoint
    with folder.locked() if saves else contextlib.nullcontext():
        # A run that did not record what it computed on used what the paper's runs did.
        defaults = {option: FLAGS[option].default for option in args if option in FLAGS}
        folder.check_args(args, may_change, defaults | constants.COMPUTED_ON, to_resume)
        yield


def _as_many_devices(machines, gpus, before):
    """What to do for a run to go on with as many devices as before, counted over all machines.

    Args:
        machines: how many there are now.
        gpus: how many this machine has.
        before: how many devices the run had.
    """
    of_each, rest = divmod(before, machines)
    if rest or of_each > max(1, gpus):
        return 'train on as many machines, or GPUs, as before'
    return f'give --devices={of_each}'


def schedule():
    """The options of `lib.train.train_run` that flags give."""
    return {
        'batch_size': FLAGS.batch,
        'total_kimg': FLAGS.total_kimg,
        'report_kimg': FLAGS.report_kimg,
        'allow_nan': FLAGS.allow_nan,
    }


def end(folder, model, stopped_by):
    """Prints how training ended; returns the exit code: 0, or 128 + the number of the signal."""
    if stopped_by:
        step = int(model.global_step.numpy())
        print(f'Stopped at step {step}; run the same command again to continue.')
        return 128 + stopped_by
    announcements.end(folder, FLAGS.train_dir)
    print(f'Done; the run is in {folder.path}')
    return 0


def _scales(width):
    halvings = math.log2(width / FLAGS.latent_width)
    if halvings < 0 or not halvings.is_integer():
        evenly = (width & -width).bit_length()  # 1 + how often the width halves evenly
        widths = [str(width >> scale) for scale in range(evenly)]
        raise UserError(
            f'--latent_width={FLAGS.latent_width} does not divide the image width {width} into a '
            f'power of two; use one of {", ".join(widths)}.'
        )
    return int(halvings)


def print_resolved(model, folder, args):
    """Prints a resolved run: its folder, its options, and its parameters by group."""
    print(json.dumps({'run_folder': folder.path, 'args': args}, indent=2))
    for group in model.groups:
        size = announcements.size_of(model.group_variables(group))
        print(f'{size:>12,} parameters  {group}')
    print(f'{announcements.size_of(model.trainable_variables):>12,} parameters')
