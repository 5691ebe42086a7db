"""Pullbacks written without a look at the rules of the diagnosis: layers, products and norms."""

import numpy as np
import torch
import torch.nn.functional as F

from tests.crosscheck.blind.table import case, gru, gru_inputs, sigmoid, softmax, torch_gru


@case(
    "the bias of a (B, T, D) layer is summed over the batch only, so its gradient has shape (T, D)",
    lambda x, weight, bias: x @ weight + bias,
    lambda r: (r.normal(size=(4, 5, 3)), r.normal(size=(3, 2)), r.normal(size=2)),
)
def sequence_layer(wrong):
    def layer(x, weight, bias):
        def pullback(dy):
            dbias = dy.sum(0) if wrong else dy.sum((0, 1))
            return dy @ weight.T, np.einsum("bti,bto->io", x, dy), dbias

        return x @ weight + bias, pullback

    return layer


@case(
    "transpose forgotten on the right factor: da = dy b instead of dy b^T (square b)",
    lambda a, b: a @ b,
    lambda r: (r.normal(size=(3, 4, 5)), r.normal(size=(3, 5, 5))),
)
def batched_matmul(wrong):
    def bmm(a, b):
        def pullback(dy):
            da = dy @ b if wrong else dy @ b.transpose(0, 2, 1)
            return da, a.transpose(0, 2, 1) @ dy

        return a @ b, pullback

    return bmm


@case(
    "1/T left out of the gradient of the logits (that of T itself is right)",
    lambda logits, temperature: torch.softmax(logits / temperature, -1),
    lambda r: (r.normal(size=(6, 5)), 2.5),
)
def softmax_temperature(wrong):
    def f(logits, temperature):
        p = softmax(logits / temperature)

        def pullback(dp):
            dz = p * (dp - (dp * p).sum(-1, keepdims=True))
            dlogits = dz if wrong else dz / temperature
            return dlogits, -(dz * logits).sum() / temperature**2

        return p, pullback

    return f


@case(
    "the scale 1/sqrt(d) is forgotten in the gradient of the keys only",
    lambda q, k, v: F.scaled_dot_product_attention(q, k, v),
    lambda r: (r.normal(size=(2, 5, 8)), r.normal(size=(2, 6, 8)), r.normal(size=(2, 6, 3))),
)
def attention(wrong):
    def f(q, k, v):
        scale = 1 / np.sqrt(q.shape[-1])
        p = softmax(q @ k.swapaxes(-1, -2) * scale)

        def pullback(dy):
            dp = dy @ v.swapaxes(-1, -2)
            ds = p * (dp - (dp * p).sum(-1, keepdims=True))
            dk = ds.swapaxes(-1, -2) @ q
            return ds @ k * scale, dk if wrong else dk * scale, p.swapaxes(-1, -2) @ dy

        return p @ v, pullback

    return f


@case("z and 1-z swapped in the backward pass (Cho's convention instead of PyTorch's)", torch_gru, gru_inputs)
def gru_swapped_gate(wrong):
    return gru(wrong_gate=wrong)


@case("two: no gradient through the reset gate, and z and 1-z swapped", torch_gru, gru_inputs, double=True)
def gru_two_mistakes(wrong):
    return gru(wrong_gate=wrong, drop_reset=wrong)


@case(
    "LSTM step: the cell gradient that comes from the next step is overwritten, not added to (dc = dh*o*(1-tanh^2))",
    lambda x, h, c, w_ih, w_hh, b: torch.lstm_cell(x, (h, c), w_ih, w_hh, b, torch.zeros_like(b)),
    lambda r: tuple(0.7 * r.normal(size=s) for s in [(4, 3), (4, 5), (4, 5), (20, 3), (20, 5), (20,)]),
)
def lstm_step(wrong):
    def f(x, h, c, w_ih, w_hh, b):
        i, f_, g, o = np.split(x @ w_ih.T + h @ w_hh.T + b, 4, 1)
        i, f_, g, o = sigmoid(i), sigmoid(f_), np.tanh(g), sigmoid(o)
        c2 = f_ * c + i * g
        t = np.tanh(c2)

        def pullback(d_out):
            dh2, dc2 = d_out
            through_h = dh2 * o * (1 - t**2)
            dc2 = through_h if wrong else dc2 + through_h
            da = np.concatenate(
                [dc2 * g * i * (1 - i), dc2 * c * f_ * (1 - f_), dc2 * i * (1 - g**2), dh2 * t * o * (1 - o)],
                1,
            )
            return da @ w_ih, da @ w_hh, dc2 * f_, da.T @ x, da.T @ h, da.sum(0)

        return (o * t, c2), pullback

    return f


