"""Estimates a train step's memory on a CPU before it runs; where memory runs out, the system would
kill the process without a message."""
import math
import os
import re

import psutil

from lib.errors import UserError

# A step's peak memory, as a multiple of what `stored_activations` counts at 4 bytes each: once
# for the backward pass, plus what is being computed. Measured as the growth of the process over
# three steps, of 0.3 to 2.5 GB, in float32: 1.6 to 2.0 for baseline, dropout, denoising, VAE, AAE
# and ACAI (batches of 128 to 1,024, depth 16 and 64, images of 32 and 64), 1.4 to 1.7 for the
# LRAE (to 2,048), 1.8 and 2.5 for the VQ-VAE. In mixed_bfloat16 1.1 to 1.5 (LRAE, ACAI,
# baseline), where a processor that computes in it may need half.
# LEAST decides a refusal, so that nothing that fits is refused; MOST, the batch that is suggested.
LEAST, MOST = 1.4, 2.6
CGROUPS, GROUPS = '/sys/fs/cgroup', '/proc/self/cgroup'


def check_batch(model, batch_size, machines=1):
    """Raises UserError if a train step on so many images cannot fit into this machine's memory.

    Args:
        model: an `acai_tf` model; one with other layers than the paper's is not checked.
        batch_size: images per step.
        machines: how many machines share these images.
    """
    critics = [getattr(model.critic, 'encoder', None)] if model.critic else []
    if not all(hasattr(network, 'convs') for network in [model.encoder, model.decoder, *critics]):
        return
    numbers, available = stored_activations(model), machine_bytes()
    needed = LEAST * numbers * _number_bytes(model) * (batch_size // machines)
    if needed > available:
        fits = max(1, int(available / (MOST * numbers * 4))) * machines
        raise UserError(
            f'--batch={batch_size} does not fit: a train step needs at least {_gigabytes(needed)} '
            f'of memory and this machine has {_gigabytes(available)}; use at most --batch={fits}.'
        )


def check_report(image_shape):
    """Raises UserError if a report's interpolations of lines, all held decoded at once, cannot
    fit into this machine's memory."""
    from lib import eval  # imports TensorFlow, which `too_little` must not need

    needed = 4 * eval.INTERPOLATIONS * eval.STEPS * math.prod(image_shape)
    if needed > (available := machine_bytes()):
        height, width, _ = image_shape
        raise UserError(
            f'Lines of {height}x{width} do not fit: a report needs at least {_gigabytes(needed)} '
            f'of memory and this machine has {_gigabytes(available)}; use smaller lines, such as '
            '--dataset=lines128.'
        )


def too_little(error, purpose='', has_batch=True):
    """A sentence that names the fix for TensorFlow's ResourceExhaustedError or a MemoryError.

    Args:
        error: the exception.
        purpose: ' for ...', what the memory was wanted for.
        has_batch: whether the user chooses the images per step.
    """
    tensor = re.search(r'tensor with shape ?\[[\d,]*\]', str(error))
    which = f' (a {tensor[0]} did not fit)' if tensor else ''
    helps = 'end other programs and runs, or use a machine with more memory'
    if has_batch:
        helps = (
            'choose a smaller --batch, fewer runs at once (--jobs of reproduce.py) or, for an '
            'autoencoder on a GPU, --precision=mixed_bfloat16 or mixed_float16'
        )
    return f'There is too little memory{purpose}{which}: {helps}.'


def stored_activations(model):
    """How many numbers per image a train step keeps for its backward pass, each counted once.

    These are the outputs of the convolutions, the critic's for two pictures, and the method's
    `extra_activations`; what else is kept is less.
    """
    height, width, _ = model.image_shape
    latent_height, latent_width, _ = model.latent_shape
    # The first convolution is part of the second: see `lib.layers.Encoder.call`.
    numbers = _activations(model.encoder.convs[1:], height * width, 1 / 4)
    numbers += _activations(model.decoder.convs, latent_height * latent_width, 4)
    if model.critic:
        numbers += 2 * _activations(model.critic.encoder.convs[1:], height * width, 1 / 4)
    return int(numbers) + model.extra_activations


def _activations(convs, pixels, factor):
    """How many numbers convolutions output, of which every second changes the size by a factor."""
    return sum(conv.filters * pixels * factor ** (index // 2) for index, conv in enumerate(convs))


def _number_bytes(model):
    return 2 if model.compute_dtype in ('float16', 'bfloat16') else 4


def machine_bytes(cgroups=CGROUPS, groups=GROUPS):
    """The memory of this machine, without swap, or what its containers and jobs may use of it.

    Args:
        cgroups: the folder in which Linux gives the limits of control groups.
        groups: the file in which it lists the control groups of this process.
    """
    limits = [psutil.virtual_memory().total]
    for path in _limit_files(cgroups, groups):
        try:
            with open(path) as file:
                limits.append(int(file.read()))
        except (OSError, ValueError):  # no such file, or 'max': no limit
            continue
    return min(limits)


def _limit_files(cgroups, groups):
    """Yields the paths of files that may state a limit on this process' memory: those of its
    control groups and of their parents."""
    try:
        with open(groups) as file:
            found = [line.strip().split(':', 2)[1:] for line in file]
    except OSError:
        return
    for controllers, group in found:
        if controllers not in ('', 'memory'):
            continue
        top = os.path.join(cgroups, controllers)
        name = 'memory.limit_in_bytes' if controllers else 'memory.max'
        parts = group.strip('/').split('/')
        for depth in range(len(parts) + 1):
            yield os.path.join(top, *parts[:depth], name)


def _gigabytes(count):
    return f'{count / 1e9:.3g} GB'
