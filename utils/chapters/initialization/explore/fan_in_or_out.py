"""Fan-in, fan-out or their average: which direction keeps its size when layers change their width."""

from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from utils import style
from utils.chapters.initialization.explore.by_scheme import ACTIVATIONS as ALL_ACTIVATIONS
from utils.chapters.initialization.explore.by_scheme import TAPERS as NARROWING
from utils.chapters.initialization.explore.by_scheme import widths
from utils.crosscheck.protocol import array_maker
from utils.explorable.engine import Choice, Explorable, Slider
from utils.nn import initialization as init
from utils.nn.chain import Tap, chain
from utils.nn.linear import linear

MODES = ["fan-in", "fan-out", "average"]
# share of the squared size that an activation lets through: all of it, or what is above zero
PASSES = {"linear": 1.0, "ReLU": 0.5}
ACTIVATIONS = {name: ALL_ACTIVATIONS[name] for name in PASSES}
TAPERS = NARROWING | {float(ratio): str(ratio) for ratio in (2, 4, 8, 16)}
DEPTHS = [2, 4, 8]
# the narrow end for each ratio of the wide end to it: whole numbers, so that ratios come out exactly
NARROW = {1: 64, 2: 48, 4: 32, 8: 24, 16: 16}
BATCH, DRAWS = 8, 30


@dataclass
class Sizes:
    """Mean squares compared with where they entered: forward with the input, backward with the top.

    sizes: units, (layers + 1,), the input first; forward, backward: measured, (layers + 1,) each, forward[0] and
    backward[-1] are 1; predicted_forward, predicted_backward: the same by the formulas.
    """

    sizes: np.ndarray
    forward: np.ndarray
    backward: np.ndarray
    predicted_forward: np.ndarray
    predicted_backward: np.ndarray


def variance(mode, activation, fan_in, fan_out):
    """Variance of the weights that keeps one direction, or compromises: eqs. (3.6), (3.11), (3.15), (3.16).

    mode: one of MODES; activation: a name in PASSES.
    """
    fan = {"fan-in": fan_in, "fan-out": fan_out, "average": (fan_in + fan_out) / 2}[mode]
    return 1 / (PASSES[activation] * fan)


def predicted(mode, activation, sizes):
    """By what each layer multiplies the mean square, going forward and going back: (layers,) each.

    The formulas are fan_in * variance and fan_out * variance, times the share that the activation lets through.
    """
    fan_in, fan_out = np.array(sizes[:-1], float), np.array(sizes[1:], float)
    passed = PASSES[activation] * variance(mode, activation, fan_in, fan_out)
    return passed * fan_in, passed * fan_out


def weight_scheme(mode, activation, kaiming_normal, xavier_normal):
    """The function (shape, rng) -> weight for a mode of which `variance` tells the variance."""
    if mode == "average":
        return partial(xavier_normal, gain=1 / np.sqrt(PASSES[activation]))
    # a negative slope of 1 is no activation at all
    slope = {"linear": 1.0, "ReLU": 0.0}[activation]
    return partial(kaiming_normal, mode=mode.replace("-", "_"), negative_slope=slope)


def measured(scheme, activation, sizes, seed=0):
    """Mean squares of every layer's activations and gradients, over DRAWS networks: (layers + 1,) each.

    scheme: (shape, rng) -> weight; activation: x -> (value, pullback).  What enters at the bottom and at the top
    is standard normal; the results are divided by its mean square.
    """
    rng = np.random.default_rng(seed)
    taps = [Tap() for _ in sizes]
    network = chain(taps[0], *[layer for tap in taps[1:] for layer in (linear, activation, tap)])
    sums = np.zeros((2, len(sizes)))
    for _ in range(DRAWS):
        weights = [scheme((fan_out, fan_in), rng) for fan_in, fan_out in zip(sizes, sizes[1:])]
        params = [None] + [p for weight in weights for p in ({"weight": weight}, None, None)]
        output, back = network(params, rng.normal(size=(BATCH, sizes[0])))
        back(rng.normal(size=output.shape))
        sums += [[(tap.value**2).mean() for tap in taps], [(tap.gradient**2).mean() for tap in taps]]
    return sums[0] / sums[0, 0], sums[1] / sums[1, -1]


def end_to_end(
    mode, activation, taper, depth, kaiming_normal=init.kaiming_normal, xavier_normal=init.xavier_normal
):
    """Predicted and measured sizes of a network whose last layer has `taper` times the units of its input."""
    narrow = NARROW[round(max(taper, 1 / taper))]
    first = narrow if taper > 1 else narrow / taper
    sizes = widths(first, first * taper, depth)
    scheme = weight_scheme(mode, activation, kaiming_normal, xavier_normal)
    forward, backward = measured(scheme, ACTIVATIONS[activation], sizes)
    up, down = predicted(mode, activation, sizes)
    one = np.ones(1)
    return Sizes(
        sizes,
        forward,
        backward,
        np.concatenate([one, up.cumprod()]),
        np.concatenate([down[::-1].cumprod()[::-1], one]),
    )