def norm_inputs(r):
    return r.normal(size=(6, 4)) * 2 + 1, r.normal(size=4), r.normal(size=4)


def ln(no_weight=False, no_mean=False, inplace=False):
    def layer_norm(x, weight, bias):
        centred = x - x.mean(-1, keepdims=True)
        inv_std = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        x_hat = centred * inv_std
        kept = x_hat.copy()
        y = x_hat
        if inplace:
            y *= weight  # x_hat, which the pullback needs, is overwritten
            kept = x_hat
        else:
            y = y * weight

        def pullback(dy):
            d = dy if no_weight else dy * weight
            dx = d - kept * (d * kept).mean(-1, keepdims=True)
            if not no_mean:
                dx = dx - d.mean(-1, keepdims=True)
            return dx * inv_std, (dy * kept).sum(0), dy.sum(0)

        return y + bias, pullback

    return layer_norm


torch_ln = lambda x, weight, bias: F.layer_norm(x, x.shape[-1:], weight, bias)


@case("the weight is left out on the way to x (dx_hat = dy instead of dy * weight)", torch_ln, norm_inputs)
def layer_norm_no_weight(wrong):
    return ln(no_weight=wrong)


@case(
    "x_hat is overwritten in place by x_hat * weight; the pullback uses the spoilt one", torch_ln, norm_inputs
)
def layer_norm_inplace(wrong):
    return ln(inplace=wrong)


@case(
    "two: weight left out on the way to x, and the path through the mean dropped",
    torch_ln,
    norm_inputs,
    double=True,
)
def layer_norm_two_mistakes(wrong):
    return ln(no_weight=wrong, no_mean=wrong)


@case(
    "the root mean square is taken for a constant (detached)",
    lambda x, weight: F.rms_norm(x, x.shape[-1:], weight, eps=1e-6),
    lambda r: (r.normal(size=(5, 6)), r.normal(size=6)),
)
def rms_norm(wrong):
    def f(x, weight):
        inv = 1 / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
        x_hat = x * inv

        def pullback(dy):
            d = dy * weight
            dx = d * inv if wrong else inv * (d - x_hat * (d * x_hat).mean(-1, keepdims=True))
            return dx, (dy * x_hat).sum(0)

        return x_hat * weight, pullback

    return f


@case(
    "the variance path divides by N where the variance divides by N-1",
    lambda x: (x - x.mean(0)) / x.std(0, correction=1),
    lambda r: (r.normal(size=(6, 3)),),
)
def standardise_ddof1(wrong):
    def f(x):
        n = len(x)
        s = x.std(0, ddof=1)
        z = (x - x.mean(0)) / s

        def pullback(dz):
            m = n if wrong else n - 1
            return ((dz - dz.mean(0)) - z * (dz * z).sum(0) / m) / s

        return z, pullback

    return f


@case(
    "epsilon stands inside the root in the forward pass, outside it in the backward pass",
    lambda x: (x - x.mean(0)) / torch.sqrt(x.var(0, correction=0) + 1e-2),
    lambda r: (r.normal(size=(8, 3)),),
)
def batch_norm_eps(wrong):
    def f(x):
        c = x - x.mean(0)
        var = (c**2).mean(0)
        inv = 1 / np.sqrt(var + 1e-2)

        def pullback(dy):
            i = 1 / (np.sqrt(var) + 1e-2) if wrong else inv
            xh = c * i
            return i * (dy - dy.mean(0) - xh * (dy * xh).mean(0))

        return c * inv, pullback

    return f


@case(
    "the projection uses x where the unit vector belongs: (dy - x (x.dy)) / |x|",
    lambda x: F.normalize(x, dim=-1),
    lambda r: (r.normal(size=(5, 4)),),
)
def l2_normalise(wrong):
    def f(x):
        norm = np.linalg.norm(x, axis=-1, keepdims=True)
        y = x / norm

        def pullback(dy):
            u = x if wrong else y
            return (dy - u * (u * dy).sum(-1, keepdims=True)) / norm

        return y, pullback

    return f


@case(
    "the factor 2 of the square is forgotten",
    lambda x: x.var(1),
    lambda r: (r.normal(size=(4, 7)),),
)
def variance(wrong):
    def f(x):
        n = x.shape[1]

        def pullback(dv):
            factor = 1 if wrong else 2
            return factor * (x - x.mean(1, keepdims=True)) * dv[:, None] / (n - 1)

        return x.var(1, ddof=1), pullback

    return f
