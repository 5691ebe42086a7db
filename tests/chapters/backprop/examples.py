"""Explorables of chapter 01 that need arguments, made for the tests."""

import numpy as np

from utils import train
from utils.chapters.backprop import explore
from utils.data import digits
from utils.nn.activations import sigmoid
from utils.nn.losses import cross_entropy
from utils.nn.mlp import mlp, mlp_params


def history(layers):
    """A short run of the travelling network on 200 digits."""
    data = digits.load()
    sizes = (64, *[8] * (layers - 1), 10)
    network, taps = mlp(sizes, sigmoid)
    x, y = data.train_x[:200], data.train_y[:200]
    return train.fit(
        network, cross_entropy, mlp_params(sizes, np.random.default_rng(0)), x, y,
        update=train.sgd(0.5), epochs=4, batch_size=50, taps=taps,
        score=lambda params: train.accuracy(network, params, data.test_x, data.test_y),
    )[1]  # fmt: skip


EXAMPLES = {"travelling": lambda: explore.travelling({"shallow": history(2), "deep": history(6)})}
