"""Activation functions, each with its pullback."""

import numpy as np


def sigmoid(x):
    """Squash each number into (0, 1), 1 / (1 + exp(-x)): eqs. (1.2), (1.5), (1.12).

    x: any shape.  As torch.sigmoid; no overflow for any finite x.
    """
    e = np.exp(-np.abs(x))  # never above 1
    y = np.where(x >= 0, 1, e) / (1 + e)

    def pullback(dy):
        return dy * y * (1 - y)

    return y, pullback


def tanh(x):
    """Squash each number into (-1, 1).

    x: any shape.  As torch.tanh.
    """
    y = np.tanh(x)

    def pullback(dy):
        return dy * (1 - y**2)

    return y, pullback


def relu(x):
    """Keep what is positive, replace the rest by zero.

    x: any shape.  As torch.relu; at the kink, x = 0, the gradient is 0, as torch's.
    """

    def pullback(dy):
        return dy * (x > 0)

    return np.maximum(x, 0), pullback
