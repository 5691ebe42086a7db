"""The networks of chapters 01 to 04, trained as their notebooks do: what the claims about training measure."""

from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from utils import train
from utils.data import digits
from utils.nn import activations as act
from utils.nn import initialization as init
from utils.nn.losses import cross_entropy
from utils.nn.mlp import mlp, mlp_params_by
from utils.nn.normalized_mlp import normalized_mlp, normalized_mlp_params

DATA = digits.load()
FULL_BATCHES = 1344  # 42 batches of 32

ACTIVATIONS = {
    "sigmoid": act.sigmoid,
    "tanh": act.tanh,
    "softsign": act.softsign,
    "ReLU": act.relu,
    "leaky ReLU": partial(act.leaky_relu, negative_slope=0.1),
    "ELU": act.elu,
    "SELU": act.selu,
    "SiLU": act.silu,
}
SCHEMES = {
    "LeCun": init.lecun_normal,
    "Xavier": init.xavier_normal,
    "He": init.kaiming_normal,
    "He, fan-out": partial(init.kaiming_normal, mode="fan_out"),
    "orthogonal": init.orthogonal,
    "orthogonal, sqrt 2": partial(init.orthogonal, gain=np.sqrt(2)),
    "nn.Linear": partial(init.kaiming_uniform, negative_slope=np.sqrt(5)),
    "uniform 0.07": partial(init.uniform, a=-0.07, b=0.07),
    "4 LeCun": lambda shape, rng: 4 * init.lecun_normal(shape, rng),
    "8 LeCun": lambda shape, rng: 8 * init.lecun_normal(shape, rng),
} | {f"normal {std}": partial(init.normal, std=std) for std in (0.01, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)}


@dataclass
class Run:
    """A trained network, its parameters, and what happened on the way."""

    network: object
    params: tuple
    history: train.History
    taps: list

    @property
    def accuracy(self):
        """On the held-out digits, after the last epoch."""
        return self.history.scores[-1]

    @property
    def gradient_ratio(self):
        """Gradient of the first layer divided by that of the last, root mean squares, one for each epoch."""
        return [s.gradient_rms[0] / s.gradient_rms[-1] for s in self.history.snapshots]


def sizes(layers):
    return (64, *[32] * (layers - 1), 10)


@cache
def travelling(
    activation="ReLU",
    scheme="LeCun",
    *,
    layers=10,
    rate=0.1,
    epochs=10,
    seed=0,
    order=None,
    examples=FULL_BATCHES,
):
    """The travelling network without normalization: chapters 01, 02, 03.

    order: seed of the order of the examples, by default that of the weights.
    """
    network, taps = mlp(sizes(layers), ACTIVATIONS[activation])
    start = mlp_params_by(sizes(layers), np.random.default_rng(seed), SCHEMES[scheme])
    return fitted(
        network,
        network,
        taps,
        start,
        rate=rate,
        epochs=epochs,
        seed=seed if order is None else order,
        examples=examples,
    )


@cache
def normalized(activation, kind, *, rate=0.1, epochs=3, gain=1.0, seed=0, examples=FULL_BATCHES, change=None):
    """The travelling network of chapter 04, with a kind of normalization; change: of the inputs in training."""
    (network, evaluation), taps = normalized_mlp(sizes(10), ACTIVATIONS[activation], kind=kind)
    training = network if change is None else lambda params, x: network(params, change(x))
    start = normalized_mlp_params(sizes(10), np.random.default_rng(seed), kind=kind, gain=gain)
    run = fitted(training, evaluation, taps, start, rate=rate, epochs=epochs, seed=seed, examples=examples)
    return replace(run, network=network)


def fitted(training, evaluation, taps, start, *, rate, epochs, seed, examples):
    score = lambda params: train.accuracy(evaluation, params, DATA.test_x, DATA.test_y)
    with np.errstate(all="ignore"):  # some of these runs overflow
        params, history = train.fit(
            training, cross_entropy, start, DATA.train_x[:examples], DATA.train_y[:examples],
            update=train.sgd(rate), epochs=epochs, batch_size=32, seed=seed, taps=taps, score=score,
        )  # fmt: skip
    return Run(training, params, history, taps)
