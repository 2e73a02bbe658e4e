"""The flags that several scripts have."""
import functools

from absl import flags

from cli import paths
from lib.errors import UserError
from lib.paper import constants

SCHEDULE = 'lr', 'batch', 'seed', 'total_kimg', 'report_kimg'  # of `define_schedule_flags`
PRECISIONS = 'auto', 'float32', 'tf32', 'mixed_float16', 'mixed_bfloat16'


def define_training_flags(dataset='lines32'):
    """Defines the flags of every script that trains.

    Args:
        dataset: the default of --dataset.
    """
    paths.define('train_dir', './experiments', 'Folder of the run folders.')
    flags.DEFINE_string('dataset', dataset, 'Dataset to train on.')
    define_schedule_flags()
    flags.DEFINE_bool('allow_nan', False, 'Go on when a loss or weight is not finite.')
    flags.DEFINE_bool('dry_run', False, 'Print the resolved run and its size, and stop.')


def define_schedule_flags():
    """Defines the flags of a run's schedule, which its folder's name does not contain: seed,
    learning rate, batch size, length and report period."""
    flags.DEFINE_integer('seed', 0, 'Seed of weights, data and noise.', 0, 2**31 - 1)
    flags.DEFINE_float('lr', constants.LR, 'Learning rate.', 0.0)
    flags.DEFINE_integer('batch', constants.BATCH, 'Images per step.', 1)
    define_length_flags('the run')


def define_length_flags(what):
    """Defines the flags for how long `what` is, and how often it reports."""
    total, report = constants.TOTAL_KIMG, constants.REPORT_KIMG
    most = 2**31
    flags.DEFINE_integer('total_kimg', total, f'Length of {what}, in 1024 images.', 0, most)
    flags.DEFINE_integer('report_kimg', report, 'Images from report to report, in 1024.', 1, most)


def define_autoencoder_flags():
    """Defines the flags of every autoencoder script."""
    flags.DEFINE_integer('depth', 64, 'Channels of the first block of convolutions.', 1)
    flags.DEFINE_integer('latent', 16, 'Channels of the latents.', 1)
    flags.DEFINE_integer('latent_width', 4, 'Width and height of the latents.', 1)
    flags.DEFINE_enum(
        'precision',
        'auto',
        PRECISIONS,
        'Number format of the convolutions; auto chooses by the GPUs (docs/SPEED.md).',
    )
    flags.DEFINE_enum('jit', 'auto', ['auto', 'on', 'off'], 'Compile with XLA; auto: on one GPU.')
    flags.DEFINE_integer('devices', 0, 'How many GPUs to use; 0 for all.', 0)


def define_hyperparameter_flags(method):
    """Defines a flag for each of a method's own hyper-parameters, with their defaults and bounds.

    Args:
        method: a class of `acai_tf`.

    Raises:
        UserError: a hyper-parameter has the name of a flag of the scripts that train.
    """
    for name, own in method.own_hyperparameters().items():
        if name in flags.FLAGS:
            raise UserError(
                f'{method.__name__} cannot call a hyper-parameter {name!r}, as scripts that train '
                'have a flag of that name; choose another.'
            )
        text = own.help[:1].upper() + own.help[1:]
        if own.kind is str:
            flags.DEFINE_string(name, own.default, text)
            flags.register_validator(name, functools.partial(_is_valid, own))
        else:
            define = flags.DEFINE_integer if own.kind is int else flags.DEFINE_float
            define(name, own.default, text, *own.bounds)


def _is_valid(own, value):
    try:
        own.checked(value)
    except ValueError as error:
        raise flags.ValidationError(str(error)) from error
    return True
