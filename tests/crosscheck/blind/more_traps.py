"""Pullbacks written without a look at the rules of the diagnosis: what a diagnosis may take for something else: pairs, rotations, branches, caches."""

import numpy as np
import torch
import torch.nn.functional as F

from tests.crosscheck.blind.table import case, sigmoid, softmax


@case(
    "ELU: y + 1 instead of y + alpha below zero (alpha 0.5)",
    lambda x: F.elu(x, alpha=0.5),
    lambda r: (r.normal(size=(5, 4)),),
)
def elu(wrong):
    def f(x):
        y = np.where(x > 0, x, 0.5 * np.expm1(x))

        def pullback(dy):
            return dy * np.where(x > 0, 1, y + (1 if wrong else 0.5))

        return y, pullback

    return f


@case(
    "PReLU: the slope's gradient sums over the positive side",
    lambda x, a: F.prelu(x, a),
    lambda r: (r.normal(size=(6, 4)), np.array([0.2, 0.1, 0.3, 0.25])),
)
def prelu(wrong):
    def f(x, a):
        def pullback(dy):
            side = x > 0 if wrong else x <= 0
            return dy * np.where(x > 0, 1, a), (dy * x * side).sum(0)

        return np.where(x > 0, x, a * x), pullback

    return f


@case(
    "sorting: the gradient is gathered by the order instead of scattered (inverse permutation)",
    lambda x: torch.sort(x, 1).values,
    lambda r: (r.normal(size=(3, 6)),),
)
def sort_rows(wrong):
    def f(x):
        order = x.argsort(1)

        def pullback(dy):
            if wrong:
                return np.take_along_axis(dy, order, 1)
            dx = np.zeros_like(x)
            np.put_along_axis(dx, order, dy, 1)
            return dx

        return np.take_along_axis(x, order, 1), pullback

    return f


@case(
    "linear solve: da = -db x^T has its factors in the wrong order (x db^T)",
    lambda a, b: torch.linalg.solve(a, b),
    lambda r: (r.normal(size=(4, 4)) + 3 * np.eye(4), r.normal(size=(4, 4))),
)
def solve(wrong):
    def f(a, b):
        x = np.linalg.solve(a, b)

        def pullback(dx):
            db = np.linalg.solve(a.T, dx)
            return -(x @ db.T if wrong else db @ x.T), db

        return x, pullback

    return f


@case(
    "weight norm w = g v/|v|: |v| is taken for a constant in the gradient of v",
    lambda x, v, g: x @ (g[:, None] * v / v.norm(dim=1, keepdim=True)).T,
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(4, 3)), r.normal(size=4)),
)
def weight_norm(wrong):
    def f(x, v, g):
        n = np.linalg.norm(v, axis=1, keepdims=True)
        u = v / n
        w = g[:, None] * u

        def pullback(dy):
            dw = dy.T @ x
            du = dw * g[:, None]
            dv = du / n if wrong else (du - u * (u * du).sum(1, keepdims=True)) / n
            return dy @ w, dv, (dw * u).sum(1)

        return x @ w.T, pullback

    return f


@case(
    "contrastive loss in both directions: only rows, the gradient through the columns is left out",
    lambda u, v: (
        0.5
        * (
            F.cross_entropy(u @ v.T, torch.arange(len(u)))
            + F.cross_entropy((u @ v.T).T, torch.arange(len(u)))
        )
    ),
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(5, 3))),
)
def contrastive(wrong):
    def f(u, v):
        n = len(u)
        s = u @ v.T
        p, q = softmax(s, 1), softmax(s, 0)
        loss = -0.5 * (np.log(np.diag(p)).mean() + np.log(np.diag(q)).mean())

        def pullback(d):
            ds = (p - np.eye(n)) / n
            if not wrong:
                ds = 0.5 * (ds + (q - np.eye(n)) / n)
            return d * ds @ v, d * ds.T @ u

        return loss, pullback

    return f


@case(
    "binary cross entropy with pos_weight: the weight is put on the negatives",
    lambda logits, target: F.binary_cross_entropy_with_logits(logits, target, pos_weight=torch.tensor(3.0)),
    lambda r: (r.normal(size=(6, 2)), r.integers(0, 2, (6, 2)).astype(float)),
)
def bce_pos_weight(wrong):
    def f(logits, target):
        s = sigmoid(logits)
        loss = -(3 * target * np.log(s) + (1 - target) * np.log(1 - s)).mean()

        def pullback(d):
            pos, neg = (1, 3) if wrong else (3, 1)
            g = (1 - target) * neg * s - target * pos * (1 - s)
            dt = -(3 * np.log(s) - np.log(1 - s))
            return g * d / logits.size, dt * d / logits.size

        return loss, pullback

    return f


