"""A method's own hyper-parameters, read from its constructors' signatures, the only place that
states their defaults."""
import contextlib
import dataclasses
import inspect
import numbers
import re
import sys

from acai_tf.networks import LARGEST_SIZE
from lib import runs
from lib.errors import UserError
from lib.paper import experiments


@dataclasses.dataclass(frozen=True)
class Hyperparameter:
    """A number or text that tells two runs of a method apart.

    Attributes:
        name: used as the keyword, as the flag and in a run folder's name.
        default: the constructor's default; every value is of its type.
        help: its description, from the class's docstring.
        bounds: for a number, (lowest, highest), each None for no bound; for a text, a function that
            raises ValueError for a text that is not allowed.
        is_bool: whether it is a boolean; False and True are 0 and 1 in a run folder's name.
    """

    name: str
    default: object
    help: str
    bounds: object = (None, None)
    is_bool: bool = False

    @property
    def kind(self):
        return type(self.default)

    def checked(self, value):
        """The value, converted to the hyper-parameter's type.

        Raises:
            ValueError: the value is not allowed; the message says what it must be.
        """
        if self.kind is str:
            if not isinstance(value, str) or '/' in value:
                raise ValueError('must be text without a slash')  # part of a folder's name
            if callable(self.bounds):
                self.bounds(value)
            return value
        kind = numbers.Integral if self.kind is int else numbers.Real
        is_number = isinstance(value, kind) and value == value  # False for NaN
        if not is_number or isinstance(value, bool) and not self.is_bool:
            raise ValueError(f'must be a number of type {self.kind.__name__}')
        largest = LARGEST_SIZE if self.kind is int else sys.float_info.max
        with contextlib.suppress(OverflowError):  # an integer beyond all floats
            value = self.kind(value)
        if abs(value) > largest:
            raise ValueError(f'must be at most {largest:g}')
        low, high = self.bounds
        if low is not None and value < low or high is not None and value > high:
            raise ValueError(f'must be {_range(low, high)}')
        return value


def _range(low, high):
    if high is None:
        return f'at least {low}'
    return f'at most {high}' if low is None else f'between {low} and {high}'


def _constructor_arguments(cls):
    """Yields (class, parameter) for each argument that constructors of subclasses add to those of
    the root class (`Autoencoder`)."""
    root = next(base for base in cls.__mro__ if HasHyperparameters in base.__bases__)
    shared = inspect.signature(root.__init__).parameters
    for base in reversed(cls.__mro__):
        if issubclass(base, root) and base is not root and '__init__' in base.__dict__:
            for argument in inspect.signature(base.__init__).parameters.values():
                if argument.name not in shared:
                    yield base, argument


def _bounds(cls, name):
    return next(
        (base.BOUNDS[name] for base in cls.__mro__ if name in base.__dict__.get('BOUNDS', {})),
        (None, None),
    )


def _described_arguments(cls):
    """{argument: its text} from the Args section of a class's docstring."""
    *_, args = (inspect.getdoc(cls) or '').partition('\nArgs:\n')
    args = re.split(r'\n\S', args)[0]
    texts = re.findall(r'^    (\w+): (.*(?:\n {8}.*)*)', args, re.MULTILINE)
    return {name: ' '.join(text.split()) for name, text in texts}


class HasHyperparameters:
    """A class whose constructors declare its hyper-parameters, with their defaults.

    Attributes:
        BOUNDS: {hyper-parameter: its bounds}, as in `Hyperparameter.bounds`.
        SWITCH: the hyper-parameter that, at 0, makes others ineffective; `resolve` then leaves
            those out. None if no hyper-parameter does so.
        defined: {name: class} of all such classes, with the newest definition of each.
    """

    BOUNDS = {}
    SWITCH = None
    defined = {}

    def __init_subclass__(cls, **kwargs):
        package = HasHyperparameters.__module__.partition('.')[0]
        known = HasHyperparameters.defined.get(cls.__name__, cls).__module__
        if known != cls.__module__ and known.partition('.')[0] == package:
            raise UserError(
                f'{known} has a method {cls.__name__} already; give yours another name, by which '
                'its runs and saved models are known.'
            )
        super().__init_subclass__(**kwargs)  # Keras registers the name
        HasHyperparameters.defined[cls.__name__] = cls
        module = cls.__module__.rpartition('.')[2]  # its script has the same name
        experiments.register(cls.__name__, cls.resolve, module)

    @classmethod
    def own_hyperparameters(cls):
        """{name: `Hyperparameter`} of a method: the keyword-only arguments of its constructors that
        have a number or a text as default, with the bounds in BOUNDS.

        Arguments of `Autoencoder` itself, such as lr, are not among them, even where a subclass
        changes their default.
        """
        own = {}
        for base, argument in _constructor_arguments(cls):
            name, default = argument.name, argument.default
            if argument.kind is argument.KEYWORD_ONLY and isinstance(default, (int, float, str)):
                text, bounds = _described_arguments(base).get(name, ''), _bounds(cls, name)
                is_bool = isinstance(default, bool)
                if is_bool:
                    default, bounds = int(default), (0, 1)
                own[name] = Hyperparameter(name, default, text, bounds, is_bool)
        return own

    def unrecorded(self):
        """The name of a constructor argument that saving would lose: not a hyper-parameter, and by
        the attribute of the same name not at its default. None if there is no such argument."""
        own = self.own_hyperparameters()
        for _, argument in _constructor_arguments(type(self)):
            name, default = argument.name, argument.default
            if name in own or argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
                continue
            value = vars(self).get(name, default)
            if value is not default and (type(value) is not type(default) or value != default):
                return name
        return None

    @classmethod
    def hyperparameters(cls):
        """{name: type} of all parameters in a run folder's name: the sizes and the method's own."""
        own = {name: each.kind for name, each in cls.own_hyperparameters().items()}
        return {**dict.fromkeys(runs.SIZES, int), **own}

    @classmethod
    def resolve(cls, **given):
        """{hyper-parameter: value} as in a run folder's name: the sizes that are given, and all of
        the method's own.

        Raises:
            TypeError: a given argument does not exist (worded as Python does), or it is the
                constructors' but no hyper-parameter: it is not keyword-only, or its default is
                neither a number nor a text.
            UserError: a value is of a wrong type, or outside the class's BOUNDS.
        """
        known = cls.own_hyperparameters()
        values = {name: given[name] for name in runs.SIZES if name in given}
        for name in given:
            if name in (*runs.SIZES, *known):
                continue
            if any(name == argument.name for _, argument in _constructor_arguments(cls)):
                raise TypeError(
                    f"{cls.__name__}'s {name} is not a hyper-parameter: those are keyword-only "
                    'arguments whose default is a number, a text, True or False. Give it such a '
                    'default, or do not pass it to super().__init__.'
                )
            raise TypeError(f'{cls.__name__} got an unexpected keyword argument {name!r}')
        for name, own in known.items():
            value = given.get(name, own.default)
            try:
                values[name] = own.checked(value)
            except ValueError as error:
                raise UserError(
                    f'{cls.__name__} cannot have {name}={value!r}: it {error}.'
                ) from error
        return values
