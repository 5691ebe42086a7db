"""Pullbacks written without a look at the rules of the diagnosis: constants that are by chance a length; several explanations for one number."""

import numpy as np
import torch
import torch.nn.functional as F

from tests.crosscheck.blind.table import case, softmax


def scaled(name, mistake, constant, shape):
    """y = constant * x, the constant forgotten; `constant` or its inverse is the length of some axis by chance."""

    def make(wrong):
        def f(x):
            return constant * x, lambda dy: dy * (1 if wrong else constant)

        return f

    make.__name__ = name
    case(mistake, lambda x: constant * x, lambda r: (r.normal(size=shape),))(make)


scaled("scale_3", "y = 3 x, the 3 is forgotten; x is (3, 5)", 3.0, (3, 5))


scaled("scale_quarter", "y = x / 4, the 1/4 is forgotten; x is (4, 5)", 0.25, (4, 5))


scaled("scale_5_last", "y = 5 x, the 5 is forgotten; x is (3, 5)", 5.0, (3, 5))


scaled("scale_half", "y = x / 2, the 1/2 is forgotten; x is (3, 4), 2 is the root of 4", 0.5, (3, 4))


scaled("scale_15", "y = x / 15, the 1/15 is forgotten; x has 15 elements", 1 / 15, (3, 5))


@case(
    "temperature 6 forgotten; there are 6 classes",
    lambda logits: torch.softmax(logits / 6.0, -1),
    lambda r: (r.normal(size=(4, 6)),),
)
def temperature_is_classes(wrong):
    def f(logits):
        p = softmax(logits / 6)
        return p, lambda dp: p * (dp - (dp * p).sum(-1, keepdims=True)) / (1 if wrong else 6)

    return f


@case(
    "logits divided by tau = 0.25 in a loss that is a mean over 4 examples: 1/tau is forgotten",
    lambda u, v: F.cross_entropy(u @ v.T / 0.25, torch.arange(4)),
    lambda r: (r.normal(size=(4, 3)), r.normal(size=(4, 3))),
)
def tau_is_batch(wrong):
    def f(u, v):
        p = softmax(u @ v.T / 0.25)

        def pullback(d):
            ds = (p - np.eye(4)) / 4 * d / (1 if wrong else 0.25)
            return ds @ v, ds.T @ u

        return -np.log(np.diag(p)).mean(), pullback

    return f


@case(
    "RMS norm: x_hat * weight is kept in place of x_hat (the in-place mistake again, two-step network behind it)",
    lambda x, weight, w: F.rms_norm(x, (4,), weight, eps=1e-6) @ w,
    lambda r: (r.normal(size=(5, 4)), r.normal(size=4), r.normal(size=(4, 3))),
)
def rms_norm_inplace(wrong):
    def f(x, weight, w):
        inv = 1 / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
        x_hat = x * inv
        y = x_hat * weight
        kept = y if wrong else x_hat

        def pullback(dz):
            dy = dz @ w.T
            d = dy * weight
            return inv * (d - kept * (d * kept).mean(-1, keepdims=True)), (dy * kept).sum(0), y.T @ dz

        return y @ w, pullback

    return f


@case(
    "a boolean mask of shape (B, T, 1): forgotten in the gradient",
    lambda x, w, mask: torch.tanh(x @ w) * mask,
    lambda r: (
        r.normal(size=(3, 4, 2)),
        r.normal(size=(2, 5)),
        np.array([[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]], bool)[..., None],
    ),
)
def padding_mask_plain(wrong):
    def f(x, w, mask):
        h = np.tanh(x @ w)

        def pullback(dy):
            da = dy * (1 - h**2) * (1 if wrong else mask)
            return da @ w.T, np.einsum("bti,bto->io", x, da), None

        return h * mask, pullback

    return f


@case(
    "max pooling: the gradient is shared over the window, not given to the maximum (average pooling's pullback)",
    lambda x: F.max_pool1d(x, 2),
    lambda r: (r.normal(size=(2, 3, 8)),),
)
def max_pool_shared(wrong):
    def f(x):
        win = x.reshape(2, 3, 4, 2)
        hot = win == win.max(-1, keepdims=True)
        return win.max(-1), lambda dy: ((0.5 if wrong else hot) * dy[..., None] * np.ones(2)).reshape(x.shape)

    return f


