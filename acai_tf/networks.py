"""The networks of a model: the paper's, or the user's own Keras layers or models."""
import numbers
import re
import threading
import types

import keras
import tensorflow as tf
from keras import ops

from acai_tf import network_copies
from lib import layers
from lib.errors import UserError

LARGEST_SIZE = 2**31 - 1


class Given(types.SimpleNamespace):
    """A user's networks: encoder, decoder and critic, each None where the paper's is used.

    A plain object, so that Keras tracks each network once: in the layer that it becomes part of.
    """


def unwrapped(network):
    """The user's network inside the `Network` of another model, whose training mode it would
    otherwise follow; any other network unchanged."""
    return network.network if isinstance(network, Network) else network


class TrainMode(threading.local):
    """Whether the user's networks run in training mode: only inside its `with` block.

    Thread-local, because TensorFlow traces each replica in a thread of its own.
    """

    on = False

    def __reduce__(self):  # so that a model can be copied
        return TrainMode, ()

    def __enter__(self):
        self.on = True

    def __exit__(self, *_):
        self.on = False


class Network(keras.layers.Layer):
    """A user's network as a part of a model: its output is cast to float32, without a mask, and it
    runs in training mode only during train steps.

    Args:
        network: a Keras layer or model with one input and one output, (B, ...) each.
        role: 'encoder', 'decoder' or 'critic'.
        mode: the model's `TrainMode`.
    """

    def __init__(self, network, role, mode):
        super().__init__(name=role, dtype='float32')
        self.network, self.mode = network, mode

    @property
    def trainable(self):
        """The network's own flag, as Keras skips setting a value that seems to be set already."""
        return self.network.trainable

    @trainable.setter
    def trainable(self, value):
        self.network.trainable = value

    def check(self, x):
        """Raises UserError unless x is a batch of floats of the shape the network was built on."""
        self._check_data(x)
        if _has_rank(x) and not layers.fits(x.shape[1:], self.shape_of_one):
            raise self._other_shape(x)

    def _check_data(self, x):
        """Raises UserError unless x is a batch of floats of the right rank; sizes are unchecked."""
        wanted = batch_text(self.shape_of_one)
        if not hasattr(x, 'dtype'):
            raise UserError(
                f'The data must be one array or tensor, {wanted}, not a {type(x).__name__}.'
            )
        if _has_rank(x) and len(x.shape) != 1 + len(self.shape_of_one):
            raise self._other_shape(x)
        dtype = layers.dtype_of(x)
        if 'float' not in dtype:
            raise UserError(f'The data must be {wanted} of floats, not {dtype}.')

    def _other_shape(self, x):
        return UserError(f'The data must be {batch_text(self.shape_of_one)}, not {tuple(x.shape)}.')

    def __call__(self, x, **kwargs):  # such as `training` from a model that contains it
        if self.name == 'encoder' and hasattr(self, 'shape_of_one'):
            self._check_data(x)  # before Keras turns integers into floats
        return super().__call__(x, **kwargs)

    def call(self, x):
        output = ops.cast(self.network(x, training=self.mode.on), 'float32')
        # Drops the mask that Keras attaches to a tensor: mixtures and stored latents have none, and
        # would be decoded differently from the encoder's direct output.
        return tf.identity(output)

    def compute_output_shape(self, input_shape):
        return (None, *self.output_shape_of_one)

    def build_on_zeros(self, shape):
        """Builds the network by calling it on zeros.

        Args:
            shape: of one example.

        Returns:
            The shape of the output for one example.

        Raises:
            UserError: the network fails on this shape, gives anything but one float tensor, or
                drops the batch axis; the message names the shapes.
        """
        who = f'The {self.name} {self.network.name!r}'
        try:
            output = self.network(ops.zeros((1, *shape)), training=False)
        except Exception as error:  # whatever a layer raises
            reason = ' '.join(re.sub(r'\x1b\[\d+m', '', str(error)).split())[:200]  # no colours
            raise UserError(
                f'{who} does not take data of shape {batch_text(shape)}: {reason}'
            ) from error
        is_number = hasattr(output, 'shape') and 'float' in keras.backend.standardize_dtype(
            output.dtype
        )
        if not is_number:
            raise UserError(
                f'{who} must map data of shape {batch_text(shape)} to one float tensor (B, ...), '
                f'not to {_described(output)}.'
            )
        if tuple(output.shape[:1]) != (1,):
            raise UserError(
                f'{who} must keep the batch axis: one example, of shape {(1, *shape)}, gave shape '
                f'{tuple(output.shape)}.'
            )
        check_losses(self.network, who)
        self.shape_of_one, self.output_shape_of_one = tuple(shape), tuple(output.shape[1:])
        self.build((None, *shape))
        return self.output_shape_of_one


