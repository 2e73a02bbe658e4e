"""Trained runs side by side, such as one of the 2018 code and one of ours."""
from acai_tf.load import load_run
from lib import data, runs
from lib.errors import UserError
from lib.tasks import comparison


def compare_runs(paths, dataset_name, *, seed, images, out=None):
    """Prints a table of what runs score on the same images and noise, and writes a picture.

    Args:
        paths: {label: run folder}, one or two.
        dataset_name: what to compare them on; None for the dataset that they were trained on.
        seed: of test lines and noise.
        images: how many test images the losses and differences are taken on.
        out: the picture's path; None for compare_DATASET_EXPERIMENT.png, by the first run.

    Raises:
        UserError, UserError, UserError: a run or the
            dataset cannot be used, the runs do not fit the dataset, or `out` cannot be written.
    """
    folders = {label: runs.RunFolder(path) for label, path in paths.items()}
    dataset = data.get_dataset(dataset_name or _common_dataset(folders.values()), seed=seed)
    models, columns = {}, {}
    for label, folder in folders.items():
        model = load_run(folder.path)
        _check_fits(folder, model, dataset)
        step = int(model.global_step)
        print(f'{label}: {folder.path} ({type(model).__name__}, step {step})')
        recorded = {name: float(value) for name, value in model.evaluation.items()}
        comparison.same_noise(model, seed)
        models[label] = model
        columns[label] = {'step': step, **comparison.scores(model, dataset, images)}
        # What the code that trained it measured at its last report; 0 before the first.
        for name, value in recorded.items():
            if value and name in columns[label]:
                columns[label][f'{name}, as recorded'] = value
    differences = None
    if len(models) == 2:
        differences = comparison.largest_differences(*models.values(), dataset, images)
    print(comparison.table(columns, differences))
    first = next(iter(folders.values()))
    out = out or f'compare_{dataset.name}_{first.name}.png'
    runs.write_file(out, comparison.picture(models, dataset))
    print(f'Wrote {out}: test images, their reconstructions, and interpolations between others.')


def _common_dataset(folders):
    records = [(folder.read_args() or {'args': {}})['args'] for folder in folders]
    names = [args.get('dataset', run.dataset) for args, run in zip(records, folders, strict=True)]
    names = list(dict.fromkeys(names))
    if len(names) > 1:
        raise UserError(
            f'The runs are of {" and ".join(names)}; say with --dataset on which to compare them.'
        )
    return names[0]


def _check_fits(folder, model, dataset):
    if (model.image_shape, model.nclass) != (dataset.image_shape, dataset.nclass):
        raise UserError(
            f'{folder.path} is of images {model.image_shape} in {model.nclass} classes, but '
            f'{dataset.name} has {dataset.image_shape} in {dataset.nclass}; choose another '
            '--dataset.'
        )
