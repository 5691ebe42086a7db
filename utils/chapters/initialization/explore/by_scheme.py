"""What is left of a signal and of a gradient in every layer, for each scheme that fills the weights."""

from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from utils import style
from utils.crosscheck.protocol import array_maker
from utils.explorable.engine import Choice, Explorable, Slider
from utils.explorable.layers import (
    Histogram,
    LayerPlot,
    difference,
    quantiles,
    root_mean_squares,
    show_histograms,
    verdict,
)
from utils.nn import initialization as init
from utils.nn.activations import identity, leaky_relu, relu, sigmoid, tanh
from utils.nn.chain import Tap, chain
from utils.nn.linear import linear

SCHEMES = {
    "normal 0.01": partial(init.normal, std=0.01),
    "normal 0.2": partial(init.normal, std=0.2),
    "uniform 0.07": partial(init.uniform, a=-0.07, b=0.07),
    "LeCun": init.lecun_normal,
    "Xavier": init.xavier_normal,
    "He, fan-in": init.kaiming_normal,
    "He, fan-out": partial(init.kaiming_normal, mode="fan_out"),
    "orthogonal": init.orthogonal,
}
ACTIVATIONS = {
    "linear": identity,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "ReLU": relu,
    "leaky ReLU (0.1)": partial(leaky_relu, negative_slope=0.1),
}
WIDTHS = [25, 50, 100, 200]
DEPTHS = [2, 5, 10, 15, 20, 25, 30]
TAPERS = {1 / 16: "1/16", 1 / 8: "1/8", 1 / 4: "1/4", 1 / 2: "1/2", 1.0: "1"}
BATCH, DEEPEST = 32, DEPTHS[-1]
LIMITS = (1e-16, 1e8)
EDGES = np.linspace(-3, 3, 61), np.linspace(-16, 8, 49)
# a point to pick for every layer, in the middle of the axes
COLUMNS = np.stack([np.arange(1, DEEPEST + 1), np.full(DEEPEST, 1e-4)], axis=1)


@dataclass
class Signals:
    """What the taps saw, first layer first: activations and gradients, each (BATCH, width of the layer).

    shapes: (out, in) of each layer's weights; variances: of the weights that the scheme made, (layers,).
    """

    activations: list
    gradients: list
    shapes: list
    variances: np.ndarray

    @property
    def forward(self):
        """Root mean square of the activations of each layer: (layers,)."""
        return root_mean_squares(self.activations)

    @property
    def backward(self):
        """Root mean square of the gradients of each layer: (layers,)."""
        return root_mean_squares(self.gradients)


def widths(first, last, layers):
    """Numbers of units from the inputs to the last layer, each the same share of the one before, rounded."""
    return np.rint(np.geomspace(first, last, layers + 1)).astype(int)


def signals(scheme, activation, width, depth, taper, seed=0):
    """Send a batch of standard normal numbers through a network, and a standard normal gradient back.

    scheme: (shape, rng) -> weight; activation: x -> (value, pullback), after every layer; width: units of the
    input; depth: layers; taper: units of the last layer divided by units of the input.  No biases.  This is one
    network: where layers are narrow another seed gives rather different sizes.
    """
    rng = np.random.default_rng(seed)
    sizes = widths(width, width * taper, depth)
    taps = [Tap() for _ in range(depth)]
    network = chain(*[layer for tap in taps for layer in (linear, activation, tap)])
    weights = [scheme((fan_out, fan_in), rng) for fan_in, fan_out in zip(sizes, sizes[1:])]
    params = [p for weight in weights for p in ({"weight": weight}, None, None)]
    output, back = network(params, rng.normal(size=(BATCH, width)))
    back(rng.normal(size=output.shape))
    return Signals(
        [tap.value for tap in taps],
        [tap.gradient for tap in taps],
        [weight.shape for weight in weights],
        np.array([weight.var() for weight in weights]),
    )


def per_layer(sizes):
    """The factor that, applied for every layer, leads from the first number to the last; 0 if one is 0."""
    first, last = sizes[0], sizes[-1]
    return float((last / first) ** (1 / (len(sizes) - 1))) if first and last else 0.0