def _has_rank(x):
    """Whether a tensor's number of axes is known, which it is not for some tensors in a graph."""
    return getattr(x.shape, 'rank', 0) is not None


def batch_text(shape):
    """The shape of a batch as text: (32, 32, 1) -> '(B, 32, 32, 1)'."""
    return f'({", ".join(["B", *map(str, shape)])})'


def _described(output):
    if hasattr(output, 'dtype'):
        return f'{keras.backend.standardize_dtype(output.dtype)} of shape {tuple(output.shape)}'
    return f'a {type(output).__name__}'


def input_shape_of(network):
    """The shape of one example that a network declares as its input; None where it is left open."""
    shape = getattr(network, 'input_shape', None)
    if not isinstance(shape, tuple) or not shape or None in shape[1:]:
        return None
    return shape[1:]


def check_arguments(class_name, given, image_shape, nclass, sizes):
    """Refuses arguments of a model that contradict each other, or are not sizes.

    Args:
        class_name: of the model.
        given: `Given`.
        image_shape: of one example, or None.
        nclass: number of classes.
        sizes: {'scales', 'depth', 'latent': value or None}, of the paper's networks.

    Raises:
        UserError: the message says what to give.
    """
    for role, network in vars(given).items():
        if network is not None and not isinstance(network, keras.layers.Layer):
            raise UserError(
                f'{role}={network!r} is not a Keras layer or model; keras.layers.Lambda makes a '
                'layer of a function.'
            )
        inner = network._flatten_layers(include_self=False) if network is not None else ()
        if other := next((layer for layer in inner if isinstance(layer, Network)), None):
            raise UserError(
                f'The {role} {network.name!r} contains the {other.name} of another model, whose '
                f'training mode that would follow; put its .network there.'
            )
    given_sizes = {name: value for name, value in sizes.items() if value is not None}
    for name, value in {'nclass': nclass, **given_sizes}.items():
        least = 0 if name == 'scales' else 1
        if not isinstance(value, numbers.Integral) or value < least:
            raise UserError(f'{name}={value!r}: it must be an integer of at least {least}.')
        if value > LARGEST_SIZE:
            raise UserError(f'{name}={value!r}: it must be at most {LARGEST_SIZE}.')
    if image_shape is not None and not _is_shape(image_shape):
        raise UserError(
            f'image_shape={image_shape!r} is not the shape of one example, such as (32, 32, 1).'
        )
    if (given.encoder is None) != (given.decoder is None):
        raise UserError(f'{class_name} needs an encoder and a decoder, or neither.')
    if given.encoder is not None:
        if given_sizes:
            raise UserError(
                f"{next(iter(given_sizes))} is a size of the paper's networks; leave it out when "
                'you give an encoder and a decoder.'
            )
        return
    for name, value in {**sizes, 'image_shape': image_shape}.items():
        if value is None:
            raise UserError(
                f'{class_name} needs {name}; give image_shape, scales, depth and latent, or an '
                'encoder and a decoder of your own.'
            )
    _check_image(image_shape, sizes['scales'])


