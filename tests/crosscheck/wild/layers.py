"""Dense layers, activations, biases, dropout, residual blocks, products: pullbacks as people got them wrong."""

import numpy as np
import torch
import torch.nn.functional as F

from tests.crosscheck.wild.table import family, normal, sigmoid


def dense(x, w1, b1, w2, b2, w3, b3, *, bug=None):
    """Two hidden layers of sigmoids, and one at the output."""
    z1 = x @ w1 + b1
    h1 = sigmoid(z1)
    z2 = h1 @ w2 + b2
    h2 = sigmoid(z2)
    y = sigmoid(h2 @ w3 + b3)

    def slope(h, z):
        return {"at the activation": sigmoid(h) * (1 - sigmoid(h)), "of z": z * (1 - z)}.get(bug, h * (1 - h))

    def pullback(dy):
        dz3 = dy if bug in ("forgotten at the output", "forgotten everywhere") else dy * y * (1 - y)
        dh2 = dz3 @ (w3 if bug == "w3 not transposed" else w3.T)
        dz2 = dh2 if bug in ("forgotten in layer 2", "forgotten everywhere") else dh2 * slope(h2, z2)
        dh1 = dz2 @ (w2 if bug == "w2 not transposed" else w2.T)
        dz1 = dh1 if bug in ("forgotten in layer 1", "forgotten everywhere") else dh1 * slope(h1, z1)
        if bug == "applied twice in layer 1":
            dz1 = dz1 * h1 * (1 - h1)
        dw1, dw2, dw3 = x.T @ dz1, h1.T @ dz2, h2.T @ dz3
        if bug == "pre-activation in dw2":
            dw2 = z1.T @ dz2
        if bug == "next activation in dw2":
            dw2 = h2.T @ dz2
        if bug == "dw1 from dh1":
            dw1 = x.T @ dh1
        if bug == "dw2 divided by its columns":
            dw2 = dw2 / w2.shape[1]
        db1, db2, db3 = dz1.sum(0), dz2.sum(0), dz3.sum(0)
        if bug == "bias over everything":
            db1 = dz1.sum()
        if bug == "bias of shape (1, D)":
            db1 = dz1.sum(0, keepdims=True)
        if bug == "bias averaged":
            db2 = dz2.mean(0)
        if bug == "bias of the last example":
            db2 = dz2[-1]
        if bug == "bias times the inputs":
            db2 = (h1.sum(1, keepdims=True) * dz2).sum(0)
        if bug == "bias from dh2":
            db2 = dh2.sum(0)
        return dz1 @ w1.T, dw1, db1, dw2, db2, dw3, db3

    return y, pullback


def dense_torch(x, w1, b1, w2, b2, w3, b3):
    h = torch.sigmoid(torch.sigmoid(x @ w1 + b1) @ w2 + b2)
    return torch.sigmoid(h @ w3 + b3)


def dense_inputs(rng, size):
    b, d, h, k = ((5, 3, 4, 2), (7, 2, 5, 3), (3, 4, 6, 1))[size]
    n = lambda *s: normal(rng, *s)
    return n(b, d), n(d, h), n(h), n(h, h), n(h), n(h, k), n(k)


LAYER_1, LAYER_2, OUTPUT = r"`sigmoid\(x @ w1 \+ b1\)`", r"w2 \+ b2\)`", r"w3 \+ b3\)`"

