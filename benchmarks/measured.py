"""What the benchmarks of training measure: a method at the paper's lines configuration."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import lib.tensorflow_setup  # noqa: F401, E402, I001  (before all that imports TensorFlow)
import tensorflow as tf  # noqa: E402
from absl import flags  # noqa: E402

import acai_tf  # noqa: E402
from lib.paper import constants, experiments  # noqa: E402

METHODS = list(acai_tf.ALL_AES)


def define_methods(text, known=METHODS):
    """Defines the flag --methods: one or more classes of `acai_tf`; by default all `known` ones."""
    flags.DEFINE_list('methods', list(known), text)
    flags.register_validator(
        'methods',
        lambda names: bool(names) and set(known).issuperset(names),
        f'must be of {", ".join(known)}',
    )


def make_model(name, dtype='float32'):
    """A method's model at the paper's lines configuration."""
    (experiment,) = experiments.of_method(name, constants.LINES32)
    return acai_tf.ALL_AES[name](
        image_shape=(32, 32, 1), nclass=10, dtype=dtype, **experiment.params
    )


def turn(function, times):
    """Seconds that so many calls take, measured until a GPU has also finished them."""
    start = time.perf_counter()
    for _ in range(times):
        answer = function()
    tf.nest.flatten(answer)[0].numpy()
    return time.perf_counter() - start
