"""Pullbacks written without a look at the rules of the diagnosis: small networks and matrix algebra."""

import numpy as np
import torch

from tests.crosscheck.blind.table import case


def mlp_inputs(r):
    return (
        r.normal(size=(6, 4)),
        r.normal(size=(4, 7)),
        r.normal(size=7),
        r.normal(size=(7, 4)),
        r.normal(size=4),
    )


torch_mlp = lambda x, w1, b1, w2, b2: x + torch.relu(x @ w1 + b1) @ w2 + b2


def mlp(no_skip=False, no_mask=False, mean_bias=False):
    def skip_mlp(x, w1, b1, w2, b2):
        a = x @ w1 + b1
        h = np.maximum(a, 0)

        def pullback(dy):
            dh = dy @ w2.T
            da = dh if no_mask else dh * (a > 0)
            dx = da @ w1.T
            if not no_skip:
                dx = dx + dy
            return dx, x.T @ da, da.sum(0), h.T @ dy, dy.mean(0) if mean_bias else dy.sum(0)

        return x + h @ w2 + b2, pullback

    return skip_mlp


@case("the skip path is dropped from dx", torch_mlp, mlp_inputs)
def mlp_skip(wrong):
    return mlp(no_skip=wrong)


@case(
    "two: the ReLU lets every gradient through, and the last bias is averaged over the batch",
    torch_mlp,
    mlp_inputs,
    double=True,
)
def mlp_two_mistakes(wrong):
    return mlp(no_mask=wrong, mean_bias=wrong)


@case(
    "the recurrent weight's gradient pairs each step with its own state instead of the one before",
    lambda xs, w, u: torch_rnn(xs, w, u),
    lambda r: (r.normal(size=(5, 3, 2)), 0.7 * r.normal(size=(2, 4)), 0.5 * r.normal(size=(4, 4))),
)
def rnn_off_by_one(wrong):
    def f(xs, w, u):
        hs = [np.zeros((xs.shape[1], u.shape[0]))]
        for x in xs:
            hs.append(np.tanh(x @ w + hs[-1] @ u))

        def pullback(dy):
            dxs, dw, du, dh = np.zeros_like(xs), np.zeros_like(w), np.zeros_like(u), 0
            for t in reversed(range(len(xs))):
                da = (dy[t] + dh) * (1 - hs[t + 1] ** 2)
                dxs[t] = da @ w.T
                dw += xs[t].T @ da
                du += hs[t + 1 if wrong else t].T @ da
                dh = da @ u.T
            return dxs, dw, du

        return np.stack(hs[1:]), pullback

    return f


def torch_rnn(xs, w, u):
    h, out = torch.zeros(xs.shape[1], u.shape[0], dtype=xs.dtype), []
    for x in xs:
        h = torch.tanh(x @ w + h @ u)
        out.append(h)
    return torch.stack(out)


class Dense:
    """A layer object that keeps its input for the backward pass, as in many courses."""

    def __init__(self, stack):
        self.kept, self.stack = [], stack

    def forward(self, x, w):
        self.kept = [*self.kept, x] if self.stack else [x]
        return np.tanh(x @ w)

    def backward(self, w, y, dy):
        x = self.kept.pop() if self.stack else self.kept[-1]
        da = dy * (1 - y**2)
        return da @ w.T, x.T @ da


@case(
    "stale cache: one layer object applied twice keeps only the second input (weights are shared)",
    lambda x, w: torch.tanh(torch.tanh(x @ w) @ w),
    lambda r: (r.normal(size=(5, 4)), 0.7 * r.normal(size=(4, 4))),
)
def shared_layer_stale(wrong):
    def f(x, w):
        layer = Dense(stack=not wrong)
        h = layer.forward(x, w)
        y = layer.forward(h, w)

        def pullback(dy):
            keep = list(layer.kept)
            dh, dw2 = layer.backward(w, y, dy)
            dx, dw1 = layer.backward(w, h, dh)
            layer.kept = keep
            return dx, dw1 + dw2

        return y, pullback

    return f


