"""An activation function, its slope, and what they do to a cloud of inputs and of gradients."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from utils import style
from utils.crosscheck.protocol import operation
from utils.explorable.engine import Choice, Explorable, Slider
from utils.nn import activations as act

FUNCTIONS = {
    "sigmoid": act.sigmoid,
    "tanh": act.tanh,
    "softsign": act.softsign,
    "hard sigmoid": act.hard_sigmoid,
    "ReLU": act.relu,
    "ReLU6": partial(act.relu, max_value=6),
    "leaky ReLU": partial(act.leaky_relu, negative_slope=0.1),
    "ELU": act.elu,
    "SELU": act.selu,
    "softplus": act.softplus,
    "SiLU": act.silu,
    "GELU": act.gelu,
}
GRID = np.linspace(-6, 6, 241)
BINS = np.linspace(-6, 6, 61)
SMALL_SLOPE = 0.05  # a unit whose slope is smaller is called saturated
NORMAL = np.random.default_rng(0).normal(size=4000)
UPSTREAM = np.random.default_rng(1).normal(size=4000)


@dataclass
class Passage:
    """Inputs and what came out, upstream gradients and what arrived, each (4000,); slope: (4000,)."""

    inputs: np.ndarray
    outputs: np.ndarray
    arrived: np.ndarray
    slope: np.ndarray

    @property
    def saturated(self):
        """Share of inputs where the slope is small but not zero."""
        return float(((np.abs(self.slope) < SMALL_SLOPE) & (self.slope != 0)).mean())

    @property
    def dead(self):
        """Share of inputs where the slope is zero."""
        return float((self.slope == 0).mean())


def passage(activation, mean, spread):
    """Send normal inputs of that mean and standard deviation forward, and normal gradients back."""
    inputs = mean + spread * NORMAL
    outputs, pullback = activation(inputs)
    return Passage(inputs, outputs, pullback(UPSTREAM), pullback(np.ones_like(inputs)))


def passing(activations=FUNCTIONS, **start):
    """Function, mean and spread of the inputs -> distributions of outputs and of the gradients that arrive.

    activations: {name: x -> (value, pullback)}, the reader's own among them; start: where it begins, any of
    function, mean, spread.
    """
    start = {"function": next(iter(activations)), "mean": 0.0, "spread": 1.0} | start
    activations = {name: operation(function, ["x"], name) for name, function in activations.items()}

    def update(artists, function, mean, spread):
        found = passage(activations[function], mean, spread)
        value, pullback = activations[function](GRID)
        artists["value"].set_ydata(value)
        artists["slope"].set_ydata(pullback(np.ones_like(GRID)))
        for name, numbers in (
            ("inputs", found.inputs),
            ("outputs", found.outputs),
            ("arrived", found.arrived),
        ):
            shares = np.histogram(np.clip(numbers, BINS[0], BINS[-1]), BINS)[0] / len(numbers)
            artists[name].set_data(np.minimum(shares, 0.3), BINS)
        return (
            f"inputs    mean {found.inputs.mean():+.2f}, spread {found.inputs.std():.2f}   ->   "
            f"outputs mean {found.outputs.mean():+.2f}, spread {found.outputs.std():.2f}\n"
            f"gradients spread {UPSTREAM.std():.2f} above   ->   spread {found.arrived.std():.2f} below\n"
            f"slope below {SMALL_SLOPE}: {found.saturated:.0%} of the inputs; slope exactly 0: {found.dead:.0%}"
        )

    return Explorable(
        setup,
        update,
        title="through an activation function",
        figsize=(9.6, 3.6),
        function=Choice(list(activations)),
        mean=Slider([m / 2 for m in range(-8, 9)], label="mean of the inputs", format="{:+.1f}"),
        spread=Slider([0.1, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0], label="their spread", format="{:.1f}"),
        start=start,
        presets={
            "as it should be": {"mean": 0.0, "spread": 1.0},
            "too spread": {"mean": 0.0, "spread": 4.0},
            "shifted": {"mean": -3.0, "spread": 1.0},
        },
        alt="An activation function and its slope; histograms of inputs and outputs, and of arriving gradients",
    )


def setup(fig):
    left, middle, right = fig.subplots(1, 3, width_ratios=[1.1, 1, 1])
    left.set(xlim=(-6, 6), ylim=(-2.2, 4.2), xlabel="input z", title="function and slope")
    middle.set(xlim=(-6, 6), ylim=(0, 0.3), yticks=[], xlabel="value", title="inputs and outputs")
    right.set(xlim=(-6, 6), ylim=(0, 0.3), yticks=[], xlabel="gradient", title="gradients, above and below")
    above = np.histogram(UPSTREAM, BINS)[0] / len(UPSTREAM)
    right.stairs(above, BINS, color="#777777", linewidth=1.5, label="from above")
    empty = np.zeros(len(BINS) - 1)
    artists = {
        "value": left.plot(GRID, 0 * GRID, color=style.ACTIVATION, label="value")[0],
        "slope": left.plot(GRID, 0 * GRID, color=style.GRADIENT, label="slope")[0],
        "inputs": middle.stairs(empty, BINS, color="#777777", linewidth=1.5, label="inputs"),
        "outputs": middle.stairs(empty, BINS, fill=True, color=style.ACTIVATION, alpha=0.65, label="outputs"),
        "arrived": right.stairs(empty, BINS, fill=True, color=style.GRADIENT, alpha=0.65, label="arriving"),
    }
    for ax in (left, middle, right):
        ax.legend(loc="upper left", fontsize=10)
    return artists
