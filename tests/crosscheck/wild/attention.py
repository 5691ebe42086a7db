"""Attention, one head and several: pullbacks as people got them wrong."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from tests.crosscheck.wild.table import family, normal, softmax, softmax_back


def attention(query, key, value, *, mask, bug=None):
    """Scaled dot products, masked; query: (B, T, D), key: (B, S, D), value: (B, S, E)."""
    scale = 1 / math.sqrt(query.shape[-1])
    scores = np.where(mask, query @ key.swapaxes(1, 2) * scale, -np.inf)
    p = softmax(scores)

    def pullback(dy):
        dp = dy @ value.swapaxes(1, 2)
        ds = softmax_back(p, dp)
        if bug == "diagonal":
            ds = p * (1 - p) * dp
        if bug == "sum forgotten":
            ds = p * dp
        if bug == "softmax forgotten":
            ds = np.where(mask, dp, 0)
        if bug == "over the queries":
            ds = softmax_back(p, dp, axis=1)
        if bug == "twice":
            ds = softmax_back(p, ds)
        if bug == "mask once more":
            ds = np.where(mask, ds, ds + 0.1)
        if bug != "scale forgotten":
            ds = ds * (scale**2 if bug == "scale twice" else scale)
        dq, dk = ds @ key, ds.swapaxes(1, 2) @ query
        dv = p.swapaxes(1, 2) @ dy
        if bug == "scores for weights":
            dv = (np.where(mask, scores, 0)).swapaxes(1, 2) @ dy
        if bug == "key unscaled":
            dk = dk / scale
        if bug == "query gets query":
            dq = ds @ query if query.shape == key.shape else ds @ key * 1.5
        if bug == "weights not transposed" and query.shape == key.shape:
            dv = p @ dy
        if bug == "key by query swapped" and query.shape == key.shape:
            dk = ds @ query
        return dq, dk, dv

    return p @ value, pullback


def attention_torch(query, key, value, mask):
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def sequences(rng, size):
    b, t, d, e = ((2, 4, 3, 3), (2, 3, 5, 2), (1, 5, 4, 4))[size]
    mask = np.tril(np.ones((t, t), dtype=bool))
    return (normal(rng, b, t, d), normal(rng, b, t, d), normal(rng, b, t, e)), {"mask": mask}


ATTENTION = family(
    attention, attention_torch, sequences,
    ("diagonal", r"only the diagonal of the softmax's Jacobian", {"after": "libnd4j 440"}),
    ("sum forgotten", r"path through the sum that divides is missing"),
    ("softmax forgotten", r"derivative of the softmax in the attention weights is forgotten"),
    ("over the queries", ""),
    ("twice", r"softmax in the attention weights is applied twice"),
    ("scale forgotten", r"\d is the length of axis 2 of query: one division by the root of \d is missing|constant factor of 2"),
    ("scale twice", r"root of \d is too many|constant factor of 0\.5"),
    ("scores for weights", ""),
    ("key unscaled", r"one division by the root of \d is missing|constant factor of 2"),
    ("query gets query", r"in the gradient of query query is taken where key belongs|query"),
    ("weights not transposed", r"the attention weights (is|are) transposed"),
    ("key by query swapped", r"gradient that comes back .*is transposed"),
)  # fmt: skip


def self_attention(x, w_q, w_k, w_v, *, bug=None):
    """One sequence attends to itself; x: (T, D)."""
    q, k, v = x @ w_q, x @ w_k, x @ w_v
    scale = 1 / math.sqrt(q.shape[-1])
    p = softmax(q @ k.T * scale)

    def pullback(dy):
        ds = softmax_back(p, dy @ v.T) * scale
        dq, dk, dv = ds @ k, ds.T @ q, p.T @ dy
        paths = {"query": dq @ w_q.T, "key": dk @ w_k.T, "value": dv @ w_v.T}
        lost = {"query lost": "query", "key lost": "key", "value lost": "value"}.get(bug)
        dx = sum(path for name, path in paths.items() if name != lost)
        if bug == "value only":
            dx = paths["value"]
        if bug == "key twice":
            dx = dx + paths["key"]
        if bug == "averaged":
            dx = dx / 3
        if bug == "query's sign":
            dx = dx - 2 * paths["query"]
        dw_k = x.T @ (ds @ q if bug == "scores not transposed" else dk)
        return dx, x.T @ dq, dw_k, x.T @ dv

    return p @ v, pullback


def self_attention_torch(x, w_q, w_k, w_v):
    q, k, v = x @ w_q, x @ w_k, x @ w_v
    return torch.softmax(q @ k.T / math.sqrt(q.shape[-1]), -1) @ v


SELF = family(
    self_attention, self_attention_torch,
    lambda rng, size: (normal(rng, 4 + size, 3), *(normal(rng, 3, 3 + size) for _ in range(3))),
    ("query lost", r"path is missing: nothing comes back to x from `x @ w_q`"),
    ("key lost", r"path is missing: nothing comes back to x from `x @ w_k`"),
    ("value lost", r"path is missing: nothing comes back to x from `x @ w_v`"),
    ("value only", r"only what comes from `x @ w_v`|two paths are missing"),
    ("key twice", r"counted twice", {"never": "missing"}),
    ("averaged", r"factor"),
    ("query's sign", r"wrong sign of what comes back to x from `x @ w_q`"),
    ("scores not transposed", ""),
)  # fmt: skip


def heads_apart(a, heads):
    t, d = a.shape
    return a.reshape(t, heads, d // heads).swapaxes(0, 1)


def multi_head(x, w_q, w_k, w_v, w_o, *, bug=None):
    """Two heads; x: (T, D)."""
    q, k, v = (heads_apart(x @ w, 2) for w in (w_q, w_k, w_v))
    scale = 1 / math.sqrt(q.shape[-1])
    p = softmax(q @ k.swapaxes(1, 2) * scale)
    mixed = (p @ v).swapaxes(0, 1).reshape(len(x), -1)

    def pullback(dy):
        dmixed = dy @ w_o.T
        dheads = heads_apart(dmixed, 2)
        if bug == "reshape for transpose":
            dheads = dmixed.reshape(dheads.shape)
        ds = softmax_back(p, dheads @ v.swapaxes(1, 2)) * scale
        if bug == "scale of the whole width":
            ds = ds / scale / math.sqrt(x.shape[1])
        dq, dk, dv = ds @ k, ds.swapaxes(1, 2) @ q, p.swapaxes(1, 2) @ dheads
        if bug == "first head only":
            dq, dk, dv = (d * np.array([1.0, 0.0])[:, None, None] for d in (dq, dk, dv))
        joined = [d.swapaxes(0, 1).reshape(len(x), -1) for d in (dq, dk, dv)]
        if bug == "joined without a transpose":
            joined = [d.reshape(len(x), -1) for d in (dq, dk, dv)]
        dx = sum(d @ w.T for d, w in zip(joined, (w_q, w_k, w_v)))
        dw_o = mixed.T @ dy
        if bug == "w_o gets x":
            dw_o = x.T @ dy
        if bug == "w_o gets dmixed":
            dw_o = mixed.T @ dmixed
        return dx, *(x.T @ d for d in joined), dw_o

    return mixed @ w_o, pullback


def multi_head_torch(x, w_q, w_k, w_v, w_o):
    apart = lambda a: a.reshape(len(a), 2, -1).transpose(0, 1)
    q, k, v = apart(x @ w_q), apart(x @ w_k), apart(x @ w_v)
    p = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]), -1)
    return (p @ v).transpose(0, 1).reshape(len(x), -1) @ w_o


MULTI_HEAD = family(
    multi_head, multi_head_torch, lambda rng, size: (normal(rng, 3 + size, 4), *(normal(rng, 4, 4) for _ in range(4))),
    ("reshape for transpose", r"by a reshape, where a transpose is needed", {"after": "hyunwoongko/transformer 15"}),
    ("joined without a transpose", r"by a reshape, where a transpose is needed"),
    ("first head only", r"zero at index 2 and 3 along axis 1"),
    ("scale of the whole width", r"factor of 0\.707"),
    ("w_o gets x", r"gradient of w_o x is taken where"),
    ("w_o gets dmixed", r"gradient of w_o is made from that of .*one step too far back"),
)  # fmt: skip


def additive(query, keys, w, u, v, *, bug=None):
    """Scores v . tanh(query w + keys u), softmax, a mean of the keys.  query: (D,), keys: (S, D), v: (H,)."""
    h = np.tanh(query @ w + keys @ u)
    p = softmax(h @ v)

    def pullback(dy):
        ds = softmax_back(p, keys @ dy)
        dh = np.outer(ds, v)
        dz = dh if bug == "tanh forgotten" else dh * (1 - h**2)
        dkeys = np.outer(p, dy) + dz @ u.T
        if bug == "keys as values only":
            dkeys = np.outer(p, dy)
        if bug == "keys as keys only":
            dkeys = dz @ u.T
        dsum = dz.mean(0) if bug == "averaged over the keys" else dz.sum(0)
        if bug == "query of the last key":
            dsum = dz[-1]
        dquery, dw = dsum @ w.T, np.outer(query, dsum)
        return dquery, dkeys, dw, keys.T @ dz, h.T @ ds

    return p @ keys, pullback


ADDITIVE = family(
    additive, lambda query, keys, w, u, v: torch.softmax(torch.tanh(query @ w + keys @ u) @ v, -1) @ keys,
    lambda rng, size: (normal(rng, 3), normal(rng, 4 + size, 3), normal(rng, 3, 5), normal(rng, 3, 5), normal(rng, 5)),
    ("tanh forgotten", r"derivative of the tanh.*forgotten"),
    ("keys as values only", r"nothing comes back to keys from `keys @ u`"),
    ("keys as keys only", r"nothing comes back to keys from `softmax"),
    ("query of the last key", r"query @ w.*only the last counts"),
    ("averaged over the keys", r"axis 0 of keys: mean against sum\? one division by \d is too many|constant factor of 0\.25"),
)  # fmt: skip

WILD = [*ATTENTION, *SELF, *MULTI_HEAD, *ADDITIVE]
