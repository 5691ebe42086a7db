"""Pullbacks written without a look at the rules of the diagnosis: what a diagnosis may take for something else: softmax, recurrence, masks, clipping."""

import numpy as np
import torch
import torch.nn.functional as F

from tests.crosscheck.blind.table import case, sigmoid, softmax


def tied_inputs(r):
    return np.array([2, 0, 2, 5]), r.normal(size=(6, 3))


@case(
    "tied embedding: the table is read at the input and at the output, only the output's gradient is kept",
    lambda ids, table: F.embedding(ids, table) @ table.T,
    tied_inputs,
)
def tied_embedding(wrong):
    def f(ids, table):
        e = table[ids]

        def pullback(dy):
            dtable = dy.T @ e
            if not wrong:
                np.add.at(dtable, ids, dy @ table)
            return None, dtable

        return e @ table.T, pullback

    return f


@case(
    "log-softmax: dy - p instead of dy - p sum(dy)",
    lambda x: F.log_softmax(x, -1),
    lambda r: (r.normal(size=(5, 4)),),
)
def log_softmax(wrong):
    def f(x):
        p = softmax(x)

        def pullback(dy):
            return dy - p * (1 if wrong else dy.sum(-1, keepdims=True))

        return np.log(p), pullback

    return f


@case(
    "softmax: the diagonal of the Jacobian only, p (1-p) dy",
    lambda x: torch.softmax(x, -1),
    lambda r: (r.normal(size=(5, 4)),),
)
def softmax_diagonal(wrong):
    def f(x):
        p = softmax(x)

        def pullback(dy):
            return dy * p * (1 - p) if wrong else p * (dy - (dy * p).sum(-1, keepdims=True))

        return p, pullback

    return f


@case(
    "softmax: the sum of the Jacobian product runs over axis 0 instead of the last (square)",
    lambda x: torch.softmax(x, -1),
    lambda r: (r.normal(size=(5, 5)),),
)
def softmax_wrong_axis(wrong):
    def f(x):
        p = softmax(x)

        def pullback(dy):
            return p * (dy - (dy * p).sum(0 if wrong else -1, keepdims=True))

        return p, pullback

    return f


def rnn_last(detach=False, pre=False, offbyone=False):
    def f(xs, w, u, b):
        hs = [np.zeros((xs.shape[1], u.shape[0]))]
        scores_pre = []
        for x in xs:
            scores_pre.append(x @ w + hs[-1] @ u + b)
            hs.append(np.tanh(scores_pre[-1]))

        def pullback(dy):
            dxs, dw, du, db, dh = np.zeros_like(xs), np.zeros_like(w), np.zeros_like(u), np.zeros_like(b), dy
            for t in reversed(range(len(xs))):
                if detach and t < len(xs) - 1:
                    break
                da = dh * (1 - (scores_pre[t] if pre else hs[t if offbyone else t + 1]) ** 2)
                dxs[t] = da @ w.T
                dw += xs[t].T @ da
                du += hs[t].T @ da
                db += da.sum(0)
                dh = da @ u.T
            return dxs, dw, du, db

        return hs[-1], pullback

    return f


def torch_rnn_last(xs, w, u, b):
    h = torch.zeros(xs.shape[1], u.shape[0], dtype=xs.dtype)
    for x in xs:
        h = torch.tanh(x @ w + h @ u + b)
    return h


rnn_inputs = lambda r: (
    r.normal(size=(3, 4, 2)),
    0.7 * r.normal(size=(2, 5)),
    0.5 * r.normal(size=(5, 5)),
    r.normal(size=5),
)


@case(
    "RNN: the gradient stops after the last step (no back-propagation through time)",
    torch_rnn_last,
    rnn_inputs,
)
def rnn_detached(wrong):
    return rnn_last(detach=wrong)


@case("RNN: tanh' uses the state before the step, 1 - h_{t-1}^2", torch_rnn_last, rnn_inputs)
def rnn_tanh_previous(wrong):
    return rnn_last(offbyone=wrong)


@case("RNN: tanh' is formed from the pre-activation, 1 - a^2", torch_rnn_last, rnn_inputs)
def rnn_tanh_pre(wrong):
    return rnn_last(pre=wrong)


@case(
    "causal attention: the mask is applied to the scores, forgotten for the pullback's softmax, which is unmasked",
    lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
    lambda r: (r.normal(size=(5, 4)), r.normal(size=(5, 4)), r.normal(size=(5, 3))),
)
def causal_attention(wrong):
    def f(q, k, v):
        scale = 1 / np.sqrt(q.shape[-1])
        mask = np.tril(np.ones((len(q), len(k)), bool))
        s = q @ k.T * scale
        p = softmax(np.where(mask, s, -np.inf))
        back = softmax(s) if wrong else p

        def pullback(dy):
            dp = dy @ v.T
            ds = back * (dp - (dp * back).sum(-1, keepdims=True)) * scale
            return ds @ k, ds.T @ q, back.T @ dy

        return p @ v, pullback

    return f


