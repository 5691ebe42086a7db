"""Convolutions by im2col and col2im, pooling, upsampling: pullbacks as people got them wrong."""

import numpy as np
import torch.nn.functional as F

from tests.crosscheck.wild.table import family, normal


def places(shape, kernel, stride):
    """Rows and columns of every window: two arrays (windows, kernel elements)."""
    (h, w), (kh, kw) = shape, kernel
    top, left = np.meshgrid(np.arange(0, h - kh + 1, stride), np.arange(0, w - kw + 1, stride), indexing="ij")
    down, right = np.meshgrid(np.arange(kh), np.arange(kw), indexing="ij")
    return top.reshape(-1, 1) + down.ravel(), left.reshape(-1, 1) + right.ravel()


def conv2d(x, kernel, bias, *, stride=1, padding=0, bug=None):
    """x: (B, C, H, W), kernel: (O, C, kh, kw), bias: (O,)."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    rows, columns = places(padded.shape[2:], kernel.shape[2:], stride)
    cols = padded[:, :, rows, columns]  # (B, C, windows, kernel elements)
    flat = kernel.reshape(*kernel.shape[:2], -1)
    out = (
        (x.shape[2] + 2 * padding - kernel.shape[2]) // stride + 1,
        (x.shape[3] + 2 * padding - kernel.shape[3]) // stride + 1,
    )
    y = np.einsum("bcpk,ock->bop", cols, flat).reshape(len(x), len(kernel), *out) + bias[:, None, None]

    def pullback(dy):
        d = dy.reshape(*dy.shape[:2], -1)
        used = {"not rotated": flat[:, :, ::-1], "channels swapped": flat.swapaxes(0, 1)}.get(bug, flat)
        if bug == "flipped along rows only":
            used = kernel[:, :, ::-1].reshape(flat.shape)
        dcols = np.einsum("bop,ock->bcpk", d, used)
        dpadded = np.zeros_like(padded)
        if bug == "= in col2im":
            for p in range(len(rows)):
                dpadded[:, :, rows[p], columns[p]] = dcols[:, :, p]
        elif bug == "= in col2im, by kernel element":
            for k in range(rows.shape[1]):
                dpadded[:, :, rows[:, k], columns[:, k]] = dcols[..., k]
        elif bug == "stride ignored":
            near, beside = places(
                (out[0] + kernel.shape[2] - 1, out[1] + kernel.shape[3] - 1), kernel.shape[2:], 1
            )
            np.add.at(dpadded, (slice(None), slice(None), near, beside), dcols)
        else:
            np.add.at(dpadded, (slice(None), slice(None), rows, columns), dcols)
        inner = slice(padding, dpadded.shape[2] - padding), slice(padding, dpadded.shape[3] - padding)
        if bug == "padding cut from the end":
            inner = slice(0, x.shape[2]), slice(0, x.shape[3])
        dx = dpadded[:, :, inner[0], inner[1]]
        dflat = np.einsum("bop,bcpk->ock", d, cols)
        if bug == "kernel gradient reversed":
            dflat = dflat[:, :, ::-1]
        if bug == "kernel gradient averaged":
            dflat = dflat / (len(x) * out[0] * out[1])
        if bug == "kernel gradient by batch":
            dflat = dflat / len(x)
        if bug == "last example only":
            dflat = np.einsum("op,cpk->ock", d[-1], cols[-1])
        if bug == "first channel only":
            dflat = np.broadcast_to(np.einsum("bop,bpk->ok", d, cols[:, 0])[:, None], flat.shape).copy()
        dbias = dy.sum((0, 2, 3))
        if bug == "bias over the batch only":
            dbias = dy.sum(0)
        if bug == "bias averaged over places":
            dbias = dy.mean((2, 3)).sum(0)
        return dx, dflat.reshape(kernel.shape), dbias

    return y, pullback


def conv_torch(x, kernel, bias, stride=1, padding=0):
    return F.conv2d(x, kernel, bias, stride=stride, padding=padding)


def images(square=False):
    def make(rng, size):
        b, c, h, w, o, k = ((2, 2, 5, 5, 3, 3), (3, 2, 6, 5, 4, 2), (2, 3, 5, 7, 2, 3))[size]
        o = c if square else o
        return normal(rng, b, c, h, w), normal(rng, o, c, k, k), normal(rng, o)

    return make


CONV = family(
    conv2d, conv_torch, images(),
    ("= in col2im", r"overwritten where it should be added up", {"after": "deep-learning-from-scratch 27"}),
    ("= in col2im, by kernel element", r"overwritten where it should be added up"),
    ("not rotated", r"kernel is not flipped", {"after": "Kulbear/deep-learning-coursera 34"}),
    ("flipped along rows only", r"right numbers in the wrong places"),
    ("kernel gradient reversed", r"reversed along axes 2 and 3", {"after": "neon 111"}),
    ("kernel gradient averaged", r"\d+ is the product of axes .*of output", {"after": "cTensor 3"}),
    ("kernel gradient by batch", r"batch size|constant factor"),
    ("last example only", ""),
    ("first channel only", ""),
    ("bias over the batch only", r"missing sum over axes 1 and 2"),
    ("bias averaged over places", r"product of axes .*of output|constant factor"),
)  # fmt: skip

SQUARE = family(
    conv2d, conv_torch, images(square=True),
    ("channels swapped", r"channels in and out are swapped", {"after": "mlpack 3376"}),
)  # fmt: skip

STRIDED = family(
    conv2d, conv_torch,
    lambda rng, size: (normal(rng, 2, 1 + size, 7, 5 + 2 * size), normal(rng, 2, 1 + size, 3, 3), normal(rng, 2)),
    ("= in col2im", r"overwritten where it should be added up"),
    ("stride ignored", r"wrong places: what comes from .* lands at .*; it belongs at"),
    options={"stride": 2},
)  # fmt: skip

PADDED = family(
    conv2d, conv_torch, images(),
    ("= in col2im", r"overwritten where it should be added up"),
    ("padding cut from the end", r"shifted by 1 along axes 2 and 3"),
    options={"padding": 1},
)  # fmt: skip


def max_pool(x, *, size=2, stride=2, bug=None):
    """x: (B, C, L): the largest number of each window."""
    start = np.arange(0, x.shape[2] - size + 1, stride)
    cut = x[:, :, start[:, None] + np.arange(size)]
    y = cut.max(-1)

    def pullback(dy):
        dx = np.zeros_like(x)
        first = cut.argmax(-1)
        b, c, p = np.indices(y.shape)
        if bug == "= for +=":
            dx[b, c, start[p] + first] = dy
            return dx
        if bug == "ties get all":
            for k in range(size):
                np.add.at(dx, (b, c, start[p] + k), dy * (cut[..., k] == y))
            return dx
        if bug == "last of the ties":
            first = size - 1 - cut[..., ::-1].argmax(-1)
        if bug == "first of the window":
            first = 0 * first
        if bug == "like an average":
            for k in range(size):
                np.add.at(dx, (b, c, start[p] + k), dy / size)
            return dx
        np.add.at(dx, (b, c, start[p] + first), dy)
        return dx

    return y, pullback


def pool_torch(x, size=2, stride=2):
    return F.max_pool1d(x, size, stride)


def tied_signal(rng, size):
    return (np.round(normal(rng, 2, 2, 6 + 2 * size)),)


MAX_POOL = family(
    max_pool, pool_torch, tied_signal,
    ("ties get all", r"\btie", {"after": "Theano 5248", "never": "index"}),
    ("last of the ties", r"\btie", {"never": "index"}),
) + family(
    max_pool, pool_torch, lambda rng, size: (normal(rng, 2, 2, 6 + 2 * size),),
    ("first of the window", r"wrong|places"),
    ("like an average", ""),
) + family(
    max_pool, pool_torch, lambda rng, size: (normal(rng, 2, 2, 7 + size),),
    ("= for +=", r"overwritten where it should be added up"),
    options={"size": 3, "stride": 1},
)  # fmt: skip


def average_pool(x, *, size=2, stride=2, bug=None):
    start = np.arange(0, x.shape[2] - size + 1, stride)
    at = start[:, None] + np.arange(size)

    def pullback(dy):
        dx = np.zeros_like(x)
        share = dy if bug == "not divided" else dy / size
        for p, window in enumerate(at):
            if bug == "= for +=":
                dx[:, :, window] = share[:, :, p, None]
            elif bug == "first of the window":
                dx[:, :, window[0]] += dy[:, :, p]
            else:
                dx[:, :, window] += share[:, :, p, None]
        return dx

    return x[:, :, at].mean(-1), pullback


AVERAGE_POOL = family(
    average_pool, lambda x, size=2, stride=2: F.avg_pool1d(x, size, stride), lambda rng, size: (normal(rng, 2, 2, 6 + 2 * size),),
    ("not divided", r"constant factor of 2"),
    ("first of the window", r"wrong|places|index"),
) + family(
    average_pool, lambda x, size=2, stride=2: F.avg_pool1d(x, size, stride), lambda rng, size: (normal(rng, 2, 2, 7 + size),),
    ("= for +=", r"overwritten where it should be added up"),
    options={"size": 3, "stride": 2},
)  # fmt: skip


def upsample(x, w, *, bug=None):
    """Every element of x w three times, side by side."""
    z = x @ w

    def pullback(dy):
        parts = dy.reshape(*z.shape, 3)
        dz = parts.sum(-1)
        if bug == "one of three":
            dz = parts[..., 0]
        if bug == "averaged":
            dz = parts.mean(-1)
        return dz @ w.T, x.T @ dz

    return np.repeat(z, 3, -1), pullback


UPSAMPLE = family(
    upsample, lambda x, w: (x @ w).repeat_interleave(3, -1),
    lambda rng, size: (normal(rng, 4 + size, 3), normal(rng, 3, 2 + size)),
    ("one of three", r"overwritten where it should be added up.*first"),
    ("averaged", r"constant factor of 0\.333|one division by 3"),
)  # fmt: skip


def global_average(x, w, *, bug=None):
    """The mean over positions, then a matrix; x: (B, L, C)."""
    m = x.mean(1)

    def pullback(dy):
        dm = dy @ w.T
        dx = np.repeat(dm[:, None], x.shape[1], 1)
        if bug != "not divided":
            dx = dx / x.shape[1]
        if bug == "divided by the batch":
            dx = dx * x.shape[1] / len(x)
        return dx, m.T @ dy

    return m @ w, pullback


GLOBAL_AVERAGE = family(
    global_average, lambda x, w: x.mean(1) @ w,
    lambda rng, size: (normal(rng, 2 + size, 7 - size, 3), normal(rng, 3, 4)),
    ("not divided", r"\d is the length of axis 1 of x: mean against sum\? one division by \d is missing"),
    ("divided by the batch", r"factor"),
)  # fmt: skip

WILD = [*CONV, *SQUARE, *STRIDED, *PADDED, *MAX_POOL, *AVERAGE_POOL, *UPSAMPLE, *GLOBAL_AVERAGE]
