"""Loss functions: tensors in, a scalar out. Each docstring names its reduction."""
from keras import ops

PIXEL_SCALE = 127.5  # images live in [-1, 1], pixels in 0..255


def mean_squared_error(x, y):
    """Mean of (x - y)^2 over everything."""
    return ops.mean(ops.square(x - y))


def rmse_pixels(mse):
    """Root of a mean squared error of images in [-1, 1], in pixel values of 0..255."""
    return ops.sqrt(mse) * PIXEL_SCALE


def sigmoid_cross_entropy(logits, target):
    """Binary cross-entropy of each logit against the constant `target`, mean over everything."""
    return ops.mean(
        ops.binary_crossentropy(ops.full_like(logits, target), logits, from_logits=True)
    )


def softmax_cross_entropy(logits, label):
    """Cross-entropy of (B, nclass) logits and label weights, mean over the batch."""
    return ops.mean(ops.categorical_crossentropy(label, logits, from_logits=True))


def bernoulli_log_likelihood(logits, x):
    """log p(x | logits) of images x in [-1, 1]: sum over pixels, mean over the batch."""
    target = 0.5 * (x + 1)
    log_prob = -ops.binary_crossentropy(target, logits, from_logits=True)
    return ops.sum(log_prob) / _batch_size(x)


def kl_to_standard_normal(mean, log_var):
    """KL(N(mean, exp(log_var)) || N(0, 1)): sum over latents, mean over the batch."""
    total = ops.sum(ops.exp(log_var) + ops.square(mean) - 1 - log_var)
    return 0.5 * total / _batch_size(mean)


def _batch_size(x):
    """The batch size as a float tensor, because a graph may not know it yet."""
    return ops.cast(ops.shape(x)[0], x.dtype)
