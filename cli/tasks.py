"""Shared by the scripts that measure or show a representation: classify_fc.py,
classify_latent_ae.py, cluster.py and projector.py."""
import os
import sys

from absl import flags

from cli import announcements, fitting, paths, training
from lib.errors import UserError

FLAGS = flags.FLAGS
ON_PIXELS, ON_LATENTS = 'XFullyConnected', 'XLatentAE'  # the classifiers' folders begin so
AE_DIR = {'ae_dir': 'a run folder, TRAIN_DIR/DATASET/EXPERIMENT'}  # `required` of `cli.run`


def define_ae_dir_flag():
    """Defines --ae_dir, the flag of the tasks on a trained autoencoder."""
    paths.define(
        'ae_dir',
        None,
        "The autoencoder's run folder, TRAIN_DIR/DATASET/EXPERIMENT; the original's work too.",
    )


def open_autoencoder(dataset_name=None, batch_size=64, seed=0):
    """Loads the autoencoder of --ae_dir, with its run folder and a dataset that fits it.

    Args:
        dataset_name: None for the dataset that it was trained on.
        batch_size, seed: of the dataset.

    Returns:
        (model, `lib.runs.RunFolder`, `lib.data.Dataset`).

    Raises:
        UserError: there is no such run or dataset, or they do not fit.
    """
    from acai_tf import load
    from lib import checkpoints, data, runs

    run = runs.RunFolder(FLAGS.ae_dir)
    model = load.load_run(FLAGS.ae_dir)
    if variable := checkpoints.first_non_finite(model):
        raise UserError(
            f'The weights {variable} of {run.path} are not finite: its training diverged; give '
            '--ae_dir another run.'
        )
    trained_on = load.identify(run).dataset
    name = dataset_name or trained_on
    if not dataset_name:
        fitting.check_is_told(run, trained_on, '; or give --dataset' if 'dataset' in FLAGS else '')
    dataset = data.get_dataset(name, batch_size, seed)
    fitting.check_fits(run, model, dataset, trained_on, 'give --ae_dir another run')
    return model, run, dataset


def need_classes(dataset):
    """Raises UserError if a dataset has fewer than two classes."""
    if dataset.nclass < 2:
        raise UserError(
            f'The images of {dataset.name} are of one class, so that there is nothing to classify; '
            'use a dataset with labels, such as mnist32 or digits32.'
        )


def train_classifier(class_name, images, folder, ae=None, ae_run=None, params=None):
    """Trains the single-layer classifier of a task in a run folder.

    Args:
        class_name: ON_PIXELS or ON_LATENTS; begins the run folder's name.
        images: a `lib.data.Dataset`.
        folder: the folder that the run folder goes into.
        ae: the autoencoder whose latents of the images are classified; None for the images' pixels.
        ae_run: its `lib.runs.RunFolder`.
        params: {name: value} of `LinearClassifier`'s own options, also in the run folder's name.

    Returns:
        (exit code, accuracy on the test set in % or None if it was not trained to its end).
    """
    from lib import eval, runs, train
    from lib.paper import results
    from lib.tasks import latents, linear_classifier

    params, last = params or {}, train.total_steps(FLAGS.total_kimg, FLAGS.batch)
    run = runs.RunFolder(os.path.join(folder, runs.experiment_name(class_name, params)))
    model = linear_classifier.LinearClassifier(
        ae.latent_shape if ae else images.image_shape,
        images.nclass,
        FLAGS.lr,
        # Original: the run's last step does not count in the learning rate's decay.
        steps=last - 1,
        seed=FLAGS.seed,
        **params,
    )
    options = {key: FLAGS[key].value for key in ('lr', 'batch', 'seed', 'total_kimg')}
    args, about = {'class': class_name, 'dataset': images.name, **options, **params}, {}
    if ae:
        args |= {'ae_dir': os.path.abspath(ae_run.path), 'ae_step': int(ae.global_step)}
        args |= {'ae_weights': latents.weights_checksum(ae)}
        # For tables, where the autoencoder's folder is not there any more.
        about = {'autoencoder': ae_run.args, 'autoencoder_code': results.code_of(ae_run)}
    if FLAGS.dry_run:
        training.print_resolved(model, run, args)
        return 0, None
    _check_autoencoder(run, args)
    with training.opened(run, args, model, may_change=_moved(run, args)):
        announcements.begin(run, model, args, last)
        dataset = latents.latent_dataset(ae, images, FLAGS.batch, FLAGS.seed) if ae else images
        reports = {'about': about, 'make_reports': linear_classifier.reports}
        stopped_by = train.train_run(
            model, dataset, run, args=args, **reports, **training.schedule()
        )
    code = training.end(run, model, stopped_by)
    return code, None if code else eval.latent_accuracy(model, dataset.test)


def _moved(run, args):
    """('ae_dir',) if a classifier may go on with another --ae_dir, else ().

    It may if the autoencoder has the same weights as before, or was moved along with the
    classifier. Elsewhere, an autoencoder of the same name may be another one, of another seed.
    """
    weights = args.get('ae_weights')
    if weights and run.args.get('ae_weights') == weights:
        return ('ae_dir',)
    is_there = os.path.isdir(str(run.args.get('ae_dir')))
    own = os.path.realpath(args.get('ae_dir', os.devnull))
    is_inside = os.path.dirname(os.path.realpath(run.path)) == own
    return ('ae_dir',) if is_inside and not is_there else ()


def _check_autoencoder(run, args):
    before = run.begun_with().get('args', {})
    otherwise = 'delete that folder, or choose another --train_dir'
    if before.get('ae_step', args.get('ae_step')) != args.get('ae_step'):
        raise UserError(
            f'{run.path} holds a classifier of the autoencoder at step {before["ae_step"]}, which '
            f'is at step {args["ae_step"]} now; {otherwise}.'
        )
    if before.get('ae_weights', args.get('ae_weights')) != args.get('ae_weights'):
        raise UserError(
            f'{run.path} holds a classifier of an autoencoder with other weights, which was '
            f'trained in that place before; {otherwise}.'
        )


def summarize(task, dataset, model_name, size, accuracy, value=None):
    """Prints a task's last line: what was measured, and the paper's value for it.

    Args:
        task: its name.
        dataset: the dataset's name.
        model_name: the autoencoder's class, or what else was classified.
        size: numbers in a latent.
        accuracy: in %.
        value: a `lib.paper.reported.PaperValue`, or None where the paper has none.
    """
    from lib.paper import reported

    compared = f'{value} ({reported.SOURCE})' if value else 'no figure of the paper'
    print(
        f'{task}: dataset={dataset}  model={model_name}  latent_size={size}  '
        f'accuracy={accuracy:.2f}  paper={compared}'
    )
    sys.stdout.flush()
