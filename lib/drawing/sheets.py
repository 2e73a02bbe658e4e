"""Figures made of pictures, as PDF and PNG."""
import io

import numpy as np

from lib import files
from lib.drawing import pictures

PADDING_PX, WHITE = 2, 255  # around each picture of a strip, as in the paper
ZOOM, DPI = 2, 200  # printed dots for each pixel; dots an inch
FONT_POINTS = 9
GAP_PX, MARGIN_PX = 8, 4  # between groups of rows; around the figure
LINE_PX = 15  # height of a line of a label, in the pixels of the pictures


def pad(images):
    """Pixel values (n, H, W, C) in a white frame: (n, H + 2 PADDING_PX, W + 2 PADDING_PX, C)."""
    frame = (PADDING_PX, PADDING_PX)
    return np.pad(images, ((0, 0), frame, frame, (0, 0)), constant_values=WHITE)


def to_display(images, limits=(-1, 1)):
    """Images to pixel values 0..255: limits become black and white, values beyond are clipped."""
    low, high = limits
    return pictures.to_uint8((np.asarray(images) - low) / (high - low) * 2 - 1)


def strips(groups, limits=(-1, 1)):
    """A figure of labelled strips of pictures, row under row.

    Args:
        groups: [(label, rows)], rows (r, n, H, W, C); the label stands left of its rows.
        limits: pixel values shown as black and as white.

    Returns:
        A matplotlib figure, ZOOM dots for each pixel.
    """
    shown = []
    for label, rows in groups:
        count = rows.shape[1]
        flat = pad(to_display(rows.reshape(-1, *rows.shape[2:]), limits))
        tiled = pictures.tile(flat.reshape(-1, count, *flat.shape[1:]))
        shown.append((label, tiled))
    # A label of many lines may be higher than its pictures.
    heights = [max(image.shape[0], LINE_PX * (1 + label.count('\n'))) for label, image in shown]
    height = sum(heights) + GAP_PX * (len(shown) - 1)
    width = max(image.shape[1] for _, image in shown)
    labels = _label_width([label for label, _ in shown])
    figure, place = _canvas(labels + width + 2 * MARGIN_PX, height + 2 * MARGIN_PX)
    top = MARGIN_PX
    for (label, image), height in zip(shown, heights, strict=True):
        rows, columns = image.shape[:2]
        axes = place(MARGIN_PX + labels, top + (height - rows) // 2, columns, rows)
        _show(axes, image)
        axes.text(
            -6 / columns, 0.5, label, transform=axes.transAxes, ha='right', va='center',
            fontsize=FONT_POINTS,
        )  # fmt: skip
        top += height + GAP_PX
    return figure


def mosaic(rows):
    """A figure of pictures without gaps and labels: (r, n, H, W, C)."""
    image = pictures.tile(to_display(rows))
    figure, place = _canvas(image.shape[1] + 2 * MARGIN_PX, image.shape[0] + 2 * MARGIN_PX)
    _show(place(MARGIN_PX, MARGIN_PX, image.shape[1], image.shape[0]), image)
    return figure


def _label_width(labels):
    """Width in pixels that holds the longest line of the labels."""
    longest = max(len(line) for label in labels for line in label.split('\n'))
    return int(longest * 0.62 * FONT_POINTS * DPI / 72 / ZOOM) + 10


def _canvas(width_px, height_px):
    """(figure, function that places axes by pixels from the top left)."""
    from matplotlib.figure import Figure  # imported here: it is slow, and only figures need it

    figure = Figure(figsize=(width_px * ZOOM / DPI, height_px * ZOOM / DPI), dpi=DPI)

    def place(left, top, width, height):
        bottom = height_px - top - height
        return figure.add_axes(
            [left / width_px, bottom / height_px, width / width_px, height / height_px]
        )

    return figure, place


def _show(axes, image):
    """Draws pixel values (H, W, 1 or 3) dot for dot."""
    axes.imshow(pictures.to_rgb(image), interpolation='none', aspect='auto')
    axes.set_axis_off()


def save(figure, stem):
    """Writes STEM.pdf and STEM.png.

    Returns:
        The paths.

    Raises:
        UserError: they cannot be written.
    """
    paths = []
    for kind in ('pdf', 'png'):
        content = io.BytesIO()
        # Without a date, so that equal figures give identical files.
        metadata = {'CreationDate': None} if kind == 'pdf' else None
        figure.savefig(content, format=kind, dpi=DPI, metadata=metadata)
        paths.append(f'{stem}.{kind}')
        files.write_file(paths[-1], content.getvalue())
    return paths
