"""Vanishing and exploding: depth, activation and weight scale -> what is left of a signal in every layer."""

from dataclasses import dataclass

import numpy as np

from utils import style
from utils.explorable.engine import Choice, Explorable, Slider
from utils.explorable.layers import Histogram, LayerPlot, quantiles, show_histograms, verdict
from utils.explorable.layers import difference as between_examples
from utils.explorable.layers import root_mean_squares as root_mean_square
from utils.nn.activations import identity, relu, sigmoid, tanh
from utils.nn.chain import Tap, chain
from utils.nn.linear import linear

ACTIVATIONS = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu, "none": identity}
WIDTH, BATCH, DEEPEST = 64, 64, 30
LIMITS = (1e-16, 1e8)
# a point to pick for every layer, in the middle of the axes
COLUMNS = np.stack([np.arange(1, DEEPEST + 1), np.full(DEEPEST, 1e-4)], axis=1)
GAINS = [0.25, 0.5, 0.7, 0.9, 1.0, 1.1, 1.2, 1.4142, 1.7, 2.0, 2.5, 3.0, 4.0]


@dataclass
class Signal:
    """Activations, gradients, and slopes of the activation function, in every layer, each (layers, BATCH * width)."""

    activations: np.ndarray
    gradients: np.ndarray
    slopes: np.ndarray


def signal(depth, activation, gain, *, seed=0, width=WIDTH):
    """Send a batch of standard normal numbers through a random network, and a gradient back.

    depth: layers; activation: a name in ACTIVATIONS; gain: weights have standard deviation
    gain / sqrt(width).  The gradient that enters at the top is standard normal too.
    """
    rng, slopes = np.random.default_rng(seed), []

    def watched(x):
        y, pullback = ACTIVATIONS[activation](x)
        slopes.append(pullback(np.ones_like(x)).ravel())
        return y, pullback

    taps = [Tap() for _ in range(depth)]
    network = chain(*[layer for tap in taps for layer in (linear, watched, tap)])
    scale = gain / np.sqrt(width)
    params = [p for _ in taps for p in ({"weight": rng.normal(scale=scale, size=(width, width))}, None, None)]
    output, back = network(params, rng.normal(size=(BATCH, width)))
    back(rng.normal(size=output.shape))
    return Signal(
        np.stack([t.value.ravel() for t in taps]),
        np.stack([t.gradient.ravel() for t in taps]),
        np.stack(slopes),
    )


def depth():
    """Layers, activation and gain -> activations and gradients per layer, and the picked layer's distributions."""

    def update(artists, layers, activation, gain, layer):
        found = signal(layers, activation, gain)
        sizes = root_mean_square(found.gradients)
        artists["plot"].show(
            quantiles(found.activations),
            quantiles(found.gradients),
            root_mean_square(found.activations),
            sizes,
        )
        at = min(layer, layers)
        a, g = found.activations[at - 1], found.gradients[at - 1]
        for line in artists["here"]:
            line.set_xdata([at, at])
        show_histograms(artists["histograms"], a, g)
        top, bottom = sizes[[-1, 0]]
        ratio = (bottom / top) ** (1 / max(1, layers - 1)) if top and bottom else 0.0
        return (
            f"root mean square of the gradient: last layer {top:.2e}, first layer {bottom:.2e}: it {verdict(bottom / top)}\n"
            f"per layer on the way back it is multiplied by {ratio:.3f}\n"
            f"layer {at}: activations {np.sqrt((a**2).mean()):.2e}, gradients {np.sqrt((g**2).mean()):.2e}\n"
            f"between examples an activation differs by {difference(found, 1):.1e} in layer 1, "
            f"by {difference(found, layers):.1e} in layer {layers}"
        )

    return Explorable(
        setup,
        update,
        title="vanishing and exploding",
        figsize=(9.6, 3.8),
        layers=range(2, DEEPEST + 1),
        activation=Choice(list(ACTIVATIONS)),
        gain=Slider(GAINS, format="{:.2f}"),
        layer=Slider(range(1, DEEPEST + 1), label="layer picked"),
        start={"layers": 20, "activation": "sigmoid", "gain": 1.0, "layer": 1},
        play=("layers",),
        pick=[{"axes": axes, "nearest": "layer", "points": COLUMNS} for axes in (0, 1)],
        presets={
            "sigmoid": {},
            "tanh": {"activation": "tanh"},
            "tanh, four times the weights": {"activation": "tanh", "gain": 4.0},
            "relu": {"activation": "relu", "gain": 1.4142},
            "relu, half the weights": {"activation": "relu", "gain": 0.7},
            "no activation": {"activation": "none"},
            "no activation, 1.2": {"activation": "none", "gain": 1.2},
        },
        alt="Activations and gradients of every layer as bands, and histograms of one layer",
    )


def difference(found, layer):
    """How far the examples differ in a layer, 1 the first: see utils.explorable.layers."""
    return between_examples(found.activations[layer - 1].reshape(BATCH, WIDTH))


def setup(fig):
    grid = fig.add_gridspec(2, 3, width_ratios=[1.2, 1.2, 1])
    left, middle = fig.add_subplot(grid[:, 0]), fig.add_subplot(grid[:, 1])
    top, bottom = fig.add_subplot(grid[0, 2]), fig.add_subplot(grid[1, 2])
    plot = LayerPlot(left, middle, DEEPEST, activation_limits=LIMITS, gradient_limits=LIMITS, log=True)
    here = [ax.axvline(1, color="#444444", linewidth=1) for ax in (left, middle)]
    top.set(xlim=(-1.5, 1.5), ylim=(0, 0.25), title="the picked layer", xlabel="activation", yticks=[])
    bottom.set(xlim=(-16, 8), ylim=(0, 0.25), xlabel="log10 of |gradient|", yticks=[])
    histograms = [
        Histogram(top, np.linspace(-1.5, 1.5, 61), style.ACTIVATION),
        Histogram(bottom, np.linspace(-16, 8, 49), style.GRADIENT),
    ]
    moving = [*plot.artists, *here, *(h.artist for h in histograms)]
    return {"moving": moving, "plot": plot, "here": here, "histograms": histograms}
