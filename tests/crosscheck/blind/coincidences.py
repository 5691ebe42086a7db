"""Pullbacks written without a look at the rules of the diagnosis: coincidences and equal numbers."""

import numpy as np
import torch
import torch.nn.functional as F

from tests.crosscheck.blind.table import case, sigmoid, softmax


@case(
    "temperature 4 forgotten, where 4 is also the batch size and there is no mean",
    lambda logits: torch.softmax(logits / 4.0, -1),
    lambda r: (r.normal(size=(4, 6)),),
)
def temperature_is_batch(wrong):
    def f(logits):
        p = softmax(logits / 4)

        def pullback(dp):
            return p * (dp - (dp * p).sum(-1, keepdims=True)) / (1 if wrong else 4)

        return p, pullback

    return f


@case(
    "average pooling not divided by the window 3; no axis is 3 long",
    lambda x: F.avg_pool1d(x, 3),
    lambda r: (r.normal(size=(2, 4, 15)),),
)
def avg_pool_plain(wrong):
    def f(x):
        def pullback(dy):
            return np.repeat(dy, 3, -1) / (1 if wrong else 3)

        return x.reshape(*x.shape[:2], -1, 3).mean(-1), pullback

    return f


@case(
    "the square's factor 2 forgotten in a sum of squared errors of two examples (batch size 2)",
    lambda x, w, y: ((x @ w - y) ** 2).sum(),
    lambda r: (r.normal(size=(2, 3)), r.normal(size=3), r.normal(size=2)),
)
def square_is_batch(wrong):
    def f(x, w, y):
        e = x @ w - y

        def pullback(d):
            de = (1 if wrong else 2) * e * d
            return np.outer(de, w), x.T @ de, -de

        return (e**2).sum(), pullback

    return f


@case(
    "grouped queries: two heads share one key; its gradient is the mean over the heads (batch size is 2, too)",
    lambda q, k: torch.einsum("bhtd,bsd->bhts", q, k),
    lambda r: (r.normal(size=(2, 2, 3, 5)), r.normal(size=(2, 4, 5))),
)
def shared_keys(wrong):
    def f(q, k):
        def pullback(dy):
            dk = np.einsum("bhts,bhtd->bsd", dy, q)
            return np.einsum("bhts,bsd->bhtd", dy, k), dk / 2 if wrong else dk

        return np.einsum("bhtd,bsd->bhts", q, k), pullback

    return f


@case(
    "exp in place: the pre-activation buffer is overwritten by tanh, and the next layer's weight gradient takes it before",
    lambda x, w1, w2: torch.tanh(x @ w1) @ w2,
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(3, 4)), r.normal(size=(4, 2))),
)
def preactivation_saved(wrong):
    def f(x, w1, w2):
        a = x @ w1
        h = np.tanh(a)

        def pullback(dy):
            da = dy @ w2.T * (1 - h**2)
            return da @ w1.T, x.T @ da, (a if wrong else h).T @ dy

        return h @ w2, pullback

    return f


@case(
    "in-place update: the pullback uses the weight after a step (w -= 0.1 dw) for dx",
    lambda x, w: x @ w,
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(3, 4))),
)
def weight_after_step(wrong):
    def f(x, w):
        def pullback(dy):
            dw = x.T @ dy
            return dy @ ((w - 0.1 * dw) if wrong else w).T, dw

        return x @ w, pullback

    return f


@case(
    "ReLU network: the mask of the second layer is used for the first (equal widths)",
    lambda x, w1, w2: torch.relu(torch.relu(x @ w1) @ w2),
    lambda r: (r.normal(size=(6, 3)), r.normal(size=(3, 5)), r.normal(size=(5, 5))),
)
def relu_wrong_mask(wrong):
    def f(x, w1, w2):
        a = x @ w1
        h = np.maximum(a, 0)
        b = h @ w2

        def pullback(dy):
            db = dy * (b > 0)
            da = db @ w2.T * ((b if wrong else a) > 0)
            return da @ w1.T, x.T @ da, h.T @ db

        return np.maximum(b, 0), pullback

    return f


@case(
    "sigmoid network: the second layer's weight is left out on the way back through the hidden units of equal width",
    lambda x, w1, w2: torch.sigmoid(torch.sigmoid(x @ w1) @ w2),
    lambda r: (r.normal(size=(6, 3)), r.normal(size=(3, 5)), r.normal(size=(5, 5))),
)
def weight_left_out(wrong):
    def f(x, w1, w2):
        h = sigmoid(x @ w1)
        y = sigmoid(h @ w2)

        def pullback(dy):
            db = dy * y * (1 - y)
            da = (db if wrong else db @ w2.T) * h * (1 - h)
            return da @ w1.T, x.T @ da, h.T @ db

        return y, pullback

    return f


