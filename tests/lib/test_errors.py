"""What an exception says, in one line."""
import pytest
import tensorflow as tf

from lib.errors import first_line


@pytest.mark.parametrize(
    'error, wanted',
    [
        (tf.errors.DataLossError(None, None, 'cut short [Op:Read]\n\t [[{{node}}]]'), 'cut short'),
        (OSError('No space left on device.\nmore'), 'No space left on device'),
        (tf.errors.OutOfRangeError(None, None, ''), 'OutOfRangeError'),
        (ValueError(), 'ValueError'),
    ],
)
def test_first_line(error, wanted):
    assert first_line(error) == wanted
