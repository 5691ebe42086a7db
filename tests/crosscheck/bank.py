"""Wrong pullbacks: operations with a switch `bug`, and the bank of mutants that the witness must reject.

Every operation is right when bug is None.  A bug changes the pullback only, unless its name says `value`.
"""

import math
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F


def linear(x, weight, bias, *, bug=None):
    def pullback(dy):
        batch = tuple(range(x.ndim - 1))
        dx, dw, db = dy @ weight, np.tensordot(dy, x, (batch, batch)), dy.sum(batch)
        if bug == "weight transposed":
            dw = dw.T
        if bug == "bias not summed":
            db = dy
        if bug == "bias averaged":
            db = dy.mean(batch)
        if bug == "product transposed":
            dx = dy @ weight.T
        if bug == "slots swapped":
            dx, dw = dw, dx
        if bug == "sign":
            dx = -dx
        if bug == "weight forgotten":
            dx = np.zeros_like(x)
        if bug == "two slots":
            return dx, dw
        if bug == "no bias gradient":
            db = None
        if bug == "integer gradient":
            db = np.round(db).astype(int)
        if bug == "accumulates":
            total[...] += dw
            dw = total.copy()
        if bug == "no tuple":
            return dx
        return dx, dw, db

    total = np.zeros_like(weight)
    if bug == "writes into x":
        y = x @ weight.T + bias
        x *= 0.5
        return y, lambda dy: (
            dy @ weight,
            2 * np.tensordot(dy, x, (tuple(range(x.ndim - 1)),) * 2),
            dy.sum(tuple(range(dy.ndim - 1))),
        )
    if bug == "no pullback":
        return x @ weight.T + bias
    if bug == "value without bias":
        return x @ weight.T, pullback
    return x @ weight.T + bias, pullback


def elementwise(x, *, kind, bug=None):
    """sigmoid, tanh, exp, relu, square, cube: slopes as they are and as they are misremembered."""
    y = {
        "sigmoid": lambda: 1 / (1 + np.exp(-x)),
        "tanh": lambda: np.tanh(x),
        "exp": lambda: np.exp(x),
        "relu": lambda: np.maximum(x, 0),
        "square": lambda: x**2,
        "elu": lambda: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        "abs": lambda: np.abs(x),
    }[kind]()
    slope = {
        "sigmoid": {None: y * (1 - y), "of x": x * (1 - x), "half": y, "quarter": y * (1 - y) / 4},
        "tanh": {None: 1 - y**2, "not squared": 1 - y, "of x": 1 - x**2},
        "exp": {None: y, "of x": x},
        "relu": {None: x > 0, "leaks": np.where(x > 0, 1.0, 0.1), "mask inverted": x <= 0},
        "square": {None: 2 * x, "no two": x, "negative": -2 * x, "value": y},
        "elu": {
            None: np.where(x > 0, 1, y + 1),
            "negative side zero": 1.0 * (x > 0),
            "y": np.where(x > 0, 1, y),
        },
        "abs": {None: np.sign(x), "one": np.ones_like(x)},
    }[kind]

    def pullback(dy):
        if bug == "upstream ignored":
            return 1.0 * slope[None]
        if bug == "upstream squared":
            return dy * dy * slope[None]
        if bug == "identity":
            return dy
        if bug == "nan":
            return np.where(x > 1, np.nan, dy * slope[None])
        if bug == "list":
            return list(dy * slope[None])
        if bug == "string":
            return "dy * slope"
        return dy * slope[bug]

    return y, pullback


def softmax(x, *, bug=None):
    e = np.exp(x - x.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)

    def pullback(dp):
        if bug == "diagonal":
            return p * (1 - p) * dp
        if bug == "total path":
            return p * dp
        if bug == "zero":
            return np.zeros_like(p)
        if bug == "over the batch":
            return p * (dp - (dp * p).sum(0, keepdims=True))
        return p * (dp - (dp * p).sum(-1, keepdims=True))

    return p, pullback


def layer_norm(x, weight, bias, *, bug=None, axis=-1, eps=1e-5):
    centred = x - x.mean(axis, keepdims=True)
    inv_std = 1 / np.sqrt((centred**2).mean(axis, keepdims=True) + eps)
    x_hat = centred * inv_std

    def pullback(dy):
        g = dy if bug == "gain" else dy * weight
        mean_path = g.mean(axis, keepdims=True)
        variance_path = x_hat * (g * x_hat).mean(axis, keepdims=True)
        if bug == "mean path":
            mean_path = 0
        if bug == "variance path":
            variance_path = 0
        if bug == "both paths":
            mean_path = variance_path = 0
        dx = inv_std * (g - mean_path - variance_path)
        if bug == "inv_std":
            dx = dx / inv_std
        others = tuple(a for a in range(x.ndim) if a != axis % x.ndim) if axis == -1 else 0
        dw, db = (dy * x_hat).sum(others), dy.sum(others)
        if bug == "gain gets x":
            dw = (dy * x).sum(others)
        return dx, dw, db

    return x_hat * weight + bias, pullback