def signal_by_scheme(schemes=SCHEMES, **start):
    """Scheme, activation, width, depth and taper -> activations and gradients per layer, and those of one layer.

    schemes: {name: (shape, rng) -> weight}, the reader's own among them; start: where it begins, any of
    the controls.
    """
    schemes = {name: array_maker(scheme, name) for name, scheme in schemes.items()}
    cached = lru_cache(16)(signals)

    def update(artists, scheme, activation, width, depth, taper, layer):
        found = cached(schemes[scheme], ACTIVATIONS[activation], width, depth, taper)
        forward, backward = found.forward, found.backward
        artists["plot"].show(*map(bands, (found.activations, found.gradients)), forward, backward)
        for marks, sizes in zip(artists["marks"], (forward, backward)):
            marks.show(sizes)
        at = min(layer, depth)
        (units, inputs), variance = found.shapes[at - 1], found.variances[at - 1]
        for line in artists["here"]:
            line.set_xdata([at, at])
        show_histograms(
            artists["histograms"], found.activations[at - 1].ravel(), found.gradients[at - 1].ravel()
        )
        return (
            f"forward:  x {per_layer(forward):.3g} per layer; root mean square in layer 1 {forward[0]:.1e}, "
            f"in layer {depth} {forward[-1]:.1e}: the signal {fate(forward[-1], forward[0])}\n"
            f"backward: x {per_layer(backward[::-1]):.3g} per layer; in layer {depth} {backward[-1]:.1e}, "
            f"in layer 1 {backward[0]:.1e}: the gradient {fate(backward[0], backward[-1])}\n"
            f"layer {at}: {inputs} inputs, {units} units; variance of the weights {variance:.2g}; "
            f"times inputs {inputs * variance:.2g}, times units {units * variance:.2g}"
            f"{zeros(found.activations[at - 1])}\n"
            f"between examples an activation differs by {difference(found.activations[0]):.1e} in layer 1, "
            f"by {difference(found.activations[-1]):.1e} in layer {depth}"
        )

    return Explorable(
        setup,
        update,
        title="a signal under each scheme",
        figsize=(9.6, 3.8),
        scheme=Choice(list(schemes)),
        activation=Choice(list(ACTIVATIONS)),
        width=Slider(WIDTHS, label="units of the input"),
        depth=Slider(DEPTHS, label="layers"),
        taper=Slider(list(TAPERS), label="last width / first width", format=lambda t: TAPERS[t]),
        layer=Slider(range(1, DEEPEST + 1), label="layer picked"),
        **opening(schemes, start),
        pick=[{"axes": axes, "nearest": "layer", "points": COLUMNS} for axes in (0, 1)],
        alt="Activations and gradients of every layer as bands, and histograms of one layer",
    )


def opening(schemes, given):
    """The start, changed by what is given, and the presets whose schemes are there."""
    named = {
        "dies": ("normal 0.01", "tanh", {}),
        "fades": ("uniform 0.07", "tanh", {}),
        "explodes": ("normal 0.2", "linear", {}),
        "saturates": ("normal 0.2", "tanh", {}),
        "LeCun with tanh": ("LeCun", "tanh", {}),
        "Xavier with ReLU": ("Xavier", "ReLU", {"depth": 30}),
        "He with ReLU": ("He, fan-in", "ReLU", {"depth": 30}),
        "orthogonal, linear": ("orthogonal", "linear", {}),
        "tapering": ("LeCun", "linear", {"width": 200, "depth": 10, "taper": 1 / 16}),
    }
    sizes = {"width": 100, "depth": 20, "taper": 1.0}
    start = {"scheme": next(iter(schemes)), "activation": "tanh", **sizes} | given
    presets = {
        name: {"scheme": scheme, "activation": activation, **sizes, **others}
        for name, (scheme, activation, others) in named.items()
        if scheme in schemes
    }
    return {"start": start, "presets": presets}


def bands(layers):
    """Quantiles of what is not exactly 0, which has no place on a logarithmic axis: (layers, 5); 0 where all is 0."""
    kept = [values[values != 0] for values in layers]
    return quantiles([values if len(values) else np.zeros(1) for values in kept])


def zeros(values):
    """How many of them are exactly 0, in words; empty where none is."""
    share = (values == 0).mean()
    return f"; {share:.0%} of its activations are exactly 0" if share else ""


def fate(after, before):
    """In a word, what became of a size on its way."""
    return verdict(after / before) if before else "is zero"


class OffAxis:
    """Triangles at the edge of a logarithmic axis, for the layers whose point lies beyond it."""

    def __init__(self, ax, limits, colour):
        self.limits = limits
        look = {
            "linestyle": "",
            "color": colour,
            "markersize": 8,
            "markeredgecolor": "black",
            "clip_on": False,
        }
        self.artists = [ax.plot([], [], marker=marker, **look)[0] for marker in "v^"]
        for artist in self.artists:
            artist.set_in_layout(False)  # without a point it has no place on a log axis

    def show(self, sizes):
        """sizes: (layers,), the first layer is number 1."""
        low, high = self.limits
        for artist, beyond, edge in zip(self.artists, (sizes < low, sizes > high), self.limits):
            where = np.flatnonzero(beyond)
            artist.set_data(where + 1.0, np.full(len(where), edge))


def setup(fig):
    grid = fig.add_gridspec(2, 3, width_ratios=[1.2, 1.2, 1])
    left, middle = fig.add_subplot(grid[:, 0]), fig.add_subplot(grid[:, 1])
    top, bottom = fig.add_subplot(grid[0, 2]), fig.add_subplot(grid[1, 2])
    plot = LayerPlot(left, middle, DEEPEST, activation_limits=LIMITS, gradient_limits=LIMITS, log=True)
    colours = style.ACTIVATION, style.GRADIENT
    marks = [OffAxis(ax, LIMITS, colour) for ax, colour in zip((left, middle), colours)]
    here = [ax.axvline(1, color="#444444", linewidth=1) for ax in (left, middle)]
    top.set(xlim=EDGES[0][[0, -1]], ylim=(0, 0.25), title="the picked layer", xlabel="activation", yticks=[])
    bottom.set(xlim=EDGES[1][[0, -1]], ylim=(0, 0.25), xlabel="log10 of |gradient|", yticks=[])
    histograms = [Histogram(ax, edges, c) for ax, edges, c in zip((top, bottom), EDGES, colours)]
    moving = [
        *plot.artists,
        *here,
        *(artist for mark in marks for artist in mark.artists),
        *(histogram.artist for histogram in histograms),
    ]
    return {"moving": moving, "plot": plot, "marks": marks, "here": here, "histograms": histograms}
