"""Stand-ins for the training scripts: checkpoints without content, many in a second."""
import os

from lib.paper import experiments

SCRIPT = """
import glob, os, sys, time
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
        open(os.path.join(folder, f'model.ckpt-{step}.index'), 'w').close()
    print('end', time.time(), file=log)
"""


def write(folder, failing=()):
    """Writes them to a folder; those of the scripts named in `failing` fail."""
    for experiment in experiments.of_table(1):
        script = experiments.script_of(experiment.class_name)
        name = os.path.basename(experiment.folder('').path)
        text = SCRIPT.replace('NAME', repr(name)).replace('FAIL', str(script in failing))
        with open(os.path.join(folder, f'{script}.py'), 'w') as file:
            file.write(text)