DENSE = family(
    dense, dense_torch, dense_inputs,
    ("forgotten at the output", rf"derivative of the sigmoid.*{OUTPUT} is forgotten", {"after": "Bot-Academy/NeuralNetworkFromScratch 3"}),
    ("forgotten in layer 2", rf"derivative of the sigmoid.*{LAYER_2} is forgotten", {"after": "louisjc/mnist-neural-network 1"}),
    ("forgotten in layer 1", rf"derivative of the sigmoid in {LAYER_1} is forgotten"),
    ("forgotten everywhere", r"derivative of the sigmoid.*(everywhere.*forgotten|" + OUTPUT + " is forgotten)"),
    ("at the activation", r"derivative of the sigmoid.*at its output", {"after": "libBrain 78"}),
    ("of z", r"derivative of the sigmoid.*z \* \(1 - z\)", {"after": "gophernet 6"}),
    ("applied twice in layer 1", rf"sigmoid in {LAYER_1} is applied twice"),
    ("pre-activation in dw2", r"w2 `x @ w1 \+ b1` is taken where `sigmoid", {"after": "maziarraissi/backprop 1"}),
    ("next activation in dw2", r"gradient of w2 `sigmoid\(.* @ w2 \+ b2\)` is taken where `sigmoid\(x @ w1 \+ b1\)` belongs"),
    ("dw1 from dh1", r"w1.*back through `sigmoid\(x @ w1 \+ b1\)` is skipped"),
    ("dw2 divided by its columns", r"length of axis 1 of w2|factor"),
    ("w2 not transposed", r"w2 is transposed"),
    ("bias over everything", r"summed too far"),
    ("bias of shape (1, D)", r"right numbers in shape", {"never": "sum"}),
    ("bias averaged", r"mean against sum\? one division by \d is too many"),
    ("bias of the last example", r"last .*counts|only the last"),
    ("bias times the inputs", r"gradient of w2 over axis 0|multiplied"),
    ("bias from dh2", r"b2.*back through `sigmoid.* is skipped"),
)  # fmt: skip


def relu_net(x, w1, w2, *, bug=None):
    z = x @ w1
    h = np.maximum(z, 0)

    def pullback(dy):
        dh = dy @ w2.T
        on = {"slope 1 at 0": z >= 0, "sign of the gradient": dh > 0, "of the input": x @ np.abs(w1) > 0}.get(
            bug, z > 0
        )
        dz = dh * on
        if bug == "passes everywhere":
            dz = dh
        if bug == "leaks":
            dz = dh * np.where(z > 0, 1, 0.01)
        return dz @ w1.T, x.T @ dz, h.T @ dy

    return h @ w2, pullback


def relu_inputs(rng, size):
    b, d, h, k = ((4, 3, 5, 2), (6, 2, 4, 3), (3, 5, 6, 2))[size]
    x = normal(rng, b, d)
    x[1] = 0
    return x, normal(rng, d, h), normal(rng, h, k)


RELU = family(
    relu_net, lambda x, w1, w2: torch.relu(x @ w1) @ w2, relu_inputs,
    ("slope 1 at 0", r"kink", {"after": "iamtrask 13"}),
    ("passes everywhere", r"derivative of the relu in `relu\(x @ w1\)` is forgotten"),
    ("sign of the gradient", r"not linear in the gradient"),
    ("leaks", r"slope of the relu in `relu\(x @ w1\)` below 0 is 0\.01"),
)  # fmt: skip


def positional(x, shift, weight, *, bug=None):
    """x: (B, T, D); shift: (T, D), one for each position."""

    def pullback(dy):
        dz = dy @ weight.T
        dshift = dz.sum((0, 1)) if bug == "batch and positions" else dz.sum(0)
        if bug == "spread over positions":
            dshift = np.broadcast_to(dz.sum((0, 1)), shift.shape).copy()
        if bug == "not summed":
            dshift = dz
        if bug == "of the first example":
            dshift = dz[0]
        return dz, dshift, np.tensordot(x + shift, dy, ((0, 1), (0, 1)))

    return (x + shift) @ weight, pullback


def positional_inputs(rng, size):
    b, t, d, k = ((3, 4, 5, 2), (2, 5, 3, 4), (4, 3, 6, 3))[size]
    return normal(rng, b, t, d), normal(rng, t, d), normal(rng, d, k)


