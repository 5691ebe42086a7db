"""Pullbacks written without a look at the rules of the diagnosis: everyday mistakes."""

import numpy as np
import torch
import torch.nn.functional as F

from tests.crosscheck.blind.table import case, gru, gru_inputs, sigmoid, softmax, torch_gru


@case(
    "weight decay mixed into the pullback: dw = x^T dy + 0.01 w, the value has no penalty",
    lambda x, w: x @ w,
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(3, 4))),
)
def decay_in_pullback(wrong):
    def f(x, w):
        return x @ w, lambda dy: (dy @ w.T, x.T @ dy + (0.01 * w if wrong else 0))

    return f


@case(
    "the update is returned instead of the gradient: -0.1 dw",
    lambda x, w: x @ w,
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(3, 4))),
)
def update_returned(wrong):
    def f(x, w):
        return x @ w, lambda dy: (dy @ w.T, x.T @ dy * (-0.1 if wrong else 1))

    return f


@case(
    "the gradient from above is clipped to [-1, 1] inside the pullback",
    lambda x, w: torch.tanh(x @ w),
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(3, 4))),
)
def clipped_upstream(wrong):
    def f(x, w):
        y = np.tanh(x @ w)

        def pullback(dy):
            da = (np.clip(dy, -1, 1) if wrong else dy) * (1 - y**2)
            return da @ w.T, x.T @ da

        return y, pullback

    return f


@case(
    "attention: dv = P dy instead of P^T dy (as many queries as keys)",
    lambda q, k, v: torch.softmax(q @ k.T, -1) @ v,
    lambda r: (r.normal(size=(4, 3)), r.normal(size=(4, 3)), r.normal(size=(4, 3))),
)
def attention_dv(wrong):
    def f(q, k, v):
        p = softmax(q @ k.T)

        def pullback(dy):
            dp = dy @ v.T
            ds = p * (dp - (dp * p).sum(-1, keepdims=True))
            return ds @ k, ds.T @ q, (p if wrong else p.T) @ dy

        return p @ v, pullback

    return f


@case(
    "attention: the gradients of queries and keys are returned in the other order",
    lambda q, k, v: torch.softmax(q @ k.T, -1) @ v,
    lambda r: (r.normal(size=(4, 3)), r.normal(size=(4, 3)), r.normal(size=(4, 3))),
)
def attention_swapped(wrong):
    def f(q, k, v):
        p = softmax(q @ k.T)

        def pullback(dy):
            dp = dy @ v.T
            ds = p * (dp - (dp * p).sum(-1, keepdims=True))
            dq, dk = ds @ k, ds.T @ q
            return (dk, dq, p.T @ dy) if wrong else (dq, dk, p.T @ dy)

        return p @ v, pullback

    return f


@case(
    "attention: softmax's inner sum left out (ds = p * dp)",
    lambda q, k, v: torch.softmax(q @ k.T, -1) @ v,
    lambda r: (r.normal(size=(4, 3)), r.normal(size=(6, 3)), r.normal(size=(6, 2))),
)
def attention_no_sum(wrong):
    def f(q, k, v):
        p = softmax(q @ k.T)

        def pullback(dy):
            dp = dy @ v.T
            ds = p * (dp - (0 if wrong else (dp * p).sum(-1, keepdims=True)))
            return ds @ k, ds.T @ q, p.T @ dy

        return p @ v, pullback

    return f


@case(
    "log determinant: A^-1 instead of A^-T",
    lambda a: torch.logdet(a),
    lambda r: ((lambda m: m @ m.T + np.triu(np.ones((4, 4))) + 2 * np.eye(4))(r.normal(size=(4, 4))),),
)
def log_determinant(wrong):
    def f(a):
        inv = np.linalg.inv(a)
        return np.linalg.slogdet(a)[1], lambda d: d * (inv if wrong else inv.T)

    return f


