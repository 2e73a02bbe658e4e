"""Kills a training script (SIGKILL) again and again, each time in the middle of something, and
starts the same command again; in the end it must have made what an unbroken run makes.

    python tests/run_kills.py --kills=40
    python tests/run_kills.py --kills=30 --seed=1 acai.py --depth=4 --latent=4

Prints a line for each kill and a table; the exit code is 1 if anything differs. With --kills=0 it
shows that the same command makes the same twice. (Kills test what a process leaves behind, not
what a power cut leaves on the disk.)
"""
import argparse
import collections
import itertools
import os
import pathlib
import random
import re
import runpy
import signal
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from tests import forked, run_short  # noqa: E402

SCRIPT = ['baseline.py', '--dataset=lines16', '--depth=2', '--latent=4', '--latent_width=4']
MARKS = 'KILLS_MARKS'  # the environment variable with the file descriptor of the child's marks
SHORT = 'KILLS_SHORT'  # the environment variable by which a test asks for short reports
RENAME_SEC = 0.005  # the child waits so long after each rename, that kills fall between two
PHASES = {
    'train step': 'lib.callbacks:Progress.on_train_batch_end',
    'latent accuracy': 'lib.callbacks:LatentAccuracy.on_epoch_end',
    'lines evaluation': 'lib.callbacks:LineScores.on_epoch_end',
    'drawing pictures': 'lib.callbacks:PictureGrid.on_epoch_end',
    'writing a PNG': 'lib.files:write_atomically',
    'flushing events': 'lib.callbacks:Checkpoints.on_epoch_end',
    'writing a checkpoint': 'lib.checkpoints:save_original',
    'renaming a checkpoint': 'lib.checkpoints:_rename',
    'removing an old checkpoint': 'lib.checkpoints:remove',
    'restoring': 'lib.checkpoints:restore',
    'dropping later events': 'lib.runs.events:drop_after',
}
FIRST_KILLS = ['writing a checkpoint', 'renaming a checkpoint', 'writing a PNG', 'flushing events']
IN_EVERY_START = ('restoring', 'dropping later events')


# In the child: the script itself, which says where it is.


def run_script(script, *flags):
    """Runs a script whose functions of PHASES mark their beginning and end."""
    import importlib

    if os.environ.get(SHORT):
        run_short.shorten()
    marks = int(os.environ[MARKS])
    for phase, place in PHASES.items():
        module, path = place.split(':')
        owner = importlib.import_module(module)
        *scopes, name = path.split('.')
        for scope in scopes:
            owner = getattr(owner, scope)
        setattr(owner, name, _marked(phase, getattr(owner, name), marks))
    replace = os.replace

    def slow_replace(*args):
        replace(*args)
        time.sleep(RENAME_SEC)

    os.replace = slow_replace
    sys.argv = [script, *flags]
    runpy.run_path(str(REPOSITORY / script), run_name='__main__')


def _marked(phase, function, marks):
    def marked(*args, **kwargs):
        os.write(marks, f'begin {phase}\n'.encode())
        try:
            return function(*args, **kwargs)
        finally:
            os.write(marks, f'end {phase}\n'.encode())

    return marked


# In the parent.


class Child:
    """A script at work, killed if asked.

    Attributes:
        out: what it printed.
        code: its exit code.
        seconds: {phase: [how long it took each time]}.
    """

    def __init__(self, command, phase=None, occurrence=1, delay=0.0):
        read, write = os.pipe()
        process = forked.Command(
            __file__, '--child', *command, env={**os.environ, MARKS: str(write)}, pass_fds=[write]
        )
        os.close(write)
        with process, os.fdopen(read) as marks:
            self.seconds = self._follow(marks, process, phase, occurrence, delay)
            self.out = ''.join(process.communicate())
        self.code = process.returncode

    def _follow(self, marks, process, phase, occurrence, delay):
        began, seconds, seen = {}, collections.defaultdict(list), collections.Counter()
        for line in marks:
            kind, _, name = line.strip().partition(' ')
            if kind == 'end':
                seconds[name].append(time.perf_counter() - began[name])
                continue
            began[name] = time.perf_counter()
            seen[name] += 1
            if name == phase and seen[name] == occurrence:
                time.sleep(delay)
                process.kill()
        return seconds


def inspect(run):
    """(newest checkpoint's step that is whole, how many newer are damaged) of a killed run."""
    import tensorflow as tf

    damaged = 0
    for step in run.checkpoint_steps():
        try:
            weights(run, step)
            return step, damaged
        except (tf.errors.OpError, IndexError, ValueError):
            damaged += 1
    return 0, damaged