@case(
    "average pooling: the gradient is not divided by the window",
    lambda x: F.avg_pool1d(x, 3),
    lambda r: (r.normal(size=(3, 2, 9)),),
)
def avg_pool(wrong):
    def f(x):
        def pullback(dy):
            return np.repeat(dy, 3, -1) / (1 if wrong else 3)

        return x.reshape(*x.shape[:2], -1, 3).mean(-1), pullback

    return f


@case(
    "convolution with padding 1: the gradient is cut off one place too early (shifted by one)",
    lambda x, weight: F.conv1d(x, weight, padding=1),
    lambda r: (r.normal(size=(2, 2, 8)), r.normal(size=(3, 2, 3))),
)
def conv1d_padding(wrong):
    def f(x, weight):
        t = x.shape[-1]
        xp = np.pad(x, ((0, 0), (0, 0), (1, 1)))
        win = np.lib.stride_tricks.sliding_window_view(xp, 3, -1)

        def pullback(dy):
            dxp = np.zeros_like(xp)
            for k in range(3):
                dxp[..., k : k + t] += np.einsum("not,oc->nct", dy, weight[..., k])
            dx = dxp[..., 0:t] if wrong else dxp[..., 1 : t + 1]
            return dx, np.einsum("nctk,not->ock", win, dy)

        return np.einsum("nctk,ock->not", win, weight), pullback

    return f


@case(
    "min-max scaling: the maximum and the minimum are taken for constants",
    lambda x: (x - x.min(0).values) / (x.max(0).values - x.min(0).values),
    lambda r: (r.normal(size=(6, 3)),),
)
def min_max(wrong):
    def f(x):
        lo, hi = x.min(0), x.max(0)
        y = (x - lo) / (hi - lo)

        def pullback(dy):
            dx = dy / (hi - lo)
            if not wrong:
                j = np.arange(x.shape[1])
                dx[x.argmin(0), j] += (dy * (y - 1)).sum(0) / (hi - lo)
                dx[x.argmax(0), j] -= (dy * y).sum(0) / (hi - lo)
            return dx

        return y, pullback

    return f


@case(
    "pairwise squared distances within one set: x plays both parts, one of them is forgotten",
    lambda x: ((x[:, None] - x[None]) ** 2).sum(-1),
    lambda r: (r.normal(size=(5, 3)),),
)
def pairwise(wrong):
    def f(x):
        diff = x[:, None] - x[None]

        def pullback(dy):
            g = 2 * dy[..., None] * diff
            return g.sum(1) if wrong else g.sum(1) - g.sum(0)

        return (diff**2).sum(-1), pullback

    return f


@case(
    "rotary embedding: the backward pass turns forwards (sine with the wrong sign)",
    lambda x: torch.cat(
        [
            x[..., :2] * torch.tensor(np.cos(ANGLES)) - x[..., 2:] * torch.tensor(np.sin(ANGLES)),
            x[..., :2] * torch.tensor(np.sin(ANGLES)) + x[..., 2:] * torch.tensor(np.cos(ANGLES)),
        ],
        -1,
    ),
    lambda r: (r.normal(size=(3, 5, 4)),),
)
def rotary(wrong):
    def turn(x, sign):
        a, b, c, s = x[..., :2], x[..., 2:], np.cos(ANGLES), sign * np.sin(ANGLES)
        return np.concatenate([a * c - b * s, a * s + b * c], -1)

    def f(x):
        return turn(x, 1), lambda dy: turn(dy, 1 if wrong else -1)

    return f


ANGLES = np.arange(5)[:, None] * np.array([1.0, 0.1])


@case(
    "double counting: the skip's gradient is added before and after the layer",
    lambda x, w, b: x + torch.tanh(x @ w + b),
    lambda r: (r.normal(size=(5, 4)), r.normal(size=(4, 4)), r.normal(size=4)),
)
def skip_twice(wrong):
    def f(x, w, b):
        h = np.tanh(x @ w + b)

        def pullback(dy):
            da = dy * (1 - h**2)
            return da @ w.T + dy + (dy if wrong else 0), x.T @ da, da.sum(0)

        return x + h, pullback

    return f


