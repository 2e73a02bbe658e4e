"""What the tests of runs at work share."""
import pytest

from cli.reproduction import work
from tests import stand_ins


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Puts stand-ins in the scripts' place; the argument says which of them fail."""

    def make(*failing):
        stand_ins.write(tmp_path, failing)
        monkeypatch.setattr(work, 'ROOT', str(tmp_path))

    return make
