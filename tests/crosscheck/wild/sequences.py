"""Recurrent layers and lookups: pullbacks through time as people got them wrong."""

import numpy as np
import torch
import torch.nn.functional as F

from tests.crosscheck.wild.table import family, normal, sigmoid


def rnn(x, w, u, b, h0, *, bug=None):
    """h_t = tanh(x_t w + h_(t-1) u + b); x: (T, B, D).  Returns all states."""
    states = [h0]
    for x_t in x:
        states.append(np.tanh(x_t @ w + states[-1] @ u + b))

    def pullback(dh_all):
        dx, dw, du, db = np.zeros_like(x), np.zeros_like(w), np.zeros_like(u), np.zeros_like(b)
        dh = np.zeros_like(h0)
        for t in reversed(range(len(x))):
            h, before = states[t + 1], states[t]
            dh = dh_all[t] if bug == "not through time" else dh + dh_all[t]
            dz = dh * (1 - h**2)
            if bug == "tanh forgotten":
                dz = dh
            if bug == "1 - h":
                dz = dh * (1 - h)
            if bug == "h before in tanh":
                dz = dh * (1 - before**2)
            if bug == "state after":
                before = h
            if bug == "overwritten":
                dw, du, db = x[t].T @ dz, before.T @ dz, dz.sum(0)
            elif bug == "u overwritten":
                dw, du, db = dw + x[t].T @ dz, before.T @ dz, db + dz.sum(0)
            else:
                dw, du, db = dw + x[t].T @ dz, du + before.T @ dz, db + dz.sum(0)
            dx[t] = dz @ w.T
            dh = dz @ (u if bug == "u not transposed" else u.T)
            if bug == "carries dh":
                dh = dh + dh_all[t] * 0 + dz
            if bug == "two steps only" and t == len(x) - 2:
                dh = np.zeros_like(h0)
        if bug == "first state":
            dh = np.zeros_like(h0)
        if bug == "averaged over time":
            dw, du, db = dw / len(x), du / len(x), db / len(x)
        return dx, dw, du, db, dh

    return np.stack(states[1:]), pullback


def rnn_torch(x, w, u, b, h0):
    states = []
    h = h0
    for x_t in x:
        h = torch.tanh(x_t @ w + h @ u + b)
        states.append(h)
    return torch.stack(states)


def rnn_inputs(rng, size):
    t, b, d, h = ((4, 2, 3, 4), (5, 3, 2, 3), (3, 2, 4, 5))[size]
    n = lambda *s: normal(rng, *s)
    return n(t, b, d), n(d, h), n(h, h), n(h), n(b, h)


RNN = family(
    rnn, rnn_torch, rnn_inputs,
    ("not through time", r"path through time is missing"),
    ("tanh forgotten", r"derivative of the tanh .*forgotten"),
    ("1 - h", r"computed as 1 - y instead of 1 - y\*\*2"),
    ("h before in tanh", r"derivative of the tanh .* is made from .* before the step, and should be from that after it"),
    ("state after", r"after the step is taken where that before it belongs"),
    ("overwritten", r"overwritten where it should be added up: of \d contributions to \w+ from .* only the first"),
    ("u overwritten", r"contributions to u from .* only the first"),
    ("u not transposed", r"u is transposed"),
    ("carries dh", ""),
    ("two steps only", r"path through time is missing: .*in turn \d"),
    ("first state", r"zero everywhere"),
    ("averaged over time", r"\d is the length of axis 0 of x|constant factor"),
)  # fmt: skip


