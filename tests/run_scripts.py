"""Runs several scripts in one process, for a start of TensorFlow takes seconds.

Reads a JSON list of [script, flag, ...] and prints, for each, a line of JSON: its exit code, stdout
and stderr, as a process of its own would give them. Reports are made short: fewer test lines.
"""
import contextlib
import io
import json
import os
import runpy
import sys
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)


def run(script, flags, arguments):
    known = set(flags)
    sys.argv = [script, *arguments]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_path(os.path.join(ROOT, script), run_name='__main__')
        except SystemExit as end:
            code = end.code or 0
            if isinstance(code, str):
                print(code, file=sys.stderr)
                code = 1
        except BaseException:
            traceback.print_exc()
            code = 1
    for name in set(flags) - known:
        delattr(flags, name)
    flags.unparse_flags()
    for module in [name for name in sys.modules if name.partition('.')[0] == 'cli']:
        del sys.modules[module]
    return {'code': code, 'out': out.getvalue(), 'err': err.getvalue()}


if __name__ == '__main__':
    from absl import flags

    from tests import run_short

    run_short.shorten()
    for script, *arguments in json.load(sys.stdin):
        print(json.dumps(run(script, flags.FLAGS, arguments)), flush=True)