batch_norm = partial(layer_norm, axis=0)


def embedding(ids, weight, *, bug=None):
    def pullback(dy):
        dweight = np.zeros_like(weight)
        if bug == "overwritten":
            dweight[ids] = dy
        else:
            np.add.at(dweight, ids, dy)
        return (np.zeros(ids.shape) if bug == "ids get one" else None), dweight

    return weight[ids], pullback


def attention(query, key, value, *, mask, bug=None):
    scale = 1 / math.sqrt(query.shape[-1])
    scores = np.where(mask, query @ key.swapaxes(-1, -2) * scale, -np.inf)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)

    def pullback(dy):
        dp = dy @ value.swapaxes(-1, -2)
        ds = p * (dp - (0 if bug == "total path" else (dp * p).sum(-1, keepdims=True)))
        if bug != "no scale":
            ds = ds * scale
        dq, dk, dv = ds @ key, ds.swapaxes(-1, -2) @ query, p.swapaxes(-1, -2) @ dy
        if bug == "slots":
            dq, dk = dk, dq
        if bug == "value transposed":
            dv = p @ dy
        return dq, dk, dv

    return p @ value, pullback


def masked_square(x, *, mask, bug=None):
    """Squares where the mask is on, zero elsewhere."""
    return np.where(mask, x**2, 0.0), lambda dy: dy * 2 * x * (1 if bug == "mask" else mask)


def residual(x, weight, *, bug=None):
    h = np.tanh(x @ weight)

    def pullback(dy):
        dz = dy * (1 - h**2)
        dx = dz @ weight.T
        if bug == "direct path":
            return dx, x.T @ dz
        if bug == "branch":
            return dy, x.T @ dz
        return dy + (2 * dy if bug == "direct path twice" else 0) + dx, x.T @ dz

    return x + h, pullback


def convolution(x, kernel, *, bug=None):
    """Correlate a row of numbers with a kernel of odd length, output as long as the input."""
    half = len(kernel) // 2
    padded = np.pad(x, half)
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel))

    def pullback(dy):
        spread = np.lib.stride_tricks.sliding_window_view(np.pad(dy, half), len(kernel))
        dx = spread @ (kernel if bug == "not flipped" else kernel[::-1])
        if bug == "borders":
            dx[0] = 0
        dkernel = windows.T @ dy
        return dx, dkernel[::-1] if bug == "kernel flipped" else dkernel

    return windows @ kernel, pullback


def recurrence(x, weight, *, bug=None):
    """h_t = tanh(w h_{t-1} + x_t), x: (T, N), weight: (N, N); returns all states and the last one."""
    states, h = [], np.zeros(x.shape[1:])
    for x_t in x:
        h = np.tanh(weight @ h + x_t)
        states.append(h)
    h_all = np.stack(states)

    def pullback(upstream):
        dh_all, dh_last = upstream
        dx, dw, back = np.zeros_like(x), np.zeros_like(weight), np.zeros(x.shape[1:])
        if bug != "last state":
            back = back + dh_last
        for t in reversed(range(len(x))):
            dz = (dh_all[t] + back) * (1 - h_all[t] ** 2)
            dx[t] = dz
            if t > 0:
                dw += np.outer(dz, h_all[t - 1])
            back = weight.T @ dz
            if bug == "through time":
                back = 0 * back
            if bug == "weight not transposed":
                back = weight @ dz
        return dx, dw

    return (h_all, h), pullback


def cross_entropy(logits, target, *, bug=None):
    n = len(logits)
    shifted = logits - logits.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))

    def pullback(dloss):
        d = np.exp(log_p)
        if bug == "p only":
            return d * dloss / n, None
        d[np.arange(n), target] -= 1
        if bug == "y minus p":
            d = -d
        return d * dloss / (1 if bug == "not averaged" else n), None

    return -log_p[np.arange(n), target].mean(), pullback


