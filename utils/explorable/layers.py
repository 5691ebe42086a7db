"""What the whole course shares: activations and gradients of every layer side by side, and those of one layer."""

import numpy as np

from utils import style
from utils.train import QUANTILES


class Bands:
    """Quantiles per layer as two shaded bands, 5 to 95 % and 25 to 75 %, and a line.

    ax: where to draw; layers: the most there will be; colour; log: a logarithmic axis, on which
    values are clipped to `limits`.
    """

    def __init__(self, ax, layers, colour, limits, *, log=False):
        self.limits, self.log = limits, log
        ax.set(xlim=(0.5, layers + 0.5), ylim=limits, xlabel="layer", yscale="log" if log else "linear")
        ax.set_xticks(range(1, layers + 1, 1 if layers <= 12 else 5))
        empty = np.zeros((0, 2))
        self.outer, self.inner = (
            ax.fill(*empty.T, color=colour, alpha=alpha, linewidth=0)[0] for alpha in (0.2, 0.35)
        )
        (self.middle,) = ax.plot([], [], color=colour, marker="o", markersize=4)

    @property
    def artists(self):
        return [self.outer, self.inner, self.middle]

    def show(self, quantiles, line=None):
        """quantiles: (layers, 5); line: (layers,), the median where omitted."""
        x = np.arange(1.0, len(quantiles) + 1)
        q = np.clip(quantiles, *self.limits) if self.log else np.asarray(quantiles)
        if len(x) == 1:  # a single layer is given some width, or its bands would be invisible
            x, q = np.array([0.8, 1.2]), np.repeat(q, 2, axis=0)
            line = None if line is None else np.repeat(line, 2)
        for polygon, low, high in ((self.outer, 0, 4), (self.inner, 1, 3)):
            polygon.set_xy(np.concatenate([np.stack([x, q[:, low]], 1), np.stack([x, q[:, high]], 1)[::-1]]))
        line = q[:, 2] if line is None else np.clip(line, *self.limits) if self.log else line
        self.middle.set_data(x, line)


class LayerPlot:
    """Activations in blue and absolute gradients in vermilion, layer by layer, on two axes."""

    def __init__(self, left, right, layers, *, activation_limits, gradient_limits=(1e-14, 1e2), log=False):
        self.activations = Bands(left, layers, style.ACTIVATION, activation_limits, log=log)
        self.gradients = Bands(right, layers, style.GRADIENT, gradient_limits, log=True)
        left.set_title("|activations|" if log else "activations", color=style.ACTIVATION)
        right.set_title("|gradients|", color=style.GRADIENT)

    @property
    def artists(self):
        return [*self.activations.artists, *self.gradients.artists]

    def show(self, activation_quantiles, gradient_quantiles, activation_line=None, gradient_line=None):
        """Quantiles: (layers, 5), as utils.train takes them, those of gradients absolute; lines: (layers,)."""
        self.activations.show(activation_quantiles, activation_line)
        self.gradients.show(gradient_quantiles, gradient_line)


class Histogram:
    """A stairs artist whose edges stay and whose heights move."""

    def __init__(self, ax, edges, colour):
        self.edges = edges
        self.artist = ax.stairs(np.zeros(len(edges) - 1), edges, fill=True, color=colour)

    def set_data(self, heights, edges):
        self.artist.set_data(np.minimum(heights, 0.25), edges)


def show_histograms(lines, activations, gradients):
    """Shares per bin; gradients on a log axis by their magnitude."""
    blue, vermilion = lines
    shares = lambda values, edges: np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / len(values)
    blue.set_data(shares(activations, blue.edges), blue.edges)
    log = np.log10(np.maximum(np.abs(gradients), 1e-300))
    vermilion.set_data(shares(log, vermilion.edges), vermilion.edges)


def root_mean_squares(layers):
    """layers: an array for each layer, of any shape -> (layers,)."""
    return np.array([np.sqrt((values**2).mean()) for values in layers])


def quantiles(layers):
    """Of the absolute values.  layers: an array for each layer, of any shape -> (layers, 5)."""
    return np.array([np.quantile(np.abs(values), QUANTILES) for values in layers])


def difference(activations):
    """Standard deviation of an activation over the examples, averaged over the units of a layer."""
    return float(activations.std(0).mean())


def verdict(ratio):
    """What became of a size on its way through the layers, in a word.  ratio: after, divided by before."""
    if ratio < 1e-3 or ratio > 1e3:
        return "vanishes" if ratio < 1 else "explodes"
    return "shrinks" if ratio < 1 / 3 else "grows" if ratio > 3 else "survives"
