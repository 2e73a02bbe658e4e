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
        # A run is read on, and goes on, though nobody reads what this process says.
        with self._lock, contextlib.suppress(OSError):
            if self._live:
                self._bar.write(text, file=sys.stderr)
            else:
                print(text, file=sys.stderr, flush=True)

    def seen(self, name, images):
        """Moves the bar to where a run is."""
        with self._lock, contextlib.suppress(OSError):
            images = max(self._seen[name], min(images, self._most[name]))
            self._bar.update(images - self._seen[name])
            self._seen[name] = images

    def close(self):
        with contextlib.suppress(OSError):
            self._bar.close()


class Process:
    """A Python script at work, its output read line by line, in a thread.

    Args:
        command: [path of the script, flag, ...].
        environment: {variable: value}.
        say: called with every line that it prints.
        seen: called with how many images it has seen, whenever it tells, and whether that is exact:
            its reports' counts are, but its progress bar rounds to three digits.

    Attributes:
        last: the last line that it printed.
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
            text = BAR.sub('', line).strip()  # a report may stand behind a bar
            if at := KIMG.match(text):
                self._seen(int(at[1]) << 10, is_exact=True)
            if text:
                self.last = text
                self._say(text)

    def exit_code(self):
        """None while it runs."""
        code = self._process.poll()
        if code is not None:
            self._reader.join()
        return code

    def stop(self):
        """Asks it to save a checkpoint and end."""
        self._process.terminate()
