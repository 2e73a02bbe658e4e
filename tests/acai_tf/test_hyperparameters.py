"""A method's hyper-parameters: read off its constructors, checked there and by the flags alike."""
import inspect
import subprocess
import sys

import keras
import numpy as np
import pytest
from absl import flags

import acai_tf
from acai_tf import Autoencoder
from acai_tf.hyperparameters import HasHyperparameters
from cli import shared_flags
from lib.errors import UserError
from lib.paper import experiments
from tests import tiny

SIZES = {'scales': 4, 'depth': 16, 'latent': 8}


def test_names_and_types():
    own = {
        'AEBaseline': {},
        'AEDenoising': {'noise': float},
        'AEDropout': {'dropout': float},
        'VAE': {'beta': float, 'advweight': float, 'advdepth': int, 'reg': float},
        'AAE': {'adversary_lr': float, 'disc_layer_sizes': str},
        'AEVQVAE': {'z_log_size': int, 'beta': float, 'num_latents': int},
        'ACAI': {'advweight': float, 'advdepth': int, 'reg': float},
        'LRAE': {'advweight': float, 'advdepth': int},
    }
    for name, cls in acai_tf.ALL_AES.items():
        assert cls.hyperparameters() == {**dict.fromkeys(SIZES, int), **own[name]}, name


def test_each_has_its_text_from_the_docstring():
    for cls in acai_tf.ALL_AES.values():
        for own in cls.own_hyperparameters().values():
            assert len(own.help) > 10 and own.help.endswith('.'), (cls, own)
            assert '**' not in own.help and '  ' not in own.help


class Child(acai_tf.ACAI):
    """A method of a method.

    Args:
        tricks: how many of them,
            on two lines.
        reg: another one.
    """

    BOUNDS = {'tricks': (1, 5)}

    def __init__(self, *, tricks=3, reg=0.5, **shared):
        super().__init__(tricks=tricks, reg=reg, **shared)


def test_a_subclass_adds_and_changes():
    own = Child.own_hyperparameters()
    assert {name: found.default for name, found in own.items()} == {
        'advweight': 0.5, 'advdepth': 0, 'reg': 0.5, 'tricks': 3
    }
    assert own['tricks'].help == 'how many of them, on two lines.'
    assert own['reg'].bounds == (0.0, 1.0) and own['reg'].help == 'another one.'
    assert Child.resolve(**SIZES) == {
        **SIZES, 'advweight': 0.5, 'advdepth': 16, 'reg': 0.5, 'tricks': 3
    }
    assert experiments.usual_params('Child', SIZES, {'tricks': 4})['tricks'] == 4


class CriticisedVAE(acai_tf.VAE):
    """A VAE that has a critic unless it is told otherwise."""

    def __init__(self, *, advweight=5.0, **shared):
        super().__init__(advweight=advweight, **shared)


def test_a_default_critic_that_was_left_out_stays_out():
    model = tiny.make('VAE')
    own = CriticisedVAE(image_shape=(32, 32, 1), nclass=10, advweight=0.0, **tiny.SIZES)
    assert model.params == {**tiny.SIZES, 'beta': 1.0}
    assert own.params == {**tiny.SIZES, 'beta': 1.0, 'advweight': 0.0}
    assert keras.models.clone_model(own).critic is None
    assert CriticisedVAE.resolve(**SIZES)['advdepth'] == SIZES['depth']


@pytest.mark.parametrize('method', ['VAE', 'AEVQVAE', 'ACAI'])
def test_sizes_may_be_numpys(method):
    sizes = {name: np.int64(size) for name, size in tiny.SIZES.items()}
    model = tiny.make(method, image_shape=tuple(np.int64([32, 32, 1])), **sizes)
    assert keras.models.clone_model(model).params == tiny.make(method).params
    assert {type(size) for size in (*model.image_shape, model.latent, model.scales)} == {int}


