"""docs/tour.ipynb runs from end to end, and its committed outputs are whole."""
import os

import nbclient
import nbformat
import pytest

from tests import tiny

TOUR = tiny.REPOSITORY / 'docs' / 'tour.ipynb'
SHORT = {'TOUR_SECONDS': '0', 'PYTHONPATH': str(tiny.REPOSITORY)}


@pytest.fixture
def tour():
    return nbformat.read(TOUR, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == 'code']


def kinds(cell):
    """What a cell shows: 'text', 'picture'."""
    shown = []
    for output in cell.outputs:
        assert output.output_type != 'error', output
        if output.get('name') == 'stderr':  # TensorFlow's notes on the machine
            continue
        picture = 'image/png' in output.get('data', {})
        shown.append('picture' if picture else 'text')
    return shown


def test_it_runs(tour, monkeypatch):
    committed = [kinds(cell) for cell in code_cells(tour)]
    for name, value in SHORT.items():
        monkeypatch.setenv(name, value)
    nbclient.NotebookClient(
        tour, timeout=300, resources={'metadata': {'path': os.path.dirname(TOUR)}}
    ).execute()
    assert [kinds(cell) for cell in code_cells(tour)] == committed


def test_its_outputs_are_committed(tour):
    assert not any(o.get('name') == 'stderr' for cell in code_cells(tour) for o in cell.outputs)
    shown = [kind for cell in code_cells(tour) for kind in kinds(cell)]
    assert shown.count('picture') >= 4 and shown.count('text') >= 4
    assert TOUR.stat().st_size < 1 << 20
    assert [cell.execution_count for cell in code_cells(tour)] == list(
        range(1, 1 + len(code_cells(tour)))
    )
