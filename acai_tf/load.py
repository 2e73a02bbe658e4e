"""Trained models from their run folders, for notebooks and for the tasks on latents."""
from acai_tf.autoencoder import Autoencoder
from lib import checkpoints, runs, train


def load_run(path):
    """A trained model from its run folder, ours or the original's, with its newest checkpoint.

    The method and its hyper-parameters come from args.json, else from the folder's name; the
    image's shape and the number of classes from the checkpoint.

    Args:
        path: TRAIN_DIR/DATASET/EXPERIMENT.

    Raises:
        lib.runs.RunError: the folder is no run, or has no readable checkpoint.
        lib.checkpoints.CheckpointError: the checkpoint is of another model.
    """
    run = runs.RunFolder(path)
    methods = Autoencoder.methods()
    class_name = run.name.split('_')[0]
    if class_name not in methods:
        raise runs.RunError(
            f'{path} is no run folder: its name must begin with one of '
            f'{", ".join(sorted(methods))}.'
        )
    cls = methods[class_name]
    types = cls.hyperparameters()
    record = run.read_args()
    if record:
        params = {key: value for key, value in record['args'].items() if key in types}
        options = {key: record['args'][key] for key in ('lr', 'seed') if key in record['args']}
    else:
        text = runs.parse_experiment_name(run.name, types)
        params, options = {key: types[key](value) for key, value in text.items()}, {}
    step = run.newest_step()
    image_shape, nclass = checkpoints.image_shape_and_nclass(
        run.checkpoint(step), params['scales'], params['latent']
    )
    model = cls(image_shape=image_shape, nclass=nclass, **params, **options)
    train.resume(model, run)
    return model
