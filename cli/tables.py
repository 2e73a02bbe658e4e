"""Makes the tables of the runs below a folder."""
import os
import sys

import tensorflow as tf

from acai_tf import load
from cli import tasks
from lib import checkpoints, runs, train
from lib.errors import UserError
from lib.paper import (
    constants,
    equal_kimg,
    experiments,
    hours_table,
    kinds,
    results,
    samples_table,
    tables,
    tasks_table,
)
from lib.runs import discovery, scalars

NUMBERS = tuple(map(str, experiments.TABLES))  # the paper's own tables
LISTS = {'samples': samples_table, 'hours': hours_table}  # tables of only some runs
NAMES = (*NUMBERS, 'tasks', *LISTS, 'original')


def text(train_dir, names, format):
    """The tables that `names` lists, as text.

    Args:
        train_dir: holds [RUNk/]DATASET/EXPERIMENT.
        names: list of entries of NAMES.
        format: one of `lib.paper.layouts.FORMATS`.

    Raises:
        UserError: a name is unknown, or no run is there.
    """
    if not names or not set(names) <= set(NAMES):
        raise UserError(f'--tables={",".join(names)} must be of {", ".join(NAMES)}.')
    records, classified = load.find_runs(train_dir), find_classified(train_dir)
    if not records and not classified:
        raise UserError(f'{train_dir} holds no run folder ([RUNk/]DATASET/EXPERIMENT).')
    built = []
    for name in names:
        if name in NUMBERS:
            built.append(tables.build(records, int(name)))
        elif name == 'original':
            built += equal_kimg.build(records)
        else:
            if name == 'tasks':
                table = tasks_table.build(records, classified)
            else:
                table = LISTS[name].build(records)
            built += [table] if table.lines else []
    if not built:
        raise UserError(f'{train_dir} holds no run that --tables={",".join(names)} is about.')
    return tables.render(format, built, 'not run' if names == ['original'] else 'missing')


def find_classified(train_dir):
    """Reads the results of classify_fc.py and classify_latent_ae.py below a folder.

    Returns:
        list of `lib.paper.tasks_table.Classified`, in the order of their paths; a note on stderr
        names what is unreadable.
    """
    classified, seen = [], []

    def tell(error):
        if _is_classifier(error.filename):  # `load.find_runs` reports the others
            print(f'{error.filename} is skipped ({error.strerror}).', file=sys.stderr)

    for folder, below in discovery.walk(train_dir, tell):
        if _is_classifier(folder):
            below.clear()
            try:
                one, told = _classified(runs.RunFolder(folder))
                if told in seen:
                    raise UserError('it repeats another')
                seen.append(told)
                classified.append(one)
            except (
                UserError, KeyError, TypeError, ArithmeticError, *checkpoints.READ_ERRORS
            ) as error:  # fmt: skip
                print(f'{folder} is skipped ({error}).', file=sys.stderr)
    return classified


def _is_classifier(path):
    return runs.RunFolder(path).name.split('_')[0] in (tasks.ON_PIXELS, tasks.ON_LATENTS)


def _classified(run):
    """The `Classified` of a run folder, and a key that only a copy of the same run shares."""
    curve = scalars.read(run.summaries).get('test_accuracy')
    args = run.args
    if not curve or not args:
        raise UserError('it has no report yet' if args else f'it has no {runs.ARGS_NAME}')
    if not isinstance(args['dataset'], str):
        raise UserError(f'its {runs.ARGS_NAME} has dataset={args["dataset"]!r:.50}')
    last = max(curve)
    if 'total_kimg' in args:
        end = train.total_steps(args['total_kimg'], args['batch'])
        if last < end:  # what it reaches depends on how far its learning rate has fallen
            raise UserError(f'it is at step {last} of {end}; train it to its end')
    variables = dict(tf.train.list_variables(run.checkpoint(run.newest_step())))
    (size,) = {shape[0] for name, shape in variables.items() if name.endswith('dense/kernel')}
    if run.name == tasks.ON_LATENTS:
        model, settings, code, ae_kimg = _autoencoder(run, args)
        # Earlier records have no checksum.
        autoencoder = str(args.get('ae_weights') or os.path.realpath(args['ae_dir']))
    else:
        model, settings = tasks_table.PIXELS, (f'smoothing={args["smoothing"]}',)
        code, ae_kimg, autoencoder = results.OURS, 0, None
    usual = {'lr': constants.LR, 'batch': constants.BATCH}
    settings += tuple(
        f'classifier {name}={args[name]}'
        for name, value in usual.items()
        if args.get(name, value) != value
    )
    kimg = (last * args['batch']) >> 10
    kind = kinds.Kind(args['dataset'], model, settings, size, code)
    classified = tasks_table.Classified(kind, curve[last], kimg, ae_kimg, autoencoder)
    # Without ae_dir: a copy may have reached the autoencoder by another path.
    return classified, ({**args, 'ae_dir': None}, curve)


def _autoencoder(run, args):
    """(class, settings, code, kimg) of the autoencoder whose latents were classified."""
    own, recorded = runs.RunFolder(args['ae_dir']), run.read_record()
    # Where the autoencoder's folder is gone, the classifier's parent folder still has its name.
    is_there = os.path.isdir(own.path)
    known = own if is_there else runs.RunFolder(os.path.dirname(run.path))
    # The autoencoder's options, which the classifier recorded in case that folder goes.
    kept = {} if is_there else recorded.get('autoencoder') or {}
    identity = load.identify(known, kept)
    class_name = identity.class_name
    trained_on = identity.dataset if is_there else kept.get('dataset', own.dataset)
    record = results.Run(own.path, class_name, trained_on, identity.params, **identity.options)
    settings = kinds.settings_texts(record)
    if trained_on != args['dataset']:
        settings += (f'trained on {trained_on}',)
    tells = is_there or known.is_recorded or known.checkpoint_steps()
    kept_code = recorded.get('autoencoder_code', results.OURS)
    code = results.code_of(known) if tells else kept_code
    return class_name, settings, code, record.kimg(args.get('ae_step', 0))
