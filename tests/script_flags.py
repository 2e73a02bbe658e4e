"""What scripts' own flags make of commands, without running them."""
import json

from tests import forked

# Runs each script as far as its flags, and parses with them the arguments of each command.
PARSE = """
import contextlib, importlib, json, runpy, sys
from absl import app, flags

before = set(flags.FLAGS)
for script, commands in json.load(sys.stdin).items():

    def parse(*_, **__):
        answers = []
        for command in commands:
            flags.FLAGS.unparse_flags()
            try:
                rest = flags.FLAGS([script, *command])[1:]
            except flags.Error as error:
                answers.append({'error': str(error)})
                continue
            values = {name: flags.FLAGS[name].value for name in flags.FLAGS}
            values = {name: v for name, v in values.items() if isinstance(v, (int, float, str))}
            answers.append({'rest': rest, 'values': values})
        print(json.dumps([script, answers, sorted(set(flags.FLAGS) - before)]))
        sys.exit()

    for name in set(flags.FLAGS) - before:
        delattr(flags.FLAGS, name)
    for name in list(sys.modules):
        if name.partition('.')[0] in ('cli', 'tasks', 'train_step'):
            del sys.modules[name]
    app.run = importlib.import_module('cli').parse = parse  # of benchmarks, and of scripts
    sys.argv = [script]
    with contextlib.suppress(SystemExit):
        runpy.run_path(script, run_name='__main__')
"""


def parse(commands):
    """Parses commands, all in one process.

    Args:
        commands: {script: [arguments]}.

    Returns:
        {script: ([what becomes of each's arguments], names of its flags)}; what becomes of them is
        {'rest': those that are not flags, 'values': {flag: value}}, or {'error': the complaint}.
    """
    done = forked.run('-c', PARSE, input=json.dumps(commands))
    assert done.returncode == 0, done.stderr
    answers = map(json.loads, done.stdout.splitlines())
    return {script: (became, own) for script, became, own in answers}
