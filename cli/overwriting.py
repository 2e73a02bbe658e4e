"""Keeps --overwrite from replacing anything that the command does not write itself."""
from lib.errors import UserError


def check_holds_only(folder, others, flag):
    """Raises UserError where a folder that would be replaced holds something else.

    Args:
        folder: its path.
        others: what it holds that the command does not write.
        flag: the flag with which to choose another folder, without its dashes.
    """
    if others:
        raise UserError(
            f'{folder} holds {min(others)}, which --overwrite would remove; move that away, or '
            f'choose another --{flag}.'
        )
