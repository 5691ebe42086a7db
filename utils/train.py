"""Fitting loops: train a network of the protocol, and keep what happened in every layer."""

import os
import sys
from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from utils.crosscheck.trees import leaves
from utils.nn import optimizers
from utils.nn.chain import name_of, pair
from utils.nn.guard import guarded
from utils.nn.kinds import anything, floating, function, integers, told, whole

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


def examples(given, name):
    """An array with a row for each of at least one example; integers stay integers."""
    integers = type(given) is np.ndarray and given.dtype.kind in "iu"
    found = given if integers else floating(given, name)
    if found.ndim == 0 or len(found) == 0:
        raise ValueError(f"{name} has shape {found.shape}; expected a row for each of at least one example")
    return found


def taps_of(given, name):
    """A sequence of Taps, ours or the reader's own."""
    if not isinstance(given, (tuple, list)) or not all(hasattr(tap, "gradient") for tap in given):
        raise ValueError(f"{name} is {told(given)}; expected a tuple of Taps, those inside the network")
    return given


def rule(given, name):
    """An update rule, ours or the reader's own."""
    if not (callable(getattr(given, "init", None)) and callable(getattr(given, "step", None))):
        raise ValueError(
            f"{name} is {told(given)}; expected a Rule of utils.nn.optimizers, such as sgd(lr=0.1)"
        )
    return given


ARGUMENTS = {"network": function, "loss": function, "params": anything, "x": examples, "y": examples}


class CallableRule(optimizers.Rule):
    """A rule without state that can also be called: update(params, grads) -> new parameters."""

    def __call__(self, params, grads):
        return self.step(params, grads, None)[0]


def sgd(learning_rate):
    """utils.nn.optimizers.sgd under the name that it had before there were rules."""
    rule = optimizers.sgd(learning_rate)
    return CallableRule(rule.init, rule.step)


def flat(tree):
    """All arrays of nested tuples, lists and dicts, in order; None is passed over."""
    return [leaf for _, leaf in leaves(tree, "") if leaf is not None]


def gradient(network, loss, params, x, y):
    """One forward and one backward pass: the loss and the gradient of every parameter.

    network(params, x) and loss(output, y) follow the protocol; x and y: a row an example.  ValueError
    when the loss is not one number, or when one of the two returns something else.
    """
    output, back = pair(network, function(network, "network")(params, x))
    value, back_loss = one_number(loss, output, y)
    dparams, _ = two_of(network, back(two_of(loss, back_loss(1.0))[0]))
    return value, dparams


def one_number(loss, output, y):
    """The loss and its pullback."""
    value, back = pair(loss, function(loss, "loss")(output, y))
    if np.ndim(value):
        raise ValueError(f"loss gave {told(value)}; expected one number, such as the mean over the batch")
    return value, back


def two_of(called, gradients):
    """The gradients of both inputs of what was called, as its pullback returned them."""
    if not isinstance(gradients, tuple) or len(gradients) != 2:
        raise ValueError(
            f"the pullback of {name_of(called)} returned {told(gradients)}; expected two gradients"
        )
    return gradients


@guarded(**ARGUMENTS, taps=taps_of, epoch=anything)
def take_snapshot(network, loss, params, x, y, taps, epoch):
    """A forward and a backward pass for its own sake, and what the taps saw.

    As gradient; taps: the Taps inside the network, first layer first.  Returns a Snapshot.
    ValueError for a tap that nothing passes.
    """
    for tap in taps:
        tap.value = tap.gradient = None
    gradient(network, loss, params, x, y)
    for i, tap in enumerate(taps):
        if tap.value is None or tap.gradient is None:
            raise ValueError(f"taps[{i}], {tap.name!r}, saw nothing pass; expected a Tap inside this network")
    values = [tap.value.ravel() for tap in taps]
    gradients = [np.abs(tap.gradient).ravel() for tap in taps]
    root_mean_square = lambda parts: np.array([np.sqrt((part**2).mean()) for part in parts])
    quantiles = lambda parts: np.array([np.quantile(part, QUANTILES) for part in parts])
    return Snapshot(
        epoch, root_mean_square(values), root_mean_square(gradients), quantiles(values), quantiles(gradients)
    )


@guarded(network=function, params=anything, x=examples, y=integers)
def accuracy(network, params, x, y):
    """Share of examples whose largest output is the right class.

    network(params, x) gives (N, C), or more axes before the last; y: the right classes, (N,).
    ValueError when y has another shape.
    """
    output, _ = pair(network, network(params, x))
    if y.shape != output.shape[:-1]:
        raise ValueError(f"y has shape {y.shape}; expected {output.shape[:-1]}, a class for each example")
    return float((output.argmax(-1) == y).mean())


@guarded(
    **ARGUMENTS,
    update=rule,
    epochs=whole(0),
    batch_size=whole(1),
    seed=whole(0),
    taps=taps_of,
    score=function,
    description=anything,
)
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

    network(params, x) and loss(output, y) follow the protocol; update: a Rule of
    utils.nn.optimizers (the old parameters are not changed); score(params) is called after every
    epoch; taps: the Taps inside the network, first layer first; they are read before the first step
    and after every epoch, always on the same first `batch_size` examples.  seed: of the order of the
    examples.  A progress bar shows when this takes longer than a moment.

    Returns (params, History).  ValueError when x and y differ in length, for a tap that is not in
    the network, and as gradient.
    """
    if len(x) != len(y):
        raise ValueError(f"y has {len(y)} entries; expected {len(x)}, one for each row of x")
    rng, history, state = np.random.default_rng(seed), History(), update.init(params)
    some = slice(0, batch_size)

    def record(epoch):
        output, _ = pair(network, network(params, x))
        history.train_loss.append(float(one_number(loss, output, y)[0]))
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
            params, state = update.step(params, grads, state)
        record(epoch)
    return params, history