@case(
    "Euclidean norm of a row: x instead of x / |x|",
    lambda x: x.norm(dim=1),
    lambda r: (r.normal(size=(5, 3)),),
)
def row_norm(wrong):
    def f(x):
        n = np.linalg.norm(x, axis=1)
        return n, lambda dn: dn[:, None] * x / (1 if wrong else n[:, None])

    return f


@case(
    "Frobenius norm: divided by the square of the norm",
    lambda a: a.norm(),
    lambda r: (r.normal(size=(4, 3)),),
)
def frobenius(wrong):
    def f(a):
        n = np.sqrt((a**2).sum())
        return n, lambda d: d * a / (n**2 if wrong else n)

    return f


@case(
    "softplus: 1 - sigmoid instead of sigmoid",
    lambda x: F.softplus(x),
    lambda r: (r.normal(size=(5, 3)),),
)
def softplus(wrong):
    def f(x):
        return np.log1p(np.exp(x)), lambda dy: dy * (sigmoid(-x) if wrong else sigmoid(x))

    return f


@case(
    "upsampling by repetition: every second gradient is taken instead of the sum of both",
    lambda x: x.repeat_interleave(2, 1),
    lambda r: (r.normal(size=(3, 5)),),
)
def upsample(wrong):
    def f(x):
        return np.repeat(x, 2, 1), lambda dy: dy[:, ::2] if wrong else dy[:, ::2] + dy[:, 1::2]

    return f


@case(
    "concatenation of two equally wide inputs: the halves are given out in the other order",
    lambda a, b, w: torch.cat([a, b], 1) @ w,
    lambda r: (r.normal(size=(4, 3)), r.normal(size=(4, 3)), r.normal(size=(6, 2))),
)
def concat_swapped(wrong):
    def f(a, b, w):
        ab = np.concatenate([a, b], 1)

        def pullback(dy):
            d = dy @ w.T
            da, db = (d[:, 3:], d[:, :3]) if wrong else (d[:, :3], d[:, 3:])
            return da, db, ab.T @ dy

        return ab @ w, pullback

    return f


@case(
    "strided convolution: in the backward pass the windows start one after the other, the stride 2 is forgotten",
    lambda x, weight: F.conv1d(x, weight, stride=2),
    lambda r: (r.normal(size=(2, 3, 11)), r.normal(size=(4, 3, 3))),
)
def conv1d_stride(wrong):
    def f(x, weight):
        win = np.lib.stride_tricks.sliding_window_view(x, 3, -1)[:, :, ::2]

        def pullback(dy):
            dx = np.zeros_like(x)
            for t in range(dy.shape[-1]):
                start = t if wrong else 2 * t
                dx[..., start : start + 3] += np.einsum("no,ock->nck", dy[..., t], weight)
            return dx, np.einsum("nctk,not->ock", win, dy)

        return np.einsum("nctk,ock->not", win, weight), pullback

    return f


@case(
    "cumulative product: y dy is summed from the end, the division by x is forgotten",
    lambda x: torch.cumprod(x, 1),
    lambda r: (r.random((3, 5)) + 0.5,),
)
def cumulative_product(wrong):
    def f(x):
        y = np.cumprod(x, 1)

        def pullback(dy):
            back = np.cumsum((dy * y)[:, ::-1], 1)[:, ::-1]
            return back if wrong else back / x

        return y, pullback

    return f


@case(
    "multi-class hinge: the right class gets -1 instead of minus the number of violations",
    lambda s, target: torch_hinge(s, target),
    lambda r: (r.normal(size=(6, 5)), r.integers(0, 5, 6)),
)
def multiclass_hinge(wrong):
    def f(s, target):
        n = len(s)
        rows = np.arange(n)
        m = np.maximum(s - s[rows, target][:, None] + 1, 0)
        m[rows, target] = 0

        def pullback(d):
            g = (m > 0).astype(float)
            g[rows, target] = -1 if wrong else -g.sum(1)
            return g * d / n, None

        return m.sum() / n, pullback

    return f


def torch_hinge(s, target):
    hot = F.one_hot(target, s.shape[1]).bool()
    m = torch.relu(s - s.gather(1, target[:, None]) + 1).masked_fill(hot, 0)
    return m.sum() / len(s)