@case(
    "attention: the scale divides by d instead of by its root in the backward pass",
    lambda q, k, v: torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1) @ v,
    lambda r: (r.normal(size=(2, 5, 4)), r.normal(size=(2, 5, 4)), r.normal(size=(2, 5, 4))),
)
def attention_scale_d(wrong):
    def f(q, k, v):
        d = q.shape[-1]
        p = softmax(q @ k.swapaxes(-1, -2) / np.sqrt(d))

        def pullback(dy):
            dp = dy @ v.swapaxes(-1, -2)
            ds = p * (dp - (dp * p).sum(-1, keepdims=True)) / (d if wrong else np.sqrt(d))
            return ds @ k, ds.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ dy

        return p @ v, pullback

    return f


@case(
    "masked mean pooling: the gradient divides by T instead of by the number of valid steps",
    lambda x, mask: (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True),
    lambda r: (r.normal(size=(3, 4, 2)), np.array([[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]], bool)),
)
def masked_mean(wrong):
    def f(x, mask):
        n = mask.sum(1, keepdims=True)

        def pullback(dy):
            share = dy / (x.shape[1] if wrong else n)
            return share[:, None, :] * mask[..., None], None

        return (x * mask[..., None]).sum(1) / n, pullback

    return f


@case(
    "dropout with a given mask: the 1/(1-p) of the forward pass is forgotten in the backward pass",
    lambda x, mask: x * mask / 0.75,
    lambda r: (r.normal(size=(4, 6)), r.random((4, 6)) < 0.75),
)
def dropout(wrong):
    def f(x, mask):
        def pullback(dy):
            return dy * mask / (1 if wrong else 0.75), None

        return x * mask / 0.75, pullback

    return f


@case(
    "batch norm: dweight is summed against x instead of x_hat",
    lambda x, weight, bias: F.batch_norm(x, None, None, weight, bias, training=True),
    lambda r: (r.normal(size=(6, 3)) * 2 + 1, r.normal(size=3), r.normal(size=3)),
)
def batch_norm_dweight(wrong):
    def f(x, weight, bias):
        c = x - x.mean(0)
        inv = 1 / np.sqrt((c**2).mean(0) + 1e-5)
        xh = c * inv

        def pullback(dy):
            d = dy * weight
            dx = inv * (d - d.mean(0) - xh * (d * xh).mean(0))
            return dx, (dy * (x if wrong else xh)).sum(0), dy.sum(0)

        return xh * weight + bias, pullback

    return f


@case(
    "batch norm from the paper's steps: dmean is taken as -sum(dx_hat)/std, and d(variance) has -1/2 (var)^(-1/2) for (-3/2)",
    lambda x: F.batch_norm(x, None, None, training=True, eps=1e-3),
    lambda r: (r.normal(size=(6, 3)) * 2 + 1,),
)
def batch_norm_paper_power(wrong):
    def f(x):
        n = len(x)
        c = x - x.mean(0)
        var = (c**2).mean(0) + 1e-3

        def pullback(dy):
            dvar = (dy * c).sum(0) * -0.5 * var ** (-0.5 if wrong else -1.5)
            dmean = -dy.sum(0) / np.sqrt(var)
            return dy / np.sqrt(var) + dvar * 2 * c / n + dmean / n

        return c / np.sqrt(var), pullback

    return f


@case(
    "VAE: z = mu + exp(logvar/2) eps, the half is missing in the gradient of logvar",
    lambda mu, logvar, eps: (
        mu + torch.exp(0.5 * logvar) * eps,
        -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean(),
    ),
    lambda r: (r.normal(size=(4, 3)), r.normal(size=(4, 3)), r.normal(size=(4, 3))),
)
def vae_reparameterise(wrong):
    def f(mu, logvar, eps):
        std = np.exp(0.5 * logvar)
        kl = -0.5 * (1 + logvar - mu**2 - std**2).sum(1).mean()

        def pullback(d_out):
            dz, dkl = d_out
            n = len(mu)
            dlogvar = dz * eps * std * (1 if wrong else 0.5) - 0.5 * (1 - std**2) * dkl / n
            return dz + mu * dkl / n, dlogvar, dz * std

        return (mu + std * eps, kl), pullback

    return f


