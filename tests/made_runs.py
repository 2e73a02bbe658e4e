"""Run folders that no training made, and what the event files of any hold."""
import glob

import tensorflow as tf
from tensorboard.compat.proto.event_pb2 import Event

from lib import runs
from tests import tiny

NAME = 'AEBaseline_depth16_latent16_scales4'
PARAMS = {'scales': 4, 'depth': 16, 'latent': 16}


def made(path, args):
    """A run folder with an args.json of these options."""
    run = runs.RunFolder(str(path))
    run.create()
    run.write_args(args)
    return run


def of_method(folder, method, dataset='lines32', sizes=None, **args):
    """(a small model of a method, the folder of its run)."""
    model = tiny.make(method, **(sizes or {}))
    path = folder / dataset / runs.experiment_name(method, model.params)
    return model, made(path, {'class': method, 'dataset': dataset, **model.params, **args})


def reported(train_dir, values, seed=1, name=NAME, dataset='lines32', **options):
    """The path of a run that reported {tag: {step: value}}."""
    path = train_dir / dataset / name
    args = {'class': name.split('_')[0], 'dataset': dataset, 'batch': 64, 'lr': 1e-4, 'seed': seed}
    write_events(made(path, {**args, **PARAMS, **options}).summaries, values)
    return path


def write_events(summaries, values):
    """Writes {tag: {step: value}} as one more event file of a folder."""
    with tf.summary.create_file_writer(str(summaries)).as_default():
        for tag, curve in values.items():
            for step, value in curve.items():
                tf.summary.scalar(tag, value, step)


def steps_by_tag(summaries):
    """{tag: steps at which the event files of a folder hold it, as often as they do}."""
    steps = {}
    for path in sorted(glob.glob(f'{summaries}/*tfevents*', include_hidden=True)):
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            event = Event.FromString(record)
            for value in event.summary.value:
                steps.setdefault(value.tag, []).append(event.step)
    return steps
