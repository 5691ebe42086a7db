"""The linear layer of chapter 01: a matrix, a bias, and its pullback."""

import numpy as np


def linear(x, weight, bias=None):
    """Map the last axis by a matrix and add a bias, x W^T + b: eqs. (1.10), (1.11).

    x: (..., in); weight: (out, in); bias: (out,) or None.  Returns (..., out), as
    torch.nn.functional.linear.  ValueError when the last axis of x is not `in`, or bias does not fit.
    """
    if x.shape[-1:] != weight.shape[1:]:
        raise ValueError(f"x has shape {x.shape}; weight expects {weight.shape[1]} on its last axis")
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias has shape {bias.shape}; expected {weight.shape[:1]}, one number a unit")
    y = x @ weight.T
    if bias is not None:
        y = y + bias

    def pullback(dy):
        batch = tuple(range(x.ndim - 1))
        dweight = np.tensordot(dy, x, axes=(batch, batch))
        dbias = None if bias is None else dy.sum(batch)
        return dy @ weight, dweight, dbias

    return y, pullback
