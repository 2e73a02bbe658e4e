"""Flags that name files and folders.

Shells leave the ~ of --train_dir=~/runs as it is; taken literally, it becomes a folder named ~.
"""
import os

from absl import flags

flags.disclaim_key_flags()  # what `define` defines are flags of the script that calls it


class _Path(flags.ArgumentParser):
    def parse(self, argument):
        return os.path.expanduser(argument)

    def flag_type(self):
        return 'path'


class _Paths(flags.ListParser):
    def parse(self, argument):
        return [os.path.expanduser(path) for path in super().parse(argument)]


def define(name, default, text):
    """Defines a flag whose value is a path; a leading ~ or ~name becomes that user's home."""
    flags.DEFINE(_Path(), name, default, text)


def define_list(name, default, text):
    """Defines a flag whose value is a comma-separated list of such paths."""
    flags.DEFINE(_Paths(), name, default, text, serializer=flags.CsvListSerializer(','))
