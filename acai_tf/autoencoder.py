"""The base class of every method: the interface of an autoencoder, and the only train step."""
import dataclasses
import functools
import inspect
import itertools
import numbers
import sys
import types

import keras
import tensorflow as tf
from keras import ops

from acai_tf import networks
from acai_tf.hyperparameters import HasHyperparameters
from acai_tf.keras_model import KerasModel
from lib import classifiers, layers, original_names, randomness
from lib.errors import UserError
from lib.tracking import add_scalar, track


@dataclasses.dataclass(frozen=True)
class Losses:
    """The losses and metrics of one batch.

    Attributes:
        objectives: {parameter group: the scalar it minimises}.
        scalars: {tag: scalar}, the values to report, under the original's tags.
        updates: {name of an attribute that is a variable: its new value}, for variables that a
            train step sets without a gradient, such as moving averages. A value must be the same
            on all devices: all-reduce what depends on the batch, as `lib.discretization` does.
    """

    objectives: dict
    scalars: dict
    updates: dict = dataclasses.field(default_factory=dict)

    # These two methods let a `tf.function` return a Losses.
    def __tf_flatten__(self):
        return (), (self.objectives, self.scalars, self.updates)

    @classmethod
    def __tf_unflatten__(cls, _, components):
        return cls(*components)


