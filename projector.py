"""Writes the latents of test images for TensorBoard's projector:

    python projector.py --ae_dir=experiments/lines32/ACAI_advdepth16_...
    tensorboard --logdir=experiments
"""
import shlex

import cli
from cli import flags, tasks
from lib.errors import UserError

FLAGS = flags.FLAGS
flags.DEFINE_integer('images', 1000, 'How many test images.', 2, 10_000)


def main():
    import numpy as np

    from lib import eval
    from lib.drawing import projector

    ae, ae_run, dataset = tasks.open_autoencoder()
    batch = eval.first_batch(dataset, FLAGS.images)
    if len(batch['x']) < 2:
        raise UserError(f'{dataset.name} has one test image, and a projection needs two.')
    latents = eval.encode(ae, batch['x'])
    labels = np.argmax(batch['label'], axis=1)
    names = [dataset.classes[label] for label in labels] if dataset.classes else labels
    projector.write(ae_run.summaries, latents, names, batch['x'])
    print(
        f'{len(latents)} latents for tensorboard --logdir={shlex.quote(ae_run.summaries)}: see '
        'Projector, below Inactive.'
    )
    return 0


if __name__ == '__main__':
    tasks.define_ae_dir_flag()
    cli.run(main, required=tasks.AE_DIR)
