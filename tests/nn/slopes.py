"""What the tests of chapter 02's claims share: values, slopes, moments of an activation function."""

from functools import partial

import numpy as np
import torch

from utils.nn import activations as act

Z = np.linspace(-12, 12, 48001)
NORMAL = np.exp(-(Z**2) / 2) / np.sqrt(2 * np.pi) * (Z[1] - Z[0])  # shares of a standard normal one
relu6 = partial(act.relu, max_value=6)


def value(function, x, **options):
    return function(np.asarray(x, float), **options)[0]


def slope(function, x, **options):
    """Of an elementwise function: its pullback of ones."""
    y, pullback = function(np.asarray(x, float), **options)
    return pullback(np.ones_like(y))


def moments(function, mean=0.0, variance=1.0):
    """Mean and variance of the function of a normal variable, by a fine sum."""
    y = value(function, mean + np.sqrt(variance) * Z)
    first = y @ NORMAL
    return first, y**2 @ NORMAL - first**2


def torch_slope(function, x):
    x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(function(x).sum(), x)[0].numpy()


def keras_hard_sigmoid(x):
    """The one of Theano and Keras 2: slope 0.2, knees at 2.5 and -2.5."""
    return np.clip(0.2 * x + 0.5, 0, 1)
