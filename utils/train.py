"""Fitting loops: train a network of the protocol, and keep what happened in every layer."""

import os
import sys
from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from utils.crosscheck.trees import map_leaves

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass
class Snapshot:
    """What the taps saw for one batch at one moment.

    Per layer, first layer first: activation_rms and gradient_rms, (L,), root mean squares;
    activation_quantiles, (L, 5), of the activations; gradient_quantiles, (L, 5), of the absolute
    gradients: the quantiles of QUANTILES.  epoch: 0 is before the first step.
    """

    epoch: int
    activation_rms: np.ndarray
    gradient_rms: np.ndarray
    activation_quantiles: np.ndarray
    gradient_quantiles: np.ndarray


@dataclass
class History:
    """losses: one a step; train_loss, scores: one an epoch, epoch 0 first; snapshots: likewise."""

    losses: list = field(default_factory=list)
    train_loss: list = field(default_factory=list)
    scores: list = field(default_factory=list)
    snapshots: list = field(default_factory=list)


def sgd(learning_rate):
    """Plain gradient descent as an update rule: parameters, gradients -> new parameters."""

    def update(params, grads):
        steps = iter(flat(grads))
        return map_leaves(lambda p: None if p is None else p - learning_rate * next(steps), params)

    return update


def flat(tree):
    """All arrays of nested tuples, lists and dicts, in order; None is passed over."""
    found = []
    map_leaves(lambda leaf: leaf is None or found.append(leaf), tree)
    return found


def gradient(network, loss, params, x, y):
    """One forward and one backward pass: the loss and the gradient of every parameter."""
    output, back = network(params, x)
    value, back_loss = loss(output, y)
    dparams, _ = back(back_loss(1.0)[0])
    return value, dparams


def take_snapshot(network, loss, params, x, y, taps, epoch):
    """A forward and a backward pass for its own sake, and what the taps saw."""
    gradient(network, loss, params, x, y)
    values = [tap.value.ravel() for tap in taps]
    gradients = [np.abs(tap.gradient).ravel() for tap in taps]
    root_mean_square = lambda parts: np.array([np.sqrt((part**2).mean()) for part in parts])
    quantiles = lambda parts: np.array([np.quantile(part, QUANTILES) for part in parts])
    return Snapshot(
        epoch, root_mean_square(values), root_mean_square(gradients), quantiles(values), quantiles(gradients)
    )


def accuracy(network, params, x, y):
    """Share of examples whose largest output is the right class."""
    output, _ = network(params, x)
    return float((output.argmax(-1) == y).mean())


def fit(
    network,
    loss,
    params,
    x,
    y,
    *,
    update,
    epochs,
    batch_size,
    seed=0,
    taps=(),
    score=None,
    description="training",
):
    """Train a network by mini-batches and keep its history.

    network(params, x) and loss(output, y) follow the protocol; update(params, grads) gives new
    parameters (the old ones are not changed); score(params) is called after every epoch; taps:
    the Taps inside the network, first layer first; they are read before the first step and after
    every epoch, always on the same first `batch_size` examples.  seed: of the order of the
    examples.  A progress bar shows when this takes longer than a moment.

    Returns (params, History).  ValueError when x and y differ in length.
    """
    if len(x) != len(y):
        raise ValueError(f"y has {len(y)} entries; expected {len(x)}, one for each row of x")
    rng, history = np.random.default_rng(seed), History()
    some = slice(0, batch_size)

    def record(epoch):
        output, _ = network(params, x)
        history.train_loss.append(float(loss(output, y)[0]))
        if score:
            history.scores.append(score(params))
        if taps:
            history.snapshots.append(take_snapshot(network, loss, params, x[some], y[some], taps, epoch))

    record(0)
    # nobody watches a test, nor a notebook that is run for its outputs
    quiet = bool(os.environ.get("TQDM_DISABLE"))
    # a line of text: a notebook that is opened again would find a bar made of widgets dead
    shown = {"desc": description, "unit": "epoch", "delay": 1, "leave": False, "file": sys.stdout}
    for epoch in tqdm(range(1, epochs + 1), disable=quiet, **shown):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            value, grads = gradient(network, loss, params, x[rows], y[rows])
            history.losses.append(float(value))
            params = update(params, grads)
        record(epoch)
    return params, history