@case(
    "sigmoid and cross entropy joined: p - y is multiplied by p (1-p) once more",
    lambda x, w, y: F.binary_cross_entropy_with_logits(x @ w, y),
    lambda r: (r.normal(size=(8, 3)), r.normal(size=3), r.random(8)),
)
def bce_double_sigmoid(wrong):
    def f(x, w, y):
        z = x @ w
        p = sigmoid(z)

        def pullback(d):
            dz = (p - y) * d / len(y)
            if wrong:
                dz = dz * p * (1 - p)
            return np.outer(dz, w), x.T @ dz, -z * d / len(y)

        return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(), pullback

    return f


@case(
    "target and prediction swapped in the gradient: y - p (sign)",
    lambda x, w, y: F.binary_cross_entropy_with_logits(x @ w, y),
    lambda r: (r.normal(size=(8, 3)), r.normal(size=3), r.random(8)),
)
def bce_sign(wrong):
    def f(x, w, y):
        z = x @ w
        p = sigmoid(z)

        def pullback(d):
            dz = ((y - p) if wrong else (p - y)) * d / len(y)
            return np.outer(dz, w), x.T @ dz, -z * d / len(y)

        return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(), pullback

    return f


@case(
    "softmax cross entropy on a (B, T, C) sequence: divided by B only",
    lambda h, w, target: F.cross_entropy((h @ w).reshape(-1, 5), target.reshape(-1)),
    lambda r: (r.normal(size=(2, 3, 4)), r.normal(size=(4, 5)), r.integers(0, 5, (2, 3))),
)
def sequence_cross_entropy(wrong):
    def f(h, w, target):
        p = softmax(h @ w)
        hot = np.eye(5)[target]

        def pullback(d):
            dz = (p - hot) * d / (len(h) if wrong else target.size)
            return dz @ w.T, np.einsum("btd,btc->dc", h, dz), None

        return -np.log((p * hot).sum(-1)).mean(), pullback

    return f


@case(
    "Poisson loss exp(s) - y s: the gradient forgets the exp (s - y)",
    lambda s, y: (torch.exp(s) - y * s).mean(),
    lambda r: (r.normal(size=(5, 2)), r.poisson(2, (5, 2)).astype(float)),
)
def poisson(wrong):
    def f(s, y):
        def pullback(d):
            return ((s if wrong else np.exp(s)) - y) * d / s.size, -s * d / s.size

        return (np.exp(s) - y * s).mean(), pullback

    return f


@case(
    "attention weights normalised by hand, e / sum(e): the sum is taken for a constant",
    lambda s, v: (torch.exp(s) / torch.exp(s).sum(-1, keepdim=True)) @ v,
    lambda r: (r.normal(size=(4, 6)), r.normal(size=(6, 3))),
)
def normaliser_detached(wrong):
    def f(s, v):
        e = np.exp(s)
        z = e.sum(-1, keepdims=True)
        p = e / z

        def pullback(dy):
            dp = dy @ v.T
            ds = p * dp if wrong else p * (dp - (p * dp).sum(-1, keepdims=True))
            return ds, p.T @ dy

        return p @ v, pullback

    return f


@case(
    "squeeze-and-excitation: the gradient through the gate's average is not spread over the positions (divided)",
    lambda x, w: x * torch.sigmoid(x.mean(2) @ w)[:, :, None],
    lambda r: (r.normal(size=(3, 4, 5)), r.normal(size=(4, 4))),
)
def squeeze_excite(wrong):
    def f(x, w):
        m = x.mean(2)
        g = sigmoid(m @ w)

        def pullback(dy):
            dg = (dy * x).sum(2) * g * (1 - g)
            dm = dg @ w.T
            return dy * g[:, :, None] + dm[:, :, None] / (1 if wrong else x.shape[2]), m.T @ dg

        return x * g[:, :, None], pullback

    return f


@case(
    "Mahalanobis: d = x^T A x, the gradient of A is taken symmetrised though A is not symmetric in the value",
    lambda x, a, y: ((x - y) @ a * (x - y)).sum(1),
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(3, 3)), r.normal(size=(5, 3))),
)
def mahalanobis(wrong):
    def f(x, a, y):
        d = x - y

        def pullback(g):
            dd = g[:, None] * (d @ (a + a.T))
            da = np.einsum("n,ni,nj->ij", g, d, d)
            if wrong:
                da = da + da.T - np.diag(np.diag(da))
            return dd, da, -dd

        return (d @ a * d).sum(1), pullback

    return f


@case(
    "cross product of features: the last factor uses the product with itself (x1 x2 x3 with x1 for all)",
    lambda a, b, c: a * b * c,
    lambda r: (r.normal(size=(4, 3)), r.normal(size=(4, 3)), r.normal(size=(4, 3))),
)
def triple_product(wrong):
    def f(a, b, c):
        def pullback(dy):
            return dy * b * c, dy * a * c, dy * a * (a if wrong else b)

        return a * b * c, pullback

    return f