POSITIONAL = family(
    positional, lambda x, shift, weight: (x + shift) @ weight, positional_inputs,
    ("batch and positions", r"summed too far: over axis 0", {"after": "stat453 5"}),
    ("spread over positions", r"along axis 0 gets the same number, the sum"),
    ("not summed", r"missing sum over axis 0"),
    ("of the first example", r"first .*counts|only the first"),
)  # fmt: skip


def logistic(x, w, b, *, bug=None):
    """x: (B, D), w: (D,), b: (1,): one probability a row."""
    p = sigmoid(x @ w + b)

    def pullback(dp):
        dz = dp * p * (1 - p)
        db = dz.sum(keepdims=True)
        if bug == "bias times the inputs":
            db = (dz[:, None] * x).sum(keepdims=True)[0]
        if bug == "bias a number":
            db = dz.sum()
        dw = x.T @ dz
        if bug == "weight not summed":
            dw = x * dz[:, None]
        return np.outer(dz, w), dw, db

    return p, pullback


LOGISTIC = family(
    logistic, lambda x, w, b: torch.sigmoid(x @ w + b),
    lambda rng, size: (normal(rng, 5 + size, 3 + size), normal(rng, 3 + size), normal(rng, 1)),
    ("bias times the inputs", r"gradient of w|multiplied|times the right number here"),
    ("bias a number", r"shape \(\); expected \(1,\)"),
    ("weight not summed", r"missing sum over axis 0"),
)  # fmt: skip


def dropout_net(x, w, *, mask, keep, bug=None):
    h = np.tanh(x @ w)

    def pullback(dy):
        dh = dy * mask / keep
        if bug == "mask forgotten":
            dh = dy / keep
        if bug == "scale forgotten":
            dh = dy * mask
        if bug == "both forgotten":
            dh = dy
        dz = dh * (1 - h**2)
        return dz @ w.T, x.T @ dz

    return h * mask / keep, pullback


def dropout_inputs(rng, size):
    b, d, h = ((4, 3, 5), (6, 2, 4), (3, 5, 6))[size]
    return (normal(rng, b, d), normal(rng, d, h)), {"mask": rng.random((b, h)) < 0.6, "keep": 0.6}


DROPOUT = family(
    dropout_net, lambda x, w, mask, keep: torch.tanh(x @ w) * mask / keep, dropout_inputs,
    ("mask forgotten", r"factor mask is forgotten"),
    ("scale forgotten", r"constant factor of 0\.6"),
    ("both forgotten", r"back through `tanh\(x @ w\) \* mask / 0\.6` is skipped"),
)  # fmt: skip


def residual_blocks(x, w1, w2, *, bug=None):
    """Two blocks, each adds its input to its output."""
    a = np.tanh(x @ w1)
    h = x + a
    c = np.tanh(h @ w2)

    def pullback(dy):
        dc = dy * (1 - c**2)
        dh = dc @ w2.T + dy
        if bug == "second skip":
            dh = dc @ w2.T
        if bug == "second branch":
            dh = dy
        if bug == "second skip twice":
            dh = dh + dy
        da = dh * (1 - a**2)
        dx = da @ w1.T + dh
        if bug == "first skip":
            dx = da @ w1.T
        if bug == "first skip from the end":
            dx = da @ w1.T + dy
        if bug == "averaged":
            dx = dx / 2
        return dx, x.T @ da, h.T @ dc

    return h + c, pullback


RESIDUAL = family(
    residual_blocks, lambda x, w1, w2: (lambda h: h + torch.tanh(h @ w2))(x + torch.tanh(x @ w1)),
    lambda rng, size: (normal(rng, 4 + size, 3 + size), normal(rng, 3 + size, 3 + size), normal(rng, 3 + size, 3 + size)),
    ("second skip", r"one path is missing: nothing comes back to `x \+ tanh\(x @ w1\)` from", {"after": "paiml/entrenar 313"}),
    ("second branch", r"one path is missing: nothing comes back to `x \+ tanh\(x @ w1\)` from `.*@ w2`"),
    ("second skip twice", r"counted twice", {"never": "missing"}),
    ("first skip", r"path is missing: nothing comes back to x from `x \+ tanh\(x @ w1\)`"),
    ("first skip from the end", r"comes back to x from `x \+ tanh\(x @ w1\)` the step back through .* is skipped"),
    ("averaged", r"constant factor of 0\.5"),
)  # fmt: skip


