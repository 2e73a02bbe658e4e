"""The Keras side of every autoencoder: fit, evaluate, predict, save, load and export."""
import contextlib
import functools
import types

import keras
import tensorflow as tf
from keras import ops

from acai_tf import batches, network_copies, networks
from lib import layers
from lib.errors import UserError
from lib.optimizer import Adam, LossScale, OfAllGroups, without_loss_scale
from lib.tracking import track

SEED_STATE = 'seed_state_'  # plus a number: the key of a random layer's state in a saved model
TRAINABLE = 'trainable_layers'  # config key of all layers' `trainable` flags, the model's own first
COMPILED = ('run_eagerly', 'steps_per_execution', 'jit_compile')
OPTIMIZER = 'optimizer_'  # plus a group: the name of its optimizer in tf.train.Checkpoint
PACKAGE = 'acai_tf'  # the package under which saved models name their classes


class KerasModel(keras.Model):
    """The Keras side of `acai_tf.Autoencoder`, which has the mathematics and the train step.

    A batch is {'x': (B, ...), 'label': one-hot (B, nclass)}, or a pair (x, label).
    """

    # Set by `build`: the training tags, a Mean per tag, and each group's layers and optimizer.
    # Declared here so that no hyper-parameter takes these names.
    tags = means = ()
    groups = optimizers = types.MappingProxyType({})
    is_recorded = False  # True once get_config has found that a user's networks can be recorded

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        other = keras.saving.get_registered_object(f'{PACKAGE}>{cls.__name__}')
        if other and not issubclass(other, KerasModel):
            raise UserError(
                f'acai_tf has a {cls.__name__} already, by which saved models know it; give your '
                'method another name.'
            )
        # Under a fixed package, as a class's module differs between the script that trains it
        # (__main__) and the places that import that script.
        keras.saving.register_keras_serializable(package=PACKAGE)(cls)
        module = cls.__module__.partition('.')[0]  # the package in files of earlier versions
        keras.saving.get_custom_objects()[f'{module}>{cls.__name__}'] = cls

    def build(self, input_shape):
        """Makes the method's groups, then every variable, by a forward pass, and the optimizers.

        Args:
            input_shape: (None, *image_shape), also as the 'x' of a dict.

        Raises:
            UserError: the user's networks do not fit, or the model is built for another shape.
        """
        shape = batches.examples(input_shape)
        if self.latent_shape is not None:
            if tuple(shape[1:]) == self.image_shape:
                return
            raise UserError(
                f'{self.name} is built for data of shape {networks.batch_text(self.image_shape)}; '
                f'make another model for {networks.batch_text(shape[1:])}.'
            )
        before = self.image_shape, self.latent_shape, self.groups, self.optimizers
        try:
            # A model that is first called inside a graph must make its variables outside of it.
            with tf.init_scope(), self.distribute_strategy.scope():
                self._build(tuple(shape[1:]))
        except Exception:  # undone, so that a second call fails in the same way
            self.image_shape, self.latent_shape, self.groups, self.optimizers = before
            raise

    def _build(self, image_shape):
        self.image_shape, shape = image_shape, (None, *image_shape)
        if self.given.encoder is None:
            self.latent_shape = tuple(self.encoder.compute_output_shape(shape)[1:])
        else:
            self.latent_shape = networks.build_networks(self.encoder, self.decoder, image_shape)
        self.groups = {**self.make_groups(), 'classifier': [self.classifier]}
        if self.given.critic is not None and self.critic is None:
            raise UserError(f'{type(self).__name__} has no critic here; leave out critic=...')
        x = ops.zeros((2, *self.image_shape))  # two, as a method may compare examples
        losses = self.compute_losses(x, ops.zeros((2, self.nclass)), self.draw_noise(x))
        self.tags = list(losses.scalars)  # in the order of reports
        self.means = [keras.metrics.Mean(name=tag, dtype='float32') for tag in self.tags]
        self.optimizers = {}
        self._make_optimizers()

    def _make_optimizers(self):
        """Makes an optimizer for every group that has none, or whose variables have changed."""
        self._check_groups()
        computes_in_float16 = self._computes_in_float16()
        replicas = self.distribute_strategy.num_replicas_in_sync
        if computes_in_float16 and replicas > 1:
            raise UserError(
                f'float16 works on one device, not on {replicas}: Keras checks for overflow on '
                'only one of them; choose the policy mixed_bfloat16 or float32.'
            )
        for group in self.groups:
            known = self.optimizers.get(group)
            if known is None:
                optimizer = Adam(self.learning_rate(group), name=group)
            else:
                self._check_is_own(group, known)
                own = without_loss_scale(known)
                if self._trained_now(group) == set(map(id, own.trained)):
                    continue
                optimizer = own.successor()
            if computes_in_float16:
                optimizer = LossScale(optimizer, name=group)
            optimizer.build(self.group_variables(group))
            self.optimizers[group] = optimizer
            track(self, {f'{OPTIMIZER}{group}': optimizer})

    def _computes_in_float16(self):
        """Whether a layer that has variables of its own computes in float16."""
        return any(
            layer.compute_dtype == 'float16'
            for layer in self._flatten_layers(include_self=False)
            if layer._trainable_variables or layer._non_trainable_variables
        )

    def _check_is_own(self, group, optimizer):
        if not isinstance(without_loss_scale(optimizer), Adam):
            raise UserError(
                f'The optimizer of {group!r} is of class {type(optimizer).__name__}; leave the '
                "model's own in model.optimizers, whose moments are saved with the weights."
            )

    @property
    def optimizer(self):
        """All groups' optimizers as one object, which Keras' callbacks and summary ask for; None
        before there are any."""
        each = list(self.optimizers.values())
        return OfAllGroups(each, self.global_step) if each else None

    @optimizer.setter
    def optimizer(self, optimizer):
        if optimizer is not None:  # Keras' compile sets None
            raise self._no_optimizer()

    def _no_optimizer(self):
        return UserError(
            f'{type(self).__name__} has one optimizer per parameter group: give lr=... when you '
            'make the model, or set learning_rate of each of model.optimizers.values().'
        )

    def check_thawed(self):
        """Raises UserError if a group trains weights that its optimizer was not built for."""
        for group, optimizer in self.optimizers.items():
            own = without_loss_scale(optimizer)
            if isinstance(own, Adam) and not self._trained_now(group) <= set(map(id, own.trained)):
                raise self._not_compiled(group)

    def _trained_now(self, group):
        return set(map(id, self.group_variables(group)))

    def _not_compiled(self, group):
        return UserError(
            f'Layers of {group!r} were frozen, or made trainable, since the model was compiled; '
            'call compile() first.'
        )

    def _check_groups(self):
        """Raises UserError for weights that two groups would train (each for its own objective),
        that no group would train, or that are not in float32, the dtype of Adam's moments."""
        owners = {}
        for group in self.groups:
            for variable in self.group_variables(group):
                networks.check_weights(variable.path, variable.dtype)
                other = owners.setdefault(id(variable), group)
                if other != group:
                    raise UserError(
                        f'{variable.path} is in both groups, {other} and {group}; give each a '
                        'network of its own (keras.models.clone_model copies one).'
                    )
        # Not `trainable_variables`, which still has the variables made for a batch that failed.
        own = [value for name, value in vars(self).items() if not name.startswith('_')]
        parts = [each for each in keras.tree.flatten(own) if isinstance(each, keras.layers.Layer)]
        of_parts = [variable for part in parts for variable in part.trainable_variables]
        # Then the model's own variables, which no group can hold, since groups are lists of layers.
        for variable in [*of_parts, *self._trainable_variables]:
            if variable.trainable and id(variable) not in owners:
                raise UserError(
                    f'{variable.path} is in no group of make_groups, so that nothing would train '
                    'it; list there the layer that has it, or make it with trainable=False.'
                )

    def build_for(self, x):
        """Builds a model whose shapes are not known yet, for data or a tensor's specification.

        Raises:
            UserError: the data's shape is not known either, or the user's networks do not fit.
        """
        if self.latent_shape is None and hasattr(x, 'shape'):
            batches.check_is_known(x.shape)
            self.build((None, *x.shape[1:]))

    def need_shapes(self):
        """Raises UserError if the model's shapes are not known yet."""
        if self.latent_shape is None:
            raise UserError(
                "The model's shapes are not known yet; call it on a batch or train it first."
            )

    def compile(self, optimizer=None, loss=None, metrics=None, **kwargs):
        """Keras' compile, so that plain `compile()` and `fit(dataset)` work.

        As in Keras, call it after unfreezing layers, for these to train, and after adapting
        `Normalization` layers, for graphs to use the new statistics: a group whose trainable
        weights have changed gets a new optimizer, and all graphs are traced anew.

        Raises:
            UserError: for an optimizer, a loss or metrics; the model has its own.
        """
        if optimizer is not None:
            raise self._no_optimizer()
        others = [kwargs.pop(name, None) for name in ('weighted_metrics', 'loss_weights')]
        if any(given for given in (loss, metrics, *others)):
            raise UserError(
                f'{type(self).__name__} minimises and reports what its method says; compile it '
                'without loss and metrics.'
            )
        self.asked_jit_compile = kwargs.get('jit_compile', 'auto')
        # Each group's optimizer scales its own loss.
        super().compile(optimizer=None, **{**kwargs, 'auto_scale_loss': False})
        self.forget_graphs()
        if self.latent_shape is not None:
            with self.distribute_strategy.scope():
                self._make_optimizers()

    def get_compile_config(self):
        config = super().get_compile_config()
        # Keras records what 'auto' resolved to on this machine; keep what was asked for.
        return {**config, 'jit_compile': self.asked_jit_compile} if config else config

    def compile_from_config(self, config):
        self.compile(**{name: config[name] for name in COMPILED})

    def fit(self, x=None, y=None, *args, **kwargs):
        """Keras' fit: its logs are the epoch's means under the training tags.

        Args:
            x: a dataset, or other data that Keras takes, of batches {'x': (B, *image_shape),
                'label': (B, nclass)}; or images alone, with one-hot labels (n, nclass) as `y`.

        Raises:
            UserError: the images or labels do not fit the model, are not scaled or are missing, or
                weights of examples or classes are given.
        """
        if isinstance(x, (tf.data.Dataset, types.GeneratorType)):
            kwargs.setdefault('shuffle', False)  # Keras cannot, and would warn about its default
        batches.check_unweighted(super().fit, x, y, *args, **kwargs)
        with contextlib.ExitStack() as checked:
            x = checked.enter_context(self._checked(x, y))
            if isinstance(kwargs.get('validation_data'), tf.data.Dataset):
                tests = checked.enter_context(self._checked(kwargs['validation_data']))
                kwargs['validation_data'] = tests
            return super().fit(x, y, *args, **kwargs)

    @contextlib.contextmanager
    def _checked(self, x, y=None):
        """Builds the model for the data, checks them, and yields the data to pass on to Keras.

        Raises:
            UserError: arrays, a dataset of known shapes or a first batch do not fit, or the images
                are not scaled; Keras' graphs would raise an error of their own, or none.
        """
        data, x = batches.begun(x)
        self.build_for(data)
        if not isinstance(x, (list, tuple)):  # the graph itself tells what is wrong with these
            if isinstance(x, tf.data.Dataset):
                batches.check_batched(data, self.image_shape)
            self._check_shapes(data, y)
        of_paper = isinstance(self.encoder, layers.Encoder)  # other networks take any values
        if not isinstance(x, tf.data.Dataset) or not of_paper:
            yield x
            return

        @tf.autograph.experimental.do_not_convert
        def scaled(*batch):
            self.encoder.assert_scaled(batches.examples_of(batch[0]))
            return batch[0] if len(batch) == 1 else batch

        try:
            yield x.map(scaled)
        except tf.errors.InvalidArgumentError as error:
            if self.encoder.unscaled not in error.message:
                raise
            raise UserError(self.encoder.unscaled) from error

    def _check_shapes(self, data, y):
        if self.latent_shape and batches.has_known_shape(data):
            self.encoder.check(data)
            if hasattr(data, 'numpy'):  # an eager tensor: check its values too
                self.encoder.check(data[:1].numpy())
        if y is not None and batches.has_known_shape(data) and batches.has_known_shape(y):
            batches.unpack((data, y), self.image_shape, self.nclass)

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """Keras' evaluate: the means of the training tags, with all examples weighted equally.

        Changes no weight. As in Keras, returns a list in the order of `metrics_names`, unless
        return_dict=True.

        Raises:
            UserError: as for `fit`.
        """
        if kwargs.get('_use_cached_eval_dataset'):  # called by `fit`, which already reads the data
            if not isinstance(x, (list, tuple)):
                self._check_shapes(batches.examples_of(x), y)
            return super().evaluate(x, y, *args, **kwargs)
        batches.check_unweighted(super().evaluate, x, y, *args, **kwargs)
        with self._checked(x, y) as x:
            return super().evaluate(x, y, *args, **kwargs)

    def train_on_batch(self, x, *args, **kwargs):
        """Keras' train_on_batch, for a batch as `fit` takes them.

        Raises:
            UserError: as for `fit`, except that unscaled images are not noticed.
        """
        batches.check_unweighted(super().train_on_batch, x, *args, **kwargs)
        return super().train_on_batch(x, *args, **kwargs)

    def predict(self, x, *args, **kwargs):
        """Keras' predict: reconstructions (n, *image_shape) of images, or of the 'x' of batches.

        Raises:
            UserError: the images do not fit the model, or are not scaled.
        """
        with self._checked(x) as x:
            return super().predict(x, *args, **kwargs)

    @property
    def metrics(self):
        return list(self.means)

    def update_means(self, scalars, x):
        """Adds a batch's scalars to the means that Keras reports."""
        size = tf.shape(x)[0]
        for mean in self.means:
            value = scalars[mean.name]
            # One of several devices may have no examples, and thus no mean (NaN).
            value = tf.where(size > 0, value, tf.zeros_like(value))
            mean.update_state(value, sample_weight=size)

    def unpack(self, data):
        """(x, label) of a batch; UserError if it does not have both."""
        return batches.unpack(data, self.image_shape, self.nclass)

    def test_step(self, data):
        """The scalars of a batch, for `evaluate`; each batch gets its own noise."""
        x, label = self.unpack(data)
        self.build_for(x)  # makes the means
        seen = self.means[0].count  # examples so far; gives each batch its own draws
        scalars = self.compute_losses(x, label, self.draw_noise(x, batch_index=1 + seen)).scalars
        self.update_means(scalars, x)
        return scalars

    def call(self, x):
        """Reconstructions of a batch, or of its 'x' if it is a dict; `predict` returns these."""
        return self.reconstruct(batches.examples(x))

    def export(self, filepath, format='tf_saved_model', verbose=None, **kwargs):
        """Writes a SavedModel with the signatures encode, decode, reconstruct and classify, and
        Keras' own `serve`, which is `call`.

        Each takes one tensor (B, ...) and returns one under 'output_0'. A method that samples (VAE)
        draws the noise of the global step at the export, so that equal calls give equal samples.
        Other formats of Keras' export contain `call` alone.

        Raises:
            UserError: the shapes of a user's networks are not known yet, or an option is given that
                a SavedModel does not have.
        """
        self.need_shapes()
        if format != 'tf_saved_model':
            return super().export(filepath, format=format, verbose=verbose, **kwargs)
        if kwargs:
            raise UserError(
                f'{next(iter(kwargs))} does not apply to a SavedModel, which takes any batch size '
                'here; leave it out, or choose another format.'
            )
        x = tf.TensorSpec((None, *self.image_shape), tf.float32, name='x')
        h = tf.TensorSpec((None, *self.latent_shape), tf.float32, name='h')
        archive = keras.export.ExportArchive()
        archive.track(self)
        # The first endpoint is also serving_default.
        archive.add_endpoint('serve', functools.partial(self.reconstruct), [x])
        for name, spec in {'encode': x, 'decode': h, 'reconstruct': x, 'classify': x}.items():
            archive.add_endpoint(name, functools.partial(getattr(self, name)), [spec])
        return archive.write_out(filepath, verbose=verbose)

    def seed_states(self):
        """The seed states of random layers in a user's networks, such as dropout; Keras does not
        save them."""
        kept = {id(variable) for variable in self.weights}
        return [variable for variable in self.variables if id(variable) not in kept]

    def save(self, filepath, *args, **kwargs):
        """Keras' save.

        Raises:
            UserError: for Keras' old formats, which could not be loaded; for a user's networks that
                their configs would not remake; for optimizers other than the model's own; for
                layers frozen, or made trainable, since `compile`.
        """
        if str(filepath).endswith(('.h5', '.hdf5')):
            raise UserError(
                f'A model is saved as FILE.keras, not as {filepath}; save_weights takes '
                'FILE.weights.h5, and export a folder.'
            )
        return super().save(filepath, *args, **kwargs)

    def load_weights(self, *args, **kwargs):
        """Keras' load_weights; UserError if the model's shapes are not known yet."""
        self.need_shapes()
        super().load_weights(*args, **kwargs)
        self.forget_graphs()

    def save_own_variables(self, store):
        super().save_own_variables(store)
        for index, state in enumerate(self.seed_states()):
            store[f'{SEED_STATE}{index}'] = state.numpy()

    def load_own_variables(self, store):
        keys = list(store.keys())
        stored = [key for key in keys if SEED_STATE in key]
        if len(stored) != len(self.seed_states()):
            raise ValueError(
                f'The file has the state of {len(stored)} random layers, such as dropout, and '
                f'{self.name} has {len(self.seed_states())}: it was saved from other networks.'
            )
        super().load_own_variables({key: store[key] for key in keys if SEED_STATE not in key})
        for index, state in enumerate(self.seed_states()):
            state.assign(store[f'{SEED_STATE}{index}'])

    def _trackable_children(self, save_type='checkpoint', **kwargs):
        children = super()._trackable_children(save_type, **kwargs)
        if save_type == 'savedmodel':  # no training, so no optimizers
            return {name: each for name, each in children.items() if not name.startswith(OPTIMIZER)}
        return children

    def get_config(self):
        for group, optimizer in self.optimizers.items():
            self._check_is_own(group, optimizer)
            if self._trained_now(group) != set(map(id, without_loss_scale(optimizer).trained)):
                raise self._not_compiled(group)
        writes_its_own = type(self).get_config is not KerasModel.get_config
        if not writes_its_own and (lost := self.unrecorded()):
            raise UserError(
                f'{type(self).__name__} would be loaded without {lost}={getattr(self, lost)!r}; '
                'give it a get_config that adds this to what super().get_config() returns.'
            )
        given = {role: network for role, network in vars(self.given).items() if network is not None}
        if self.latent_shape is not None and not self.is_recorded:
            for network in given.values():
                network_copies.check_record(network)
            self.is_recorded = True
        given = {
            role: keras.saving.serialize_keras_object(network) for role, network in given.items()
        }
        shared = {
            'image_shape': self.image_shape,
            'nclass': self.nclass,
            'lr': keras.saving.serialize_keras_object(self.lr),
            'seed': self.seed,
            'dtype': self.dtype_policy.name,
            'name': self.name,
        }
        flags = [layer.trainable for layer in self._flatten_layers()]
        frozen = {} if all(flags) else {TRAINABLE: flags}
        return {**shared, **self.params, **given, **frozen}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        flags = config.pop(TRAINABLE, ())
        objects = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects)
            for name in ('lr', 'encoder', 'decoder', 'critic')
            if name in config
        }
        try:
            model = cls(**{**config, **objects})
        except TypeError as error:
            raise UserError(
                f'{cls.__name__} cannot be made of what was saved of it ({error}): its constructor '
                'must take all arguments of Autoencoder and all hyper-parameters, and may only set '
                "defaults of them: shared.setdefault('lr', 1e-3), or reg=0.5 in its signature."
            ) from error
        for layer, trainable in zip(model._flatten_layers(), flags, strict=False):
            # Each layer's own flag, not its sublayers': a layer may be part of two others.
            layer._trainable = trainable
            for variable in layer._trainable_variables:
                variable.trainable = trainable
        if flags and model.latent_shape is not None:
            model._make_optimizers()  # anew, without what is frozen
        return model
