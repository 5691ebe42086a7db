"""One case of the blind bank: how it is written down, and what several of them share."""

from dataclasses import dataclass

import numpy as np
import torch

from tests.crosscheck.wild.table import sigmoid, softmax

__all__ = ["CASES", "case", "sigmoid", "softmax"]

CASES = []


@dataclass
class Case:
    """mistake: what is wrong; right, wrong: operations; theirs: PyTorch's; inputs(rng) draws them; double: two mistakes at once."""

    name: str
    mistake: str
    right: object
    wrong: object
    theirs: object
    inputs: object
    double: bool = False


def case(mistake, theirs, inputs, double=False):
    """Note make(wrong), a function that gives the right operation for False and the wrong one for True."""

    def add(make):
        CASES.append(Case(make.__name__, mistake, make(False), make(True), theirs, inputs, double))
        return make

    return add


def torch_gru(x, h, w_ih, w_hh, b_ih, b_hh):
    return torch.gru_cell(x, h, w_ih, w_hh, b_ih, b_hh)


def gru_inputs(r):
    n, d, m = 4, 3, 5
    return tuple(0.7 * r.normal(size=s) for s in [(n, d), (n, m), (3 * m, d), (3 * m, m), (3 * m,), (3 * m,)])


def gru(wrong_gate=False, drop_reset=False):
    def gru_step(x, h, w_ih, w_hh, b_ih, b_hh):
        gi, gh = x @ w_ih.T + b_ih, h @ w_hh.T + b_hh
        (ir, iz, in_), (hr, hz, hn) = np.split(gi, 3, 1), np.split(gh, 3, 1)
        r, z = sigmoid(ir + hr), sigmoid(iz + hz)
        n = np.tanh(in_ + r * hn)

        def pullback(dy):
            dn = dy * (z if wrong_gate else 1 - z)
            da_n = dn * (1 - n**2)
            da_z = dy * (h - n) * z * (1 - z)
            da_r = da_n * hn * r * (1 - r)
            if drop_reset:
                da_r = da_r * 0
            dgi = np.concatenate([da_r, da_z, da_n], 1)
            dgh = np.concatenate([da_r, da_z, da_n * r], 1)
            dh = dgh @ w_hh + dy * (1 - z if wrong_gate else z)
            return dgi @ w_ih, dh, dgi.T @ x, dgh.T @ h, dgi.sum(0), dgh.sum(0)

        return (1 - z) * n + z * h, pullback

    return gru_step
