"""Runs a Python script that dies with the process that started it:

    python -P cli/reproduction/child.py PARENT_PID SCRIPT ARGUMENT...

Without this, the runs of a parent that is killed (SIGKILL) would keep running. Linux only;
elsewhere the script runs as it is.
"""
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # of linux/prctl.h; survives the exec below


def main(parent, *command):
    # Slurm sends SIGUSR2 to every process of a task before its time is up; the parent acts on it.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    if sys.platform == 'linux':
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):
            sys.exit(f'{command[0]}: the process that started it is gone.')
    os.execv(sys.executable, [sys.executable, *command])


if __name__ == '__main__':
    main(*sys.argv[1:])