@case(
    "two outputs of one shape: the pullback takes their gradients in the other order",
    lambda x, w, v: (torch.tanh(x @ w), torch.sigmoid(x @ v)),
    lambda r: (r.normal(size=(4, 3)), r.normal(size=(3, 5)), r.normal(size=(3, 5))),
)
def two_heads_swapped(wrong):
    def f(x, w, v):
        a, b = np.tanh(x @ w), sigmoid(x @ v)

        def pullback(d_out):
            da, db = d_out[::-1] if wrong else d_out
            ga, gb = da * (1 - a**2), db * b * (1 - b)
            return ga @ w.T + gb @ v.T, x.T @ ga, x.T @ gb

        return (a, b), pullback

    return f


@case(
    "highway gate y = g h + (1-g) x: dg = dy h, the -x is dropped",
    lambda x, w, v: torch.sigmoid(x @ v) * torch.tanh(x @ w) + (1 - torch.sigmoid(x @ v)) * x,
    lambda r: (r.normal(size=(5, 4)), r.normal(size=(4, 4)), r.normal(size=(4, 4))),
)
def highway(wrong):
    def f(x, w, v):
        h, g = np.tanh(x @ w), sigmoid(x @ v)

        def pullback(dy):
            dg = dy * h if wrong else dy * (h - x)
            da, ds = dy * g * (1 - h**2), dg * g * (1 - g)
            return da @ w.T + ds @ v.T + dy * (1 - g), x.T @ da, x.T @ ds

        return g * h + (1 - g) * x, pullback

    return f


@case(
    "SwiGLU: the gradient of the gate branch is multiplied by the wrong branch (a instead of b)",
    lambda x, w, v: F.silu(x @ w) * (x @ v),
    lambda r: (r.normal(size=(5, 3)), r.normal(size=(3, 4)), r.normal(size=(3, 4))),
)
def swiglu(wrong):
    def f(x, w, v):
        a, b = x @ w, x @ v
        s = sigmoid(a)

        def pullback(dy):
            da = dy * (a if wrong else b) * (s + a * s * (1 - s))
            db = dy * a * s
            return da @ w.T + db @ v.T, x.T @ da, x.T @ db

        return a * s * b, pullback

    return f


@case(
    "ridge: the penalty's gradient is lam w instead of 2 lam w",
    lambda x, y, w: ((x @ w - y) ** 2).mean() + 0.1 * (w**2).sum(),
    lambda r: (r.normal(size=(6, 3)), r.normal(size=6), r.normal(size=3)),
)
def ridge(wrong):
    def f(x, y, w):
        e = x @ w - y

        def pullback(d):
            de = 2 * e / len(y) * d
            return np.outer(de, w), -de, x.T @ de + (1 if wrong else 2) * 0.1 * w * d

        return (e**2).mean() + 0.1 * (w**2).sum(), pullback

    return f


@case(
    "mean squared error of a (N, D) prediction: divided by N only",
    lambda x, w, y: F.mse_loss(x @ w, y),
    lambda r: (r.normal(size=(4, 3)), r.normal(size=(3, 2)), r.normal(size=(4, 2))),
)
def mse_layer(wrong):
    def f(x, w, y):
        e = x @ w - y

        def pullback(d):
            de = 2 * e * d / (len(x) if wrong else e.size)
            return de @ w.T, x.T @ de, -de

        return (e**2).mean(), pullback

    return f


@case(
    "clipping: the gradient passes where the value is clipped",
    lambda x: torch.clamp(x, -1, 1) * 3,
    lambda r: (r.normal(size=(4, 5)) * 1.5,),
)
def clip(wrong):
    def f(x):
        def pullback(dy):
            return 3 * dy * (1 if wrong else np.abs(x) < 1)

        return np.clip(x, -1, 1) * 3, pullback

    return f


@case(
    "clipping: the mask is inverted (the gradient passes only where the value is clipped)",
    lambda x: torch.clamp(x, -1, 1) * 3,
    lambda r: (r.normal(size=(4, 5)) * 1.5,),
)
def clip_inverted(wrong):
    def f(x):
        def pullback(dy):
            return 3 * dy * ((np.abs(x) >= 1) if wrong else (np.abs(x) < 1))

        return np.clip(x, -1, 1) * 3, pullback

    return f


@case(
    "ReLU at exactly 0: the slope is 1 (x >= 0), PyTorch's is 0",
    lambda x: torch.relu(x),
    lambda r: (np.array([[-1.0, 0.0, 2.0], [0.0, 3.0, -2.0]]),),
)
def relu_kink(wrong):
    def f(x):
        def pullback(dy):
            return dy * ((x >= 0) if wrong else (x > 0))

        return np.maximum(x, 0), pullback

    return f
