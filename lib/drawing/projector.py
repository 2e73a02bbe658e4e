"""What TensorBoard's embedding projector shows: latents, with a label and a small picture each."""
import math
import os

import numpy as np

from lib import files
from lib.drawing import pictures

FOLDER = 'projector'  # beside the event files, where TensorBoard looks for the configuration
CONFIG = """embeddings {{
  tensor_name: "latents"
  tensor_path: "{folder}/latents.tsv"
  metadata_path: "{folder}/labels.tsv"
  sprite {{
    image_path: "{folder}/sprite.png"
    single_image_dim: {width}
    single_image_dim: {height}
  }}
}}
"""


def sprite(images):
    """Images (n, H, W, C) in [-1, 1] as one square of them, row by row; what is left over is dark.

    Returns:
        (side * H, side * W, C) with side = ceil(sqrt(n)).
    """
    side = math.ceil(math.sqrt(len(images)))
    left_over = np.full((side**2 - len(images), *images.shape[1:]), -1, images.dtype)
    square = np.concatenate([images, left_over]).reshape(side, side, *images.shape[1:])
    return pictures.tile(square)


def write(folder, latents, classes, images):
    """Writes latents for the projector, in place of what was there.

    Args:
        folder: of a run's event files.
        latents: (n, ...).
        classes: their classes, n numbers or names.
        images: (n, H, W, C) in [-1, 1].

    Raises:
        UserError: the folder cannot be written.
    """
    rows = ('\t'.join(f'{value:.6g}' for value in np.ravel(latent)) for latent in latents)
    height, width = images.shape[1:3]
    for name, content in {
        'latents.tsv': '\n'.join(rows).encode(),
        'labels.tsv': '\n'.join(' '.join(str(name).split()) for name in classes).encode(),
        'sprite.png': pictures.to_png(sprite(images)),
    }.items():
        files.write_file(os.path.join(folder, FOLDER, name), content)
    config = CONFIG.format(folder=FOLDER, width=width, height=height)
    files.write_file(os.path.join(folder, 'projector_config.pbtxt'), config.encode())