@pytest.mark.parametrize(
    'method, own, words',
    [
        ('ACAI', {'reg': 1.5}, 'ACAI cannot have reg=1.5: it must be between 0.0 and 1.0'),
        ('ACAI', {'advweight': -1}, 'must be at least 0.0'),
        ('ACAI', {'advdepth': 1.5}, 'must be a number of type int'),
        ('ACAI', {'reg': True}, 'must be a number of type float'),
        ('VAE', {'beta': float('nan')}, 'must be a number of type float'),
        ('VAE', {'beta': 10**400}, 'must be at most 1.79'),
        ('VAE', {'beta': float('inf')}, 'must be at most 1.79'),
        ('AEVQVAE', {'num_latents': 10**18}, 'must be at most 2.1'),
        ('ACAI', {'depth': 10**20}, 'must be at most 2147483647'),
        ('ACAI', {'lr': 10**400}, 'must be a number of at least 0'),
        ('AEDropout', {'dropout': 0}, 'between 0.001 and 1.0'),
        ('AEDenoising', {'noise': 'much'}, 'must be a number of type float'),
        ('AAE', {'disc_layer_sizes': '7,-5'}, 'must be positive integers separated by commas'),
        ('AAE', {'disc_layer_sizes': '04,3'}, 'must be positive integers separated by commas'),
        ('AAE', {'disc_layer_sizes': 7}, 'must be text'),
        ('AAE', {'disc_layer_sizes': '7/5'}, 'must be text without a slash'),
        ('AEVQVAE', {'z_log_size': 99}, 'between 0 and 24'),
    ],
)
def test_a_value_out_of_bounds_is_refused_in_one_sentence(method, own, words):
    with pytest.raises(UserError, match=words) as raised:
        tiny.make(method, **own)
    assert '\n' not in str(raised.value)


def test_truth_values_are_0_or_1():
    class Tied(acai_tf.AEBaseline):
        def __init__(self, *, tied=False, **shared):
            super().__init__(tied=tied, **shared)

    assert Tied.hyperparameters()['tied'] is int
    assert [Tied.resolve(**given)['tied'] for given in ({}, {'tied': True})] == [0, 1]
    for given, words in ({'tied': 2}, 'between 0 and 1'), ({'tied': 'yes'}, 'of type int'):
        with pytest.raises(UserError, match=words):
            Tied.resolve(**given)


def test_an_unknown_argument_is_refused_as_python_does():
    with pytest.raises(TypeError, match="AEBaseline got an unexpected keyword argument 'reg'"):
        tiny.make('AEBaseline', reg=0.2)


def test_a_default_that_is_no_value_is_refused_with_what_is_one():
    class Optional(acai_tf.AEBaseline):
        def __init__(self, *, weights=None, **shared):
            super().__init__(weights=weights, **shared)

    with pytest.raises(TypeError, match="Optional's weights is not a hyper-parameter: those are"):
        Optional(image_shape=(8, 8, 1), nclass=2, scales=1, depth=1, latent=1)


@pytest.mark.parametrize(
    'name', ['features', 'mode', 'params', 'evaluation', 'groups', 'means', 'optimizers', 'losses']
)
def test_a_name_that_every_model_has_is_refused(name):
    def constructor(self, **arguments):
        acai_tf.AEBaseline.__init__(self, **{name: 1.0, **arguments})

    taking = inspect.signature(lambda self, **shared: None)
    own = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=1.0)
    self, shared = taking.parameters.values()
    constructor.__signature__ = taking.replace(parameters=[self, own, shared])
    method = type('Taken', (acai_tf.AEBaseline,), {'__init__': constructor})
    with pytest.raises(UserError, match=f"Taken cannot have a hyper-parameter named '{name}'"):
        method(image_shape=(8, 8, 1), nclass=2, scales=1, depth=1, latent=1)


