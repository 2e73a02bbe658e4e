"""Processes at work beside each other, which end with the one that started them."""
import contextlib
import os
import re
import subprocess
import sys
import threading

from lib import progress_bar
from lib.errors import UserError
from lib.runs import locks

LOCK_NAME = '.reproduce.lock'
LOCK_WAIT_SEC = 60  # the runs of a killed reproduce.py are gone long before
CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'child.py')
BAR = re.compile(r'^.*\| *([\d.]+)([kMG]?)/\S+ \[[^]]*\]')  # a run's own progress bar
UNITS = {'': 1, 'k': 1e3, 'M': 1e6, 'G': 1e9}


@contextlib.contextmanager
def locked(train_dir):
    """Keeps every other reproduce.py out of a folder, until this one and its runs are gone.

    The runs inherit the lock. So a killed reproduce.py does not free it while one of them works.

    Yields:
        The lock's file descriptor, for the runs to inherit.

    Raises:
        UserError: another one works there, or the folder cannot be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            os.makedirs(train_dir, exist_ok=True)
            path = os.path.join(train_dir, LOCK_NAME)
            lock = stack.enter_context(locks.held(path, LOCK_WAIT_SEC, inherited=True))
        except locks.HeldError as error:
            raise UserError(
                f'Another reproduce.py ({error.holder}), or a run that it started, works in '
                f'{train_dir}; wait for it, or choose another --train_dir.'
            ) from error
        except OSError as error:
            raise UserError(f'Cannot write to {train_dir} ({error.strerror}).') from error
        yield lock


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
        with self._lock:
            if self._live:
                self._bar.write(text, file=sys.stderr)
            else:
                print(text, file=sys.stderr, flush=True)

    def seen(self, name, images):
        """Moves the bar to where a run is."""
        with self._lock:
            images = max(self._seen[name], min(images, self._most[name]))
            self._bar.update(images - self._seen[name])
            self._seen[name] = images

    def close(self):
        self._bar.close()


class Process:
    """A Python script at work, its output shown line by line.

    Args:
        name: the run's.
        command: [path of the script, flag, ...].
        environment: {variable: value}.
        lock: the file descriptor of `locked`.
        console: a `Console`.
        counts_images: whether its own progress bar counts images.

    Attributes:
        last: the last line that it printed.
    """

    def __init__(self, name, command, environment, lock, console, counts_images):
        self.name, self.console, self.last = name, console, ''
        self._counts_images = counts_images
        self._process = subprocess.Popen(
            [sys.executable, '-P', CHILD, str(os.getpid()), *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,  # a bar's carriage returns end lines too
            errors='replace',
            pass_fds=(lock,),
        )
        console.print(name, f'python {" ".join(command)}')
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            at = BAR.search(line)
            if at and self._counts_images:
                self.console.seen(self.name, int(float(at[1]) * UNITS[at[2]]))
            text = BAR.sub('', line).strip()  # a report may stand behind a bar
            if text:
                self.last = text
                self.console.print(self.name, text)

    def exit_code(self):
        """None while it runs."""
        code = self._process.poll()
        if code is not None:
            self._reader.join()
        return code

    def stop(self):
        """Asks it to save a checkpoint and end."""
        self._process.terminate()
