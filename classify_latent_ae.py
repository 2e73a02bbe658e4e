"""Trains a single-layer classifier on an autoencoder's latents:

    python classify_latent_ae.py --ae_dir=experiments/mnist32/AEBaseline_depth16_latent16_scales3
"""
import math
import os

import cli
from cli import flags, tasks
from cli.shared_flags import define_training_flags

FLAGS = flags.FLAGS


def main():
    ae, ae_run, images = tasks.open_autoencoder(FLAGS.dataset, FLAGS.batch, FLAGS.seed)
    tasks.need_classes(images)
    code, accuracy = tasks.train_classifier(
        tasks.ON_LATENTS,
        images,
        os.path.join(FLAGS.train_dir, images.name, ae_run.name),
        ae=ae,
        ae_run=ae_run,
    )
    if accuracy is not None:
        class_name, size = type(ae).__name__, math.prod(ae.latent_shape)
        # No value of the paper: table 2 has the classifier that is trained with the autoencoder.
        tasks.summarize('classify_latent_ae', images.name, class_name, size, accuracy)
    return code


if __name__ == '__main__':
    define_training_flags(dataset=None)
    tasks.define_ae_dir_flag()
    cli.run(main, required=tasks.AE_DIR)
