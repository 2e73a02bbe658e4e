"""A table of tiny runs on a real Slurm, killed and requeued on the way, against the local one.

    python tests/run_slurm.py [--folder=F]

Starts a one-node Slurm (`tests/one_node_slurm.py`), has reproduce.py submit some runs, two at a
time; lets one be stopped by its time limit, requeues one, takes one out by scancel and asks for it
again; prints what happens, and whether table and weights equal those of --executor=local.
"""
import argparse
import glob
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from tests import one_node_slurm  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
FLAGS = ['--table=1', '--seeds=1', '--methods=baseline,vae,acai', '--total_kimg=6']
FLAGS += ['--report_kimg=3']
LIMITS = '--slurm=time=3,signal_delay_s=60'  # each try has one to two minutes
GIVE_UP_SEC = 1500


class Session:
    def __init__(self, train_dir, environment):
        self.train_dir, self.environment = train_dir, environment
        self.begin = time.monotonic()

    def say(self, text):
        print(f'[{time.monotonic() - self.begin:5.0f} s] {text}', flush=True)

    def call(self, *command):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        said = f'{done.stdout}{done.stderr}'.rstrip()
        self.say(f'$ {" ".join(command)}  ->  {done.returncode}\n{said}')
        return done

    def reproduce(self, *flags):
        script = str(ROOT / 'reproduce.py')
        return self.call(sys.executable, script, *flags, f'--train_dir={self.train_dir}')

    def tasks(self):
        """{task: its state} in Slurm's queue."""
        command = ['squeue', '--noheader', '--array', '--format=%i %T']
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        return dict(line.split() for line in done.stdout.splitlines())

    def steps(self):
        return len(glob.glob(f'{self.train_dir}/RUN1/*/*/tf/*.index'))

    def wait(self, what, condition):
        while not condition():
            if time.monotonic() - self.begin > GIVE_UP_SEC:
                self.reproduce('--status')
                sys.exit(f'{what} did not come.')
            time.sleep(1)
        self.say(what)


def table(text):
    return text[text.index('Table 1.') :]


def weights(train_dir):
    """{run's name and variable: its bytes} at the end."""
    import tensorflow as tf

    found = {}
    for run in sorted(glob.glob(f'{train_dir}/RUN1/*/*/tf')):
        steps = [int(re.search(r'(\d+)\.index$', path)[1]) for path in glob.glob(f'{run}/*.index')]
        reader = tf.train.load_checkpoint(f'{run}/model.ckpt-{max(steps)}')
        for name in reader.get_variable_to_shape_map():
            found[run.split('/')[-2], name] = reader.get_tensor(name).tobytes()
    return found


def main(folder):
    if why := one_node_slurm.missing():
        sys.exit(why)
    local = Session(os.path.join(folder, 'local'), dict(os.environ))
    with one_node_slurm.running(slots=2) as environment:
        session = Session(os.path.join(folder, 'slurm'), environment)
        session.reproduce(*FLAGS, '--executor=slurm', LIMITS)
        first, second, _ = sorted(session.tasks())
        session.wait('two runs at once have a checkpoint', lambda: session.steps() >= 2)
        session.call('squeue')
        session.reproduce('--status')
        session.call('scontrol', 'requeue', first)
        session.call('scancel', second)
        session.wait('scancel has ended its task', lambda: second not in session.tasks())
        session.reproduce('--status')
        again = session.reproduce(*FLAGS, '--executor=slurm', LIMITS)
        while 'Table 1.' not in again.stdout:
            queue = session.tasks()
            if queue:
                session.wait('a task came or went', lambda queue=queue: session.tasks() != queue)
            session.reproduce('--status')
            if not session.tasks():
                again = session.reproduce(*FLAGS, '--executor=slurm', LIMITS)
        for log in sorted(glob.glob(f'{session.train_dir}/RUN1/*/*/log.txt')):
            session.call('cat', log)
        logs = f'{shlex.quote(session.train_dir)}/slurm/*_log.err'
        session.call('bash', '-c', f'cat {logs} | grep slurmstepd')
    alone = local.reproduce(*FLAGS)
    same = weights(local.train_dir) == weights(session.train_dir)
    print(f'tables equal: {table(alone.stdout) == table(again.stdout)}')
    print(f'{len(weights(local.train_dir))} variables, equal bit for bit: {same}')
    return 0 if same and table(alone.stdout) == table(again.stdout) else 1


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--folder', help='Where to leave the runs; else they are removed.')
    arguments = parser.parse_args()
    if arguments.folder:
        sys.exit(main(os.path.abspath(arguments.folder)))
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(temporary))