def lstm(params, x, state, *, bug=None):
    """PyTorch's one-layer LSTM, x: (T, B, D)."""
    w_x, w_h, b = params["weight_ih_l0"], params["weight_hh_l0"], params["bias_ih_l0"] + params["bias_hh_l0"]
    h, c = state[0][0], state[1][0]
    steps, outputs = [], []
    for x_t in x:
        z = x_t @ w_x.T + h @ w_h.T + b
        z_i, z_f, z_g, z_o = np.split(z, 4, axis=-1)
        i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
        c_new = f * c + i * g
        steps.append((h, c, c_new, i, f, g, o, z_g))
        h, c = o * np.tanh(c_new), c_new
        outputs.append(h)

    def pullback(upstream):
        dy, (dh_n, dc_n) = upstream
        dh, dc, dz_all = dh_n[0], dc_n[0], []
        dx = np.empty_like(x)
        for t in reversed(range(len(x))):
            _, c_before, c_new, i, f, g, o, _ = steps[t]
            tanh_c = np.tanh(c_new)
            dh = dy[t] if bug == "h not carried" else dh + dy[t]
            d_tanh = dh * o
            dc_here = d_tanh if bug == "tanh(c) forgotten" else d_tanh * (1 - tanh_c**2)
            if bug == "c for tanh(c)":
                dc_here = d_tanh * (1 - c_new**2)
            dc = dc_here if bug == "c not carried" else dc + dc_here
            di, df, dg, do = dc * g, dc * c_before, dc * i, dh * tanh_c
            if bug == "o gets c":
                do = dh * c_new
            if bug == "f gets c after":
                df = dc * c_new
            if bug == "i gets i":
                di = dc * i
            if bug == "forget gate not differentiated":
                df = 0 * df
            slopes = {"i": i * (1 - i), "f": f * (1 - f), "g": 1 - g**2, "o": o * (1 - o)}
            for gate, value in (("i", i), ("f", f), ("o", o)):
                if bug == f"{gate} activated again":
                    slopes[gate] = sigmoid(value) * (1 - sigmoid(value))
                if bug == f"{gate} slope forgotten":
                    slopes[gate] = 1.0
            if bug == "g as a sigmoid":
                slopes["g"] = g * (1 - g)
            if bug == "g slope forgotten":
                slopes["g"] = 1.0
            if bug == "all activated again":
                slopes = {k: sigmoid(v) * (1 - sigmoid(v)) for k, v in zip("ifo", (i, f, o))} | {
                    "g": 1 - np.tanh(g) ** 2
                }
            parts = [di * slopes["i"], df * slopes["f"], dg * slopes["g"], do * slopes["o"]]
            if bug == "f and o swapped":
                parts = [parts[0], parts[3], parts[2], parts[1]]
            dz = np.concatenate(parts, axis=-1)
            dx[t], dh = dz @ w_x, dz @ w_h
            dc = dc * (i if bug == "c through i" else f)
            if bug == "c past the gate":
                dc = dc / f
            dz_all.append(dz)
        dz_all = np.stack(dz_all[::-1])
        h_all = np.stack(outputs if bug == "state after" else [s[0] for s in steps])
        db = dz_all.sum((0, 1))
        dw_h = np.tensordot(dz_all, h_all, axes=((0, 1), (0, 1)))
        if bug == "weight_hh of the last step":
            dw_h = dz_all[-1].T @ h_all[-1]
        dparams = {
            "weight_ih_l0": np.tensordot(dz_all, x, axes=((0, 1), (0, 1))),
            "weight_hh_l0": dw_h,
            "bias_ih_l0": db,
            "bias_hh_l0": db / 2 if bug == "bias shared out" else db,
        }
        return dparams, dx, (dh[None], dc[None])

    return (np.stack(outputs), (h[None], c[None])), pullback


def recurrent_inputs(states):
    def make(rng, size):
        t, b, d, h = ((4, 2, 3, 4), (3, 3, 2, 3), (5, 2, 4, 2))[size]
        scale = h**-0.5
        blocks = 4 if states == 2 else 3
        params = {
            "weight_ih_l0": scale * normal(rng, blocks * h, d), "weight_hh_l0": scale * normal(rng, blocks * h, h),
            "bias_ih_l0": normal(rng, blocks * h), "bias_hh_l0": normal(rng, blocks * h),
        }  # fmt: skip
        first = tuple(normal(rng, 1, b, h) for _ in range(states))
        return params, normal(rng, t, b, d), first if states > 1 else first[0]

    return make


def functional(cell):
    """A layer of PyTorch as a function of its parameters."""

    def run(params, x, state):
        weights = list(params.values())
        result = cell(x, state, weights, True, 1, 0.0, False, False, False)
        return (result[0], (result[1], result[2])) if len(result) > 2 else (result[0], result[1])

    return run