@case(
    "in-place scaling: tanh's output is overwritten by h * gain, kept for the gradient of gain and for 1 - h^2",
    lambda x, gain: torch.tanh(x) * gain,
    lambda r: (r.normal(size=(5, 4)), r.normal(size=4)),
)
def gain_inplace(wrong):
    def f(x, gain):
        h = np.tanh(x)
        y = h * gain
        kept = y if wrong else h
        return y, lambda dy: (dy * gain * (1 - kept**2), (dy * kept).sum(0))

    return f


@case(
    "in-place scaling: only the gradient of gain meets the overwritten h * gain",
    lambda x, gain: torch.tanh(x) * gain,
    lambda r: (r.normal(size=(5, 4)), r.normal(size=4)),
)
def gain_inplace_only(wrong):
    def f(x, gain):
        h = np.tanh(x)
        y = h * gain
        return y, lambda dy: (dy * gain * (1 - h**2), (dy * (y if wrong else h)).sum(0))

    return f


@case(
    "tanh's derivative from the output after the gain (dropout scale) was applied in place",
    lambda x, w: (torch.tanh(x) * 2) @ w,
    lambda r: (r.normal(size=(5, 4)), r.normal(size=(4, 3))),
)
def scaled_tanh_inplace(wrong):
    def f(x, w):
        h = np.tanh(x)
        y = h * 2

        def pullback(dz):
            dh = dz @ w.T * 2
            return dh * (1 - (y if wrong else h) ** 2), y.T @ dz

        return y @ w, pullback

    return f


@case(
    "the gradient of a transposed product: w stored (out, in), dw returned as (in, out) (square)",
    lambda x, weight, bias: F.linear(x, weight, bias),
    lambda r: (r.normal(size=(5, 4)), r.normal(size=(4, 4)), r.normal(size=4)),
)
def linear_dw_transposed(wrong):
    def f(x, weight, bias):
        return x @ weight.T + bias, lambda dy: (dy @ weight, x.T @ dy if wrong else dy.T @ x, dy.sum(0))

    return f


@case(
    "the batch is of length 1: mean instead of sum cannot be seen (must be accepted), but the layer's scale 1/in is forgotten",
    lambda x, w, b: x @ w / 3 + b,
    lambda r: (r.normal(size=(1, 3)), r.normal(size=(3, 2)), r.normal(size=2)),
)
def batch_of_one(wrong):
    def f(x, w, b):
        return x @ w / 3 + b, lambda dy: (dy @ w.T / 3, x.T @ dy / (1 if wrong else 3), dy.mean(0))

    return f


@case(
    "mean over the examples that are on: the gradient divides by all (one constant, mask given)",
    lambda x, mask: (x * mask).sum() / mask.sum(),
    lambda r: (r.normal(size=6), np.array([1, 0, 1, 1, 0, 1], bool)),
)
def masked_mean_all(wrong):
    def f(x, mask):
        return (x * mask).sum() / mask.sum(), lambda d: (d * mask / (len(x) if wrong else mask.sum()), None)

    return f


@case(
    "sum over rows weighted by softmax scores (pooling): the path through the scores is dropped",
    lambda h, a: torch.softmax(h @ a, 0) @ h,
    lambda r: (r.normal(size=(5, 3)), r.normal(size=3)),
)
def attention_pooling(wrong):
    def f(h, a):
        p = softmax(h @ a)

        def pullback(dy):
            dp = h @ dy
            ds = p * (dp - p @ dp)
            dh = np.outer(p, dy)
            return dh if wrong else dh + np.outer(ds, a), h.T @ ds

        return p @ h, pullback

    return f


@case(
    "Euclid's triangle: sqrt(x^2 + y^2), the gradient is taken as x + y over the root (sum of both in each)",
    lambda x, y: torch.sqrt(x**2 + y**2),
    lambda r: (r.normal(size=(4, 3)), r.normal(size=(4, 3))),
)
def hypotenuse(wrong):
    def f(x, y):
        z = np.sqrt(x**2 + y**2)
        return z, lambda d: (d * (x + y if wrong else x) / z, d * (x + y if wrong else y) / z)

    return f


@case(
    "quotient rule: d(a/b)/db = -a/b instead of -a/b^2",
    lambda a, b: a / b,
    lambda r: (r.normal(size=(4, 3)), r.random((4, 3)) + 0.5),
)
def quotient(wrong):
    def f(a, b):
        return a / b, lambda d: (d / b, -d * a / (b if wrong else b**2))

    return f
