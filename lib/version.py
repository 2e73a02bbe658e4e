"""Which acai_tf this is."""
import os
import subprocess

VERSION = '1.0'
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TIMEOUT_SEC = 10


def of_code(root=ROOT):
    """VERSION, and in a Git clone the commit: '1.0+g33d4c66', or '1.0+g33d4c66.dirty' where one of
    the commit's files was changed. VERSION alone outside a clone, or where Git is missing or fails.

    Args:
        root: the folder with the packages.
    """
    git = os.path.join(root, '.git')
    if not os.path.exists(git):  # installed; a repository around it is not ours
        return VERSION
    command = ['git', '--no-optional-locks', f'--git-dir={git}', f'--work-tree={root}', 'describe']
    try:
        # With every tag excluded, this gives the commit alone.
        commit = subprocess.check_output(
            [*command, '--always', '--dirty', '--exclude=*'],
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=TIMEOUT_SEC,
        )
    except (OSError, subprocess.SubprocessError):
        return VERSION
    return f'{VERSION}+g{commit.strip().replace("-", ".")}'
