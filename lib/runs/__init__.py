"""What a run leaves, and how it is found again: `RunFolder`."""
from lib.runs.folder import (
    ARGS_NAME,
    CLUSTERING_FILES,
    CLUSTERING_NAME,
    CURVE_NAME,
    LOCK_NAME,
    SIZES,
    RunFolder,
    experiment_name,
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
    'parse_experiment_name',
]