def mean_square(x, target, *, bug=None):
    d = x - target

    def pullback(dloss):
        dx = dloss * 2 * d / d.size
        if bug == "no two":
            dx = dx / 2
        if bug == "sum":
            dx = dx * d.size
        return dx, dx if bug == "target sign" else -dx

    return (d**2).mean(), pullback


def broadcast_product(x, gain, *, bug=None):
    """x: (B, D) times gain: (D,)."""

    def pullback(dy):
        dgain = dy * x if bug == "not summed" else (dy * x).sum(0)
        return dy if bug == "factor" else dy * gain, dgain

    return x * gain, pullback


def centre(x, *, bug=None):
    """Subtract the mean of the last axis."""
    return x - x.mean(-1, keepdims=True), lambda dy: dy if bug else dy - dy.mean(-1, keepdims=True)


def unit_length(x, *, bug=None):
    """Divide each row by its length."""
    length = np.sqrt((x**2).sum(-1, keepdims=True))
    y = x / length
    return y, lambda dy: (dy if bug else dy - y * (dy * y).sum(-1, keepdims=True)) / length


def polynomial(params, x, *, bug=None):
    """a x^2 + b, parameters in a dict."""

    def pullback(dy):
        dparams = {"a": (dy * x**2).sum(), "b": dy.sum()}
        if bug == "key missing":
            del dparams["b"]
        return dparams, dy * 2 * params["a"] * x

    return params["a"] * x**2 + params["b"], pullback


@dataclass
class Mutant:
    """A wrong pullback: what it is, how to check it, and the kinds of diagnosis that are right."""

    operation: object
    bug: str
    theirs: object
    inputs: tuple
    kinds: tuple
    options: dict = field(default_factory=dict)

    @property
    def title(self):
        function = getattr(self.operation, "func", self.operation)
        kind = self.options.get("kind", "")
        return " ".join(filter(None, (function.__name__, kind, self.bug)))

    def wrong(self):
        return partial(self.operation, bug=self.bug)

    def right(self):
        return partial(self.operation, bug=None)


def torch_elementwise(x, kind):
    functions = dict(
        sigmoid=torch.sigmoid, tanh=torch.tanh, exp=torch.exp, relu=torch.relu, elu=F.elu, abs=torch.abs
    )
    return functions[kind](x) if kind in functions else x**2


