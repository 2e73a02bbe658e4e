"""What a checkpoint tells about the model that wrote it."""
import pytest
import tensorflow as tf

from lib.errors import UserError
from lib.runs import architecture
from tests import original

SIZES = {'depth': 2, 'latent': 4, 'latent_width': 4, 'nclass': 10, 'scales': 3, 'colors': 1}
PLAIN = 'AEBaseline, AEDenoising or AEDropout'
OWN = {
    'aae': {'method': 'AAE', 'disc_layer_sizes': '100,100'},
    'acai': {'method': 'ACAI or LRAE', 'advdepth': 2},
    'baseline': {'method': PLAIN},
    'denoising': {'method': PLAIN},
    'dropout': {'method': PLAIN},
    'lrae': {'method': 'ACAI or LRAE', 'advdepth': 2},
    'vae': {'method': 'VAE'},
    'vqvae': {'method': 'AEVQVAE', 'num_latents': 2, 'z_log_size': 6},
}


@pytest.mark.parametrize('name', original.GOLDEN_NAMES)
def test_describes_the_originals_checkpoints(name):
    shapes = dict(tf.train.list_variables(original.prefix(name, 'final')))
    assert architecture.traits_of(shapes) == {**SIZES, **OWN[name]}


def test_other_variables_are_no_autoencoder():
    assert architecture.traits_of({}) == {}
    assert architecture.traits_of({'dense/kernel': (3, 4), 'global_step': ()}) == {}
    assert 'another model than XLatentAE' in architecture.explain(SIZES, {}, 'XLatentAE')
    assert 'not a checkpoint of an autoencoder' in architecture.explain({}, SIZES, 'ACAI')


@pytest.mark.parametrize(
    'kernel, layers',
    [
        ((3, 3, 1, 4), 1),  # fewer convolutions than any encoder has
        ((3, 3, 1, 4), 999),
        ((3, 3), 9),
        ((0, 0, 10**9, 2), 9),  # nothing that is stored, a huge picture
        ((3, 3, 1, 0), 9),
    ],
)
def test_impossible_shapes_are_no_autoencoder(kernel, layers):
    names = ['conv2d', *(f'conv2d_{number}' for number in range(1, layers))]
    assert architecture.traits_of({f'ae_enc/{name}/kernel': kernel for name in names}) == {}


def test_explains_the_same_traits_as_an_incomplete_checkpoint():
    traits = {'method': PLAIN, **SIZES}
    assert 'saved incompletely' in architecture.explain(traits, traits, 'AEBaseline')


def test_a_width_that_is_not_told_is_asked_for():
    traits = {'scales': 3, 'latent_width': 0, 'colors': 1}
    assert architecture.image_shape(traits, latent_width=4) == (32, 32, 1)
    with pytest.raises(UserError, match='does not tell how wide'):
        architecture.image_shape(traits)