def little_graph(a, b, *, bug=None):
    """c = a b + a;  d = tanh(c) a: the same value in several places."""
    c = a * b + a
    t = np.tanh(c)

    def pullback(dd):
        dc, da = dd * a * (1 - t**2), dd * t
        if bug == "= for +=":
            da = dc * b + dc
        elif bug == "last use of a only":
            da = dc
        elif bug == "twice":
            da = da + dc * b + 2 * dc
        else:
            da = da + dc * b + dc
        return da, dc * a

    return t * a, pullback


GRAPH = family(
    little_graph, lambda a, b: torch.tanh(a * b + a) * a, lambda rng, size: (normal(rng, 3 + size), normal(rng, 3 + size)),
    ("= for +=", r"path is missing: nothing comes back to a from `tanh\(a \* b \+ a\) \* a`", {"after": "karpathy/micrograd 2"}),
    ("last use of a only", r"only what comes from `a \* b \+ a`|two paths are missing"),
    ("twice", r"counted twice", {"never": "missing"}),
)  # fmt: skip


def tied(x, w, *, bug=None):
    """An autoencoder whose two layers share one matrix."""
    h = np.tanh(x @ w)

    def pullback(dy):
        dz = (dy @ w) * (1 - h**2)
        dw = x.T @ dz + dy.T @ h
        if bug == "decoder only":
            dw = dy.T @ h
        if bug == "encoder only":
            dw = x.T @ dz
        return dz @ w.T, dw

    return h @ w.T, pullback


TIED = family(
    tied, lambda x, w: torch.tanh(x @ w) @ w.T,
    lambda rng, size: (normal(rng, 5 + size, 4), normal(rng, 4, 3 + size)),
    ("decoder only", r"missing: nothing comes back to w from `x @ w`"),
    ("encoder only", r"missing: nothing comes back to w from .*tanh\(x @ w\) @ w\.T"),
)  # fmt: skip


def gated(x, w, v, *, bug=None):
    """A gated linear unit: (x w) sigmoid(x v)."""
    a, s = x @ w, sigmoid(x @ v)

    def pullback(dy):
        da, dz = dy * s, dy * a * s * (1 - s)
        if bug == "gate's derivative":
            dz = dy * a
        if bug == "gate without a":
            dz = dy * s * (1 - s)
        dx = da @ w.T + dz @ v.T
        if bug == "x through the gate":
            dx = da @ w.T
        if bug == "gates changed":
            dx = da @ v.T + dz @ w.T
        return dx, x.T @ da, x.T @ dz

    return a * s, pullback


GATED = family(
    gated, lambda x, w, v: (x @ w) * torch.sigmoid(x @ v),
    lambda rng, size: (normal(rng, 4 + size, 3), normal(rng, 3, 4 + size), normal(rng, 3, 4 + size)),
    ("gate's derivative", r"derivative of the sigmoid in `sigmoid\(x @ v\)` is forgotten"),
    ("gate without a", r"factor `x @ w` is forgotten"),
    ("x through the gate", r"missing: nothing comes back to x from `x @ v`"),
    ("gates changed", ""),
)  # fmt: skip


def swish(x, *, bug=None):
    s = sigmoid(x)

    def pullback(dy):
        slope = s + x * s * (1 - s)
        if bug == "one term":
            slope = s
        if bug == "other term":
            slope = x * s * (1 - s)
        if bug == "y for s":
            slope = s + x * s * (1 - x * s)
        return dy * slope

    return x * s, pullback