@case(
    "layer norm of a square batch: the averages of the backward pass go over the batch",
    lambda x: F.layer_norm(x, (5,)),
    lambda r: (r.normal(size=(5, 5)),),
)
def layer_norm_axis(wrong):
    def f(x):
        c = x - x.mean(-1, keepdims=True)
        inv = 1 / np.sqrt((c**2).mean(-1, keepdims=True) + 1e-5)
        xh = c * inv
        ax = 0 if wrong else -1
        return xh, lambda d: inv * (d - d.mean(ax, keepdims=True) - xh * (d * xh).mean(ax, keepdims=True))

    return f


@case("the way through the reset gate is dropped (only this)", torch_gru, gru_inputs)
def gru_reset(wrong):
    return gru(drop_reset=wrong)


@case(
    "LSTM: the gates are split in another order in the backward pass (i, f, o, g for i, f, g, o)",
    lambda x, h, c, w_ih, w_hh, b: torch.lstm_cell(x, (h, c), w_ih, w_hh, b, torch.zeros_like(b)),
    lambda r: tuple(0.7 * r.normal(size=s) for s in [(4, 3), (4, 5), (4, 5), (20, 3), (20, 5), (20,)]),
)
def lstm_gate_order(wrong):
    def fn(x, h, c, w_ih, w_hh, b):
        i, f, g, o = np.split(x @ w_ih.T + h @ w_hh.T + b, 4, 1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c2 = f * c + i * g
        t = np.tanh(c2)

        def pullback(d):
            dh, dc = d
            dc = dc + dh * o * (1 - t**2)
            di, df, dg, do = (
                dc * g * i * (1 - i),
                dc * c * f * (1 - f),
                dc * i * (1 - g**2),
                dh * t * o * (1 - o),
            )
            da = np.concatenate([di, df, do, dg] if wrong else [di, df, dg, do], 1)
            return da @ w_ih, da @ w_hh, dc * f, da.T @ x, da.T @ h, da.sum(0)

        return (o * t, c2), pullback

    return fn


@case(
    "gain per row and gain per column confused: the row gain's gradient is summed over the rows (square)",
    lambda x, gain: x * gain[:, None],
    lambda r: (r.normal(size=(4, 4)), r.normal(size=4)),
)
def row_gain(wrong):
    def f(x, gain):
        return x * gain[:, None], lambda dy: (dy * gain[:, None], (dy * x).sum(0 if wrong else 1))

    return f


@case(
    "residual branch scaled by alpha: alpha is forgotten on the way into the branch",
    lambda x, w, alpha: x + alpha * torch.relu(x @ w),
    lambda r: (r.normal(size=(5, 4)), r.normal(size=(4, 4)), 0.5),
)
def scaled_residual(wrong):
    def f(x, w, alpha):
        a = x @ w
        h = np.maximum(a, 0)

        def pullback(dy):
            da = dy * (1 if wrong else alpha) * (a > 0)
            return dy + da @ w.T, x.T @ da, (dy * h).sum()

        return x + alpha * h, pullback

    return f


@case(
    "L2-normalised embeddings, dot product: the table's gradient stops at the normalised rows (no projection, no 1/|x|)",
    lambda ids, table, q: (F.normalize(table, dim=1)[ids] * q).sum(1),
    lambda r: (np.array([0, 2, 2, 4]), r.normal(size=(5, 3)), r.normal(size=(4, 3))),
)
def normalised_embedding(wrong):
    def f(ids, table, q):
        n = np.linalg.norm(table, axis=1, keepdims=True)
        u = table / n

        def pullback(dy):
            du = np.zeros_like(table)
            np.add.at(du, ids, dy[:, None] * q)
            dt = du if wrong else (du - u * (u * du).sum(1, keepdims=True)) / n
            return None, dt, dy[:, None] * u[ids]

        return (u[ids] * q).sum(1), pullback

    return f
