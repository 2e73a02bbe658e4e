"""Makes the TFRecord files of datasets: python create_datasets.py --datasets=mnist,svhn

From your own pictures: python create_datasets.py --images=FOLDER --name=mine
"""
import cli
from cli import flags, logging, paths
from lib.errors import UserError

flags.DEFINE_list('datasets', 'mnist,cifar10,svhn,celeba', 'What to make.')
paths.define('from', None, 'Folder of the files as published, instead of downloads.')
flags.DEFINE_bool(
    'no-checksums', False, 'Accept files of the right format that are not the published ones.'
)
paths.define('data_dir', None, 'Folder of the records (AE_DATA if not given).')
flags.DEFINE_bool('overwrite', False, 'Make files again that are there already.')
paths.define('celeba_zip', None, 'Your img_align_celeba.zip, instead of a download.')
paths.define('images', None, 'Folder of your own pictures, a sub-folder for each class.')
flags.DEFINE_string('name', None, 'Name of the dataset of your own pictures.')
flags.DEFINE_integer('size', 32, 'Width and height of your own pictures, in pixels.')
flags.DEFINE_float('test_fraction', 0.1, 'Share of your own pictures that is for testing.')
flags.DEFINE_bool('strict', False, 'Stop at a file that is not a picture, instead of skipping it.')

FLAGS = flags.FLAGS


PUBLISHED = 'datasets', 'from', 'no-checksums', 'celeba_zip'
OWN = 'test_fraction', 'strict'  # only for the user's own pictures
OWN_NEEDS = {'images': 'the folder of your pictures', 'name': 'their dataset a name'}


def refuse(names, why):
    """Raises UserError for the first of the named flags that is given."""
    for name in names:
        if FLAGS[name].present:
            raise UserError(f'--{name} {why}')


def main():
    from lib import data
    from lib.data import downloads, picture_folder

    logging.set_verbosity(logging.ERROR)  # hides TFDS's notes on its own folders
    data_dir = FLAGS.data_dir or data.records_folder()
    if not data_dir:
        raise UserError('Name the folder of the records: --data_dir=FOLDER, or set AE_DATA.')
    if FLAGS.images or FLAGS.name:
        refuse(PUBLISHED, 'is for published datasets; leave it out beside --images and --name.')
        for name, what in OWN_NEEDS.items():
            if not FLAGS[name].value:
                raise UserError(f'--{name} is missing; give {what}.')
        picture_folder.create(
            FLAGS.images,
            FLAGS.name,
            data_dir,
            test_fraction=FLAGS.test_fraction,
            strict=FLAGS.strict,
            overwrite=FLAGS.overwrite,
            size=FLAGS.size,
        )
        return 0
    refuse(
        ['size'],
        'is for your own pictures, --images; CelebA and lines come at any width by name: train '
        'with --dataset=celeba64 or --dataset=lines64.',
    )
    refuse(OWN, 'is for your own pictures; give --images and --name too.')
    downloads.create_all(
        FLAGS.datasets,
        data_dir,
        FLAGS.overwrite,
        FLAGS.celeba_zip,
        FLAGS['from'].value,
        verified=not FLAGS['no-checksums'].value,
    )
    return 0


if __name__ == '__main__':
    cli.run(main)
