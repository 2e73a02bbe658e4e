"""Latents for TensorBoard's embedding projector, with a label and a small picture each."""
import math
import os

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins import projector

from lib import files
from lib.drawing import pictures
from lib.errors import UserError

SPRITE_PX = 8192  # the largest width and height of a sprite that TensorBoard shows
FOLDER = 'projector'  # beside the event files, where TensorBoard looks for the configuration


def sprite(images):
    """Tiles images (n, H, W, C) in [-1, 1] into one square, row by row; places left over are black.

    The images are made smaller where the square would be larger than TensorBoard shows.

    Returns:
        (side * h, side * w, C) uint8 with side = ceil(sqrt(n)), and (h, w).
    """
    side = math.ceil(math.sqrt(len(images)))
    fits = max(1, SPRITE_PX // side)
    height, width = (min(size, fits) for size in images.shape[1:3])
    square = np.zeros((side**2, height, width, images.shape[3]), np.uint8)
    for place, image in enumerate(images):
        pixels = pictures.to_uint8(image)
        if pixels.shape[:2] != (height, width):
            small = Image.fromarray(pixels.squeeze()).resize((width, height), Image.Resampling.BOX)
            pixels = np.reshape(small, (height, width, -1))
        square[place] = pixels
    return pictures.tile(square.reshape(side, side, *square.shape[1:])), (height, width)


def write(folder, latents, classes, images):
    """Writes latents for the projector, in place of what was there.

    Args:
        folder: the folder of a run's event files.
        latents: (n, ...).
        classes: their classes, n numbers or names.
        images: (n, H, W, C) in [-1, 1].

    Raises:
        UserError: the folder cannot be written.
    """
    rows = ('\t'.join(f'{value:.6g}' for value in np.ravel(latent)) for latent in latents)
    square, (height, width) = sprite(images)
    # Removed first, so that TensorBoard never shows new points with old labels and pictures.
    config_path = os.path.join(folder, 'projector_config.pbtxt')
    try:
        os.remove(config_path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UserError(f'Cannot replace {config_path} ({error.strerror}).') from error
    for name, content in {
        'latents.tsv': '\n'.join(rows).encode(),
        'labels.tsv': '\n'.join(' '.join(str(name).split()) for name in classes).encode(
            errors='backslashreplace'  # for folder names that are not UTF-8
        ),
        'sprite.png': tf.io.encode_png(square).numpy(),
    }.items():
        files.write_file(os.path.join(folder, FOLDER, name), content)
    config = projector.ProjectorConfig()
    embedding = config.embeddings.add(
        tensor_name='latents',
        tensor_path=f'{FOLDER}/latents.tsv',
        metadata_path=f'{FOLDER}/labels.tsv',
    )
    embedding.sprite.image_path = f'{FOLDER}/sprite.png'
    embedding.sprite.single_image_dim.extend([width, height])
    text = text_format.MessageToString(config)
    files.write_file(config_path, text.encode())
