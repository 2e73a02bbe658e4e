"""Flags that name files and folders.

Shells leave the ~ of --train_dir=~/runs as it is; taken literally, it becomes a folder named ~.
"""
import os

from absl import flags

flags.disclaim_key_flags()  # they are flags of the scripts that define them


class _Path(flags.ArgumentParser):
    def parse(self, argument):
        return os.path.expanduser(argument)

    def flag_type(self):
        return 'path'


class _Paths(flags.ListParser):
    def parse(self, argument):
        return [os.path.expanduser(path) for path in super().parse(argument)]


def empty():
    """The names of such flags that are given, but empty, as --train_dir=$TRAIN without a TRAIN.

    A list counts where one of its paths is empty.
    """
    return [name for name in flags.FLAGS if _is_empty(flags.FLAGS[name])]


def _is_empty(flag):
    if isinstance(flag.parser, _Path):
        return flag.value == ''
    return isinstance(flag.parser, _Paths) and flag.present and not all(flag.value or [''])


def define(name, default, text):
    """A flag that is a path, whose first ~ or ~name is that user's home."""
    flags.DEFINE(_Path(), name, default, text)


def define_list(name, default, text):
    """A flag that is a comma-separated list of such paths."""
    flags.DEFINE(_Paths(), name, default, text, serializer=flags.CsvListSerializer(','))
