"""Losses, each with its pullback: one number that says how wrong a prediction is, averaged over the batch."""

import numpy as np


def mse_loss(input, target):
    """Mean of the squared differences.

    input, target: one shape, any.  Returns a number, as torch.nn.functional.mse_loss.
    ValueError when the shapes differ (torch would broadcast).
    """
    if np.shape(input) != np.shape(target):
        raise ValueError(f"target has shape {np.shape(target)}; expected that of input, {np.shape(input)}")
    difference = input - target

    def pullback(dloss):
        dinput = dloss * 2 * difference / difference.size
        return dinput, -dinput

    return np.mean(difference**2), pullback


def cross_entropy(logits, target):
    """Mean over the batch of -log p(right class), where p = softmax(logits).

    logits: (N, C), any finite numbers; target: (N,), integers from 0 to C - 1.  Returns a
    number, as torch.nn.functional.cross_entropy.  ValueError when a target is no class.
    """
    n, classes = logits.shape
    if target.shape != (n,) or target.dtype.kind not in "iu" or not np.isin(target, np.arange(classes)).all():
        raise ValueError(f"target must hold {n} integers from 0 to {classes - 1}; got {target!r}")
    shifted = logits - logits.max(axis=1, keepdims=True)  # exp cannot overflow, the shares are the same
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(n)

    def pullback(dloss):
        dlogits = np.exp(log_p)
        dlogits[rows, target] -= 1
        return dlogits * (dloss / n), None

    return -log_p[rows, target].mean(), pullback
