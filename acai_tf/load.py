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
    record = run.read_args()
    if record:
        types = methods[class_name].hyperparameters()
        params = {key: value for key, value in record['args'].items() if key in types}
        options = {key: record['args'][key] for key in ('lr', 'seed') if key in record['args']}
    else:
        class_name, params = _params_from_name(run, methods)
        options = {}
    image_shape, nclass = _trained_on(run)
    model = methods[class_name](image_shape=image_shape, nclass=nclass, **params, **options)
    train.restore(model, run)
    return model


def _params_from_name(run, methods):
    """(class name, params) of a folder that has no args.json."""
    class_name = run.name.split('_')[0]
    types = methods[class_name].hyperparameters()
    text = runs.parse_experiment_name(run.name, types)
    if class_name == 'ACAI' and 'reg' not in text:
        class_name = 'LRAE'  # Original: the ablation's class is called ACAI too
    missing = [key for key in ('scales', 'depth', 'latent') if key not in text]
    try:
        params = {key: types[key](value) for key, value in text.items()}
    except ValueError as error:
        raise runs.RunError(f'{run.name} is no name of a run folder: {error}.') from error
    if missing:
        raise runs.RunError(f'{run.name} is no name of a run folder: it lacks {missing[0]}.')
    return class_name, params


def _trained_on(run):
    """(image shape, nclass) from the newest checkpoint that tells."""
    newest = run.newest_step()
    for step in run.checkpoint_steps():
        try:
            return checkpoints.image_shape_and_nclass(run.checkpoint(step))
        except checkpoints.DamagedCheckpointError:
            continue
    return checkpoints.image_shape_and_nclass(run.checkpoint(newest))  # says what is wrong with it
