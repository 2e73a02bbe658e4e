"""Trains a single-layer classifier on raw pixels: python classify_fc.py --dataset=mnist32"""
import math
import os

import cli
from cli import flags, tasks
from cli.shared_flags import define_training_flags

FLAGS = flags.FLAGS

flags.DEFINE_float(
    'smoothing', -0.1, 'Share of a label spread over all classes; sign ignored.', -1, 1
)


def main():
    from lib import data

    dataset = data.get_dataset(FLAGS.dataset, FLAGS.batch, FLAGS.seed)
    tasks.need_classes(dataset)
    code, accuracy = tasks.train_classifier(
        tasks.ON_PIXELS,
        dataset,
        os.path.join(FLAGS.train_dir, dataset.name),
        # Original: the sign is ignored; the default is -0.1, which the run folder's name contains.
        params={'smoothing': -abs(FLAGS.smoothing) or 0.0},
    )
    if accuracy is not None:
        size = math.prod(dataset.image_shape)
        tasks.summarize('classify_fc', dataset.name, 'pixels', size, accuracy)
    return code


if __name__ == '__main__':
    define_training_flags()
    cli.run(main)
