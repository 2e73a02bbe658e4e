"""The exception for a mistake that a user can fix, as opposed to a bug."""


class UserError(ValueError):
    """An error its user can fix; the message is one sentence that says how.

    The scripts print it without a traceback. What a program must tell apart has a subclass where it
    is raised.
    """
