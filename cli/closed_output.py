"""Opens /dev/null for standard streams that a script was started without, as with `>&-`."""
import os
import sys


def replace():
    """Opens /dev/null for those of standard input, output and error that are closed (None in sys).

    Otherwise the next file that is opened, such as a checkpoint, would get the free file
    descriptor, and the log of native code would go into it.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name in ('stdout', 'stderr'):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, 'w'))
