"""A real Slurm on this machine alone: munged, slurmctld and slurmd, all in one temporary folder.

    python tests/one_node_slurm.py COMMAND ARGUMENT...

runs a command beside it, such as `sinfo`, and takes it down again. Wants root and Debian's
`slurm-wlm` and `munge`.
"""
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

PROGRAMS = 'munged', 'slurmctld', 'slurmd', 'sbatch', 'srun'
START_SEC = 30
CONF = """
ClusterName=test
SlurmctldHost={host}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldDebug=info
SlurmdDebug=info
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1,defer_batch
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=30
JobRequeue=1
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName={host} NodeAddr=127.0.0.1 CPUs={slots} Boards=1 SocketsPerBoard=1 CoresPerSocket={slots} \
ThreadsPerCore=1 State=UNKNOWN
PartitionName=debug Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes={host} Default=NO MaxTime=INFINITE State=UP PriorityTier=2
"""


def missing():
    """Why it cannot be started here, in words; None where it can."""
    absent = [name for name in PROGRAMS if not shutil.which(name)]
    if absent:
        return f'no {", ".join(absent)} here (apt-get install slurm-wlm munge)'
    return 'a Slurm of one\'s own needs root' if os.getuid() else None


def free_ports(count):
    """Numbers of ports that nothing listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(('127.0.0.1', 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def running(slots=2, slurmd=()):
    """A cluster while the block runs.

    Args:
        slots: how many tasks of one CPU the node takes at a time, whatever it has.
        slurmd: what stands before slurmd's command, such as ['unshare', '-m'].

    Yields:
        The environment in which Slurm's commands find it.
    """
    folder = tempfile.mkdtemp(prefix='slurm-')
    os.chmod(folder, 0o755)
    for name in ('munge', 'state', 'spool'):
        os.mkdir(os.path.join(folder, name), 0o755)
    key = os.path.join(folder, 'munge', 'key')
    with open(key, 'wb', opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(os.urandom(128))
    conf = os.path.join(folder, 'slurm.conf')
    host = socket.gethostname().split('.')[0]
    with open(conf, 'w') as file:
        file.write(CONF.format(host=host, ports=free_ports(2), folder=folder, slots=slots))
    with open(os.path.join(folder, 'cgroup.conf'), 'w') as file:
        version = 2 if os.path.exists('/sys/fs/cgroup/cgroup.controllers') else 1
        file.write(f'CgroupPlugin=cgroup/v{version}\nIgnoreSystemd=yes\n')
    environment = {**os.environ, 'SLURM_CONF': conf}
    munge = [f'--{name}={os.path.join(folder, "munge", name.split("-")[0])}'
             for name in ('key-file', 'socket', 'pid-file', 'log-file', 'seed-file')]
    commands = [
        ['munged', '--foreground', *munge],
        ['slurmctld', '-D', '-f', conf],
        [*slurmd, 'slurmd', '-D', '-f', conf, '-N', host],
    ]
    daemons = []
    try:
        for command in commands:
            with open(os.path.join(folder, 'output.log'), 'a') as log:
                daemons.append(
                    subprocess.Popen(command, env=environment, stdout=log, stderr=log)
                )
            if command[0] == 'munged':
                _wait(lambda: os.path.exists(os.path.join(folder, 'munge', 'socket')), folder)
        state = 'sinfo', '--noheader', '--format=%T', '--partition=debug'
        _wait(lambda: _say(environment, *state) == 'idle', folder)
        yield environment
    finally:
        with contextlib.suppress(RuntimeError):
            # A task's keeper outlives the daemons.
            _say(environment, 'scancel', '--user=root')
            _say(environment, 'scancel', '--user=root', '--full', '--signal=KILL')
            _wait(lambda: not _say(environment, 'squeue', '--noheader'), folder)
        for daemon in reversed(daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _say(environment, *command):
    """What a command of Slurm prints."""
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=10)
    except subprocess.TimeoutExpired:
        return ''
    return done.stdout.strip()


def _wait(condition, folder):
    deadline = time.monotonic() + START_SEC
    while not condition():
        if time.monotonic() > deadline:
            logs = ''
            for name in ('output.log', 'slurmctld.log', 'slurmd.log'):
                with contextlib.suppress(OSError), open(os.path.join(folder, name)) as file:
                    logs += f'{name}:\n{file.read()[-2000:]}\n'
            raise RuntimeError(f'Slurm did not start.\n{logs}')
        time.sleep(0.1)


def main(*command):
    if why := missing():
        sys.exit(why)
    with running() as environment:
        return subprocess.run(command, env=environment).returncode


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
