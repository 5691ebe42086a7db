"""Activation functions, each with its pullback.

At a kink the gradient is the one that PyTorch takes; each docstring with a kink says which.
"""

import math

import numpy as np

from utils.nn.guard import guarded

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017


@guarded
def identity(x):
    """Nothing at all, where a layer must stand: as torch.nn.Identity.  x: any shape."""
    return x, lambda dy: dy


@guarded
def sigmoid(x):
    """Squash each number into (0, 1), 1 / (1 + exp(-x)): eqs. (1.2), (1.5), (1.12).

    x: any shape.  As torch.sigmoid; no overflow for any finite x.
    """
    e = np.exp(-np.abs(x))  # never above 1
    y = np.where(x >= 0, 1, e) / (1 + e)

    def pullback(dy):
        return dy * y * (1 - y)

    return y, pullback


@guarded
def hard_sigmoid(x):
    """A sigmoid of three straight lines: 0 below -3, 1 above 3, slope 1/6 between.

    x: any shape.  As torch.nn.functional.hardsigmoid; at the kinks the gradient is 0.
    """

    def pullback(dy):
        return dy * ((x > -3) & (x < 3)) / 6

    return np.clip(x / 6 + 0.5, 0, 1), pullback


@guarded
def silu(x):
    """Each number times its own sigmoid, also called swish: eq. (2.9).

    x: any shape.  As torch.nn.functional.silu.  Ramachandran, Zoph & Le 2017.
    """
    s, _ = sigmoid(x)

    def pullback(dy):
        return dy * s * (1 + x * (1 - s))

    return x * s, pullback


@guarded
def tanh(x):
    """Squash each number into (-1, 1): eqs. (2.2), (2.3).

    x: any shape.  As torch.tanh.
    """
    y = np.tanh(x)

    def pullback(dy):
        return dy * (1 - y**2)

    return y, pullback


@guarded
def softsign(x):
    """Squash each number into (-1, 1) slowly, x / (1 + |x|): its slope falls as 1 / x^2 only.

    x: any shape.  As torch.nn.functional.softsign.
    """
    size = 1 + np.abs(x)

    def pullback(dy):
        return dy / size**2

    return x / size, pullback


@guarded
def softplus(x):
    """A smooth ReLU, log(1 + exp(x)): eq. (2.8).

    x: any shape.  As torch.nn.functional.softplus, which returns x itself above 20, where the
    difference is below 2.1e-9.  No overflow for any finite x.
    """

    def pullback(dy):
        return dy * sigmoid(x)[0]

    return np.logaddexp(0, x), pullback


@guarded
def relu(x, *, max_value=None):
    """Keep what is positive, replace the rest by zero; optionally cap at max_value: eq. (2.4).

    x: any shape.  As torch.relu, with max_value=6 as torch.nn.functional.relu6.  At the kinks the
    gradient is 0.
    """
    passes = x > 0
    y = np.maximum(x, 0)
    if max_value is not None:
        passes, y = passes & (x < max_value), np.minimum(y, max_value)

    def pullback(dy):
        return dy * passes

    return y, pullback


@guarded
def leaky_relu(x, *, negative_slope=0.01):
    """Keep what is positive, scale the rest by negative_slope: eq. (2.5).

    x: any shape.  As torch.nn.functional.leaky_relu; at the kink the gradient is negative_slope.
    """

    def pullback(dy):
        return np.where(x > 0, dy, negative_slope * dy)

    return np.where(x > 0, x, negative_slope * x), pullback


@guarded
def prelu(x, weight):
    """Leaky ReLU whose slopes are learned: eq. (2.5).

    x: any shape; weight: (1,), one slope for all, or (C,), one for each index of axis 1 of x.  As
    torch.nn.functional.prelu.  ValueError when weight fits neither.
    """
    if weight.shape != (1,) and (x.ndim < 2 or weight.shape != (x.shape[1],)):
        raise ValueError(
            f"weight has shape {weight.shape}; expected (1,) or one number for each channel of {x.shape}"
        )
    slope = weight.reshape(()) if weight.size == 1 else weight.reshape(-1, *[1] * (x.ndim - 2))

    def pullback(dy):
        each = dy * np.minimum(x, 0)
        others = tuple(axis for axis in range(x.ndim) if axis != 1)
        dweight = each.sum(keepdims=True).reshape(1) if weight.size == 1 else each.sum(others)
        return np.where(x > 0, dy, slope * dy), dweight

    return np.where(x > 0, x, slope * x), pullback


