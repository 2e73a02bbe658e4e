import numpy as np
import tensorflow as tf

from acai_tf import load
from lib import eval, interpolate
from lib.drawing import pictures
from tests import original


def test_rounding_and_clipping():
    values = [-2, -1, -1 + 0.9 / 255, -1 + 1.1 / 255, 0, 0.5, 1, 7, np.inf, np.nan]
    # 127.5 rounds to the even 128
    expected = [0, 0, 0, 1, 128, 191, 255, 255, 255, 0]
    np.testing.assert_array_equal(pictures.to_uint8(values), expected)


def test_png_holds_the_rounded_pixels():
    for colors in (1, 3):
        image = np.random.default_rng(0).uniform(-1.2, 1.2, (5, 7, colors))
        decoded = tf.io.decode_png(pictures.to_png(image))
        expected = np.clip(np.round(127.5 + 127.5 * image), 0, 255)
        np.testing.assert_array_equal(decoded, expected)


def test_tile_lays_rows_and_columns():
    images = np.arange(2 * 3).reshape(2, 3, 1, 1, 1) * np.ones((1, 1, 4, 5, 1))
    picture = pictures.tile(images)
    assert picture.shape == (8, 15, 1)
    np.testing.assert_array_equal(picture[::4, ::5, 0], [[0, 1, 2], [3, 4, 5]])


def test_grid_shows_each_image_in_its_place():
    """Latents are the images themselves, 1 pixel each, and decoding negates them."""
    pairs, rows, steps = 2, 3, 4
    images = np.random.default_rng(0).normal(size=(20, 1, 1, 1)).astype(np.float32)
    samples = np.arange(rows * steps, dtype=np.float32).reshape(-1, 1, 1, 1)
    drawn, straight = pictures.report_pictures(
        lambda images: images, np.negative, images, samples, pairs, rows, steps
    )
    x = images.ravel()
    reconstruction = drawn['reconstruction'][..., 0]
    assert reconstruction.shape == (rows, 2 * pairs)
    np.testing.assert_array_equal(reconstruction[:, ::2].ravel(), x[:6])
    np.testing.assert_array_equal(reconstruction[:, 1::2].ravel(), -x[:6])
    left, right = images[6:9], images[9:12]
    expected = -interpolate.lerp(left, right, steps)
    np.testing.assert_array_equal(straight, expected)
    np.testing.assert_array_equal(drawn['interpolation'][..., 0], expected[..., 0, 0, 0])
    expected = -interpolate.slerp(left, right, steps)[..., 0, 0, 0]
    np.testing.assert_array_equal(drawn['slerp'][..., 0], expected)
    np.testing.assert_array_equal(drawn['samples'][0, :, 0], [0, -3, -6, -9])  # down, then right


def test_number_of_images_of_the_papers_grid():
    assert pictures.num_images() == 96


def test_wide_images_have_fewer_rows():
    rows = {width: pictures.rows_of(width) for width in (8, 32, 64, 128, 256, 1024)}
    assert rows == {8: 16, 32: 16, 64: 16, 128: 8, 256: 4, 1024: 2}


def test_grid_repeats_images_of_a_small_test_set():
    images = np.arange(1, 6, dtype=np.float32).reshape(5, 1, 1, 1)
    samples = np.zeros((2 * 2, 1, 1, 1), np.float32)
    drawn, _ = pictures.report_pictures(
        lambda x: x, lambda x: x, images, samples, pairs=2, rows=2, steps=2
    )
    np.testing.assert_array_equal(drawn['reconstruction'][:, ::2, 0], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(drawn['interpolation'][..., 0], [[5, 2], [1, 3]])


def test_tensorboard_shows_pictures_in_the_range_of_the_originals():
    def shown(*values):
        return pictures.to_tensorboard(np.reshape(values, (1, -1, 1))).ravel().tolist()

    assert shown(-1, 0, 1) == [1, 128, 255]
    assert shown(-0.5, 0, 0.25) == [1, 128, 191]  # stretched
    assert shown(0, 0.5) == [0, 255]
    assert shown(np.nan, -1) == [128, 1] and shown(0, 0) == [0, 0]


def pictures_of_2018(run, step):
    """{tag: pixels (H, W, C)} of a report in the event file of a run of the 2018 code."""
    (path,) = (run / 'tf' / 'summaries').iterdir()
    return {
        value.tag: tf.io.decode_png(value.image.encoded_image_string).numpy()
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
        if event.step == step and value.HasField('image')
    }


def test_reconstructions_of_the_2018_code():
    """Its weights, given the test images that its own picture shows, draw that picture again."""
    expected = pictures_of_2018(original.OTHER_ACAI_RUN, step=49)['reconstruction/image/0']
    size, columns = 32, 2 * pictures.PAIRS
    shown = expected.reshape(pictures.ROWS, size, columns, size, 1).swapaxes(1, 2)[:, ::2]
    images = (shown.reshape(-1, size, size, 1).astype(np.float32) - 128) / 127
    model = load.load_run(str(original.OTHER_ACAI_RUN))
    drawn, _ = pictures.report_pictures(
        lambda images: eval.encode(model, images),
        lambda latents: eval.decode(model, latents),
        images,
        samples=np.zeros((pictures.ROWS * pictures.STEPS, *model.latent_shape), np.float32),
    )
    drawn = pictures.to_tensorboard(drawn['reconstruction'])
    assert drawn.shape == expected.shape
    # The images come from pixels, to the nearest of which the 2018 code's own are not known.
    assert np.abs(drawn.astype(int) - expected).max() <= 1


def test_tags_and_sizes_of_the_2018_code():
    expected = pictures_of_2018(original.OTHER_ACAI_RUN, step=49)
    images = np.zeros((pictures.num_images(), 32, 32, 1), np.float32)
    samples = np.zeros((pictures.ROWS * pictures.STEPS, 32, 32, 1), np.float32)
    drawn, _ = pictures.report_pictures(lambda x: x, lambda z: z, images, samples)
    sizes = {f'{name}/image/0': picture.shape for name, picture in drawn.items()}
    assert sizes == {tag: picture.shape for tag, picture in expected.items()}
    # Dark grey at most, though no picture is all black: the largest absolute value is -1.
    assert {picture.min() for picture in expected.values()} == {1}
