"""Pullbacks written without a look at the rules of the diagnosis: pooling, similarities, losses and activations."""

import numpy as np
import torch
import torch.nn.functional as F

from tests.crosscheck.blind.table import case, sigmoid, softmax


@case(
    "the input's gradient runs over the kernel unflipped (K taps in the wrong order)",
    lambda x, weight, bias: F.conv1d(x, weight, bias),
    lambda r: (r.normal(size=(2, 3, 9)), r.normal(size=(4, 3, 3)), r.normal(size=4)),
)
def conv1d(wrong):
    def f(x, weight, bias):
        k = weight.shape[-1]
        win = np.lib.stride_tricks.sliding_window_view(x, k, -1)  # n c t k
        y = np.einsum("nctk,ock->not", win, weight) + bias[:, None]

        def pullback(dy):
            pad = np.pad(dy, ((0, 0), (0, 0), (k - 1, k - 1)))
            dwin = np.lib.stride_tricks.sliding_window_view(pad, k, -1)  # n o t k
            w = weight if wrong else weight[..., ::-1]
            return np.einsum("notk,ock->nct", dwin, w), np.einsum("nctk,not->ock", win, dy), dy.sum((0, 2))

        return y, pullback

    return f


@case(
    "overlapping windows: the gradient is assigned instead of added where a maximum wins twice",
    lambda x: F.max_pool1d(x, 3, stride=1),
    lambda r: (r.normal(size=(2, 3, 10)),),
)
def max_pool(wrong):
    def f(x):
        win = np.lib.stride_tricks.sliding_window_view(x, 3, -1)
        arg = win.argmax(-1) + np.arange(win.shape[2])

        def pullback(dy):
            dx = np.zeros_like(x)
            for n, c, t in np.ndindex(*dy.shape):
                if wrong:
                    dx[n, c, arg[n, c, t]] = dy[n, c, t]
                else:
                    dx[n, c, arg[n, c, t]] += dy[n, c, t]
            return dx

        return win.max(-1), pullback

    return f


@case(
    "dtable[ids] += dy keeps only the last of repeated ids",
    lambda ids, table: F.embedding(ids, table),
    lambda r: (np.array([[1, 4, 1, 0], [4, 4, 2, 1]]), r.normal(size=(6, 3))),
)
def embedding(wrong):
    def f(ids, table):
        def pullback(dy):
            dtable = np.zeros_like(table)
            if wrong:
                dtable[ids] += dy
            else:
                np.add.at(dtable, ids, dy)
            return None, dtable

        return table[ids], pullback

    return f


@case(
    "in-batch logits u v^T: dv = dy u instead of dy^T u (square batch)",
    lambda u, v: u @ v.T,
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(5, 3))),
)
def dot_similarity(wrong):
    def f(u, v):
        def pullback(dy):
            return dy @ v, dy @ u if wrong else dy.T @ u

        return u @ v.T, pullback

    return f


@case(
    "the norm of b is taken for a constant in the gradient of b",
    lambda a, b: F.cosine_similarity(a, b, dim=-1),
    lambda r: (r.normal(size=(6, 4)), r.normal(size=(6, 4))),
)
def cosine(wrong):
    def f(a, b):
        na, nb = np.linalg.norm(a, axis=-1, keepdims=True), np.linalg.norm(b, axis=-1, keepdims=True)
        c = (a * b).sum(-1, keepdims=True) / (na * nb)

        def pullback(dc):
            d = dc[:, None]
            da = d * (b / (na * nb) - c * a / na**2)
            db = d * (a / (na * nb)) if wrong else d * (a / (na * nb) - c * b / nb**2)
            return da, db

        return c[:, 0], pullback

    return f


@case(
    "Euclidean distances, but the gradient of the squared ones: 2(a-p) instead of (a-p)/|a-p|",
    lambda anchor, positive, negative: F.relu(
        (anchor - positive).norm(dim=1) - (anchor - negative).norm(dim=1) + 1
    ).mean(),
    lambda r: (r.normal(size=(8, 4)), r.normal(size=(8, 4)), r.normal(size=(8, 4))),
)
def triplet(wrong):
    def f(anchor, positive, negative):
        dp, dn = anchor - positive, anchor - negative
        lp, ln_ = np.linalg.norm(dp, axis=1, keepdims=True), np.linalg.norm(dn, axis=1, keepdims=True)
        loss = np.maximum(lp - ln_ + 1, 0)

        def pullback(dloss):
            on = (loss > 0) * dloss / len(anchor)
            gp, gn = (2 * dp, 2 * dn) if wrong else (dp / lp, dn / ln_)
            return on * (gp - gn), -on * gp, on * gn

        return loss.mean(), pullback

    return f


def classes(r, n=6, c=4):
    return r.normal(size=(n, c)), r.integers(0, c, size=n)


@case(
    "the gradient is p - onehot: the smoothing is forgotten",
    lambda logits, target: F.cross_entropy(logits, target, label_smoothing=0.2),
    classes,
)
def cross_entropy_smoothing(wrong):
    def f(logits, target):
        n, c = logits.shape
        p = softmax(logits)
        hot = np.eye(c)[target]
        want = hot * 0.8 + 0.2 / c

        def pullback(dloss):
            return (p - (hot if wrong else want)) * dloss / n, None

        return -(want * np.log(p)).sum() / n, pullback

    return f