@guarded
def rrelu(x, *, rng=None, lower=1 / 8, upper=1 / 3, training=False):
    """Leaky ReLU with slopes drawn from U(lower, upper) in training, their mean otherwise.

    x: any shape; rng: a numpy Generator, needed in training.  As torch.nn.functional.rrelu (other
    random numbers).  ValueError in training without rng, and when upper is below lower.
    """
    if training and rng is None:
        raise ValueError("rng is None; in training expected a numpy Generator")
    if upper < lower:
        raise ValueError(f"upper is {upper}, below lower, which is {lower}; expected lower <= upper")
    drawn = rng.uniform(lower, upper, x.shape) if training else (lower + upper) / 2
    slope = np.asarray(drawn, dtype=x.dtype)  # float32 stays float32

    def pullback(dy):
        return np.where(x > 0, dy, slope * dy)

    return np.where(x > 0, x, slope * x), pullback


@guarded
def threshold(x, *, theta):
    """Keep what is above theta, replace the rest by zero: a jump of height theta.

    x: any shape.  As torch.nn.functional.threshold(x, theta, 0); at the jump the gradient is 0.
    """

    def pullback(dy):
        return dy * (x > theta)

    return np.where(x > theta, x, 0), pullback


@guarded
def elu(x, *, alpha=1.0):
    """Keep what is positive; below zero bend smoothly towards -alpha: eq. (2.6).

    x: any shape.  As torch.nn.functional.elu; at 0 the gradient is alpha.  Clevert et al. 2016.
    """
    negative = np.minimum(x, 0)

    def pullback(dy):
        return np.where(x > 0, dy, dy * alpha * np.exp(negative))

    return np.where(x > 0, x, alpha * np.expm1(negative)), pullback


@guarded
def selu(x):
    """ELU with the two constants that keep mean 0 and variance 1 from layer to layer: eq. (2.7).

    x: any shape.  As torch.nn.functional.selu.  Klambauer et al. 2017.
    """
    y, back = elu(x, alpha=SELU_ALPHA)

    def pullback(dy):
        return SELU_SCALE * back(dy)

    return SELU_SCALE * y, pullback


@guarded
def gelu(x):
    """Each number times the probability that a standard normal one is smaller: eq. (2.10).

    x: any shape.  As torch.nn.functional.gelu.  Hendrycks & Gimpel 2016.
    """
    erf = np.vectorize(math.erf, otypes=[x.dtype])  # NumPy has none of its own
    below = (1 + erf(x / math.sqrt(2))) / 2

    def pullback(dy):
        density = np.exp(-np.minimum(x**2, 1e3) / 2) / math.sqrt(2 * math.pi)
        return dy * (below + x * density)

    return x * below, pullback


@guarded(x="(..., units)")
def maxout(x, *, pieces):
    """The largest of each group of `pieces` neighbours on the last axis.

    x: (..., units * pieces); returns (..., units).  The first of equal numbers gets the gradient.
    Goodfellow et al. 2013.  ValueError when the last axis is no multiple of pieces.
    """
    if x.shape[-1] % pieces:
        raise ValueError(
            f"x has {x.shape[-1]} numbers on its last axis; expected a multiple of pieces, {pieces}"
        )
    groups = x.reshape(*x.shape[:-1], x.shape[-1] // pieces, pieces)
    winner = groups.argmax(-1)[..., None]

    def pullback(dy):
        dgroups = np.zeros_like(groups)
        np.put_along_axis(dgroups, winner, dy[..., None], axis=-1)
        return dgroups.reshape(x.shape)

    return groups.max(-1), pullback


@guarded
def softmax(x, *, axis=-1):
    """Shares that are positive and add up to one: eqs. (2.11), (2.13).

    x: any shape; the shares add up to one along `axis`.  As torch.softmax.  Stable for any finite x.
    """
    e = np.exp(x - x.max(axis, keepdims=True))
    p = e / e.sum(axis, keepdims=True)

    def pullback(dp):
        return p * (dp - (dp * p).sum(axis, keepdims=True))

    return p, pullback


@guarded
def log_softmax(x, *, axis=-1):
    """Logarithms of the shares, never minus infinity for finite x: eq. (2.20).

    x: any shape.  As torch.log_softmax.
    """
    shifted = x - x.max(axis, keepdims=True)
    y = shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))

    def pullback(dy):
        return dy - np.exp(y) * dy.sum(axis, keepdims=True)

    return y, pullback
