"""The original's preprocessing of pictures and labels."""
import tensorflow as tf

CELEBA_BORDER_PX = 36, 16  # above and below, left and right of the square that is cut out


def scale(pixels):
    """uint8 pixels -> float32 in [-1, 1], by the original's formula, whose rounding this keeps."""
    return tf.cast(pixels, tf.float32) * (2 / 255) - 1


def pad_to_32(pixels):
    """(n, 28, 28, 1) -> (n, 32, 32, 1); pixel 0 is the original's padding by -1."""
    return tf.pad(pixels, ((0, 0), (2, 2), (2, 2), (0, 0)))


def faces(pixels, size):
    """CelebA's (n, 218, 178, 3) uint8 -> (n, size, size, 3) float32, a little beyond [-1, 1] at
    edges.

    # Original: TensorFlow 1's bicubic resizing, without half-pixel centres and antialiasing;
    today's `tf.image.resize` gives other pictures.
    """
    top, left = CELEBA_BORDER_PX
    cropped = scale(pixels[:, top:-top, left:-left])
    return tf.raw_ops.ResizeBicubic(
        images=cropped, size=(size, size), align_corners=False, half_pixel_centers=False
    )


def svhn_class(digit):
    """SVHN's class of a digit: digit d is class d - 1, and digit 0 is class 9.

    # Original: it subtracts 1 from SVHN's own labels, in which digit 0 is 10.
    """
    return (digit - 1) % 10
