"""Batch, layer, group and root-mean-square norms, unit length: pullbacks as people got them wrong."""

import numpy as np
import torch
import torch.nn.functional as F

from tests.crosscheck.wild.table import family, normal

EPS = 1e-5


def norm(x, weight, bias, *, axes, bug=None):
    """Normalise over `axes`, then a gain and a shift along the last axis."""
    mean = x.mean(axes, keepdims=True)
    inv_std = 1 / np.sqrt(x.var(axes, keepdims=True) + EPS)
    x_hat = (x - mean) * inv_std

    def pullback(dy):
        g = dy if bug == "gain forgotten" else dy * weight
        average = lambda a: a.mean(axes, keepdims=True)
        if bug == "sums for means":
            average = lambda a: a.sum(axes, keepdims=True)
        if bug == "over the other axis":
            average = lambda a: a.mean(
                tuple(i for i in range(x.ndim) if i not in [k % x.ndim for k in axes]), keepdims=True
            )
        if bug == "over everything":
            average = lambda a: a.mean(keepdims=True)
        mean_path, variance_path = average(g), x_hat * average(g * x_hat)
        if bug == "mean path":
            mean_path = 0
        if bug == "variance path":
            variance_path = 0
        if bug == "both paths":
            mean_path = variance_path = 0
        if bug == "mean path twice":
            mean_path = 2 * mean_path
        if bug == "variance path twice":
            variance_path = 2 * variance_path
        if bug == "variance path's sign":
            variance_path = -variance_path
        if bug == "x for x_hat":
            variance_path = x * average(g * x_hat)
        dx = g - mean_path - variance_path
        if bug != "standard deviation forgotten":
            dx = dx * inv_std
        if bug == "variance for deviation":
            dx = dx * inv_std
        if bug == "not centred":
            dx = inv_std * (g - average(g) - (x * inv_std) * average(g * x_hat))
        rest = tuple(range(x.ndim - 1))
        dweight = (dy * (x if bug == "gain gets x" else x_hat)).sum(rest)
        if bug == "gain gets the output":
            dweight = (dy * (x_hat * weight + bias)).sum(rest)
        dbias = dy.sum(rest)
        if bug == "shift times the gain":
            dbias = dbias * weight
        if bug == "gain averaged":
            dweight = dweight / len(x)
        if bug == "gain not summed":
            dweight = dy * x_hat
        return dx, dweight, dbias

    return x_hat * weight + bias, pullback


def batch_torch(x, weight, bias, axes):
    return F.batch_norm(x, None, None, weight, bias, training=True)


def layer_torch(x, weight, bias, axes):
    return F.layer_norm(x, (x.shape[-1],), weight, bias)


def by_hand_torch(x, weight, bias, axes):
    centred = x - x.mean(axes, keepdim=True)
    return centred / torch.sqrt((centred**2).mean(axes, keepdim=True) + EPS) * weight + bias


def rows(rng, size):
    b, d = ((6, 4), (5, 3), (4, 6))[size]
    return 1 + normal(rng, b, d), 1 + normal(rng, d) / 3, normal(rng, d)


COMMON = (
    ("mean path", r"path is missing: nothing comes back to x from (the mean|`mean\(x\)`)"),
    ("variance path", r"path is missing: nothing comes back to .* from .*(variance|\*\* 2)"),
    ("both paths", r"two paths are missing", {"never": "one path|twice"}),
    ("mean path twice", r"counted twice: what comes back to x from", {"never": "missing"}),
    ("variance path twice", r"counted twice", {"never": "missing"}),
    ("variance path's sign", r"wrong sign of what comes back to"),
    ("gain forgotten", r"factor weight is forgotten"),
    ("gain gets x", r"gradient of weight x is taken where"),
    ("gain gets the output", r"gradient of weight `.* \+ bias` is taken where the normalised input belongs"),
    ("shift times the gain", r"a factor (is )?too many \(or a division missing\): weight"),
    (
        "standard deviation forgotten",
        r"a factor (is )?(too many.*sqrt\(the variance|missing.*: 1 / the standard deviation)",
    ),
    ("gain not summed", r"missing sum over axis 0"),
)
BATCH = family(
    norm, batch_torch, rows, *COMMON,
    ("sums for means", r"sums over axis 0 stand where means belong", {"after": "mlpack 2474", "never": "missing"}),
    ("over the other axis", r"averages go over axis 1, and should over axis 0", {"after": "FlagGems 5392"}),
    ("over everything", r"averages go over axes 0 and 1, and should over axis 0"),
    ("variance for deviation", r"a factor is (missing.*: `sqrt\(the variance|too many.*: 1 / the standard deviation)"),
    ("x for x_hat", r"off by a multiple of the centred input along axis 0"),
    ("gain averaged", r"\d is the batch size: mean against sum\? one division by \d is too many"),
    options={"axes": (0,)},
)  # fmt: skip
LAYER = family(
    norm, layer_torch, rows, *COMMON,
    ("sums for means", r"sums over axis 1 stand where means belong", {"never": "missing"}),
    ("over the other axis", r"averages go over axis 0, and should over axis 1"),
    ("not centred", r"off by a constant along axis 1"),
    options={"axes": (-1,)},
)  # fmt: skip
BY_HAND = family(
    norm, by_hand_torch, rows,
    *[bug for bug in COMMON if bug[0] in ("mean path", "variance path", "both paths", "mean path twice", "variance path twice", "gain forgotten")],
    ("sums for means", r"paths through the mean and the variance are counted too much", {"never": "missing"}),
    options={"axes": (-1,)},
)  # fmt: skip