def test_a_name_is_taken_by_a_methods_own_method_too_but_not_by_its_own_value():
    class Before(acai_tf.AEBaseline):
        margin = 2.0

        def __init__(self, *, margin=1.0, **shared):
            self.margin = margin
            super().__init__(margin=margin, **shared)

    class Method(acai_tf.AEBaseline):
        def __init__(self, *, margin=1.0, **shared):
            super().__init__(margin=margin, **shared)

        def margin(self):
            return 1

    class Property(Method):
        margin = property(lambda self: 1)

    smallest = dict(image_shape=(8, 8, 1), nclass=2, scales=1, depth=1, latent=1)
    assert Before(margin=3.0, **smallest).margin == 3.0
    for method in (Method, Property):
        with pytest.raises(UserError, match="cannot have a hyper-parameter named 'margin'"):
            method(**smallest)


@pytest.mark.filterwarnings('error:overflow')  # NumPy's, of a float32 held against a float64
def test_values_have_the_type_of_their_default():
    model = tiny.make('ACAI', advweight=1, advdepth=np.int64(3), reg=np.float32(0.5))
    assert model.params == {**tiny.SIZES, 'advweight': 1.0, 'advdepth': 3, 'reg': 0.5}
    assert {type(value) for value in model.params.values()} == {int, float}


def test_flags_have_the_defaults_and_bounds_of_the_class(monkeypatch):
    values = flags.FlagValues()
    monkeypatch.setattr(flags, 'FLAGS', values)
    for name in ('DEFINE_string', 'DEFINE_integer', 'DEFINE_float', 'register_validator'):
        define = getattr(flags, name)
        monkeypatch.setattr(
            flags, name, lambda *args, define=define: define(*args, flag_values=values)
        )
    shared_flags.define_hyperparameter_flags(acai_tf.AAE)
    shared_flags.define_hyperparameter_flags(Child)
    values(['script'])
    assert values.flag_values_dict() == {
        'adversary_lr': 1e-4, 'disc_layer_sizes': '100,100',
        'advweight': 0.5, 'advdepth': 0, 'reg': 0.5, 'tricks': 3,
    }
    for bad in ('--tricks=6', '--disc_layer_sizes=a', '--advweight=-1', '--advdepth=1.5'):
        with pytest.raises(flags.IllegalFlagValueError):
            values(['script', bad])


def test_a_hyper_parameter_cannot_be_called_as_a_flag_of_all_scripts():
    program = (
        'import cli, acai_tf\n'
        'class Batched(acai_tf.AEBaseline):\n'
        '    def __init__(self, *, batch=3, **shared):\n'
        '        super().__init__(batch=batch, **shared)\n'
        'acai_tf.ALL_AES["Batched"] = Batched\n'
        'cli.train("Batched")'
    )
    command = [sys.executable, '-c', program]
    done = subprocess.run(command, cwd=tiny.REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        "-c: Batched cannot call a hyper-parameter 'batch', as scripts that train have a flag of "
        'that name; choose another.\n'
    )


def test_a_method_cannot_be_called_as_one_of_the_papers():
    for module in (__name__, 'acai_tf.mine'):
        with pytest.raises(UserError, match='acai_tf.acai has a method ACAI already; give yours'):
            type('ACAI', (acai_tf.ACAI,), {'__module__': module})
    assert Autoencoder.methods()['ACAI'] is acai_tf.ACAI
    assert keras.saving.get_registered_object('acai_tf>ACAI') is acai_tf.ACAI


def test_one_of_ones_own_can_be_defined_again():
    for margin in (1.0, 2.0):
        again = type('Again', (acai_tf.AEBaseline,), {'margin': margin, '__module__': __name__})
    assert Autoencoder.methods()['Again'] is again


def test_what_has_hyper_parameters_and_is_no_autoencoder_is_no_method():
    class Mixin(HasHyperparameters):
        pass

    assert 'Mixin' not in Autoencoder.methods()


def test_the_paper_must_be_told_of_a_method_first():
    with pytest.raises(LookupError, match='Nobody is not registered; import acai_tf first'):
        experiments.usual_params('Nobody', SIZES)


def test_methods_are_visible_to_an_editor():
    text = (tiny.REPOSITORY / 'acai_tf' / '__init__.py').read_text()
    for cls in tiny.METHODS:
        assert f'import {cls}\n' in text
    assert issubclass(acai_tf.ACAI, Autoencoder)