SWISH = family(
    swish, F.silu, lambda rng, size: (normal(rng, 3, 3 + size),),
    ("one term", r"missing: nothing comes back to x from `sigmoid\(x\)`"),
    ("other term", r"missing: nothing comes back to x from `x \* sigmoid\(x\)`"),
    ("y for s", r"local derivative is wrong: "),
)  # fmt: skip


def prelu(x, slope, *, bug=None):
    """slope: one number a column."""

    def pullback(dy):
        dslope = (dy * np.minimum(x, 0)).sum(0)
        if bug == "slope gets x":
            dslope = (dy * x).sum(0)
        if bug == "slope not summed":
            dslope = dy * np.minimum(x, 0)
        dx = dy * np.where(x > 0, 1, slope)
        if bug == "negative side 0":
            dx = dy * (x > 0)
        return dx, dslope

    return np.where(x > 0, x, slope * x), pullback


PRELU = family(
    prelu, lambda x, slope: torch.where(x > 0, x, slope * x),
    lambda rng, size: (normal(rng, 5, 3 + size), 0.3 + rng.random(3 + size)),
    ("slope gets x", r"mask|slope|where"),
    ("slope not summed", r"missing sum over axis 0"),
    ("negative side 0", r"one path is missing|above 0"),
)  # fmt: skip


def maximum_of_rows(x, *, bug=None):
    """The largest number of each row; integers, so that it may be there twice."""
    y = x.max(-1)

    def pullback(dy):
        at = np.zeros_like(x)
        at[np.arange(len(x)), x.argmax(-1)] = 1
        if bug == "ties get all":
            at = 1.0 * (x == y[:, None])
        if bug == "ties share":
            at = 1.0 * (x == y[:, None])
            at = at / at.sum(-1, keepdims=True)
        if bug == "everywhere":
            at = np.ones_like(x)
        return dy[:, None] * at

    return y, pullback


def with_ties(rng, size):
    x = rng.integers(0, 3, size=(5, 4 + size)).astype(float)
    x[0, :2] = 3.0
    return (x,)


MAXIMA = family(
    maximum_of_rows, lambda x: x.max(-1).values, with_ties,
    ("ties get all", r"\btie", {"after": "Theano 5248", "never": "index"}),
    ("ties share", r"\btie", {"never": "index"}),
    ("everywhere", r"along axis 1 gets the same number"),
)  # fmt: skip


def running_sum(x, w, *, bug=None):
    z = x * w

    def pullback(dy):
        dz = np.cumsum(dy[:, ::-1], 1)[:, ::-1]
        if bug == "from the wrong end":
            dz = np.cumsum(dy, 1)
        if bug == "only itself":
            dz = dy
        if bug == "without itself":
            dz = dz - dy
        return dz * w, (dz * x).sum(0)

    return np.cumsum(z, 1), pullback


CUMSUM = family(
    running_sum, lambda x, w: torch.cumsum(x * w, 1),
    lambda rng, size: (normal(rng, 3, 4 + size), normal(rng, 4 + size)),
    ("from the wrong end", r"summed from the wrong end"),
    ("only itself", r"running sum .* is forgotten"),
    ("without itself", r"leaves out the element itself"),
)  # fmt: skip


def inverse(a, *, bug=None):
    y = np.linalg.inv(a)

    def pullback(dy):
        if bug == "no transposes":
            return -y @ dy @ y
        if bug == "sign":
            return y.T @ dy @ y.T
        if bug == "one factor":
            return -y.T @ dy
        return -y.T @ dy @ y.T

    return y, pullback


INVERSE = family(
    inverse, torch.linalg.inv, lambda rng, size: (normal(rng, 3 + size, 3 + size) + 4 * np.eye(3 + size),),
    ("no transposes", r"transposed Jacobian|inv"),
    ("sign", r"wrong sign"),
    ("one factor", r"inv|mixes elements along axis 0;"),
)  # fmt: skip


