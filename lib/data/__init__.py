"""From files to batches: `get_dataset`, by a dataset's name; `registry` says what there is.

The modules that make the files (`downloads`, `picture_folder`) are not imported here but where they
are needed, because tensorflow-datasets is slow to import.
"""
from lib.data.datasets import (
    Dataset,
    check_files,
    classes_path,
    describe,
    get_dataset,
    record_path,
    records_folder,
    shuffled_rows,
)
from lib.data.preprocessing import scale
from lib.data.registry import DATASETS

__all__ = [
    'DATASETS',
    'Dataset',
    'check_files',
    'classes_path',
    'describe',
    'get_dataset',
    'record_path',
    'records_folder',
    'scale',
    'shuffled_rows',
]
