"""From files to batches: `get_dataset`, by a dataset's name.

What makes the files (`downloads`, `picture_folder`) is imported by those who need it, for
tensorflow-datasets is slow to import.
"""
from lib.data.datasets import (
    KNOWN,
    OWN_SIZE_PX,
    RECORD_SETS,
    Dataset,
    check_files,
    classes_path,
    get_dataset,
    record_path,
    scale,
    shuffled_rows,
)

__all__ = [
    'KNOWN',
    'OWN_SIZE_PX',
    'RECORD_SETS',
    'Dataset',
    'check_files',
    'classes_path',
    'get_dataset',
    'record_path',
    'scale',
    'shuffled_rows',
]
