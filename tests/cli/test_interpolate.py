"""interpolate.py: a user's own pictures, test images, four corners."""
import numpy as np
import pytest
from PIL import Image

import acai_tf
from cli import interpolate
from lib import data, eval, lines
from lib.drawing import pictures
from lib.errors import UserError
from tests import original

RUN = str(original.ACAI_RUN)


def drawn(ends, out, **options):
    options = {'steps': 5, 'spherical': False, 'zoom': 1, **options}
    interpolate.draw(RUN, ends, str(out), **options)
    return np.asarray(Image.open(out))


@pytest.fixture(scope='module')
def picture(tmp_path_factory):
    """The path of a line as a picture in colour, and the line."""
    line = lines.draw_lines([1.0])
    path = tmp_path_factory.mktemp('pictures') / 'a.png'
    Image.fromarray(pictures.to_uint8(line[0]).repeat(3, axis=-1)).save(path)
    return str(path), line


def test_a_strip_from_a_picture_to_a_test_image(picture, tmp_path):
    path, line = picture
    strip = drawn([path, 3], tmp_path / 'deep' / 'strip.png')
    assert strip.shape == (32, 5 * 32)
    model = acai_tf.load_run(RUN)
    test = eval.first_images(data.get_dataset('lines32'), 4)[3:]
    ends = eval.decode(model, eval.encode(model, np.concatenate([line, test])))
    for end, place in zip(ends, (slice(0, 32), slice(128, 160)), strict=True):
        expected = pictures.to_uint8(end)[..., 0].astype(int)
        assert np.abs(strip[:, place] - expected).max() <= 1


def test_slerp_zoom_and_animation(picture, tmp_path):
    straight = drawn([0, 1], tmp_path / 'a.png', zoom=3)
    arc = drawn([0, 1], tmp_path / 'b.png', zoom=3, spherical=True)
    assert straight.shape == arc.shape == (96, 5 * 96)
    assert (straight[::3, ::3].repeat(3, axis=0).repeat(3, axis=1) == straight).all()
    drawn([0, 1], tmp_path / 'c.gif', zoom=2)
    with Image.open(tmp_path / 'c.gif') as animation:
        assert animation.n_frames <= 8 and animation.size == (64, 64)


@pytest.mark.parametrize('spherical', [False, True])
def test_the_corners_of_a_square(spherical):
    corners = np.random.default_rng(0).normal(size=(4, 2, 2, 3)).astype(np.float32)
    square = interpolate.between(corners, 7, spherical)
    assert square.shape == (7, 7, 2, 2, 3)
    found = square[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(found, corners, atol=1e-6)
    if not spherical:
        np.testing.assert_allclose(square[3, 3], corners.mean(axis=0), atol=1e-6)


def test_a_square_of_pictures(picture, tmp_path):
    assert drawn([0, picture[0], 2, 3], tmp_path / 'a.png', steps=3).shape == (96, 96)


@pytest.mark.parametrize(
    'ends, out, options, message',
    [
        ([0, 1], 'a.jpg', {}, r'must end in .png'),
        ([0, 1, 2, 3], 'a.gif', {}, r'must end in .png'),
        ([0, 1], 'a.png', {'steps': 1}, '--steps=1 must lie between'),
        ([0, 'missing.png'], 'a.png', {}, 'missing.png is missing'),
        ([0, __file__], 'a.png', {}, 'is no readable picture'),
        ([0, 5000], 'a.png', {}, 'There is no test image 5000 in lines32'),
    ],
)
def test_mistakes(ends, out, options, message, tmp_path):
    with pytest.raises((UserError, UserError), match=message):
        drawn(ends, tmp_path / out, **options)


def test_script(picture, tmp_path):
    command = ['interpolate.py', f'--run={RUN}']
    code, out, error = original.run(
        *command, f'--left={picture[0]}', '--right_index=2', '--slerp', cwd=tmp_path
    )
    assert code == 0, error
    assert 'Wrote strip.png: 1 x 16 pictures.' in out and (tmp_path / 'strip.png').exists()
    code, _, error = original.run(*command, '--corners=1,2,3', cwd=tmp_path)
    assert code == 1 and '--corners takes four' in error.splitlines()[-1]
