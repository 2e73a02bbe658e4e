"""Pictures that explain themselves: parts side by side, each under its caption, with a title."""
import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lib.drawing import pictures

FONT_PX, TITLE_PX = 14, 16
GAP_PX, MARGIN_PX, LEADING_PX = 16, 12, 6  # between parts; around all; below a line of text
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def captioned(parts, title='', zoom=1):
    """PNG bytes of the parts from left to right, aligned at the top.

    Args:
        parts: [(caption, picture (H, W, 1 or 3) in [-1, 1])].
        title: one line above all.
        zoom: how many times each pixel is repeated along both sides.
    """
    parts = [(caption, _enlarged(picture, zoom)) for caption, picture in parts]
    font, title_font = ImageFont.load_default(FONT_PX), ImageFont.load_default(TITLE_PX)
    captions = any(caption for caption, _ in parts)
    top = MARGIN_PX
    if title:
        top += TITLE_PX + LEADING_PX
    if captions:
        top += FONT_PX + LEADING_PX
    # A part is at least as wide as its caption.
    widths = [
        max(image.shape[1], round(font.getlength(caption)) + 1) for caption, image in parts
    ]
    width = sum(widths) + GAP_PX * (len(parts) - 1)
    width = max(width, round(title_font.getlength(title)) + 1) + 2 * MARGIN_PX
    height = top + max(image.shape[0] for _, image in parts) + MARGIN_PX
    canvas = Image.new('RGB', (width, height), WHITE)
    draw = ImageDraw.Draw(canvas)
    if title:
        draw.text((MARGIN_PX, MARGIN_PX), title, BLACK, title_font, 'la')
    left = MARGIN_PX
    for (caption, image), part_width in zip(parts, widths, strict=True):
        draw.text((left, top - LEADING_PX), caption, BLACK, font, 'ls')
        canvas.paste(Image.fromarray(image), (left, top))
        left += part_width + GAP_PX
    content = io.BytesIO()
    canvas.save(content, 'PNG')
    return content.getvalue()


def _enlarged(picture, zoom):
    """(H, W, 1 or 3) in [-1, 1] -> uint8 (zoom H, zoom W, 3)."""
    pixels = pictures.to_rgb(pictures.to_uint8(picture))
    return pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)


def at_the_ends(images, rows):
    """A column of images (1 or 2, H, W, C): first at the top, last at the bottom, white between.

    Returns:
        (rows, 1, H, W, C).
    """
    column = np.ones((rows, 1, *images.shape[1:]), np.float32)
    column[0, 0], column[-1, 0] = images[0], images[-1]
    return column
