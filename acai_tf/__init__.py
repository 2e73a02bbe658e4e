"""The paper's autoencoders. `ALL_AES` maps class names to classes, as run folders name them."""
import importlib
import pkgutil

from acai_tf.autoencoder import Autoencoder


def _subclasses(cls):
    for sub in cls.__subclasses__():
        yield sub
        yield from _subclasses(sub)


# A new method is a new file in this folder; nothing has to list it.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f'{__name__}.{_module.name}')
ALL_AES = {
    cls.__name__: cls
    for cls in _subclasses(Autoencoder)
    if cls.method_losses is not Autoencoder.method_losses
}


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
    class_name = run.name.split('_')[0]
    if class_name not in ALL_AES:
        raise runs.RunError(
            f'{path} is no run folder: no method is called {class_name}; known: '
            f'{", ".join(sorted(ALL_AES))}.'
        )
    if not run.checkpoint_steps():
        raise runs.RunError(f'{path} has no checkpoint (tf/model.ckpt-STEP.index); train it first.')
    cls = ALL_AES[class_name]
    record = run.read_args()
    known = hyperparameters(cls)
    if record:
        params = {key: value for key, value in record['args'].items() if key in known}
        options = {key: record['args'][key] for key in ('lr', 'seed') if key in record['args']}
    else:
        text = runs.parse_experiment_name(run.name, known)
        params, options = {key: known[key](value) for key, value in text.items()}, {}
    shape, nclass = checkpoints.image_shape_and_nclass(run, params['scales'], params['latent'])
    model = cls(image_shape=shape, nclass=nclass, **params, **options)
    train.resume(model, run)
    return model


def hyperparameters(cls):
    """{name: type} of what a method's run folder is named by."""
    types = {'scales': int, 'depth': int, 'latent': int}
    for base in cls.__mro__:
        parameters = inspect.signature(base.__init__).parameters.values()
        types |= {p.name: type(p.default) for p in parameters if p.kind is p.KEYWORD_ONLY}
    raise SystemExit
globals().update(ALL_AES)
__all__ = ['ALL_AES', 'Autoencoder', *ALL_AES]