LSTM = family(
    lstm, functional(torch._VF.lstm), recurrent_inputs(2),
    ("forget gate not differentiated", r"forget gate f", {"after": "nicklashansen/rnn_lstm_from_scratch 1"}),
    ("i activated again", r"sigmoid in the input gate i is taken at its output"),
    ("f activated again", r"sigmoid in the forget gate f is taken at its output"),
    ("o activated again", r"sigmoid in the output gate o is taken at its output"),
    ("i slope forgotten", r"sigmoid in the input gate i is forgotten"),
    ("f slope forgotten", r"sigmoid in the forget gate f is forgotten"),
    ("o slope forgotten", r"sigmoid in the output gate o is forgotten"),
    ("g slope forgotten", r"tanh in the candidate g is forgotten"),
    ("g as a sigmoid", r"tanh in the candidate g is computed as y \* \(1 - y\)"),
    ("all activated again", r"activations in all gates is taken at its output"),
    ("tanh(c) forgotten", r"derivative of the tanh in tanh\(c\) is forgotten"),
    ("c for tanh(c)", r"tanh in tanh\(c\) is computed as 1 - z\*\*2"),
    ("h not carried", r"state h.*(time|the others must be added)"),
    ("c not carried", r"cell c.*(time|the others must be added)"),
    ("o gets c", r"output gate o the cell c is taken where tanh\(c\) belongs"),
    ("f gets c after", r"forget gate f the cell c after the step is taken where that before it belongs"),
    ("i gets i", r"input gate i the input gate i is taken where the candidate g belongs"),
    ("f and o swapped", ""),
    ("c through i", r"input gate i is taken where the forget gate f belongs"),
    ("c past the gate", r"factor the forget gate f is forgotten"),
    ("state after", r"after the step is taken where that before it belongs"),
    ("weight_hh of the last step", r"contributions to weight_hh_l0 from .* only the last"),
    ("bias shared out", r"constant factor of 0\.5"),
)  # fmt: skip


def gru(params, x, h0, *, bug=None):
    """PyTorch's one-layer GRU."""
    w_x, w_h, b_x, b_h = params.values()
    h, steps, outputs = h0[0], [], []
    for x_t in x:
        x_r, x_z, x_n = np.split(x_t @ w_x.T + b_x, 3, axis=-1)
        h_r, h_z, h_n = np.split(h @ w_h.T + b_h, 3, axis=-1)
        r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        n = np.tanh(x_n + r * h_n)
        steps.append((h, h_n, r, z, n))
        h = (1 - z) * n + z * h
        outputs.append(h)

    def pullback(upstream):
        dy, dh_n = upstream
        dh, dx = dh_n[0], np.empty_like(x)
        dw_x, dw_h, db_x, db_h = (np.zeros_like(p) for p in (w_x, w_h, b_x, b_h))
        for t in reversed(range(len(x))):
            before, h_n, r, z, n = steps[t]
            dh = dh + dy[t]
            dn, dz = dh * (1 - z), dh * (before - n)
            if bug == "z of h alone":
                dz = dh * before
            if bug == "z for 1 - z":
                dn = dh * z
            da_n = dn if bug == "n slope forgotten" else dn * (1 - n**2)
            dr = da_n * (before if bug == "r gets h" else h_n)
            da_r = dr if bug == "r slope forgotten" else dr * r * (1 - r)
            da_z = dz if bug == "z slope forgotten" else dz * z * (1 - z)
            if bug == "reset gate not differentiated":
                da_r = 0 * da_r
            d_from_x = np.concatenate([da_r, da_z, da_n], -1)
            d_from_h = np.concatenate([da_r, da_z, da_n if bug == "r forgotten" else da_n * r], -1)
            dx[t] = d_from_x @ w_x
            dw_x, db_x = dw_x + d_from_x.T @ x[t], db_x + d_from_x.sum(0)
            dw_h, db_h = dw_h + d_from_h.T @ before, db_h + d_from_h.sum(0)
            direct = 0 if bug == "direct path" else dh * z
            if bug == "direct past the gate":
                direct = dh
            dh = d_from_h @ w_h + direct
            if bug == "gates not carried":
                dh = direct
        dparams = dict(zip(params, (dw_x, dw_h, db_x, db_h)))
        return dparams, dx, dh[None]

    return (np.stack(outputs), h[None]), pullback


GRU = family(
    gru, functional(torch._VF.gru), recurrent_inputs(1),
    ("z of h alone", r"nothing comes back to the update gate z"),
    ("z for 1 - z", r"update gate z is taken where `1 - the update gate z` belongs"),
    ("n slope forgotten", r"tanh in the candidate n is forgotten"),
    ("r slope forgotten", r"sigmoid in the reset gate r is forgotten"),
    ("z slope forgotten", r"sigmoid in the update gate z is forgotten"),
    ("r gets h", r"reset gate r the state h .*is taken where"),
    ("reset gate not differentiated", r"reset gate r"),
    ("r forgotten", r"factor the reset gate r is forgotten", {"after": "pytorch 8153"}),
    ("direct path", r"path through time is missing: nothing comes back to the state h from z \* h"),
    ("direct past the gate", r"factor the update gate z is forgotten"),
    ("gates not carried", r"path through time is missing: nothing comes back to the state h from `the state h @ weight_hh_l0\.T`"),
)  # fmt: skip


