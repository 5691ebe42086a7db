"""Pullbacks written without a look at the rules of the diagnosis: products, masks and state between calls."""

import numpy as np
import torch
import torch.nn.functional as F

from tests.crosscheck.blind.coincidences import normaliser_detached
from tests.crosscheck.blind.losses import kl_divergence
from tests.crosscheck.blind.table import case, softmax


@case(
    "the same as normaliser_detached, where PyTorch's function computes exp once",
    lambda s, v: ((e := torch.exp(s)) / e.sum(-1, keepdim=True)) @ v,
    lambda r: (r.normal(size=(4, 6)), r.normal(size=(6, 3))),
)
def normaliser_detached_once(wrong):
    return normaliser_detached(wrong)


@case(
    "KL written out, p log p: the 1 is missing (PyTorch's function written out too)",
    lambda log_q, p: (p * (torch.log(p) - log_q)).sum() / len(p),
    lambda r: (np.log(softmax(r.normal(size=(5, 4)))), softmax(r.normal(size=(5, 4)))),
)
def kl_written_out(wrong):
    return kl_divergence(wrong)


@case(
    "entropy -sum p log p per row: the -1 is missing",
    lambda p: -(p * torch.log(p)).sum(1),
    lambda r: (softmax(r.normal(size=(5, 4))),),
)
def entropy(wrong):
    def f(p):
        def pullback(dh):
            return -dh[:, None] * (np.log(p) + (0 if wrong else 1))

        return -(p * np.log(p)).sum(1), pullback

    return f


@case(
    "matrix times vector: dx = W dy instead of W^T dy (square W)",
    lambda w, x: w @ x,
    lambda r: (r.normal(size=(4, 4)), r.normal(size=4)),
)
def matvec(wrong):
    def f(w, x):
        def pullback(dy):
            return np.outer(dy, x), (w if wrong else w.T) @ dy

        return w @ x, pullback

    return f


@case(
    "matrix times vector: dW = outer(x, dy) instead of outer(dy, x)",
    lambda w, x: w @ x,
    lambda r: (r.normal(size=(4, 4)), r.normal(size=4)),
)
def matvec_outer(wrong):
    def f(w, x):
        def pullback(dy):
            return np.outer(x, dy) if wrong else np.outer(dy, x), w.T @ dy

        return w @ x, pullback

    return f


@case(
    "einsum with a square core: the two core indices are swapped in dx",
    lambda x, w, z: torch.einsum("ni,ij,nj->n", x, w, z),
    lambda r: (r.normal(size=(5, 4)), r.normal(size=(4, 4)), r.normal(size=(5, 4))),
)
def einsum_transposed(wrong):
    def f(x, w, z):
        def pullback(dy):
            d = dy[:, None]
            return d * (z @ w if wrong else z @ w.T), np.einsum("n,ni,nj->ij", dy, x, z), d * (x @ w)

        return np.einsum("ni,ij,nj->n", x, w, z), pullback

    return f


@case(
    "einsum, two factors: the weight's indices are swapped in dx (square)",
    lambda x, w: torch.einsum("bti,io->bto", x, w),
    lambda r: (r.normal(size=(2, 3, 4)), r.normal(size=(4, 4))),
)
def einsum_two(wrong):
    def f(x, w):
        def pullback(dy):
            return np.einsum("bto,oi->bti" if wrong else "bto,io->bti", dy, w), np.einsum(
                "bti,bto->io", x, dy
            )

        return np.einsum("bti,io->bto", x, w), pullback

    return f


@case(
    "each row is scaled by its weight in the loss; the weights are left out of the gradient",
    lambda x, w, y, s: (s * (x @ w - y) ** 2).sum() / s.sum(),
    lambda r: (r.normal(size=(6, 3)), r.normal(size=3), r.normal(size=6), r.random(6) + 0.5),
)
def weighted_mse(wrong):
    def f(x, w, y, s):
        e = x @ w - y
        loss = (s * e**2).sum() / s.sum()

        def pullback(d):
            de = 2 * e * (1 if wrong else s) / s.sum() * d
            return np.outer(de, w), x.T @ de, -de, d * (e**2 - loss) / s.sum()

        return loss, pullback

    return f


