"""Pictures with captions and titles."""
import io

import numpy as np
from PIL import Image

from lib.drawing import captions, pictures


def drawn(parts, **options):
    return np.asarray(Image.open(io.BytesIO(captions.captioned(parts, **options))))


def test_parts_stand_side_by_side_under_their_captions():
    rng = np.random.default_rng(0)
    gray, color = rng.uniform(-1, 1, (20, 200, 1)), rng.uniform(-1, 1, (20, 200, 3))
    shown = drawn([('gray', gray), ('in colour', color)], title='a title')
    margin, gap = captions.MARGIN_PX, captions.GAP_PX
    assert shown.shape[1] == 2 * margin + 400 + gap
    body = shown[-margin - 20 : -margin]
    expected = pictures.to_uint8(gray).repeat(3, axis=2)
    np.testing.assert_array_equal(body[:, margin : margin + 200], expected)
    np.testing.assert_array_equal(body[:, -margin - 200 : -margin], pictures.to_uint8(color))
    assert (body[:, margin + 200 : -margin - 200] == 255).all()
    head = shown[: -margin - 20]
    assert (head < 128).any(axis=(1, 2)).sum() > 10  # the words
    # Nothing touches an edge.
    for edge in (shown[:margin], shown[-margin:], shown[:, :margin], shown[:, -margin:]):
        assert (edge[: margin - 2] == 255).all()


def test_a_long_caption_or_title_widens_the_picture():
    dot = np.zeros((8, 8, 1))
    narrow = drawn([('', dot)])
    assert narrow.shape[:2] == (8 + 24, 8 + 24)
    assert drawn([('a caption that is long', dot)]).shape[1] > 100
    assert drawn([('', dot)], title='a title that is long').shape[1] > 100
    assert drawn([('', dot)], zoom=3).shape[:2] == (24 + 24, 24 + 24)


def test_a_column_of_ends():
    ends = np.stack([np.full((2, 2, 1), -1), np.full((2, 2, 1), 0)])
    column = captions.at_the_ends(ends, 4)
    assert column[:, 0, 0, 0, 0].tolist() == [-1, 1, 1, 0]
    assert captions.at_the_ends(ends[:1], 1).tolist() == [[ends[0].tolist()]]
