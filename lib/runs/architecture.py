"""The method and sizes behind a checkpoint, read off the names and shapes of its variables."""
import math
import re

from lib.errors import UserError
from lib.runs.folder import SIZES

# Limits of an image: whatever a checkpoint says, nothing larger is allocated.
MAX_SCALES, MAX_WIDTH = 12, 1 << 12
IN_SHAPES = (*SIZES, 'advdepth', 'disc_layer_sizes', 'num_latents', 'z_log_size')
ENCODERS = ('ae_enc', 'ae_encoder')
CLASSIFIER = 'single_layer_classifier/dense/kernel'


def traits_of(shapes):
    """The traits of the autoencoder that has these variables.

    Args:
        shapes: {variable's name in the original's checkpoints: its shape}.

    Returns:
        {'method': the class or classes that have such variables, then the run's parameters that the
        shapes tell: 'depth', 'latent', 'latent_width', 'scales', 'colors', 'nclass', and the
        method's own}. A trait that cannot be told is left out; {} if this is not an autoencoder.
    """
    try:
        traits = _read_off(shapes)
    except (ValueError, IndexError, KeyError, ArithmeticError):  # a kernel of a wrong rank, say
        return {}
    empty = any(size < 1 for shape in shapes.values() for size in shape)
    if not traits or empty or not 0 <= traits['scales'] <= MAX_SCALES:
        return {}
    return traits if traits.get('latent_width', 1) << traits['scales'] <= MAX_WIDTH else {}


def image_shape(traits, latent_width=0):
    """(height, width, colors) of the images of an autoencoder.

    Args:
        traits: `traits_of` its checkpoint.
        latent_width: the recorded one, for a method whose classifier may read something other than
            the latents; 0 to infer it from the size of the classifier's input.

    Raises:
        UserError: neither tells the width.
    """
    widths = [known << traits['scales'] for known in (latent_width, traits['latent_width'])]
    width = next((width for width in widths if 0 < width <= MAX_WIDTH), None)
    if width is None:
        raise UserError(
            'The checkpoint does not tell how wide the images are; restore the args.json of the '
            'run folder.'
        )
    return width, width, traits['colors']


def misfit(traits, params, class_name, names=IN_SHAPES):
    """Why a checkpoint does not fit hyper-parameters, as the end of a sentence; None if it does.

    Call this before a model of these sizes is made: in a damaged record they may be of any size.

    Args:
        traits: `traits_of` of the checkpoint.
        params: {hyper-parameter: value}.
        class_name: the method's class.
        names: the hyper-parameters to compare with traits of the same names; a user's own method
            may mean something else by a name of the paper's methods.
    """
    sizes = {key: value for key, value in params.items() if key in names}
    if sizes.get('advdepth') == 0:  # 0: the same as depth
        sizes['advdepth'] = sizes['depth']
    missing = [key for key in sizes if key not in traits]
    if missing:
        return explain(traits, {'method': class_name}, class_name)
    other = {key: value for key, value in sizes.items() if traits[key] != value}
    return explain(traits, {**traits, **other}, class_name) if other else None


def _read_off(shapes):
    scope = next((scope for scope in ENCODERS if f'{scope}/conv2d/kernel' in shapes), None)
    if scope is None:
        return {}
    convolutions = _layers(shapes, scope, 'conv2d')
    _, _, colors, depth = shapes[convolutions[0]]
    latent = shapes[convolutions[-1]][3]
    traits = {'method': _method(shapes), 'depth': depth, 'latent': latent}
    if CLASSIFIER in shapes:
        features, nclass = shapes[CLASSIFIER]
        traits.update(latent_width=math.isqrt(features // latent), nclass=nclass)
    # The first convolution, two for each halving of the image, and two at the end.
    traits.update(scales=(len(convolutions) - 3) // 2, colors=colors)
    return {**traits, **_own_traits(shapes)}


def _method(shapes):
    if 'means' in shapes:
        return 'AEVQVAE'
    if 'ae_latent/dense/kernel' in shapes:
        return 'VAE with a critic' if 'disc/conv2d/kernel' in shapes else 'VAE'
    if 'disc/dense/kernel' in shapes:
        return 'AAE'
    if 'disc/conv2d/kernel' in shapes:
        return 'ACAI or LRAE'
    return 'AEBaseline, AEDenoising or AEDropout'


def _own_traits(shapes):
    traits = {}
    if 'disc/conv2d/kernel' in shapes:
        traits['advdepth'] = shapes['disc/conv2d/kernel'][3]
    if 'disc/dense/kernel' in shapes:
        *hidden, _ = _layers(shapes, 'disc', 'dense')
        traits['disc_layer_sizes'] = ','.join(str(shapes[name][1]) for name in hidden)
    if 'means' in shapes and 'vqvae/dense/kernel' in shapes:
        size, sizes = shapes['vqvae/dense/kernel']
        traits['num_latents'] = sizes // size
        traits['z_log_size'] = round(math.log2(shapes['means'][2]))
    return traits


def _layers(shapes, scope, kind):
    """The names of the kernels of a scope's layers of one kind, in creation order."""
    pattern = re.compile(rf'{scope}/{kind}(?:_(\d+))?/kernel')
    kernels = {int(match[1] or 0): match[0] for match in map(pattern.fullmatch, shapes) if match}
    return [kernels[number] for number in sorted(kernels)]


def explain(traits, own_traits, class_name):
    """Why variables do not fit, as the end of a sentence.

    Args:
        traits: `traits_of` of the checkpoint.
        own_traits: `traits_of` of the model.
        class_name: the model's class.
    """
    if not own_traits:
        return f'it is of another model than {class_name}.'
    if not traits:
        return 'it is not a checkpoint of an autoencoder of this project.'
    looks = ', '.join(f'{key}={value}' for key, value in traits.items() if key != 'method')
    looks = f'(It looks like {traits["method"]} with {looks}.)'
    if traits['method'] != own_traits['method']:
        return f'it is of another method than {class_name}. {looks}'
    other = [key for key in own_traits if traits.get(key, own_traits[key]) != own_traits[key]]
    if not other:
        return f'otherwise it looks like this model, so it was saved incompletely. {looks}'
    theirs = ', '.join(f'{key}={traits[key]}' for key in other)
    ours = ', '.join(f'{key}={own_traits[key]}' for key in other)
    return f'it is of a model with {theirs}, and this one has {ours}. {looks}'
