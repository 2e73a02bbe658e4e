"""Commands as processes of their own that start at once, for to import TensorFlow takes seconds.

A server, one for all workers of pytest, imports it and forks itself for each command. TensorFlow's
own threads start only when an operation first runs, which no import does, so each process has all
of its own: its threads, flags, random states, signals and exit code. What the interpreter does
before and after a script, it does here too. Linux and macOS; what a test says of a start itself
wants a real one (`subprocess`).
"""
import array
import atexit
import contextlib
import ctypes
import fcntl
import gc
import importlib
import json
import os
import pathlib
import resource
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
MAX_REQUEST_BYTES = 1 << 20
PR_SET_PDEATHSIG = 1  # of linux/prctl.h
NUMBER_BYTES = 16  # of a number that the server tells
ABOVE_OTHERS = 200  # file descriptors that no process here has reached
# What takes long; nothing of the repository, of which a test may run a copy.
PRELOADED = ('tensorflow', 'keras', 'sklearn.cluster', 'matplotlib.figure', 'scipy.spatial')
ADDRESS = 'FORKED_SERVER'  # the environment variable with the path of the server's socket
TIMEOUT_SEC = 900  # of a hang; a busy machine needs minutes


# In a test.


class Command:
    """A command at work, like a `subprocess.Popen` whose output goes to files.

    Args:
        *command: SCRIPT, ARGUMENT...; or '-m', MODULE, ARGUMENT...; or '-c', CODE, ARGUMENT...
        cwd: its working directory.
        env: its environment variables; None for those of now.
        input: text of its standard input.
        pass_fds: file descriptors that it gets too, under the same numbers.
        max_file_bytes: the largest file that it can write, as on a full disk.

    Attributes:
        pid: the process's.
        returncode: its exit code, None as long as it is at work.
    """

    def __init__(
        self, *command, cwd=REPOSITORY, env=None, input='', pass_fds=(), max_file_bytes=None
    ):
        self.args, self.returncode = list(map(str, command)), None
        self._out, self._err = (tempfile.TemporaryFile('w+') for _ in range(2))
        self._ended, ended = socket.socketpair()
        request = {
            'command': self.args,
            'cwd': str(cwd),
            'env': dict(os.environ if env is None else env),
            'fds': [0, 1, 2, *pass_fds],
            'max_file_bytes': max_file_bytes,
        }
        with tempfile.TemporaryFile('w+') as stdin, ended:
            stdin.write(input)
            stdin.seek(0)
            files = [stdin.fileno(), self._out.fileno(), self._err.fileno(), *pass_fds]
            _send(_server(), request, [ended.fileno(), *files])
        self.pid = _heard(self._ended)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.wait()

    def poll(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout=TIMEOUT_SEC):
        if self.returncode is None:
            if not select.select([self._ended], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout)
            self.returncode = _heard(self._ended)
            self._ended.close()
        return self.returncode

    def communicate(self, timeout=TIMEOUT_SEC):
        """Waits for its end: (what it printed, what it said on standard error)."""
        self.wait(timeout)
        return self.out(), self.err()

    def out(self):
        """What it printed so far."""
        return os.pread(self._out.fileno(), os.fstat(self._out.fileno()).st_size, 0).decode()

    def err(self):
        """What it said on standard error so far."""
        return os.pread(self._err.fileno(), os.fstat(self._err.fileno()).st_size, 0).decode()

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def run(*command, timeout=TIMEOUT_SEC, **options):
    """`subprocess.run` of a `Command`: its end, with returncode, stdout and stderr."""
    with Command(*command, **options) as process:
        out, err = process.communicate(timeout)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_until(condition, *processes):
    """Waits for something that processes at work bring about."""
    end = time.monotonic() + TIMEOUT_SEC
    while not condition():
        for process in processes:
            assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def start_server():
    """Starts a server for this process and all that have its environment; it ends with this one."""
    folder = tempfile.TemporaryDirectory(dir='/tmp')  # a socket's path is of 100 characters at most
    os.environ[ADDRESS] = os.path.join(folder.name, 'server')
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.environ[ADDRESS])
        listener.listen()
        process = subprocess.Popen(
            [sys.executable, __file__, str(listener.fileno())],
            cwd=REPOSITORY, pass_fds=[listener.fileno()], stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # TensorFlow's notes of its start
        )  # fmt: skip

    def end():
        process.communicate()
        folder.cleanup()

    atexit.register(end)


_connections = {}  # {pid: to the server}, for a fork must not use its parent's


def _server():
    if os.getpid() not in _connections:
        if ADDRESS not in os.environ:
            start_server()
        connection = _connections[os.getpid()] = socket.socket(socket.AF_UNIX)
        connection.connect(os.environ[ADDRESS])
    return _connections[os.getpid()]