def check_weights(name, dtype):
    """Raises UserError for weights that are not in float32, the dtype in which they are trained."""
    if dtype != 'float32':
        raise UserError(
            f'{name} has weights in {dtype}, but they are trained in float32; choose the dtype '
            'policy float32, mixed_bfloat16 or mixed_float16.'
        )


def _is_shape(value):
    if isinstance(value, tf.TensorShape):
        value = value.as_list() if value.is_fully_defined() else None
    return isinstance(value, (tuple, list)) and all(
        isinstance(size, numbers.Integral) and size > 0 for size in value
    )


def _check_image(image_shape, scales):
    if len(image_shape) != 3:
        raise UserError(
            f'image_shape={image_shape} is not (height, width, colors), with colors=1 for grey '
            'images.'
        )
    height, width, _ = image_shape
    if height % (1 << scales) or width % (1 << scales):
        raise UserError(
            f'An image of {height}x{width} cannot be halved {scales} times; use fewer scales.'
        )


def make(model):
    """Makes a model's (encoder, decoder): the user's, or the paper's with the sizes in `params`."""
    given, policy, seed = model.given, model.dtype_policy, model.seed
    if given.encoder is not None:
        roles = (('encoder', given.encoder), ('decoder', given.decoder))
        return tuple(Network(network, role, model.mode) for role, network in roles)
    scales, depth, latent = (model.params[name] for name in ('scales', 'depth', 'latent'))
    shape = model.image_shape
    return (
        layers.Encoder(scales, depth, latent, model.ENCODER_SCOPE, seed, policy, shape),
        layers.Decoder(scales, depth, shape[-1], model.DECODER_SCOPE, seed, policy),
    )


def build_networks(encoder, decoder, shape):
    """Builds a user's encoder and decoder, and checks that their shapes fit.

    Args:
        encoder, decoder: `Network`.
        shape: of one example.

    Returns:
        The shape of one example's latents.

    Raises:
        UserError: they do not fit; the message names the shapes.
    """
    latent_shape = encoder.build_on_zeros(shape)
    if not latent_shape:
        raise UserError(
            f'The encoder maps data of shape {batch_text(shape)} to shape (B,); latents need at '
            'least one axis after that of the batch.'
        )
    back = decoder.build_on_zeros(latent_shape)
    if back != shape:
        raise UserError(
            f'The encoder takes data of shape {batch_text(shape)} to latents '
            f'{batch_text(latent_shape)}, and the decoder takes these to {batch_text(back)}; it '
            'must give the shape of the data.'
        )
    return latent_shape


def make_critic_network(model):
    """Makes the network behind the model's critic: the user's own, a fresh copy of the user's
    encoder, or the paper's."""
    given = model.given
    if given.critic is None and given.encoder is None:
        return layers.Encoder(
            model.scales, model.advdepth, model.latent, 'disc', model.seed, model.dtype_policy
        )
    is_copy = given.critic is None
    network = network_copies.fresh_copy(given.encoder) if is_copy else given.critic
    critic = Network(network, 'critic', model.mode)
    critic.build_on_zeros(model.image_shape)
    if is_copy:
        network_copies.complete(given.encoder, network)
    return critic


def check_losses(layer, who):
    """Raises UserError for a layer, or network, that added losses other than its weights'
    regularisers when it was called."""
    if len(layer.losses) > len(_regularized(layer.trainable_variables)):
        raise UserError(
            f'{who} has losses of its own (add_loss or activity_regularizer), which are in no '
            'objective; remove them, or have method_losses compute them. Regularizers of its '
            'weights are included.'
        )


def penalties(variables):
    """The sum of the variables' own weight regularisers, a scalar; 0 without any."""
    return sum(variable.regularizer(variable) for variable in _regularized(variables))


def _regularized(variables):
    return [v for v in variables if getattr(v, 'regularizer', None) is not None]