def rms_norm(x, weight, *, bug=None):
    rms = np.sqrt((x**2).mean(-1, keepdims=True) + EPS)
    x_hat = x / rms

    def pullback(dy):
        g = dy * weight
        dx = (g - x_hat * (g * x_hat).mean(-1, keepdims=True)) / rms
        if bug == "root held constant":
            dx = g / rms
        if bug == "with a mean path":
            dx = dx - (g / rms).mean(-1, keepdims=True)
        if bug == "a sum":
            dx = (g - x_hat * (g * x_hat).sum(-1, keepdims=True)) / rms
        if bug == "over the batch":
            dx = (g - x_hat * (g * x_hat).mean(0, keepdims=True)) / rms
        if bug == "path's sign":
            dx = (g + x_hat * (g * x_hat).mean(-1, keepdims=True)) / rms
        if bug == "path of the upstream":
            dx = (g - x_hat * (dy * x_hat).mean(-1, keepdims=True)) / rms
        return dx, (dy * x_hat).sum(0)

    return x_hat * weight, pullback


RMS = family(
    rms_norm, lambda x, weight: F.rms_norm(x, (x.shape[-1],), weight, EPS), lambda rng, size: rows(rng, size)[:2],
    ("root held constant", r"path is missing: nothing comes back to x from the root mean square", {"after": "AiDotNet 695", "never": r"the mean\b(?! square)"}),
    ("with a mean path", r"off by a constant along axis 1", {"never": "is missing"}),
    ("a sum", r"root mean square has a factor of \d: .*the mean over \d numbers in .* taken for a sum"),
    ("over the batch", ""),
    ("path's sign", r"wrong sign of what comes back to x from the root mean square"),
    ("path of the upstream", r"off by a multiple of x itself along axis 1"),
)  # fmt: skip


def group_norm(x, *, groups=2, bug=None):
    """x: (B, C, L), no gain."""
    shape = x.shape
    cut = x.reshape(len(x), groups, -1)
    inv_std = 1 / np.sqrt(cut.var(-1, keepdims=True) + EPS)
    x_hat = (cut - cut.mean(-1, keepdims=True)) * inv_std

    def pullback(dy):
        g = dy.reshape(cut.shape)
        m, v = g.mean(-1, keepdims=True), x_hat * (g * x_hat).mean(-1, keepdims=True)
        if bug == "mean path":
            m = 0
        if bug == "per channel":
            by_channel = dy.mean(-1, keepdims=True) * np.ones_like(dy)
            m = by_channel.reshape(cut.shape)
        if bug == "over all groups":
            m = g.mean((1, 2), keepdims=True)
        return (inv_std * (g - m - v)).reshape(shape)

    return x_hat.reshape(shape), pullback


GROUP = family(
    group_norm, lambda x, groups=2: F.group_norm(x, groups), lambda rng, size: (normal(rng, 3, 4, 3 + size),),
    ("mean path", r"path is missing: nothing comes back to .* from the mean"),
    ("per channel", r"off by a constant along axis 2"),
    ("over all groups", r"off by a constant along axis 2"),
)  # fmt: skip


def unit_length(x, w, *, bug=None):
    """Rows of x w divided by their length."""
    z = x @ w
    length = np.sqrt((z**2).sum(-1, keepdims=True))
    y = z / length

    def pullback(dy):
        dz = (dy - y * (dy * y).sum(-1, keepdims=True)) / length
        if bug == "length constant":
            dz = dy / length
        if bug == "z for y":
            dz = (dy - z * (dy * z).sum(-1, keepdims=True)) / length
        if bug == "length forgotten":
            dz = dz * length
        if bug == "mean for sum":
            dz = (dy - y * (dy * y).mean(-1, keepdims=True)) / length
        if bug == "length squared":
            dz = dz / length
        return dz @ w.T, x.T @ dz

    return y, pullback