def which_way(kaiming_normal=init.kaiming_normal, xavier_normal=init.xavier_normal, **start):
    """Fan-in, fan-out or average; taper, activation, depth -> what each layer does to both directions.

    kaiming_normal, xavier_normal: the reader's own, as those in utils.nn.initialization; start: where
    it begins, any of mode, activation, taper, depth.
    """
    kaiming_normal = array_maker(kaiming_normal, "kaiming_normal")
    xavier_normal = array_maker(xavier_normal, "xavier_normal")
    cached = lru_cache(256)(partial(end_to_end, kaiming_normal=kaiming_normal, xavier_normal=xavier_normal))

    def update(artists, mode, taper, activation, depth):
        found = cached(mode, activation, taper, depth)
        nodes = np.arange(depth + 1.0)
        artists["widths"].set_data(nodes, found.sizes)
        pairs = (
            ("forward", found.forward, found.predicted_forward),
            ("backward", found.backward[::-1], found.predicted_backward[::-1]),
        )
        for name, dots, line in pairs:
            x = nodes if name == "forward" else nodes[::-1]
            # layer k lies between the sizes k - 1 and k, whichever way one goes
            layers = np.maximum(x[1:], x[:-1])
            artists[f"{name} factor dots"].set_data(layers, dots[1:] / dots[:-1])
            artists[f"{name} factor line"].set_data(layers, line[1:] / line[:-1])
            artists[f"{name} dots"].set_data(x, dots)
            artists[f"{name} line"].set_data(x, line)
        return describe(mode, found)

    return Explorable(
        setup,
        update,
        title="which way?",
        figsize=(9.6, 3.6),
        mode=Choice(MODES, label="divide by"),
        activation=Choice(list(PASSES)),
        taper=Slider(list(TAPERS), label="last width / first width", format=lambda t: TAPERS[t]),
        depth=Slider(DEPTHS, label="layers"),
        start={"mode": "fan-in", "activation": "ReLU", "taper": 1 / 16, "depth": 4} | start,
        play=("taper",),
        presets={
            "fan-in, tapering": {"mode": "fan-in", "taper": 1 / 16, "depth": 4},
            "fan-out, tapering": {"mode": "fan-out", "taper": 1 / 16, "depth": 4},
            "average, tapering": {"mode": "average", "taper": 1 / 16, "depth": 4},
            "fan-in, widening": {"mode": "fan-in", "taper": 16.0, "depth": 4},
            "all as wide": {"mode": "fan-in", "taper": 1.0, "depth": 4},
            "twice the layers": {"mode": "fan-in", "taper": 1 / 16, "depth": 8},
        },
        alt="Left the width of each layer; in the middle what a layer multiplies by; right the whole way",
    )


def describe(mode, found):
    """What is kept, and what happens to the other direction from end to end."""
    first, last = found.sizes[0], found.sizes[-1]
    forward, backward = {
        "fan-in": ("kept", f"multiplied by last width / first width = {last}/{first}"),
        "fan-out": (f"multiplied by first width / last width = {first}/{last}", "kept"),
        "average": ("not kept, a compromise", "not kept, a compromise"),
    }[mode]
    if first == last:
        forward = backward = "kept, because all layers are as wide"
    return (
        f"widths {' '.join(map(str, found.sizes))}; mean square from end to end, {DRAWS} networks:\n"
        f"forward:  {forward}; predicted {found.predicted_forward[-1]:.3g}, measured {found.forward[-1]:.2g}\n"
        f"backward: {backward}; predicted {found.predicted_backward[0]:.3g}, measured {found.backward[0]:.2g}"
    )


def setup(fig):
    left, middle, right = fig.subplots(1, 3, width_ratios=[0.8, 1, 1.1])
    deepest = DEPTHS[-1]
    left.set(
        xlim=(-0.4, deepest + 0.4), ylim=(12, 340), yscale="log", xlabel="layer (0: input)", title="units"
    )
    middle.set(xlim=(0.5, deepest + 0.5), ylim=(0.1, 10), yscale="log", xlabel="layer")
    middle.set_title("mean square: one layer")
    right.set(xlim=(-0.4, deepest + 0.4), ylim=(1e-2, 1e2), yscale="log", xlabel="layer (0: input)")
    right.set_title("mean square: the whole way")
    left.set_yticks([16, 32, 64, 128, 256], labels=["16", "32", "64", "128", "256"])
    left.set_yticks([], minor=True)
    for ax in (middle, right):
        ax.axhline(1, color="#777777", linewidth=1)
    artists = {"widths": left.plot([], [], color=style.TARGET, marker="s")[0]}
    looks = {
        "forward": {"color": style.ACTIVATION, "marker": "o", "markersize": 6},
        "backward": {"color": style.GRADIENT, "marker": "s", "markersize": 9, "markerfacecolor": "none"},
    }
    for ax, what in ((middle, " factor"), (right, "")):
        for name, look in looks.items():
            line = ax.plot([], [], color=look["color"], linewidth=1.5)[0]
            dots = ax.plot([], [], linestyle="", **look)[0]
            artists |= {f"{name}{what} line": line, f"{name}{what} dots": dots}
    marks = [artists[f"{name} dots"] for name in looks]
    labels = [f"{name} (marks measured, line predicted)" for name in looks]
    fig.legend(marks, labels, loc="outside lower center", ncols=2)
    return artists
