"""interpolate.py: a user's own pictures, test images, four corners."""
import io

import numpy as np
import pytest
from PIL import Image, ImageSequence

import acai_tf
from cli import interpolate
from lib import data, eval, lines
from lib.data import preprocessing
from lib.drawing import captions, pictures
from lib.errors import UserError
from tests import original

RUN = str(original.ACAI_RUN)


def drawn(ends, out, **options):
    options = {'steps': 5, 'spherical': False, 'zoom': 1, **options}
    interpolate.draw_between(RUN, ends, str(out), **options)
    return np.asarray(Image.open(out))


def parts(shown, rows, steps, zoom=1):
    """The left ends, what is decoded, and the right ends of a picture, found by its layout."""
    size = 32 * zoom
    top = shown.shape[0] - captions.MARGIN_PX - rows * size
    shown = shown[top : top + rows * size, captions.MARGIN_PX :, 0]
    assert (shown[:, -captions.MARGIN_PX :] == 255).all()  # nothing touches an edge
    font = captions.ImageFont.load_default(captions.FONT_PX)
    found, left = [], 0
    words = ('left', 'right') if rows == 1 else ('left corners', 'right corners')
    texts = (words[0], 'reconstructions of the ends, and between them', words[1])
    for text, columns in zip(texts, (1, steps, 1), strict=True):
        found.append(shown[:, left : left + columns * size].astype(int))
        left += max(columns * size, round(font.getlength(text)) + 1) + captions.GAP_PX
    return found


@pytest.fixture(scope='module')
def picture(tmp_path_factory):
    """The path of a line as a picture in colour, and the line."""
    line = lines.draw_lines([1.0])
    path = tmp_path_factory.mktemp('pictures') / 'a.png'
    Image.fromarray(pictures.to_uint8(line[0]).repeat(3, axis=-1)).save(path)
    return str(path), line


def test_a_strip_from_a_picture_to_a_test_image(picture, tmp_path):
    path, line = picture
    shown = drawn([path, 3], tmp_path / 'deep' / 'strip.png')
    real, strip, right = parts(shown, 1, 5)
    model = acai_tf.load_run(RUN)
    test = eval.first_images(data.get_dataset('lines32'), 4)[3:]
    ends = eval.decode(model, eval.encode(model, np.concatenate([line, test])))
    for end, place in zip(ends, (slice(0, 32), slice(128, 160)), strict=True):
        expected = pictures.to_uint8(end)[..., 0].astype(int)
        assert np.abs(strip[:, place] - expected).max() <= 1
    # The ends themselves stand beside their reconstructions.
    np.testing.assert_array_equal(real, pictures.to_uint8(line[0])[..., 0])
    np.testing.assert_array_equal(right, pictures.to_uint8(test[0])[..., 0])


@pytest.mark.parametrize('name, stored', [('mnist32', (28, 28)), ('celeba32', (218, 178, 3))])
def test_a_picture_as_it_is_published_is_prepared_as_for_training(name, stored, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, stored, np.uint8)
    path = str(tmp_path / 'a.png')
    Image.fromarray(pixels).save(path)
    entry = data.DATASETS[name]
    shape = entry.records.preparation.shape
    found = interpolate._read(path, shape, name)
    if name == 'mnist32':
        expected = np.pad(data.scale(pixels), 2, constant_values=-1)[..., None]
    else:
        (expected,) = preprocessing.faces(pixels[None], 32).numpy()
    np.testing.assert_array_equal(found, expected)
    assert found.shape == shape and found.dtype == np.float32
    assert (interpolate._read(path, shape, 'mine') != expected).any()  # its central square


def test_slerp_zoom_and_animation(picture, tmp_path, capsys):
    straight = drawn([0, 1], tmp_path / 'a.png', zoom=3)
    arc = drawn([0, 1], tmp_path / 'b.png', zoom=3, spherical=True)
    assert straight.shape == arc.shape and (straight != arc).any()
    _, strip, _ = parts(straight, 1, 5, zoom=3)
    assert (strip[::3, ::3].repeat(3, axis=0).repeat(3, axis=1) == strip).all()
    drawn([0, 1], tmp_path / 'c.gif', zoom=2)
    assert '8 frames, in 5 steps there and back' in capsys.readouterr().out
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
    shown = drawn([0, picture[0], 2, 3], tmp_path / 'a.png', steps=3)
    left, square, right = parts(shown, 3, 3)
    assert square.shape == (96, 96) and (left[32:64] == 255).all()
    np.testing.assert_array_equal(right[:32], pictures.to_uint8(picture[1][0])[..., 0])


@pytest.mark.parametrize(
    'ends, out, options, message',
    [
        ([0, 1], 'a.jpg', {}, r'must end in .png'),
        ([0, 1, 2, 3], 'a.gif', {}, r'must end in .png'),
        ([0, 1], 'a.png', {'steps': 1}, '--steps=1 must lie between'),
        ([0, 'missing.png'], 'a.png', {}, r'missing.png is missing\.$'),
        (['0', 1], 'a.png', {}, '0 is missing. For a test image give its number as --left_index'),
        ([0, __file__], 'a.png', {}, 'is not a readable picture'),
        ([0, 5000], 'a.png', {}, 'no test image 5000 in lines32, which has 5000'),
        ([0, 10**20], 'a.png', {}, 'no test image 10{20} in lines32'),
        ([0, 1, 2, 3], 'a.png', {'steps': 1000}, 'have 1,024,000,000 pixels, more than'),
        ([0, 1], 'a.png', {'steps': 1000, 'zoom': 64}, 'fewer --steps or a smaller --zoom'),
    ],
)
def test_mistakes(ends, out, options, message, tmp_path):
    with pytest.raises(UserError, match=message):
        drawn(ends, tmp_path / out, **options)


def test_script(picture, tmp_path):
    command = ['interpolate.py', f'--run={RUN}']
    code, out, error = original.run(
        *command, f'--left={picture[0]}', '--right_index=2', '--slerp', cwd=tmp_path
    )
    assert code == 0, error
    assert 'Wrote strip.png: 16 decoded pictures, and beside them the 2 given ones.' in out
    assert (tmp_path / 'strip.png').exists()
    code, _, error = original.run(*command, '--corners=1,2,3', cwd=tmp_path)
    assert code == 1 and '--corners takes four' in error.splitlines()[-1]


def test_an_animation_goes_there_and_back_without_an_end():
    greys = np.linspace(-1, 1, 5, dtype=np.float32)[:, None, None, None]
    pixels = pictures.to_uint8(np.broadcast_to(greys, (5, 8, 8, 1)))
    frames = interpolate._there_and_back(pixels)
    with Image.open(io.BytesIO(interpolate._gif(frames))) as animation:
        assert animation.info['loop'] == 0
        shown = []
        for frame in ImageSequence.Iterator(animation):
            assert frame.info['duration'] == interpolate.FRAME_MSEC
            shown.append(int(np.asarray(frame.convert('L'))[0, 0]))
    assert shown == pytest.approx([0, 64, 128, 191, 255, 191, 128, 64], abs=2)
