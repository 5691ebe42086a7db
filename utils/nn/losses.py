"""Losses, each with its pullback: one number that says how wrong a prediction is, averaged over the batch."""

import numpy as np

from utils.nn.activations import log_softmax, sigmoid
from utils.nn.guard import guarded
from utils.nn.kinds import integers, shares


@guarded
def mse_loss(input, target):
    """Mean of the squared differences: eq. (2.17).

    input, target: one shape, any.  Returns a number, as torch.nn.functional.mse_loss.
    ValueError when the shapes differ (torch would broadcast).
    """
    expect_shape_of(target, input=input)
    difference = input - target

    def pullback(dloss):
        dinput = dloss * 2 * difference / difference.size
        return dinput, -dinput

    return np.mean(difference**2), pullback


@guarded
def l1_loss(input, target):
    """Mean of the absolute differences: eq. (2.18).

    input, target: one shape, any.  Returns a number, as torch.nn.functional.l1_loss; at the kink,
    where both are equal, the gradient is 0.  ValueError when the shapes differ.
    """
    expect_shape_of(target, input=input)
    difference = input - target

    def pullback(dloss):
        dinput = dloss * np.sign(difference) / difference.size
        return dinput, -dinput

    return np.mean(np.abs(difference)), pullback


@guarded(logits="(N, C)", target=integers)
def cross_entropy(logits, target, *, label_smoothing=0.0):
    """Mean over the batch of -log p(right class), p = softmax(logits): eqs. (2.20), (2.21), (2.22).

    logits: (N, C), any finite numbers; target: (N,), integers from 0 to C - 1; label_smoothing: the
    share of the target that is spread evenly over all classes.  Returns a number, as
    torch.nn.functional.cross_entropy.  ValueError when these do not fit.
    """
    expect_classes(target, logits)
    n, classes = logits.shape
    log_p, _ = log_softmax(logits)
    wanted = np.full_like(log_p, label_smoothing / classes)
    wanted[np.arange(n), target] += 1 - label_smoothing

    def pullback(dloss):
        return (np.exp(log_p) - wanted) * (dloss / n), None

    return -(wanted * log_p).sum(axis=1).mean(), pullback


@guarded(target=shares)
def binary_cross_entropy_with_logits(logits, target):
    """Mean of -log p(what happened), where p = sigmoid(logits) is the chance of a 1: eq. (2.19).

    logits, target: one shape, any; target from 0 to 1.  Returns a number, as
    torch.nn.functional.binary_cross_entropy_with_logits.  ValueError when the shapes differ, or for a
    target below 0 or above 1.
    """
    expect_shape_of(target, logits=logits)
    each = np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))

    def pullback(dloss):
        scale = dloss / logits.size
        return (sigmoid(logits)[0] - target) * scale, -logits * scale

    return np.mean(each), pullback


def expect_shape_of(target, **compared):
    """ValueError when a target does not have the shape of what it is compared with, by name, or both are empty."""
    [(name, array)] = compared.items()
    if target.shape != array.shape:
        raise ValueError(f"target has shape {target.shape}; expected that of {name}, {array.shape}")
    if target.size == 0:
        raise ValueError(f"target and {name} are empty; expected at least one number to average over")


def expect_classes(target, logits):
    """ValueError unless target holds a class of logits, (N, C), for each of at least one example."""
    n, classes = logits.shape
    if logits.size == 0:
        raise ValueError(f"logits has shape {logits.shape}; expected at least one example and one class")
    if target.shape != (n,) or not 0 <= target.min() <= target.max() < classes:
        raise ValueError(f"target must hold {n} integers from 0 to {classes - 1}; got {target!r}")