class Autoencoder(HasHyperparameters, KerasModel):
    """An autoencoder with a running latent classifier, which is trained alongside, on its latents.

    A method is a subclass: its constructor declares its hyper-parameters, with their defaults, and
    passes all arguments on; `make_groups` makes its layers and assigns them to parameter groups;
    `method_losses` returns what each group minimises. Everything else is here: `encode`, `decode`,
    `reconstruct`, `classify`, and the only `train_step`.

    Args:
        image_shape: (height, width, colors); height and width divisible by 2**scales. With your
            own encoder: the shape of one example, of any rank; None takes it from the encoder or,
            if the encoder leaves it open, from the first batch.
        nclass: number of classes of the running latent classifier; required.
        lr: Adam's learning rate, for every group unless the method overrides `learning_rate`; a
            number or a Keras schedule.
        scales, depth, latent: the sizes of the paper's networks: how often the encoder halves the
            image, channels of its first block, channels of the latents. Required for the paper's
            networks, refused with your own.
        encoder, decoder: your own Keras layers or models, both or neither; the encoder maps
            (B, ...) -> (B, ...), the decoder maps back.
        critic: your own critic network, for methods that have a critic: (B, ...) -> numbers that
            are averaged to one per example. None for the paper's critic or, with your own encoder,
            a fresh copy of that encoder.
        seed: integer from 0 to 2^31 - 1; seeds all initial weights except those of your
            own networks and, together with the step, the noise.
        dtype: Keras dtype policy of the convolutions, e.g. 'mixed_bfloat16'. Variables and losses
            stay in float32.
        name: the Keras model's name.
        **own: the method's own hyper-parameters; they become attributes, and part of the run
            folder's name.

    Raises:
        UserError: an argument is out of range or contradicts another, or the networks' shapes do
            not fit; the message says what to give.
        TypeError: nclass is missing, or the class does not have an argument that was given.
    """

    # Original: the variable scopes in its checkpoints; a few methods name them differently.
    ENCODER_SCOPE, DECODER_SCOPE = 'ae_enc', 'ae_dec'
    # Original: True where one Adam minimised the sum of all objectives, so that its checkpoints
    # hold the powers of beta once.
    ORIGINAL_SHARES_ADAM = False
    # True if each objective's gradient reaches only its own group (the rest is stopped): one
    # backward pass over their sum then gives every group its gradient. A subclass that overrides
    # method_losses or make_groups must set it again; otherwise it is False there.
    SEPARATE_OBJECTIVES = False
    # True where training pulls latents to N(0, 1), so that decoding noise gives samples.
    HAS_PRIOR = False
    FIXED_LENGTH = False  # a run can be extended later: nothing depends on its planned length

    # Activations per image that the backward pass stores in addition to the convolutions' outputs:
    # see `lib.memory`.
    extra_activations = 0
    critic = None  # a method that has one makes it in `make_groups`
    latent_shape = None  # until the model is built

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        says = {'SEPARATE_OBJECTIVES', 'method_losses', 'make_groups'}
        nearest = next(base for base in cls.__mro__ if not says.isdisjoint(vars(base)))
        cls.SEPARATE_OBJECTIVES = vars(nearest).get('SEPARATE_OBJECTIVES', False)

    def __init__(
        self,
        image_shape=None,
        nclass=None,
        lr=1e-4,
        *,
        scales=None,
        depth=None,
        latent=None,
        encoder=None,
        decoder=None,
        critic=None,
        seed=0,
        dtype='float32',
        name=None,
        **own,
    ):
        self_made = frozenset(vars(self))  # names of attributes that a subclass set before
        # autocast=False: layers cast by their own dtype policies; the model itself casts nothing.
        super().__init__(dtype=dtype, name=name, autocast=False)
        networks.check_weights(f'dtype={self.dtype_policy.name}', self.dtype_policy.variable_dtype)
        if nclass is None:
            raise TypeError(f'{type(self).__name__} needs nclass, the number of classes')
        randomness.check_seed(seed)
        self.lr, self.seed = _checked_rate(lr), int(seed)
        own_networks = {'encoder': encoder, 'decoder': decoder, 'critic': critic}
        self.given = networks.Given(
            **{role: networks.unwrapped(network) for role, network in own_networks.items()}
        )
        self.mode = networks.TrainMode()
        sizes = {'scales': scales, 'depth': depth, 'latent': latent}
        networks.check_arguments(type(self).__name__, self.given, image_shape, nclass, sizes)
        # int(), because Keras takes no NumPy integer (such as labels.max() + 1) for `units`.
        self.nclass = int(nclass)
        if self.given.encoder is None:
            sizes = {name: int(size) for name, size in sizes.items()}
        else:
            sizes = {}
            image_shape = image_shape or networks.input_shape_of(self.given.encoder)
        self.image_shape = image_shape and tuple(map(int, image_shape))
        self.params = self.resolve(**sizes, **own)
        self.encoder, self.decoder = networks.make(self)
        self.classifier = classifiers.SingleLayerClassifier(self.nclass, seed)
        self.global_step = add_scalar(self, 'global_step', 'int64')
        # Original: the newest evaluation is stored with the weights.
        self.evaluation = {
            name: add_scalar(self, name, 'float32')
            for name in sorted(original_names.EVALUATIONS)  # the order in saved models
        }
        track(self, self.evaluation)
        self._set_attributes({**own, **self.params}, self_made)
        self.is_made = True
        if self.image_shape:
            self.build((None, *self.image_shape))

    def __setattr__(self, name, value):
        is_made = getattr(self, 'is_made', False)
        if is_made and name == 'seed':
            randomness.check_seed(value)
            value = int(value)
        if is_made and name in (*self.params, 'lr') and value != getattr(self, name):
            instead = '; a value that varies can be computed in method_losses from self.global_step'
            if name == 'lr':
                instead = ', or set learning_rate of each of model.optimizers.values()'
            raise UserError(
                f'{name} is fixed when a {type(self).__name__} is made: its graphs and its saved '
                f'files would keep the old value. Make a new model{instead}.'
            )
        try:
            super().__setattr__(name, value)
        except ValueError as error:  # Keras' own
            if not is_made or 'You cannot add new elements of state' not in str(error):
                raise
            raise UserError(
                f'A {type(self).__name__} is built as soon as it is made, so that {name} would not '
                'be trained or saved; make it in make_groups, which also lists layers to train.'
            ) from error
        if is_made and name == 'seed':
            self.forget_graphs()

    def _set_attributes(self, values, self_made):
        """Sets hyper-parameters as attributes of the model.

        Args:
            values: {name: value}.
            self_made: the names of attributes that a subclass's constructor itself set before.

        Raises:
            UserError: a name is taken by something else, or was set to another value.
        """
        for key, value in values.items():
            of_class = inspect.getattr_static(type(self), key, None)  # a method or a property
            is_taken = hasattr(Autoencoder, key) or hasattr(of_class, '__get__')
            if key not in self_made and (key in vars(self) or is_taken):
                raise UserError(
                    f'{type(self).__name__} cannot have a hyper-parameter named {key!r}: the model '
                    'already has an attribute of that name; choose another.'
                )
            if key in self_made and vars(self).get(key, value) != value:
                raise UserError(
                    f'{type(self).__name__} sets {key}={vars(self)[key]!r}, and has the '
                    f'hyper-parameter {key}={value!r}; pass it on to super().__init__ too.'
                )
            setattr(self, key, value)

    @staticmethod
    def methods():
        """{class name: class} of every method that was imported."""
        return {
            name: cls
            for name, cls in HasHyperparameters.defined.items()
            if issubclass(cls, Autoencoder)
            and cls.method_losses is not Autoencoder.method_losses
        }

    def group_variables(self, group):
        """The trainable variables of a parameter group, in creation order."""
        found = [variable for layer in self.groups[group] for variable in layer.trainable_variables]
        return list({id(variable): variable for variable in found}.values())  # shared ones once

    # What a method may override.

    def make_groups(self):
        """Makes the method's layers beyond encoder and decoder; `latent_shape` is already known.

        Returns:
            {parameter group: its layers}; each group gets its own Adam. Together with the
            classifier, whose group `build` adds, the groups hold every trainable variable once.
        """
        return {'autoencoder': [self.encoder, self.decoder]}

    def learning_rate(self, group):
        """The learning rate of a group's Adam: a number or a Keras schedule."""
        return self.lr

    def sample_noise(self, batch, draws):
        """The random tensors of one training batch: {name: tensor}; {} by default.

        Args:
            batch: number of images.
            draws: `lib.randomness.Draws`, the only source of randomness.
        """
        return {}

    def encode(self, x, noise=None):
        """Encodes images.

        Args:
            x: float images (B, H, W, C) in [-1, 1].
            noise: {name: tensor} as `draw_noise` returns it, for a method that samples latents
                (VAE); None to draw it here.

        Returns:
            Latents (B, *latent_shape) float32.

        Raises:
            UserError: x is not a batch of float images of the model's shape.
        """
        self.check_images(x)
        return self.encoder(x)

    def latent_distribution(self, x):
        """What `encode` computes of images before any random draw, to be stored and sampled later.

        Returns:
            A tuple of tensors (B, *latent_shape): the latents themselves unless a method samples.
        """
        return (self.encode(x),)

    def sample_latents(self, distribution, draws):
        """Draws latents (B, *latent_shape), by `lib.randomness.Draws`, from what
        `latent_distribution` returned: the latents themselves, unless a method samples."""
        return distribution[0]

    def decode(self, h):
        """Decodes latents (B, *latent_shape) to images (B, H, W, C), about in [-1, 1], not clipped.

        Raises:
            UserError: the latents are of another shape.
        """
        self.check_latents(h)
        return self.decoder(h)

    def features(self, x):
        """The latent classifier's input (B, ...) for images (B, H, W, C): the latents, unless a
        method overrides this. `method_losses`, which encodes anyway, must return the same."""
        return self.encode(x)

    def method_losses(self, x, noise):
        """The losses of one batch: what each of the method's parameter groups minimises.

        Args:
            x: images (B, H, W, C).
            noise: {name: tensor}, as `sample_noise` returns it.

        Returns:
            (features, Losses): the latent classifier's input, and the objectives and scalars other
            than the classifier's own.
        """
        raise NotImplementedError(f'{type(self).__name__} must define method_losses(x, noise).')

    # The same for every method.

    def check_images(self, x):
        """Builds the model if its shapes are not known yet, and raises UserError unless x is a
        batch of float images of the model's shape."""
        self.build_for(x)
        self.encoder.check(x)

    def check_latents(self, h):
        """Raises UserError unless h is a batch of latents (B, *latent_shape)."""
        shape = getattr(h, 'shape', None)
        if self.latent_shape and (shape is None or not layers.fits(shape[1:], self.latent_shape)):
            given = type(h).__name__ if shape is None else tuple(shape)
            raise UserError(
                f'The latents must be {networks.batch_text(self.latent_shape)}, not {given}.'
            )

    @functools.cached_property
    def graphs(self):
        """`encode` with the noise of a batch, `decode` and `classify` as graphs, for evaluation."""

        def encode(x, batch_index):
            return self.encode(x, self.draw_noise(x, batch_index))

        return types.SimpleNamespace(
            encode=tf.function(encode, autograph=False, reduce_retracing=True),
            decode=tf.function(self.decode, autograph=False, reduce_retracing=True),
            classify=tf.function(self.classify, autograph=False, reduce_retracing=True),
        )

    def forget_graphs(self):
        """Discards all graphs, Keras' too, so that they are traced anew: as constants they hold
        what is not a variable, such as the seed and what `keras.layers.Normalization` learned."""
        vars(self).pop('graphs', None)
        for kind in ('train', 'test', 'predict'):
            # Made anew rather than set to None, because Keras' loop may be running with it.
            if getattr(self, f'{kind}_function') is not None:
                getattr(self, f'make_{kind}_function')(force=True)

    def reconstruct(self, x, noise=None):
        """Reconstructions of images (B, H, W, C), in the same shape: `decode(encode(x, noise))`,
        without dropout or noise on the input. Raises UserError where `encode` does."""
        return self.decode(self.encode(x, noise))

    def classify(self, x):
        """The running latent classifier's prediction for images (B, H, W, C): (B,) int32 in
        0..nclass-1. Raises UserError where `encode` does."""
        return ops.argmax(self.classifier(self.features(x)), axis=-1)

    def draw_noise(self, x, batch_index=0):
        """The noise of a batch: a function of seed, global step, replica and `batch_index`.

        Args:
            x: images (B, H, W, C).
            batch_index: distinguishes several batches at the same step, such as those of an
                evaluation; 0 in training, and for the first batch of a report's evaluation.

        Returns:
            {name: tensor} as `sample_noise` returns it; {} for a method without noise.

        Raises:
            UserError: x is not a batch of float images of the model's shape, or its batch size is
                unknown, as for a keras.Input.
        """
        self.check_images(x)
        if x.shape[0] is None and isinstance(x, keras.KerasTensor):
            raise UserError(
                'Noise is drawn for a batch of a known size, which keras.Input does not have; '
                'take latent_distribution(x), and sample from that.'
            )
        replica = tf.distribute.get_replica_context()
        replica_id = replica.replica_id_in_sync_group if replica else 0
        draws = randomness.Draws(self.seed, self.global_step.value, replica_id, batch_index)
        return self.sample_noise(ops.shape(x)[0], draws)

    def compute_losses(self, x, label, noise):
        """The `Losses` of a batch, including the latent classifier's. Changes no weight.

        Args:
            x: images (B, H, W, C) in [-1, 1].
            label: one-hot (B, nclass).
            noise: {name: tensor}, from `draw_noise` or recorded.

        Raises:
            UserError: the images do not fit the encoder, or the method's own losses are not one
                number for each of its groups.
        """
        self.check_images(x)
        x, label = ops.cast(x, 'float32'), ops.cast(label, 'float32')
        features, losses = self.method_losses(x, noise)
        self._check_objectives(losses)
        for layer in itertools.chain(*self.groups.values()):
            networks.check_losses(layer, f'The layer {layer.name!r}')
        loss = classifiers.classification_loss(self.classifier(features), label)
        objectives = {
            group: objective + networks.penalties(self.group_variables(group))
            for group, objective in losses.objectives.items()
        }
        return Losses(
            {**objectives, 'classifier': loss},
            {**losses.scalars, 'classify_latent': loss},
            losses.updates,
        )

    def _check_objectives(self, losses):
        objectives = losses.objectives
        if objectives.keys() | {'classifier'} != self.groups.keys():
            raise UserError(
                f'{type(self).__name__}.method_losses must give an objective to each of its '
                f'groups, {_listed(self.groups.keys() - {"classifier"})}, and gives them to '
                f'{_listed(objectives)}.'
            )
        for name, value in [*objectives.items(), *losses.scalars.items()]:
            if tf.TensorShape(getattr(value, 'shape', ())).rank:  # None where it is not known
                raise UserError(
                    f'{type(self).__name__}.method_losses gives {name!r} as an array of shape '
                    f'{tuple(value.shape)}; it must be a number, as keras.ops.mean makes one.'
                )

    # No AutoGraph, as in Keras' `fit`: translating the code takes seconds, and nothing needs it.
    @tf.autograph.experimental.do_not_convert
    def train_step(self, data):
        """One update of every parameter group, all from gradients at the same weights.

        Args:
            data: {'x': (B, H, W, C), 'label': (B, nclass)}; on several devices, this one's share.

        Returns:
            {tag: scalar} of this batch, before the update.

        Raises:
            UserError: the batch does not fit the model, or layers were unfrozen since `compile`.
        """
        x, label = self.unpack(data)
        noise = self.draw_noise(x)
        self.check_thawed()
        # Keras sums the replicas' gradients, but the objectives are means over the whole batch.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        with self.mode, tf.GradientTape(persistent=True) as tape:
            losses = self.compute_losses(x, label, noise)
            objectives = {
                group: self.optimizers[group].scale_loss(objective / replicas)
                for group, objective in losses.objectives.items()
            }
        gradients = self.compute_gradients(tape, objectives)
        # Keras' `fit` may ask for one batch past the end of the data; fail before any update then.
        with tf.control_dependencies([x, label]):
            for group, optimizer in self.optimizers.items():
                optimizer.apply(gradients[group], self.group_variables(group))
            for name, value in losses.updates.items():
                getattr(self, name).assign(value)
            self.global_step.assign_add(1)
        if self.compiled:  # for `fit`, whose logs are the epoch's means
            self.update_means(losses.scalars, x)
        return losses.scalars

    def compute_gradients(self, tape, objectives):
        """{group: gradients of its objective with respect to its variables}, all at equal weights.

        Args:
            tape: a persistent tape that saw the objectives.
            objectives: {group: scalar}.
        """
        variables = {
            group: [v.value for v in self.group_variables(group)] for group in objectives
        }
        if self.SEPARATE_OBJECTIVES:
            return tape.gradient(list(objectives.values()), variables)
        return {group: tape.gradient(objectives[group], variables[group]) for group in objectives}


def _checked_rate(lr):
    """A learning rate, as a float or a Keras schedule."""
    if isinstance(lr, keras.optimizers.schedules.LearningRateSchedule):
        return lr
    if not isinstance(lr, numbers.Real) or not 0 <= lr <= sys.float_info.max:
        raise UserError(f'lr={lr!r}: it must be a number of at least 0, or a schedule.')
    return float(lr)


def _listed(groups):
    return ', '.join(map(repr, sorted(groups))) or 'none'