@case(
    "pairwise term of a factorization machine: in dv the self-interaction x^2 v is not subtracted",
    lambda x, v: 0.5 * ((x @ v) ** 2 - (x**2) @ (v**2)).sum(1),
    lambda r: (r.normal(size=(5, 6)), r.normal(size=(6, 3))),
)
def factorization_machine(wrong):
    def f(x, v):
        s = x @ v

        def pullback(dy):
            d = dy[:, None]
            dx = (d * s) @ v.T - d * x * (v**2).sum(1)
            dv = x.T @ (d * s)
            if not wrong:
                dv = dv - (x**2 * d).sum(0)[:, None] * v
            return dx, dv

        return 0.5 * (s**2 - x**2 @ v**2).sum(1), pullback

    return f


@case(
    "the inverse's gradient without transposes: -A^-1 dY A^-1",
    lambda a: torch.linalg.inv(a),
    lambda r: (r.normal(size=(4, 4)) + 3 * np.eye(4),),
)
def inverse(wrong):
    def f(a):
        y = np.linalg.inv(a)

        def pullback(dy):
            return -y @ dy @ y if wrong else -y.T @ dy @ y.T

        return y, pullback

    return f


@case(
    "det(A) A^-1 instead of det(A) A^-T",
    lambda a: torch.linalg.det(a),
    lambda r: (r.normal(size=(3, 4, 4)) + 2 * np.eye(4),),
)
def determinant(wrong):
    def f(a):
        det, inv = np.linalg.det(a), np.linalg.inv(a)

        def pullback(d):
            return (d * det)[:, None, None] * (inv if wrong else inv.swapaxes(1, 2))

        return det, pullback

    return f


@case(
    "tr(AB): the gradient of A is B^T, of B is A^T, but they are returned in the other order",
    lambda a, b: torch.trace(a @ b),
    lambda r: (r.normal(size=(4, 4)), r.normal(size=(4, 4))),
)
def trace_swapped(wrong):
    def f(a, b):
        def pullback(d):
            return (a.T * d, b.T * d) if wrong else (b.T * d, a.T * d)

        return np.trace(a @ b), pullback

    return f


@case(
    "reversed cumulative sum off by one: the own position is left out",
    lambda x: torch.cumsum(x, 1),
    lambda r: (r.normal(size=(3, 7)),),
)
def cumulative_sum(wrong):
    def f(x):
        def pullback(dy):
            back = np.cumsum(dy[:, ::-1], 1)[:, ::-1]
            return back - dy if wrong else back

        return np.cumsum(x, 1), pullback

    return f


@case(
    "the running sum is not reversed: cumsum(dy) instead of summing from the end",
    lambda x: torch.cumsum(x, 1),
    lambda r: (r.normal(size=(3, 7)),),
)
def cumulative_sum_forward(wrong):
    def f(x):
        def pullback(dy):
            return np.cumsum(dy, 1) if wrong else np.cumsum(dy[:, ::-1], 1)[:, ::-1]

        return np.cumsum(x, 1), pullback

    return f


@case(
    "db = dy a instead of dy^T a (both of one length)",
    lambda a, b: torch.outer(a, b),
    lambda r: (r.normal(size=5), r.normal(size=5)),
)
def outer_product(wrong):
    def f(a, b):
        def pullback(dy):
            return dy @ b, dy @ a if wrong else dy.T @ a

        return np.outer(a, b), pullback

    return f


@case(
    "quadratic form: 2 W x, as if W were symmetric, instead of (W + W^T) x",
    lambda x, w: torch.einsum("bi,ij,bj->b", x, w, x),
    lambda r: (r.normal(size=(5, 4)), r.normal(size=(4, 4))),
)
def einsum_quadratic(wrong):
    def f(x, w):
        def pullback(dy):
            d = dy[:, None]
            dx = 2 * d * (x @ w.T) if wrong else d * (x @ w.T + x @ w)
            return dx, np.einsum("b,bi,bj->ij", dy, x, x)

        return np.einsum("bi,ij,bj->b", x, w, x), pullback

    return f


@case(
    "a gate applied to every head: the sum over the broadcast axis is a mean",
    lambda x, gate: x * gate,
    lambda r: (r.normal(size=(3, 4, 5)), r.normal(size=(3, 1, 5))),
)
def broadcast_gate(wrong):
    def f(x, gate):
        def pullback(dy):
            g = dy * x
            return dy * gate, g.mean(1, keepdims=True) if wrong else g.sum(1, keepdims=True)

        return x * gate, pullback

    return f
