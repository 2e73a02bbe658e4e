"""Opens /dev/null for standard streams that a script was started without, as with `>&-`."""
import os
import sys


def replace():
    """Opens what is closed of standard input, output and error, for which Python has None.

    Else the next file opened, a checkpoint say, has that number, and what native code logs goes
    into it.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name in ('stdout', 'stderr'):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, 'w'))
