"""The files of TensorBoard's embedding projector, and the HParams record of a run."""
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorboard.plugins import projector as tensorboard_projector

from lib.drawing import pictures, projector
from lib.errors import UserError


def test_what_is_written_is_what_the_projector_reads(tmp_path):
    draws = np.random.default_rng(0)
    latents = draws.normal(size=(5, 2, 2, 3))
    images = draws.uniform(-1, 1, (5, 4, 6, 1)).astype(np.float32)
    for _ in range(2):  # the second replaces the first
        projector.write(str(tmp_path), latents, [3, 1, 4, 1, 5], images)
    config = tensorboard_projector.ProjectorConfig()
    text_format.Parse((tmp_path / 'projector_config.pbtxt').read_text(), config)
    (embedding,) = config.embeddings
    read = np.loadtxt(tmp_path / embedding.tensor_path, delimiter='\t')
    np.testing.assert_allclose(read, latents.reshape(5, -1), rtol=1e-5)
    labels = tmp_path / embedding.metadata_path
    assert labels.read_text().split('\n') == list('31415')
    assert list(embedding.sprite.single_image_dim) == [6, 4]  # width, height
    sprite = tf.io.decode_png((tmp_path / embedding.sprite.image_path).read_bytes()).numpy()
    assert sprite.shape == (3 * 4, 3 * 6, 1)
    for number, image in enumerate(pictures.to_uint8(images)):
        row, column = divmod(number, 3)
        np.testing.assert_array_equal(
            sprite[4 * row : 4 * row + 4, 6 * column : 6 * column + 6], image
        )
    assert sprite[4:8, 12:].max() == sprite[8:].max() == 0  # left over
    projector.write(str(tmp_path), latents[:2], ['a cat', 'a\tdog\n'], images[:2])
    assert labels.read_text() == 'a cat\na dog'
    projector.write(str(tmp_path), latents[:2], ['caf\udce9', 'dog'], images[:2])
    assert labels.read_text() == 'caf\\udce9\ndog'


def test_new_points_are_never_shown_with_old_labels(tmp_path, monkeypatch):
    latents, images = np.zeros((2, 3)), np.zeros((2, 4, 4, 1))
    projector.write(str(tmp_path), latents, [0, 1], images)
    write_file = projector.files.write_file

    def fail_at_labels(path, content):
        if path.endswith('labels.tsv'):
            raise UserError('The disk is full.')
        write_file(path, content)

    monkeypatch.setattr(projector.files, 'write_file', fail_at_labels)
    with pytest.raises(UserError):
        projector.write(str(tmp_path), latents + 1, [2, 3], images)
    assert not (tmp_path / 'projector_config.pbtxt').exists()  # by which TensorBoard finds them


@pytest.mark.parametrize('colors', [1, 3])
def test_pictures_that_tensorboard_would_not_show_become_smaller(colors, monkeypatch):
    monkeypatch.setattr(projector, 'SPRITE_PX', 25)
    images = np.full((5, 16, 16, colors), -1, np.float32)
    images[3, :8] = 1  # the upper half
    square, size = projector.sprite(images)
    assert size == (8, 8) and square.shape == (24, 24, colors) and square.dtype == np.uint8
    np.testing.assert_array_equal(square[8:16, :8, 0], np.repeat([255, 0], 4)[:, None].repeat(8, 1))
    assert not square[:8].any() and not square[16:].any()