def weights(run, step):
    """{name: bytes} of all that a checkpoint holds."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(run.checkpoint(step))
    return {name: reader.get_tensor(name).tobytes() for name in reader.get_variable_to_shape_map()}


def logged(run):
    """[(step, tag, value's bytes)] of all event files, sorted; of times only the tag, which the
    record of the options, made when the run began, holds too."""
    from lib.runs import events

    found = []
    for path in pathlib.Path(run.summaries).iterdir():
        for _, event in events.read(str(path)):
            for value in event.summary.value:
                timed = value.tag.startswith(('time/', '_hparams_/'))
                told = b'' if timed else value.SerializeToString()
                found.append((event.step, value.tag, told))
    return sorted(found)


def files(run):
    """{path in the run folder: bytes}, without event files and checkpoints."""
    paths = [path for path in pathlib.Path(run.path).rglob('*') if path.is_file()]
    return {
        str(path.relative_to(run.path)): path.read_bytes()
        for path in paths
        if 'tfevents' not in path.name and not path.name.startswith('model.ckpt-')
    }


def differences(run, unbroken):
    """What differs between two runs, in words."""
    found = []
    step = unbroken.newest_step()
    if run.newest_step() != step or weights(run, step) != weights(unbroken, step):
        found.append('the weights differ')
    if len(run.checkpoint_steps()) != len(unbroken.checkpoint_steps()):
        found.append('another number of checkpoints is kept')
    ours = logged(run)
    if len({(step, tag) for step, tag, _ in ours}) != len(ours):
        found.append('a step stands in the event files twice')
    if ours != logged(unbroken):
        found.append('the events differ')
    ours, expected = files(run), files(unbroken)
    if set(ours) != set(expected):
        found.append(f'other files: {sorted(set(ours) ^ set(expected))}')
    both = sorted(set(ours) & set(expected))
    found += [f'{name} differs' for name in both if ours[name] != expected[name]]
    return found


def main(kills, seed, script, folder):
    """Kills a script, compares it with an unbroken run, and prints a report.

    Args:
        kills: how often.
        seed: of the moments.
        script: [SCRIPT.py, flag, ...].
        folder: an empty one.

    Returns:
        (differences in words, {phase: [kills, resumed, damaged checkpoints passed over]}).
    """
    from lib import runs

    length = max(3, 3 * kills)  # a kill costs three reports at most, the first of all two
    script = [*script, f'--total_kimg={length}', '--report_kimg=1']
    unbroken = Child([*script, f'--train_dir={folder}/unbroken'])
    assert unbroken.code == 0, unbroken.out
    path = pathlib.Path(re.search(r'the run is in (.+)', unbroken.out)[1])
    run = runs.RunFolder(str(folder / 'killed' / path.relative_to(folder / 'unbroken')))
    phases = FIRST_KILLS + [phase for phase in PHASES if phase not in FIRST_KILLS]
    phases = [phase for phase in phases if unbroken.seconds.get(phase)]  # only lines score lines
    chance, table, problems = random.Random(seed), {}, []
    seconds = dict(unbroken.seconds)
    expected, waiting = 0, []  # the step to go on from; rows of kills that nothing went on from yet
    for number, phase in zip(range(kills + 1), itertools.cycle(phases), strict=False):
        command = [*script, f'--train_dir={folder}/killed']
        if number == kills:
            child = Child(command)
        else:
            occurrence = 1 if phase in IN_EVERY_START else chance.randint(2, 3)
            child = Child(command, phase, occurrence, chance.random() * max(seconds[phase][-5:]))
            seconds.update(child.seconds)  # restoring takes longer than in a new folder
        said = re.search(r'^Resuming .* at step (\d+)\.$', child.out, re.M)
        if said or phase not in IN_EVERY_START or number == kills:
            step = int(said[1]) if said else 0
            if step != expected:
                problems.append(f'start {number + 1} went on from {step}, not {expected}')
            for row in waiting:
                row[1] += step == expected
            waiting.clear()
        if number == kills:
            break
        if child.code != -signal.SIGKILL:
            problems.append(f'kill {number + 1} came too late: {child.out}')
        expected, damaged = inspect(run)
        row = table.setdefault(phase, [0, 0, 0])
        row[0] += 1
        row[2] += damaged
        waiting.append(row)
        print(f'kill {number + 1:3} in {phase:26}: step {expected} is whole', flush=True)
    if child.code != 0:
        problems.append(child.out)
    else:
        problems += differences(run, runs.RunFolder(str(path)))
    print(f'\n{"killed in":28}{"kills":>8}{"resumed":>9}{"damaged checkpoints":>21}')
    for phase, (killed, resumed, damaged) in table.items():
        print(f'{phase:28}{killed:8}{resumed:9}{damaged:21}')
    killed, resumed, damaged = (sum(row[k] for row in table.values()) for k in range(3))
    print(f'{"all":28}{killed:8}{resumed:9}{damaged:21}')
    print('\n'.join(problems) or 'Weights, events and pictures are those of the unbroken run.')
    return problems, table


if __name__ == '__main__':
    if sys.argv[1:2] == ['--child']:
        run_script(*sys.argv[2:])
        sys.exit()
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    parser = argparse.ArgumentParser(description=__doc__.partition('\n\n')[0])
    parser.add_argument('--kills', type=int, default=40)
    parser.add_argument('--seed', type=int, default=0)
    options, script = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary:
        found, _ = main(options.kills, options.seed, script or SCRIPT, pathlib.Path(temporary))
    sys.exit(bool(found))