@case(
    "padded rows (mask 0): the mask multiplies the value, not the gradient",
    lambda x, w, mask: torch.tanh(x @ w) * mask[..., None],
    lambda r: (
        r.normal(size=(3, 4, 2)),
        r.normal(size=(2, 5)),
        np.array([[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]], bool),
    ),
)
def padding_mask(wrong):
    def f(x, w, mask):
        h = np.tanh(x @ w)

        def pullback(dy):
            da = dy * (1 - h**2) * (1 if wrong else mask[..., None])
            return da @ w.T, np.einsum("bti,bto->io", x, da), None

        return h * mask[..., None], pullback

    return f


@case(
    "max over a row with ties: the gradient goes to every maximum in full",
    lambda x: x.max(1).values,
    lambda r: (np.array([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0], [4.0, 4.0, 4.0]]),),
)
def max_ties(wrong):
    def f(x):
        def pullback(dy):
            first = np.eye(x.shape[1])[x.argmax(1)]
            return dy[:, None] * ((x == x.max(1, keepdims=True)) if wrong else first)

        return x.max(1), pullback

    return f


@case(
    "gradients accumulate over calls of the pullback (never set to zero)",
    lambda x, w: x @ w,
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(3, 4))),
)
def accumulating(wrong):
    def f(x, w):
        total = np.zeros_like(w)

        def pullback(dy):
            dw = x.T @ dy
            if wrong:
                total.__iadd__(dw)
                dw = total.copy()
            return dy @ w.T, dw

        return x @ w, pullback

    return f


@case(
    "epsilon 1e-5 left out of the backward pass of a batch norm",
    lambda x: F.batch_norm(x, None, None, training=True),
    lambda r: (r.normal(size=(8, 3)),),
)
def batch_norm_eps_dropped(wrong):
    def f(x):
        c = x - x.mean(0)
        var = (c**2).mean(0)
        inv = 1 / np.sqrt(var + 1e-5)

        def pullback(dy):
            i = 1 / np.sqrt(var) if wrong else inv
            xh = c * i
            return i * (dy - dy.mean(0) - xh * (dy * xh).mean(0))

        return c * inv, pullback

    return f


@case(
    "keepdims left on: the bias gradient has shape (1, 4) for a bias (4,)",
    lambda x, b: torch.tanh(x + b),
    lambda r: (r.normal(size=(6, 4)), r.normal(size=4)),
)
def bias_keepdims(wrong):
    def f(x, b):
        h = np.tanh(x + b)

        def pullback(dy):
            d = dy * (1 - h**2)
            return d, d.sum(0, keepdims=wrong)

        return h, pullback

    return f


@case(
    "in-place accumulation into the skip's gradient: dx += ... changes dy, which the next line still needs",
    lambda x, w, b: x + torch.relu(x @ w + b),
    lambda r: (r.normal(size=(5, 4)), r.normal(size=(4, 4)), r.normal(size=4)),
)
def skip_inplace(wrong):
    def f(x, w, b):
        a = x @ w + b

        def pullback(dy):
            da = dy * (a > 0)
            dx = dy if wrong else dy.copy()
            dx += da @ w.T
            da = dy * (a > 0)
            return dx, x.T @ da, da.sum(0)

        return x + np.maximum(a, 0), pullback

    return f


@case(
    "two outputs (mean, variance) of unlike shapes: the variance's path through the mean is added with weight (it is zero in truth)",
    lambda x: (x.mean(1), ((x - x.mean(1, keepdim=True)) ** 2).sum(1)),
    lambda r: (r.normal(size=(4, 6)),),
)
def mean_and_spread(wrong):
    def f(x):
        c = x - x.mean(1, keepdims=True)

        def pullback(d):
            dm, dv = d
            n = x.shape[1]
            return (
                dm[:, None] / n
                + 2 * c * dv[:, None]
                - (2 * x.mean(1, keepdims=True) * dv[:, None] / n if wrong else 0)
            )

        return (x.mean(1), (c**2).sum(1)), pullback

    return f


@case(
    "log-sum-exp in a mixture: responsibilities not normalised (joint instead of posterior)",
    lambda x, mu: torch.logsumexp(-0.5 * ((x[:, None] - mu) ** 2).sum(-1), 1).sum(),
    lambda r: (r.normal(size=(5, 2)), r.normal(size=(3, 2))),
)
def mixture(wrong):
    def f(x, mu):
        diff = x[:, None] - mu
        e = np.exp(-0.5 * (diff**2).sum(-1))
        s = e.sum(1, keepdims=True)

        def pullback(d):
            r = (e if wrong else e / s)[..., None] * d
            return -(r * diff).sum(1), (r * diff).sum(0)

        return np.log(s).sum(), pullback

    return f