def torch_attention(query, key, value, mask):
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def torch_convolution(x, kernel):
    return F.conv1d(x[None, None], kernel[None, None], padding=len(kernel) // 2)[0, 0]


def torch_recurrence(x, weight):
    h, states = torch.zeros(x.shape[1:], dtype=x.dtype), []
    for x_t in x:
        h = torch.tanh(weight @ h + x_t)
        states.append(h)
    return torch.stack(states), h


def make_bank():
    rng = np.random.default_rng(7)
    normal = lambda *shape: rng.normal(size=shape)
    mask = np.tril(np.ones((4, 4), dtype=bool))
    some = rng.random((3, 4)) < 0.6
    ids = np.array([[0, 2, 2], [4, 0, 5]])
    lin = (linear, F.linear, (normal(5, 3), normal(4, 3), normal(4)))
    square = (linear, F.linear, (normal(5, 4), normal(4, 4), normal(4)))
    ln = (
        layer_norm,
        lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b),
        (normal(3, 5), 1 + normal(5) / 3, normal(5)),
    )
    bn = (
        batch_norm,
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        (normal(6, 3), 1 + normal(3) / 3, normal(3)),
    )
    soft = (softmax, lambda x: torch.softmax(x, -1), (normal(3, 5),))
    att = (attention, torch_attention, (normal(2, 4, 3), normal(2, 4, 3), normal(2, 4, 3)), {"mask": mask})
    res = (residual, lambda x, w: x + torch.tanh(x @ w), (normal(3, 4), normal(4, 4)))
    conv = (convolution, torch_convolution, (normal(7), normal(3)))
    rec = (recurrence, torch_recurrence, (normal(4, 3), normal(3, 3)))
    ce = (cross_entropy, F.cross_entropy, (normal(5, 4), np.array([0, 3, 1, 1, 2])))
    mse = (mean_square, F.mse_loss, (normal(5, 3), normal(5, 3)))
    emb = (embedding, lambda ids, w: F.embedding(ids, w), (ids, normal(6, 3)))
    prod = (broadcast_product, lambda x, g: x * g, (normal(4, 3), normal(3)))
    poly = (
        polynomial,
        lambda p, x: p["a"] * x**2 + p["b"],
        ({"a": np.array(1.3), "b": np.array(-0.2)}, normal(5)),
    )

    def element(kind):
        return (elementwise, torch_elementwise, (normal(3, 4),), {"kind": kind})

    def mutant(entry, bug, *kinds):
        operation, theirs, inputs, *options = entry
        return Mutant(operation, bug, theirs, inputs, kinds, options[0] if options else {})

    return [
        mutant(lin, "weight transposed", "transposed"),
        mutant(square, "weight transposed", "transposed"),
        mutant(square, "product transposed", "transposed"),
        mutant(lin, "bias not summed", "broadcast"),
        mutant(lin, "bias averaged", "factor"),
        mutant(lin, "slots swapped", "slots"),
        mutant(lin, "sign", "sign"),
        mutant(lin, "weight forgotten", "zero"),
        mutant(lin, "two slots", "protocol"),
        mutant(lin, "no tuple", "protocol"),
        mutant(lin, "no pullback", "protocol"),
        mutant(lin, "no bias gradient", "missing"),
        mutant(lin, "integer gradient", "dtype"),
        mutant(lin, "accumulates", "second call"),
        mutant(lin, "writes into x", "input changed"),
        mutant(lin, "value without bias", "offset"),
        mutant(element("sigmoid"), "of x", "local derivative"),
        mutant(element("sigmoid"), "half", "local derivative"),
        mutant(element("sigmoid"), "quarter", "factor"),
        mutant(element("tanh"), "not squared", "local derivative"),
        mutant(element("tanh"), "of x", "local derivative"),
        mutant(element("tanh"), "upstream ignored", "upstream"),
        mutant(element("tanh"), "upstream squared", "upstream"),
        mutant(element("tanh"), "identity", "derivative forgotten"),
        mutant(element("exp"), "of x", "local derivative"),
        mutant(element("exp"), "nan", "nan"),
        mutant(element("exp"), "list", "type"),
        mutant(element("exp"), "string", "type"),
        mutant(element("relu"), "leaks", "half"),
        mutant(element("relu"), "mask inverted", "local derivative"),
        mutant(element("square"), "no two", "factor"),
        mutant(element("square"), "negative", "sign"),
        mutant(element("elu"), "negative side zero", "local derivative"),
        mutant(element("elu"), "y", "local derivative"),
        mutant(element("abs"), "one", "derivative forgotten"),
        mutant(soft, "diagonal", "diagonal"),
        mutant(soft, "total path", "total path"),
        mutant(soft, "zero", "zero"),
        mutant(soft, "over the batch", "axis"),
        mutant(ln, "mean path", "path"),
        mutant(ln, "variance path", "path"),
        mutant(ln, "both paths", "path"),
        mutant(ln, "gain", "named factor"),
        mutant(ln, "inv_std", "named factor"),
        mutant(ln, "gain gets x", "operand"),
        mutant(bn, "mean path", "path"),
        mutant(bn, "variance path", "path"),
        mutant(bn, "gain", "named factor"),
        mutant(bn, "inv_std", "named factor"),
        mutant(emb, "overwritten", "repeated ids"),
        mutant(emb, "ids get one", "not None"),
        mutant(att, "total path", "total path"),
        mutant(att, "no scale", "factor"),
        mutant(att, "slots", "slots"),
        mutant(att, "value transposed", "transposed"),
        mutant((masked_square, lambda x, mask: x**2 * mask, (normal(3, 4),), {"mask": some}), "mask", "mask"),
        mutant(res, "direct path", "path"),
        mutant(res, "direct path twice", "path"),
        mutant(res, "branch", "path"),
        mutant(conv, "not flipped", "kernel"),
        mutant(conv, "kernel flipped", "flipped"),
        mutant(conv, "borders", "part"),
        mutant(rec, "through time", "path"),
        mutant(rec, "last state", "one output"),
        mutant(rec, "weight not transposed", "transposed"),
        mutant(ce, "p only", "target"),
        mutant(ce, "y minus p", "sign"),
        mutant(ce, "not averaged", "factor"),
        mutant(mse, "no two", "factor"),
        mutant(mse, "sum", "factor"),
        mutant(mse, "target sign", "sign"),
        mutant(prod, "not summed", "broadcast"),
        mutant(prod, "factor", "named factor"),
        mutant((centre, lambda x: x - x.mean(-1, keepdim=True), (normal(3, 5),)), "mean path", "path"),
        mutant((unit_length, lambda x: F.normalize(x, dim=-1), (normal(3, 5),)), "length path", "path"),
        mutant(poly, "key missing", "missing"),
    ]  # fmt: skip


BANK = make_bank()
