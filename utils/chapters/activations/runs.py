"""Trained runs of chapter 02, shared by notebook, pictures and tests: ten layers, units that die, small data; its experiments."""

from functools import partial

import numpy as np

from utils import train
from utils.data import digits
from utils.nn.activations import elu, leaky_relu, relu, selu, sigmoid, silu, softsign, tanh
from utils.nn.chain import chain
from utils.nn.linear import linear
from utils.nn.losses import cross_entropy
from utils.nn.mlp import mlp, mlp_params
from utils.results import packed

WHOLE = 42 * 32  # of the 1347 examples, those in whole batches of 32

EIGHT = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "softsign": softsign,
    "ReLU": relu,
    "leaky ReLU": partial(leaky_relu, negative_slope=0.1),
    "ELU": elu,
    "SELU": selu,
    "SiLU": silu,
}


def ten_layers(name, seed, *, rate=0.1, epochs=10):
    """The travelling network of section 2.7 with one of EIGHT; returns its History, scores are held-out accuracies.

    seed: of the first weights and of the order of the examples.  Numbers that overflow are kept: they guess.
    """
    data, sizes = digits.load(), (64, *[32] * 9, 10)
    network, taps = mlp(sizes, EIGHT[name])
    with np.errstate(over="ignore", invalid="ignore"):
        _, history = train.fit(
            network, cross_entropy, mlp_params(sizes, np.random.default_rng(seed)),
            data.train_x[:WHOLE], data.train_y[:WHOLE],
            update=train.sgd(rate), epochs=epochs, batch_size=32, seed=seed, taps=taps,
            score=lambda params: train.accuracy(network, params, data.test_x, data.test_y),
        )  # fmt: skip
    return history


# ---- units that die

THREE = {name: EIGHT[name] for name in ("ReLU", "leaky ReLU", "ELU")}
DYING_SIZES, DYING_EPOCHS, DYING_EXAMPLES = (64, 32, 32, 32, 10), 8, 400


def dead_units(network, taps, params, x):
    """Share of the units of each hidden layer that give exactly 0 for every example: no slope, no learning."""
    network(params, x)
    return np.array([(tap.value == 0).all(0).mean() for tap in taps[:-1]])


def dying(name, rate, bias):
    """Train the digits network with one of THREE from biases that all start at one number.

    Returns two arrays, an entry an epoch, that before training first: the share of dead units per layer,
    (epochs + 1, 3), and the held-out accuracy, (epochs + 1,).
    """
    data = digits.load()
    x, y = data.train_x[:DYING_EXAMPLES], data.train_y[:DYING_EXAMPLES]
    network, taps = mlp(DYING_SIZES, THREE[name])
    params = mlp_params(DYING_SIZES, np.random.default_rng(0), gain=np.sqrt(2))
    for layer in params[0:-2:3]:
        layer["bias"] += bias
    dead, scores = [], []

    def look(params):
        dead.append(dead_units(network, taps, params, x))
        scores.append(train.accuracy(network, params, data.test_x, data.test_y))

    with np.errstate(all="ignore"):  # too large a rate overflows: that is what there is to see
        train.fit(
            network, cross_entropy, params, x, y,
            update=train.sgd(rate), epochs=DYING_EPOCHS, batch_size=20, score=look,
        )  # fmt: skip
    return np.array(dead), np.array(scores)


# ---- claims of the appendix


def first_epoch_loss(activation, layers, seed):
    """Training loss of the digits network after one epoch, weights of He et al., learning rate 0.03."""
    data, sizes = digits.load(), (64, *[32] * (layers - 1), 10)
    network, _ = mlp(sizes, activation)
    _, history = train.fit(
        network, cross_entropy, mlp_params(sizes, np.random.default_rng(seed), gain=np.sqrt(2)),
        data.train_x, data.train_y, update=train.sgd(0.03), epochs=1, batch_size=32, seed=seed,
    )  # fmt: skip
    return history.train_loss[-1]


def small_data(activation, seed, *, slopes=None, tested_with=None):
    """64-64-64-10 on 100 digits, 40 epochs: training and held-out loss.

    slopes: parameters of the activation, where it has any; tested_with: another one for the held-out part.
    """
    data, sizes = digits.load(), (64, 64, 64, 10)
    first, second, last = [p for p in mlp_params(sizes, np.random.default_rng(seed), gain=np.sqrt(2)) if p]
    network = lambda activation: chain(linear, activation, linear, activation, linear)
    rows = np.random.default_rng(seed).permutation(len(data.train_x))[:100]
    params, history = train.fit(
        network(activation), cross_entropy, (first, slopes, second, slopes, last),
        data.train_x[rows], data.train_y[rows],
        update=train.sgd(0.1), epochs=40, batch_size=20, seed=seed,
    )  # fmt: skip
    logits, _ = network(tested_with or activation)(params, data.test_x)
    return history.train_loss[-1], cross_entropy(logits, data.test_y)[0]


# ---- what is measured once: python -m utils.notebooks measure 02


def eight_functions(seed):
    """Section 2.7: the travelling network with each of EIGHT."""
    return {name: packed(ten_layers(name, seed)) for name in EIGHT}


def larger_rates(seed):
    """Section 2.7: four of them at rates that are nearly, or quite, too large."""
    names = ("ReLU", "ELU", "SELU", "tanh")
    return {
        f"rate {rate}: {name}": packed(ten_layers(name, seed, rate=rate))
        for rate in (0.3, 0.5)
        for name in names
    }


def twenty_epochs(seed):
    """Section 2.7: the two that ten epochs did not suffice, for twice as long."""
    return {name: packed(ten_layers(name, seed, epochs=20)) for name in ("SiLU", "ReLU")}


EXPERIMENTS = {
    "eight functions": eight_functions,
    "larger rates": larger_rates,
    "twenty epochs": twenty_epochs,
}
SEEDS = {"eight functions": range(5), "larger rates": range(2), "twenty epochs": range(5)}
