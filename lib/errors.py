"""The exception for mistakes that a user can fix, not bugs; the first line of any exception."""


class UserError(ValueError):
    """An error that the user can fix; the message is one sentence that says how.

    The scripts print it without a traceback. An error that a program must tell apart has a subclass
    in the module that raises it.
    """


def first_line(error):
    """The first line of an exception's message, without TensorFlow's account of the operation and
    without a full stop at its end; the exception's type where the message is empty."""
    # For TensorFlow's own exceptions, str() adds which operation it was.
    said = (getattr(error, 'message', None) or str(error)).splitlines()
    return said[0].split(' [Op:')[0].strip().rstrip('.') if said else type(error).__name__
