"""Compares trained runs side by side, such as one of the 2018 code and one of ours."""
import os

from acai_tf import load
from cli import fitting
from lib import data, files, runs
from lib.errors import UserError
from lib.paper import reported, results
from lib.tasks import comparison


def compare_runs(paths, dataset_name, *, seed, images, out=None):
    """Prints a table of what runs score on the same images and noise, and writes a picture.

    Args:
        paths: {label: run folder}, one or more.
        dataset_name: what to compare them on; None for the dataset that they were trained on.
        seed: of test lines and noise.
        images: how many test images the losses and differences are taken on.
        out: the picture's path; None for compare_DATASET_EXPERIMENT.png, by the first run.

    Raises:
        UserError: a run or the dataset cannot be used, the runs do not fit the dataset, or `out`
            cannot be written.
    """
    if out and not out.endswith('.png'):
        raise UserError(f'--out={out} must end in .png.')
    folders = {label: runs.RunFolder(path) for label, path in paths.items()}
    models = {label: load.load_run(folder.path) for label, folder in folders.items()}
    trained_on = {label: load.identify(folder).dataset for label, folder in folders.items()}
    if not dataset_name:
        for label, folder in folders.items():
            fitting.check_is_told(folder, trained_on[label], '; or give --dataset')
    dataset = data.get_dataset(dataset_name or _common(trained_on.values()), seed=seed)
    for label, model in models.items():
        _check_fits(folders[label], model, dataset, trained_on[label])
    columns = {}
    for label, model in models.items():
        folder = folders[label]
        step = int(model.global_step)
        print(f'{label}: {folder.path} ({type(model).__name__}, step {step})')
        recorded = {}
        if trained_on[label] == dataset.name:
            recorded = {name: float(value) for name, value in model.evaluation.items()}
        comparison.fix_noise(model, seed)
        columns[label] = {'step': step, **comparison.scores(model, dataset, images)}
        # What the code that trained the run measured at its last report; 0 before the first one.
        for name, value in recorded.items():
            if value and name in columns[label]:
                columns[label][f'{name}, as recorded'] = value
    differences = None
    if len(models) == 2:
        differences = comparison.largest_differences(*models.values(), dataset, images)
    print(comparison.table(columns, differences))
    first = next(iter(folders.values()))
    out = out or f'compare_{dataset.name}_{first.name}.png'
    picture, shown, pairs = comparison.picture(models, dataset)
    files.write_file(out, picture)
    if pairs:
        several = 's' * (pairs > 1)
        about = f'their reconstructions, and {pairs} interpolation{several} between others.'
    else:
        about = 'and their reconstructions; there are too few to interpolate between others.'
    print(f'Wrote {out}: {shown} test images, {about}')


def labelled(paths):
    """{label: path} of run folders; a label says what tells its run from the others.

    Raises:
        UserError: one is not a run folder, or is given twice.
    """
    known = [_what_it_is(path) for path in paths]
    if len({os.path.realpath(path) for path in paths}) < len(paths):
        raise UserError('A run folder is given twice; give each once.')
    shared = [name for name in known[0] if all(name in other for other in known)]
    telling = [name for name in shared if len({str(one[name]) for one in known}) > 1]
    labels = [
        ' '.join(str(one[name]) for name in telling or ['method']) for one in known
    ]
    if len(set(labels)) < len(labels):
        labels = paths
    return dict(zip(labels, paths, strict=True))


def _what_it_is(path):
    """{trait: its text in a label} of a run folder: method, code, dataset, options and seed."""
    load.check_is_there(path)
    folder = runs.RunFolder(path)
    class_name, params, dataset, recorded = load.identify(folder)
    record = results.Run(path, class_name, dataset, params, recorded.get('seed'))
    return {
        'method': reported.method(class_name),
        'code': results.code_of(folder),
        'dataset': dataset,
        **{name: f'{name}={value}' for name, value in params.items()},
        **{name: f'{name}={recorded[name]}' for name in ('lr', 'batch') if name in recorded},
        'seed': record.seed_name,
    }


def _common(names):
    """The one dataset of all runs, from the name of each run's; raises UserError if they differ."""
    names = list(dict.fromkeys(names))
    if len(names) > 1:
        raise UserError(
            f'The runs are of {" and ".join(names)}; say with --dataset on which to compare them.'
        )
    return names[0]


def _check_fits(folder, model, dataset, trained_on):
    fitting.check_fits(folder, model, dataset, trained_on, 'choose another --dataset')
    if model.nclass != dataset.nclass:  # its losses need equally many classes
        raise UserError(
            f'{folder.path} tells {model.nclass} classes apart, and {dataset.name} has '
            f'{dataset.nclass}; choose another --dataset.'
        )