@case(
    "moving average h_t = b h_{t-1} + (1-b) x_t: the gradient of b leaves out the -x_t",
    lambda x, b: torch_ema(x, b),
    lambda r: (r.normal(size=(5, 3)), 0.7),
)
def moving_average(wrong):
    def f(x, b):
        hs = [np.zeros(x.shape[1])]
        for row in x:
            hs.append(b * hs[-1] + (1 - b) * row)

        def pullback(dy):
            dx, db, dh = np.zeros_like(x), 0.0, 0
            for t in reversed(range(len(x))):
                dh = dh + dy[t]
                dx[t] = (1 - b) * dh
                db += (dh * (hs[t] if wrong else hs[t] - x[t])).sum()
                dh = b * dh
            return dx, db

        return np.stack(hs[1:]), pullback

    return f


def torch_ema(x, b):
    h, out = torch.zeros(x.shape[1], dtype=x.dtype), []
    for row in x:
        h = b * h + (1 - b) * row
        out.append(h)
    return torch.stack(out)


@case(
    "moving average: the carried gradient is multiplied by 1-b instead of b",
    lambda x, b: torch_ema(x, b),
    lambda r: (r.normal(size=(5, 3)), 0.7),
)
def moving_average_carry(wrong):
    def f(x, b):
        hs = [np.zeros(x.shape[1])]
        for row in x:
            hs.append(b * hs[-1] + (1 - b) * row)

        def pullback(dy):
            dx, db, dh = np.zeros_like(x), 0.0, 0
            for t in reversed(range(len(x))):
                dh = dh + dy[t]
                dx[t] = (1 - b) * dh
                db += (dh * (hs[t] - x[t])).sum()
                dh = (1 - b if wrong else b) * dh
            return dx, db

        return np.stack(hs[1:]), pullback

    return f


@case(
    "group norm: mean and variance paths use the layer's axis instead of the group's in the backward pass",
    lambda x: F.group_norm(x, 2),
    lambda r: (r.normal(size=(3, 4, 5)),),
)
def group_norm_axis(wrong):
    def f(x):
        g = x.reshape(3, 2, -1)
        c = g - g.mean(-1, keepdims=True)
        inv = 1 / np.sqrt((c**2).mean(-1, keepdims=True) + 1e-5)
        xh = c * inv
        axis = (1, 2) if wrong else -1

        def pullback(dy):
            d = dy.reshape(g.shape)
            return (
                inv * (d - d.mean(axis, keepdims=True) - xh * (d * xh).mean(axis, keepdims=True))
            ).reshape(x.shape)

        return xh.reshape(x.shape), pullback

    return f


@case(
    "batch norm: the mean path is dropped on the way through the variance-free centring (dx lacks - mean(dx_hat))",
    lambda x, weight, bias: F.batch_norm(x, None, None, weight, bias, training=True),
    lambda r: (r.normal(size=(6, 3)) * 2 + 1, r.normal(size=3), r.normal(size=3)),
)
def batch_norm_no_mean(wrong):
    def f(x, weight, bias):
        c = x - x.mean(0)
        inv = 1 / np.sqrt((c**2).mean(0) + 1e-5)
        xh = c * inv

        def pullback(dy):
            d = dy * weight
            dx = d - xh * (d * xh).mean(0)
            return inv * (dx if wrong else dx - d.mean(0)), (dy * xh).sum(0), dy.sum(0)

        return xh * weight + bias, pullback

    return f


@case(
    "mixture of experts: the gate's gradient is taken without softmax (dp returned as the logits' gradient)",
    lambda x, wg, we: torch.einsum(
        "bk,bko->bo", torch.softmax(x @ wg, 1), torch.einsum("bi,kio->bko", x, we)
    ),
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(3, 4)), r.normal(size=(4, 3, 2))),
)
def experts(wrong):
    def f(x, wg, we):
        p = softmax(x @ wg)
        e = np.einsum("bi,kio->bko", x, we)

        def pullback(dy):
            dp = np.einsum("bo,bko->bk", dy, e)
            dz = dp if wrong else p * (dp - (dp * p).sum(1, keepdims=True))
            de = p[:, :, None] * dy[:, None]
            return dz @ wg.T + np.einsum("bko,kio->bi", de, we), x.T @ dz, np.einsum("bi,bko->kio", x, de)

        return np.einsum("bk,bko->bo", p, e), pullback

    return f


@case(
    "two: bilinear score, W transposed in dx and the bias counted twice",
    lambda x, w, z, b: torch.einsum("ni,ij,nj->n", x, w, z) + b,
    lambda r: (r.normal(size=(5, 4)), r.normal(size=(4, 4)), r.normal(size=(5, 4)), 0.3),
    double=True,
)
def bilinear_two(wrong):
    def f(x, w, z, b):
        def pullback(dy):
            d = dy[:, None]
            dx = d * (z @ w) if wrong else d * (z @ w.T)
            return dx, np.einsum("n,ni,nj->ij", dy, x, z), d * (x @ w), dy.sum() * (2 if wrong else 1)

        return np.einsum("ni,ij,nj->n", x, w, z) + b, pullback

    return f