def lookup(ids, weight, *, bug=None):
    """An embedding, averaged over the words of each row."""
    rows = weight[ids]

    def pullback(dy):
        d = np.repeat(dy[:, None], ids.shape[1], 1) / ids.shape[1]
        if bug == "sum for mean":
            d = d * ids.shape[1]
        dweight = np.zeros_like(weight)
        if bug == "= for +=":
            dweight[ids] = d
        elif bug == "first one only":
            for k in range(ids.size)[::-1]:
                dweight[ids.flat[k]] = d.reshape(-1, weight.shape[1])[k]
        elif bug == "shifted ids":
            np.add.at(dweight, (ids + 1) % len(weight), d)
        else:
            np.add.at(dweight, ids, d)
        if bug == "divided by how often":
            dweight /= np.maximum(np.bincount(ids.ravel(), minlength=len(weight)), 1)[:, None]
        return None, dweight

    return rows.mean(1), pullback


def lookup_inputs(every):
    def make(rng, size):
        n, d, b, t = ((5, 3, 4, 3), (4, 2, 5, 4), (3, 4, 6, 2))[size]
        ids = rng.permutation(np.resize(np.arange(n if every else n - 1), b * t)).reshape(b, t)
        if not every:
            ids[0, 0] = n - 1
        return ids, normal(rng, n, d)

    return make


LOOKUP = family(
    lookup, lambda ids, weight: F.embedding(ids, weight).mean(1), lookup_inputs(every=False),
    ("= for +=", r"more than once"),
    ("first one only", r"more than once"),
    ("sum for mean", r"mean against sum|constant factor of 2"),
    ("shifted ids", r"shifted by 1 along axis 0"),
    ("divided by how often", r"averaged in rows that ids names more than once"),
)  # fmt: skip

EVERY_ROW_TWICE = family(
    lookup, lambda ids, weight: F.embedding(ids, weight).mean(1), lookup_inputs(every=True),
    ("= for +=", r"more than once.*only the last", {"after": "gensim 242"}),
)  # fmt: skip


def leaky_sum(x, decay, *, bug=None):
    """s_t = decay * s_(t-1) + x_t; x: (T, D), decay: (D,)."""
    s, states = np.zeros(x.shape[1:]), []
    for x_t in x:
        s = decay * s + x_t
        states.append(s)

    def pullback(dy):
        dx, ddecay, ds = np.zeros_like(x), np.zeros_like(decay), np.zeros(x.shape[1:])
        for t in reversed(range(len(x))):
            ds = ds + dy[t]
            dx[t] = ds
            if t > 0:
                ddecay += ds * (states[t] if bug == "state after" else states[t - 1])
            ds = ds if bug == "decay forgotten" else ds * decay
            if bug == "not carried":
                ds = 0 * ds
        return dx, ddecay

    return np.stack(states), pullback


def leaky_sum_torch(x, decay):
    s, states = torch.zeros(x.shape[1:], dtype=x.dtype), []
    for x_t in x:
        s = decay * s + x_t
        states.append(s)
    return torch.stack(states)


LEAKY = family(
    leaky_sum, leaky_sum_torch, lambda rng, size: (normal(rng, 4 + size, 2 + size), rng.random(2 + size)),
    ("state after", r"after the step is taken where that before it belongs"),
    ("decay forgotten", r"factor decay is forgotten"),
    ("not carried", r"through time"),
)  # fmt: skip


def bag_of_states(x, w, *, bug=None):
    """The mean over time of tanh(x_t w), x: (B, T, D)."""
    h = np.tanh(x @ w)

    def pullback(dy):
        dh = np.repeat(dy[:, None], x.shape[1], 1) / x.shape[1]
        if bug == "sum for mean":
            dh = dh * x.shape[1]
        if bug == "last step alone":
            dh = dh * (np.arange(x.shape[1]) == x.shape[1] - 1)[:, None]
        dz = dh * (1 - h**2)
        return dz @ w.T, np.tensordot(x, dz, ((0, 1), (0, 1)))

    return h.mean(1), pullback


BAG = family(
    bag_of_states, lambda x, w: torch.tanh(x @ w).mean(1),
    lambda rng, size: (normal(rng, 2 + size, 5 - size, 3), normal(rng, 3, 4)),
    ("sum for mean", r"mean against sum|constant factor of 2"),
    ("last step alone", r"zero at index .* along axis 1"),
)  # fmt: skip

WILD = [*RNN, *LSTM, *GRU, *LOOKUP, *EVERY_ROW_TWICE, *LEAKY, *BAG]
