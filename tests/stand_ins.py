"""Stand-ins for the training scripts: the same checkpoint again and again, many in a second."""
import os
import shutil

from cli.reproduction import planning
from lib import checkpoints
from lib.paper import experiments
from tests import tiny

WHOLE = tiny.golden_prefix('baseline', 'final')
SUFFIXES = (checkpoints.DATA, checkpoints.INDEX)

SCRIPT = """
import glob, os, shutil, sys, time
flags = dict(arg[2:].split('=') for arg in sys.argv[1:])
folder = os.path.join(flags['train_dir'], flags['dataset'], NAME, 'tf')
os.makedirs(folder, exist_ok=True)
with open(os.path.join(flags['train_dir'], 'log'), 'a') as log:
    print('start', os.getpid(), os.environ.get('PLACE'), time.time(), file=log, flush=True)
    steps = [int(f.split('-')[-1][:-6]) for f in glob.glob(folder + '/*.index')]
    if FAIL:
        sys.exit('out of luck')
    for step in range(max(steps, default=0) + 1, 2 + int(flags['total_kimg']) * 16):
        time.sleep(0.02)
        print(f'  5%|# | {step * 64}/1.0M [0:00<?]\\rkimg={step}', flush=True)
        for suffix in SUFFIXES:
            shutil.copyfile(WHOLE + suffix, os.path.join(folder, f'model.ckpt-{step}{suffix}'))
    print('end', time.time(), file=log)
"""


def write(folder, failing=()):
    """Writes them to a folder; those of the scripts named in `failing` fail."""
    for experiment in experiments.of_table(1):
        script = experiments.script_of(experiment.class_name)
        name = os.path.basename(experiment.folder('').path)
        values = {'NAME': name, 'FAIL': script in failing, 'SUFFIXES': SUFFIXES, 'WHOLE': WHOLE}
        text = SCRIPT
        for word, value in values.items():
            text = text.replace(word, repr(value))
        with open(os.path.join(folder, f'{script}.py'), 'w') as file:
            file.write(text)


def jobs_of(train_dir, table=1, **options):
    """Jobs of `planning.plan`, short ones of the baseline unless options say otherwise."""
    options = {'seeds': 1, 'total_kimg': 1, 'report_kimg': 1, 'methods': ['baseline'], **options}
    return planning.plan(table, str(train_dir), **options)


def write_checkpoint(prefix):
    """Puts a whole checkpoint there."""
    for suffix in SUFFIXES:
        shutil.copyfile(WHOLE + suffix, prefix + suffix)


def trained(job, step, seed):
    """Leaves what a job's run that was trained to a step does."""
    job.folder.create()
    job.folder.write_args({'seed': seed})
    write_checkpoint(job.folder.checkpoint(step))
