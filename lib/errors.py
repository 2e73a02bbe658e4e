"""The exception for a mistake that a user can fix, as opposed to a bug, and what others say."""


class UserError(ValueError):
    """An error its user can fix; the message is one sentence that says how.

    The scripts print it without a traceback. What a program must tell apart has a subclass where it
    is raised.
    """


def first_line(error):
    """What an exception says, in one line without TensorFlow's account of the operation and without
    a full stop at its end; its type where it says nothing."""
    # Of TensorFlow's own, str() adds which operation it was.
    said = (getattr(error, 'message', None) or str(error)).splitlines()
    return said[0].split(' [Op:')[0].strip().rstrip('.') if said else type(error).__name__