def quadratic(x, a, *, bug=None):
    """x a x for every row of x."""

    def pullback(dy):
        dx = dy[:, None] * (x @ (a + a.T))
        if bug == "a once":
            dx = dy[:, None] * (x @ a)
        if bug == "twice a":
            dx = dy[:, None] * 2 * (x @ a)
        return dx, (x * dy[:, None]).T @ x

    return ((x @ a) * x).sum(1), pullback


QUADRATIC = family(
    quadratic, lambda x, a: ((x @ a) * x).sum(1),
    lambda rng, size: (normal(rng, 4, 3 + size), normal(rng, 3 + size, 3 + size)),
    ("a once", r"missing: nothing comes back to x from `x @ a`"),
    ("twice a", r"in the gradient of x a is transposed"),
)  # fmt: skip


def pairs(x, v, *, bug=None):
    """A factorization machine's second-order term: half of (sum v x)^2 - sum v^2 x^2.  x: (B, D), v: (D, K)."""
    s = x @ v

    def pullback(dy):
        dv = x.T @ (dy[:, None] * s) - (x**2 * dy[:, None]).sum(0)[:, None] * v
        dx = dy[:, None] * (s @ v.T - x * (v**2).sum(1))
        if bug == "second term":
            dx = dy[:, None] * (s @ v.T)
        if bug == "second term of v":
            dv = x.T @ (dy[:, None] * s)
        if bug == "second term twice":
            dx = dx - dy[:, None] * x * (v**2).sum(1)
        if bug == "x not squared":
            dv = x.T @ (dy[:, None] * s) - (x * dy[:, None]).sum(0)[:, None] * v
        return dx, dv

    return 0.5 * (s**2 - x**2 @ v**2).sum(1), pullback


PAIRS = family(
    pairs, lambda x, v: 0.5 * ((x @ v) ** 2 - x**2 @ v**2).sum(1),
    lambda rng, size: (normal(rng, 5, 3 + size), normal(rng, 3 + size, 2 + size)),
    ("second term", r"missing: nothing comes back to x from `x \*\* 2", {"after": "apache/systemds 696"}),
    ("second term of v", r"missing: nothing comes back to v from `.*v \*\* 2"),
    ("second term twice", r"counted twice", {"never": "missing"}),
    ("x not squared", r"x is taken where `x \*\* 2`"),
)  # fmt: skip


def in_float32(x, w, *, bug=None):
    h = np.tanh(x @ w)

    def pullback(dy):
        dz = dy * (1 - h**2)
        if bug == "slope in float32":
            dz = dy * (1 - h.astype(np.float32) ** 2)
        dx, dw = dz @ w.T, x.T @ dz
        if bug == "result in float32":
            dx, dw = dx.astype(np.float32), dw.astype(np.float32)
        if bug == "through float32":
            dx = dx.astype(np.float32).astype(np.float64)
        if bug == "noise":
            dx = dx + 1e-3 * np.random.default_rng().normal(size=dx.shape)
        if bug == "a difference for the derivative":
            step = 1e-4
            dz = dy * (np.tanh(x @ w + step) - h) / step
            dx = dz @ w.T
        return dx, dw

    return h, pullback


PRECISION = family(
    in_float32, lambda x, w: torch.tanh(x @ w), lambda rng, size: (normal(rng, 4, 3 + size), normal(rng, 3 + size, 4)),
    ("slope in float32", r"float32", {"never": "factor|path"}),
    ("result in float32", r"float32", {"never": "factor|path"}),
    ("through float32", r"float32"),
    ("noise", r"another gradient"),
    ("a difference for the derivative", r"right to (about )?\d digits", {"never": "path"}),
)  # fmt: skip

WILD = [
    *DENSE, *RELU, *POSITIONAL, *LOGISTIC, *DROPOUT, *RESIDUAL, *GRAPH, *TIED, *GATED, *SWISH, *PRELU, *MAXIMA,
    *CUMSUM, *INVERSE, *QUADRATIC, *PAIRS, *PRECISION,
]  # fmt: skip
