"""What a person did wrong, as opposed to what the code did."""


class UserError(ValueError):
    """An error its user can fix; the message is one sentence that says how.

    The scripts print it without a traceback. What a program must tell apart has a subclass where it
    is raised.
    """