UNIT = family(
    unit_length, lambda x, w: F.normalize(x @ w, dim=-1), lambda rng, size: (normal(rng, 4, 3), normal(rng, 3, 3 + size)),
    ("length constant", r"nothing comes back to `x @ w` from the length", {"never": r"\bmean\b"}),
    ("z for y", r"factor is too many \(or a division missing\): `sum\(\(x @ w\) \*\* 2\)`"),
    ("length forgotten", r"a factor is too many .*the length"),
    ("mean for sum", r"gradient of the length is averaged over axis 1"),
    ("length squared", r"a factor is missing .*the length"),
)  # fmt: skip


def after_the_sum(x, w, weight, bias, *, bug=None):
    """A block that normalises after its residual sum: norm(x + tanh(x w))."""
    a = np.tanh(x @ w)
    y, back = norm(x + a, weight, bias, axes=(-1,))

    def pullback(dy):
        dsum, dweight, dbias = back(dy)
        dz = (dy if bug == "branch past the norm" else dsum) * (1 - a**2)
        direct = {"direct past the norm": dy, "direct lost": 0, "direct twice": 2 * dsum}.get(bug, dsum)
        return direct + dz @ w.T, x.T @ dz, dweight, dbias

    return y, pullback


AFTER = family(
    after_the_sum, lambda x, w, weight, bias: F.layer_norm(x + torch.tanh(x @ w), (x.shape[-1],), weight, bias),
    lambda rng, size: (normal(rng, 4, 3 + size), normal(rng, 3 + size, 3 + size), 1 + normal(rng, 3 + size) / 3, normal(rng, 3 + size)),
    ("direct past the norm", r"comes back to x from `x \+ tanh\(x @ w\)` the step back through .* is skipped", {"after": "quack 53"}),
    ("direct lost", r"nothing comes back to x from `x \+ tanh\(x @ w\)`"),
    ("direct twice", r"counted twice", {"never": "missing"}),
    ("branch past the norm", r"`tanh\(x @ w\)`.*is skipped|skipped"),
)  # fmt: skip


def weight_norm(x, v, g, *, bug=None):
    """A layer whose columns have lengths g: x (g v / |v|)."""
    length = np.sqrt((v**2).sum(0))
    u = v / length

    def pullback(dy):
        dw = x.T @ dy
        dg = (dw * u).sum(0)
        dv = g / length * (dw - u * dg)
        if bug == "length constant":
            dv = g / length * dw
        if bug == "g forgotten":
            dv = dv / g
        if bug == "g of v":
            dg = (dw * v).sum(0)
        return dy @ (g * u).T, dv, dg

    return x @ (g * u), pullback


WEIGHT_NORM = family(
    weight_norm, lambda x, v, g: x @ (g * v / torch.sqrt((v**2).sum(0))),
    lambda rng, size: (normal(rng, 5, 3 + size), normal(rng, 3 + size, 4), 1 + rng.random(4)),
    ("length constant", r"nothing comes back to v from"),
    ("g forgotten", r"a factor is missing .*: g"),
    ("g of v", r"comes back to g from `g \* v` the step back through `g \* v / sqrt.* is skipped"),
)  # fmt: skip


def standardise(x, *, bug=None):
    """Columns with the deviation of a sample, n - 1."""
    n = len(x)
    centred = x - x.mean(0)
    std = np.sqrt((centred**2).sum(0) / (n - 1))
    y = centred / std

    def pullback(dy):
        k = n if bug == "n for n - 1" else n - 1
        dx = dy / std - centred * (dy * centred).sum(0) / (k * std**3)
        if bug == "mean lost":
            return dx
        return dx - dx.mean(0)

    return y, pullback


STANDARDISE = family(
    standardise, lambda x: (x - x.mean(0)) / x.std(0), lambda rng, size: (normal(rng, 5 + size, 3),),
    ("n for n - 1", r"`std\(x\)` has a factor of 0\.\d"),
    ("mean lost", r"nothing comes back to x from `mean\(x\)`"),
)  # fmt: skip

WILD = [*BATCH, *LAYER, *BY_HAND, *RMS, *GROUP, *UNIT, *AFTER, *WEIGHT_NORM, *STANDARDISE]
