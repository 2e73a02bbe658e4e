"""The paper's autoencoders. `ALL_AES` maps class names to classes, as run folders name them."""
import importlib
import pkgutil

from acai_tf.autoencoder import Autoencoder, Losses

# A new method is a new file in this folder; nothing has to list it.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f'{__name__}.{_module.name}')

from acai_tf.load import load_run  # noqa: E402  (it knows every method by now)
from acai_tf.released import load_released  # noqa: E402

ALL_AES = Autoencoder.methods()
globals().update(ALL_AES)
__all__ = ['ALL_AES', 'Autoencoder', 'Losses', 'load_released', 'load_run', *ALL_AES]