WEIGHTS = np.array([0.5, 2.0, 1.0, 3.0])


@case(
    "class weights: the mean divides by the sum of the weights, the gradient by N",
    lambda logits, target: F.cross_entropy(logits, target, weight=torch.tensor(WEIGHTS)),
    classes,
)
def cross_entropy_weights(wrong):
    def f(logits, target):
        n, c = logits.shape
        p = softmax(logits)
        w = WEIGHTS[target]

        def pullback(dloss):
            return (p - np.eye(c)[target]) * w[:, None] * dloss / (n if wrong else w.sum()), None

        return -(w * np.log(p[np.arange(n), target])).sum() / w.sum(), pullback

    return f


@case(
    "ignored examples (target -100) are not masked out of the gradient",
    lambda logits, target: F.cross_entropy(logits, target, ignore_index=-100),
    lambda r: (r.normal(size=(6, 4)), np.array([1, -100, 3, 0, -100, 2])),
)
def cross_entropy_ignore(wrong):
    def f(logits, target):
        n, c = logits.shape
        keep = target != -100
        safe = np.where(keep, target, 0)
        p = softmax(logits)

        def pullback(dloss):
            d = p - np.eye(c)[safe]
            if not wrong:
                d = d * keep[:, None]
            return d * dloss / keep.sum(), None

        return -(np.log(p[np.arange(n), safe]) * keep).sum() / keep.sum(), pullback

    return f


@case(
    "the modulating factor (1-p)^gamma is taken for a constant",
    lambda logits, target: (
        (1 - torch.softmax(logits, 1).gather(1, target[:, None])) ** 2
        * -torch.log_softmax(logits, 1).gather(1, target[:, None])
    ).mean(),
    classes,
)
def focal_loss(wrong):
    def f(logits, target):
        n, c = logits.shape
        p = softmax(logits)
        pt = p[np.arange(n), target][:, None]

        def pullback(dloss):
            dpt = -((1 - pt) ** 2) / pt
            if not wrong:
                dpt = dpt + 2 * (1 - pt) * np.log(pt)
            return dpt * pt * (np.eye(c)[target] - p) * dloss / n, None

        return (-((1 - pt) ** 2) * np.log(pt)).mean(), pullback

    return f


@case(
    "the softmax of the pullback runs over axis 0, the log-sum-exp over axis 1 (square)",
    lambda x: torch.logsumexp(x, 1),
    lambda r: (r.normal(size=(5, 5)),),
)
def logsumexp(wrong):
    def f(x):
        m = x.max(1, keepdims=True)

        def pullback(dy):
            return softmax(x, 0 if wrong else 1) * dy[:, None]

        return (m + np.log(np.exp(x - m).sum(1, keepdims=True)))[:, 0], pullback

    return f


@case(
    "d/dp of p log p is taken for log p: the 1 is missing",
    lambda log_q, p: F.kl_div(log_q, p, reduction="batchmean"),
    lambda r: (np.log(softmax(r.normal(size=(5, 4)))), softmax(r.normal(size=(5, 4)))),
)
def kl_divergence(wrong):
    def f(log_q, p):
        n = len(p)

        def pullback(dloss):
            dp = np.log(p) - log_q + (0 if wrong else 1)
            return -p * dloss / n, dp * dloss / n

        return (p * (np.log(p) - log_q)).sum() / n, pullback

    return f


@case(
    "outside the quadratic region the slope is sign(d), delta is forgotten",
    lambda input, target: F.huber_loss(input, target, delta=0.5),
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(5, 3))),
)
def huber(wrong):
    def f(input, target):
        d = input - target
        small = np.abs(d) <= 0.5

        def pullback(dloss):
            g = np.where(small, d, np.sign(d) * (1 if wrong else 0.5)) * dloss / d.size
            return g, -g

        return np.where(small, d**2 / 2, 0.5 * (np.abs(d) - 0.25)).mean(), pullback

    return f


@case(
    "the inner derivative lacks the 3: 1 + 0.044715 x^2",
    lambda x: F.gelu(x, approximate="tanh"),
    lambda r: (r.normal(size=(5, 4)) * 1.5,),
)
def gelu_tanh(wrong):
    def f(x):
        k = np.sqrt(2 / np.pi)
        t = np.tanh(k * (x + 0.044715 * x**3))

        def pullback(dy):
            inner = k * (1 + (1 if wrong else 3) * 0.044715 * x**2)
            return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * inner)

        return 0.5 * x * (1 + t), pullback

    return f


@case(
    "the product rule's second term x s (1-s) is dropped: the gradient is s alone",
    lambda x: F.silu(x),
    lambda r: (r.normal(size=(5, 4)) * 2,),
)
def silu(wrong):
    def f(x):
        s = sigmoid(x)

        def pullback(dy):
            return dy * s if wrong else dy * (s + x * s * (1 - s))

        return x * s, pullback

    return f


@case(
    "the sigmoid's derivative is formed from the pre-activation: b (1-b) instead of s (1-s)",
    lambda a, b: a * torch.sigmoid(b),
    lambda r: (r.normal(size=(5, 4)), r.normal(size=(5, 4))),
)
def gating(wrong):
    def f(a, b):
        s = sigmoid(b)

        def pullback(dy):
            t = b if wrong else s
            return dy * s, dy * a * t * (1 - t)

        return a * s, pullback

    return f
