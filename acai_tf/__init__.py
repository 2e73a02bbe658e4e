"""The paper's autoencoders. `ALL_AES` maps class names to classes, as run folders name them."""
import importlib
import pkgutil

from acai_tf.autoencoder import Autoencoder


def _subclasses(cls):
    for sub in cls.__subclasses__():
        yield sub
        yield from _subclasses(sub)


# A new method is a new file in this folder; nothing has to list it.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f'{__name__}.{_module.name}')
ALL_AES = {
    cls.__name__: cls
    for cls in _subclasses(Autoencoder)
    if cls.method_losses is not Autoencoder.method_losses
}
globals().update(ALL_AES)
__all__ = ['ALL_AES', 'Autoencoder', *ALL_AES]
