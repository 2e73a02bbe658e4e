"""How long a training script takes to start, and how much memory it needs.

    python benchmarks/start.py [--turns=3]

Starts acai.py at the paper's lines configuration, each time in a new process, and measures the time
until --dry_run has answered and until the first train step is reported. Then trains on 64 * 1024
images, with the reports at both ends, and prints the peak of the process's memory.
"""
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_integer('turns', 3, 'How often each start is measured.', 1)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COMMAND = [sys.executable, 'acai.py', '--latent_width=2', '--depth=16', '--latent=16']


def until(line_start, *own_flags):
    """Seconds until the script prints a line beginning with `line_start`; then it is killed."""
    start = time.perf_counter()
    options = dict(cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with subprocess.Popen([*COMMAND, *own_flags], **options) as process:
        found = any(line.startswith(line_start) for line in process.stdout)
        seconds = time.perf_counter() - start
        process.kill()
    if not found:
        sys.exit(f'{" ".join(COMMAND)} did not print {line_start}')
    return seconds


def main(_):
    dry_run, first_step = [], []
    for _ in range(FLAGS.turns):
        with tempfile.TemporaryDirectory() as folder:
            dry_run.append(until('{', '--dry_run', f'--train_dir={folder}'))
            first_step.append(until('kimg=', f'--train_dir={folder}'))
    for text, seconds in (('--dry_run', dry_run), ('first step reported', first_step)):
        values = ', '.join(f'{value:.1f}' for value in seconds)
        print(f'{text}: {statistics.median(seconds):.1f} s ({values})')
    with tempfile.TemporaryDirectory() as folder:
        length = ['--total_kimg=64', f'--train_dir={folder}']
        subprocess.run([*COMMAND, *length], cwd=ROOT, check=True, capture_output=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    unit = 2**30 if sys.platform == 'darwin' else 2**20  # bytes on macOS, elsewhere KiB
    print(f'peak memory of a run: {peak / unit:.2f} GiB')


if __name__ == '__main__':
    app.run(main)