def _send(connection, request, fds):
    text = json.dumps(request).encode()
    assert len(text) < MAX_REQUEST_BYTES
    connection.sendall(len(text).to_bytes(4, 'big'))
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))]
    connection.sendmsg([text[:1]], rights)
    connection.sendall(text[1:])


def _heard(ended):
    """A number that the server tells."""
    return json.loads(ended.recv(NUMBER_BYTES, socket.MSG_WAITALL))


# In the server.


def _tell(told, number):
    """Answers a test, which may be gone by then."""
    with contextlib.suppress(BrokenPipeError):
        os.write(told, json.dumps(number).encode().ljust(NUMBER_BYTES))


def _receive(connection):
    """(request, file descriptors), or None when there will be no more."""
    size = connection.recv(4, socket.MSG_WAITALL)
    if len(size) < 4:
        return None
    first, fds, _, _ = socket.recv_fds(connection, 1, 32)
    rest = connection.recv(int.from_bytes(size, 'big') - 1, socket.MSG_WAITALL)
    return json.loads(first + rest), fds


def _serve(listener):
    """Forks for each request; returns in a child alone, with its request and file descriptors."""
    connections, ended = [], {}  # ended: {pid: (where to tell the exit code, who asked)}
    starter = sys.stdin.fileno()  # readable as soon as its other end is closed
    wake, woken = os.pipe()  # a signal writes to its second end, so that select returns
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)
    while True:
        ready, _, _ = select.select([starter, wake, listener, *connections], [], [])
        if starter in ready:
            _kill(ended)
            sys.exit()
        if wake in ready:
            os.read(wake, 4096)
            _reap(ended)
        if listener in ready:
            connections.append(listener.accept()[0])
            for module in PRELOADED:  # once anybody asks
                importlib.import_module(module)
            gc.freeze()  # what is there now stays shared with the children
        for connection in set(connections) & set(ready):
            received = _receive(connection)
            if received is None:
                _kill(pid for pid, (_, who) in ended.items() if who is connection)
                connections.remove(connection)
                connection.close()
                continue
            request, (told, *fds) = received
            parent = os.getpid()
            with warnings.catch_warnings():  # of threads, such as OpenBLAS's, which can be forked
                warnings.simplefilter('ignore', DeprecationWarning)
                pid = os.fork()
            if not pid:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                if sys.platform == 'linux':
                    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                    if os.getppid() != parent:
                        os._exit(1)
                for fd in (wake, woken, told, *(told for told, _ in ended.values())):
                    os.close(fd)
                for one in (listener, *connections):
                    one.close()
                return request, fds
            for fd in fds:
                os.close(fd)
            ended[pid] = told, connection
            _tell(told, pid)


def _kill(pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def _reap(ended):
    while ended:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        told, _ = ended.pop(pid)
        _tell(told, os.waitstatus_to_exitcode(status))
        os.close(told)


def _become(request, fds):
    """Makes this process what a new interpreter would be: files, folder, variables."""
    above = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, ABOVE_OTHERS) for fd in fds]
    for fd in fds:
        os.close(fd)
    for fd, number in zip(above, request['fds'], strict=True):
        os.dup2(fd, number)
        os.close(fd)
    os.chdir(request['cwd'])
    os.environ.clear()
    os.environ.update(request['env'])
    if request['max_file_bytes'] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request['max_file_bytes'],) * 2)


def _run(command):
    sys.path[1:1] = filter(None, os.environ.get('PYTHONPATH', '').split(os.pathsep))
    kind, *sys.argv = [None, *command]
    if sys.argv[0] in ('-m', '-c'):
        kind, what, *arguments = sys.argv
        sys.argv = [kind, *arguments]
        sys.path[0] = os.getcwd()
    if kind == '-m':
        runpy.run_module(what, run_name='__main__', alter_sys=True)
    elif kind == '-c':
        exec(compile(what, '<string>', 'exec'), {'__name__': '__main__'})
    else:
        sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
        runpy.run_path(sys.argv[0], run_name='__main__')


_codes = []  # the exit code of a child, as soon as it is known


def _leave():
    """Ends a child here: to take apart all that it imported takes a second, and is of no use."""
    if _codes:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_codes[0])


if __name__ == '__main__':
    atexit.register(_leave)  # before all others, so that it is called after them
    request, fds = _serve(socket.socket(fileno=int(sys.argv[1])))
    _become(request, fds)
    try:
        _run(request['command'])
        _codes.append(0)
    except SystemExit as end:
        _codes.append((end.code or 0) & 0xFF if isinstance(end.code, int | None) else 1)
        raise
    except Exception:  # of a KeyboardInterrupt Python dies by the signal
        _codes.append(1)
        raise
