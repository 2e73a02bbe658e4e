"""The paper's autoencoders. `ALL_AES` maps class names, as run folders use them, to classes."""
import importlib
import pkgutil

import lib.tensorflow_setup  # noqa: F401  (before all that imports TensorFlow)
from acai_tf.aae import AAE
from acai_tf.acai import ACAI
from acai_tf.autoencoder import Autoencoder, Losses
from acai_tf.baseline import AEBaseline
from acai_tf.denoising import AEDenoising
from acai_tf.dropout import AEDropout
from acai_tf.interpolation import interpolate
from acai_tf.load import load_run
from acai_tf.lrae import LRAE
from acai_tf.released import load_released
from acai_tf.vae import VAE
from acai_tf.vqvae import AEVQVAE
from lib.data import get_dataset
from lib.version import VERSION

__version__ = VERSION

# A new method is a new file in this folder: importing it registers its class, so nothing lists it.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f'{__name__}.{_module.name}')

ALL_AES = Autoencoder.methods()
globals().update(ALL_AES)
__all__ = [
    'AAE',
    'ACAI',
    'AEBaseline',
    'AEDenoising',
    'AEDropout',
    'AEVQVAE',
    'ALL_AES',
    'Autoencoder',
    'LRAE',
    'Losses',
    'VAE',
    'get_dataset',
    'interpolate',
    'load_released',
    'load_run',
]
