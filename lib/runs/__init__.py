"""Run folders: their names, their files, and how they are found."""
from lib.runs.folder import (
    ARGS_NAME,
    CLUSTERING_FILES,
    CLUSTERING_NAME,
    CURVE_NAME,
    LOCK_NAME,
    SIZES,
    RunFolder,
    experiment_name,
    folder_of,
    parse_experiment_name,
)

__all__ = [
    'ARGS_NAME',
    'CLUSTERING_FILES',
    'CLUSTERING_NAME',
    'CURVE_NAME',
    'LOCK_NAME',
    'SIZES',
    'RunFolder',
    'experiment_name',
    'folder_of',
    'parse_experiment_name',
]