@case(
    "two: batch mean forgotten in the loss, and relu masked by the output gradient's sign (deconvnet) instead of the input's",
    lambda x, w1, w2, y: ((torch.relu(x @ w1) @ w2 - y) ** 2).sum(1).mean(),
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(3, 6)), r.normal(size=(6, 2)), r.normal(size=(5, 2))),
    double=True,
)
def mlp_loss_two(wrong):
    def f(x, w1, w2, y):
        a = x @ w1
        h = np.maximum(a, 0)
        e = h @ w2 - y

        def pullback(d):
            de = 2 * e * d / (1 if wrong else len(x))
            dh = de @ w2.T
            da = dh * (dh > 0) if wrong else dh * (a > 0)
            return da @ w1.T, x.T @ da, h.T @ de, -de

        return (e**2).sum(1).mean(), pullback

    return f


@case(
    "two: cosine loss, sign of the loss flipped and 1/N forgotten",
    lambda a, b: (1 - F.cosine_similarity(a, b)).mean(),
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(5, 3))),
    double=True,
)
def cosine_loss_two(wrong):
    def f(a, b):
        na, nb = np.linalg.norm(a, axis=1, keepdims=True), np.linalg.norm(b, axis=1, keepdims=True)
        u, v = a / na, b / nb
        c = (u * v).sum(1, keepdims=True)

        def pullback(d):
            k = d if wrong else -d / len(a)
            return k * (v - c * u) / na, k * (u - c * v) / nb

        return (1 - c).mean(), pullback

    return f


@case(
    "multi-head attention: heads are merged with reshape without moving the head axis back",
    lambda x, w: (
        torch.softmax((heads := (x @ w).reshape(4, 2, 4).transpose(0, 1)) @ heads.transpose(1, 2), -1) @ heads
    ),
    lambda r: (r.normal(size=(4, 3)), 0.5 * r.normal(size=(3, 8))),
)
def heads_reshape(wrong):
    def f(x, w):
        a = x @ w
        hd = a.reshape(4, 2, 4).swapaxes(0, 1)
        p = softmax(hd @ hd.swapaxes(1, 2))

        def pullback(dy):
            dp = dy @ hd.swapaxes(1, 2)
            ds = p * (dp - (dp * p).sum(-1, keepdims=True))
            dhd = p.swapaxes(1, 2) @ dy + ds @ hd + ds.swapaxes(1, 2) @ hd
            da = dhd.reshape(a.shape) if wrong else dhd.swapaxes(0, 1).reshape(a.shape)
            return da @ w.T, x.T @ da

        return p @ hd, pullback

    return f


@case(
    "LSTM: the forget gate's gradient uses the new cell instead of the old one",
    lambda a, c: (
        lambda i, f, g, o: (
            torch.sigmoid(o) * torch.tanh(torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g))
        )
    )(*a.chunk(4, 1)),
    lambda r: (r.normal(size=(4, 12)), r.normal(size=(4, 3))),
)
def lstm_new_cell(wrong):
    def fn(a, c):
        i, f, g, o = np.split(a, 4, 1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c2 = f * c + i * g
        t = np.tanh(c2)

        def pullback(dh):
            dc = dh * o * (1 - t**2)
            df = dc * (c2 if wrong else c)
            return np.concatenate(
                [dc * g * i * (1 - i), df * f * (1 - f), dc * i * (1 - g**2), dh * t * o * (1 - o)], 1
            ), dc * f

        return o * t, pullback

    return fn


@case(
    "global average pooling over H and W: divided by H only, where H is also the batch size",
    lambda x, w: x.mean((2, 3)) @ w,
    lambda r: (r.normal(size=(4, 3, 4, 5)), r.normal(size=(3, 2))),
)
def global_pool(wrong):
    def f(x, w):
        h = x.mean((2, 3))

        def pullback(dy):
            dh = (dy @ w.T)[..., None, None]
            return np.broadcast_to(dh, x.shape) / (x.shape[2] if wrong else x.shape[2] * x.shape[3]), h.T @ dy

        return h @ w, pullback

    return f


@case(
    "the bias gradient is summed over the features instead of the batch (batch and width are both 4)",
    lambda x, w, b: torch.tanh(x @ w + b),
    lambda r: (r.normal(size=(4, 4)), r.normal(size=(4, 4)), r.normal(size=4)),
)
def square_layer_bias(wrong):
    def f(x, w, b):
        h = np.tanh(x @ w + b)

        def pullback(dy):
            da = dy * (1 - h**2)
            return da @ w.T, x.T @ da, da.sum(1) if wrong else da.sum(0)

        return h, pullback

    return f
