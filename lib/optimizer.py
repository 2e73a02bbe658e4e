"""TensorFlow 1's Adam as a Keras optimizer."""
import keras
import tensorflow as tf

from lib.errors import UserError
from lib.tracking import track

BETA_1, BETA_2 = 0.9, 0.999
EPSILON = 1e-8  # Original: TensorFlow 1's default; Keras' own is 1e-7
MAX_LOSS_SCALE = 2.0**40
EACH_ITS_OWN = (
    'Each parameter group has an optimizer of its own: the learning rates are those of '
    'model.optimizers.values().'
)


@keras.saving.register_keras_serializable(package='acai_tf')
class Adam(keras.optimizers.Adam):
    """Adam (Kingma & Ba, 2015) with TensorFlow 1's kernel and its accumulated powers of beta.

    # Original: all of it in float32, 1 - beta2 included, whose relative error is 1.3e-5 there.
    Keras' own Adam computes 1 - beta2 in float64, and its updates differ by 6e-6 of their size:
    enough to end on the other side of a leaky ReLU. One fused operation per variable is also
    faster.

    Args:
        learning_rate: a float or a Keras schedule.
        name: as for every Keras optimizer.
    """

    def __init__(self, learning_rate, name=None):
        super().__init__(learning_rate, beta_1=BETA_1, beta_2=BETA_2, epsilon=EPSILON, name=name)

    def get_config(self):
        config = super().get_config()
        return {name: config[name] for name in ('learning_rate', 'name')}

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.beta_powers = [
            self.add_variable(
                shape=(),
                dtype='float32',
                initializer=keras.initializers.Constant(beta),
                aggregation='only_first_replica',
                name=f'beta{order}_power',
            )
            for order, beta in enumerate((BETA_1, BETA_2), start=1)
        ]

    def successor(self):
        """An Adam at the same learning rate and step, to be built for other variables."""
        rate = self._learning_rate
        if not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            rate = float(self.learning_rate)
        successor = Adam(rate, name=self.name)
        successor.iterations.assign(self.iterations)
        return successor

    @property
    def trained(self):
        """The variables that the optimizer was built for."""
        return list(self._trainable_variables)

    def slots(self):
        """The (first, second) moment of each variable of `trained`."""
        return list(zip(self._momentums, self._velocities, strict=True))

    def update_step(self, gradient, variable, learning_rate):
        first, second = self.slots()[self._get_variable_index(variable)]
        beta_1_power, beta_2_power = self.beta_powers
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=first.value.handle,
            v=second.value.handle,
            beta1_power=beta_1_power.value,
            beta2_power=beta_2_power.value,
            lr=tf.cast(learning_rate, 'float32'),  # Keras' floatx may not be float32
            beta1=BETA_1,
            beta2=BETA_2,
            epsilon=EPSILON,
            grad=gradient,
        )

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        super()._backend_update_step(grads, trainable_variables, learning_rate)
        for power, beta in zip(self.beta_powers, (BETA_1, BETA_2), strict=True):
            power.assign(power * beta)


@keras.saving.register_keras_serializable(package='acai_tf')
class LossScale(keras.optimizers.LossScaleOptimizer):
    """Keras' dynamic loss scaling for float16, with an upper limit for the scale.

    A group of float32 layers never overflows: its scale would double every 2,000 steps, be infinite
    after 226,000 steps, and from then on nothing would be learned.
    """

    def build(self, var_list):
        super().build(var_list)
        track(self, {'step_counter': self.step_counter, 'dynamic_scale': self.dynamic_scale})

    def apply(self, grads, trainable_variables=None):
        super().apply(grads, trainable_variables)
        self.dynamic_scale.assign(tf.minimum(self.dynamic_scale.value, MAX_LOSS_SCALE))


class OfAllGroups:
    """The optimizers of a model's groups, which Keras' callbacks and summary can use as one.

    Args:
        optimizers: a list of the groups' optimizers, built.
        iterations: a variable with the number of steps made.
    """

    built = True

    def __init__(self, optimizers, iterations):
        self.optimizers, self.iterations = optimizers, iterations

    @property
    def variables(self):
        return [variable for optimizer in self.optimizers for variable in optimizer.variables]

    @property
    def learning_rate(self):
        raise AttributeError(EACH_ITS_OWN)

    @learning_rate.setter
    def learning_rate(self, _):
        raise UserError(f'{EACH_ITS_OWN} Set each.')


def without_loss_scale(optimizer):
    """A group's `Adam` itself, from an optimizer that may be a `LossScale` around it."""
    return getattr(optimizer, 'inner_optimizer', optimizer)
