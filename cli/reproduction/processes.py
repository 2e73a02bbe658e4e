"""Processes that work at the same time, and end with the one that started them."""
import contextlib
import os
import re
import subprocess
import sys
import threading

from lib import progress_bar

CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'child.py')
BAR = re.compile(r'^.*\| *(\d+(?:\.\d+)?)([kMG]?)/\S+ \[[^]]*\]')  # a run's own progress bar
KIMG = re.compile(r'kimg=(\d+) ')  # a report's line
UNITS = {'': 1, 'k': 1e3, 'M': 1e6, 'G': 1e9}


class Console:
    """One progress bar over all runs on stderr, and the runs' own lines above it.

    Args:
        seen: {run's name: images it has seen}.
        most: {run's name: images it will see in all}.
    """

    def __init__(self, seen, most):
        self._lock, self._seen, self._most = threading.Lock(), dict(seen), most
        self._live = sys.stderr.isatty()
        self._bar = progress_bar.bar(
            total=sum(most.values()),
            initial=sum(seen.values()),
            unit='img',
            unit_scale=True,
            desc='all runs',
            disable=seen == most,
        )

    def print(self, name, text):
        """Shows a line of a run."""
        text = f'{name}: {text}'
        # The runs go on, and are still read, even if this process's own output cannot be written.
        with self._lock, contextlib.suppress(OSError):
            if self._live:
                self._bar.write(text, file=sys.stderr)
            else:
                print(text, file=sys.stderr, flush=True)

    def seen(self, name, images):
        """Moves the bar on to the images that a run has seen."""
        with self._lock, contextlib.suppress(OSError):
            images = max(self._seen[name], min(images, self._most[name]))
            self._bar.update(images - self._seen[name])
            self._seen[name] = images

    def close(self):
        with contextlib.suppress(OSError):
            self._bar.close()


class Process:
    """A running Python script, whose output a thread reads line by line.

    Args:
        command: [path of the script, flag, ...].
        environment: {variable: value}.
        say: called with every line that the script prints.
        seen: called whenever the script prints how many images it has seen, with that number and
            whether it is exact: in reports it is, but the progress bar rounds to three digits.

    Attributes:
        last: the last line that the script printed.
    """

    def __init__(self, command, environment, say, seen=None):
        self.last, self._say = '', say
        self._seen = seen or (lambda images, is_exact: None)
        self._process = subprocess.Popen(
            [sys.executable, '-P', CHILD, str(os.getpid()), *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,  # a bar's carriage returns end lines too
            errors='replace',
        )
        say(f'python {" ".join(command)}')
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            if at := BAR.search(line):
                self._seen(int(float(at[1]) * UNITS[at[2]]), is_exact=False)
            text = BAR.sub('', line).strip()  # a report may follow a bar on its line
            if at := KIMG.match(text):
                self._seen(int(at[1]) << 10, is_exact=True)
            if text:
                self.last = text
                self._say(text)

    def exit_code(self):
        """The script's exit code; None while it runs."""
        code = self._process.poll()
        if code is not None:
            self._reader.join()
        return code

    def stop(self):
        """Asks the script to save a checkpoint and end."""
        self._process.terminate()
