"""Weights multiplied by a factor: with batch norm the outputs stay, and the gradient shrinks in proportion."""

from dataclasses import dataclass

import numpy as np

from utils import style
from utils.crosscheck.protocol import operation
from utils.explorable.engine import Choice, Explorable, Slider, Switch
from utils.nn.linear import linear
from utils.nn.normalization import batch_norm as our_batch_norm

BATCH, FEATURES, UNITS = 16, 8, 4
FACTORS = [float(f"{10 ** (k / 4):.3g}") for k in range(-12, 9)]
RATE = 0.1  # of the step that is compared with the weights
LIMIT = 3.0
EPSILONS = [0.0, 1e-5, 1e-3]


def made_up_layer():
    """Inputs (BATCH, FEATURES), weights (UNITS, FEATURES), a gradient from above (BATCH, UNITS), divided by BATCH."""
    rng = np.random.default_rng(3)
    weight = rng.normal(scale=1 / np.sqrt(FEATURES), size=(UNITS, FEATURES))
    return rng.normal(size=(BATCH, FEATURES)), weight, rng.normal(size=(BATCH, UNITS)) / BATCH


INPUTS, WEIGHT, UPSTREAM = made_up_layer()


@dataclass
class Scaled:
    """Outputs (BATCH, UNITS), weights and their gradient (UNITS, FEATURES) of the layer with scaled weights."""

    outputs: np.ndarray
    weight: np.ndarray
    gradient: np.ndarray

    @property
    def gradient_norm(self):
        return float(np.linalg.norm(self.gradient))

    @property
    def relative_step(self):
        """Length of one step of gradient descent, beside the length of the weights."""
        return float(RATE * self.gradient_norm / np.linalg.norm(self.weight))

    @property
    def cosine(self):
        """Between a unit's weights and their gradient, the largest over the units: 0 is a right angle."""
        lengths = np.linalg.norm(self.gradient, axis=1) * np.linalg.norm(self.weight, axis=1)
        products = (self.gradient * self.weight).sum(1)
        return float(np.abs(products / np.where(lengths > 0, lengths, 1)).max())  # no gradient: no angle, 0


def scaled(factor, eps=1e-5, batch_norm=our_batch_norm):
    """The layer with its weights multiplied by `factor`, and batch norm after it.

    batch_norm: (x, weight, bias, *, eps) -> (value, pullback), or None for the bare layer.
    """
    weight = factor * WEIGHT
    z, back_linear = linear(INPUTS, weight)
    if batch_norm is None:
        return Scaled(z, weight, back_linear(UPSTREAM)[1])
    y, back_norm = batch_norm(z, np.ones(UNITS), np.zeros(UNITS), eps=eps)
    return Scaled(y, weight, back_linear(back_norm(UPSTREAM)[0])[1])


def change(found, before):
    """How far the outputs moved, beside their size before: root mean squares."""
    return float(np.sqrt(((found.outputs - before.outputs) ** 2).mean() / (before.outputs**2).mean()))


def scale(batch_norm=our_batch_norm):
    """Factor on the weights, with or without batch norm -> outputs, gradient of the weights, relative step.

    batch_norm: the reader's own, (x, weight, bias, *, eps) -> (value, pullback).
    """

    batch_norm = operation(batch_norm, ["x", "weight", "bias"], "batch_norm")

    def layer(factor, norm, eps):
        return scaled(factor, eps, batch_norm if norm == "batch norm" else None)

    def update(artists, factor, negative, norm, eps):
        signed = -factor if negative else factor
        found, before = layer(signed, norm, eps), layer(1.0, norm, eps)
        show(artists, factor, found, before, [layer(-f if negative else f, norm, eps) for f in FACTORS])
        return f"weights times {signed:g}, {norm}: {in_words(factor, found, before)}"

    return Explorable(
        setup,
        update,
        title="the scale of the weights",
        figsize=(9.6, 3.6),
        factor=Slider(FACTORS, label="weights times", format="{:g}"),
        negative=Switch(False, label="and change their sign"),
        norm=Choice(["batch norm", "no batch norm"], label="after the layer"),
        eps=Choice(EPSILONS, label="eps", format="{:g}"),
        start={"factor": 1.0, "eps": 1e-5},
        play=("factor",),
        presets={
            "as drawn": {},
            "ten times": {"factor": 10.0},
            "ten times, no batch norm": {"factor": 10.0, "norm": "no batch norm"},
            "the other sign": {"negative": True},
            "too small for eps": {"factor": 0.001},
            "as small, eps 0": {"factor": 0.001, "eps": 0.0},
        },
        alt="Left the outputs of one unit for sixteen examples, before and after scaling; middle the gradient "
        "of the weights and right the relative step, both against the factor, on log scales",
    )


def in_words(factor, found, before):
    """Outputs, gradient and step at a factor (without its sign), beside those at factor 1."""
    return (
        f"outputs change by {change(found, before):.1%}\n"
        f"gradient of the weights {found.gradient_norm:.3g}, times {factor:g}: {factor * found.gradient_norm:.3g}"
        f"   (at factor 1: {before.gradient_norm:.3g})\n"
        f"a step of rate {RATE:g} moves the weights by {found.relative_step:.2g} times their length, "
        f"times {factor:g} squared: {factor**2 * found.relative_step:.3g}\n"
        f"largest cosine between weights and gradient {found.cosine:.2f}"
    )


def show(artists, factor, found, before, curves):
    """Move the artists.  curves: the layer at each of FACTORS."""
    artists["before"].set_data(np.clip(before.outputs[:, 0], -LIMIT, LIMIT))
    artists["after"].set_data(np.clip(found.outputs[:, 0], -LIMIT, LIMIT))
    artists["gradient"].set_ydata([c.gradient_norm for c in curves])
    artists["step"].set_ydata([c.relative_step for c in curves])
    artists["gradient here"].set_data([factor], [found.gradient_norm])
    artists["step here"].set_data([factor], [found.relative_step])


def setup(fig):
    left, middle, right = fig.subplots(1, 3, width_ratios=[1.25, 1, 1])
    edges, empty = np.arange(BATCH + 1) + 0.5, np.zeros(BATCH)
    left.set(xlim=(0.5, BATCH + 0.5), ylim=(-LIMIT, LIMIT), xticks=[1, 4, 8, 12, 16], xlabel="example")
    left.set_title("outputs of one unit; outline: factor 1", fontsize=11)
    left.axhline(0, color="#777777", linewidth=1)
    artists = {
        "after": left.stairs(empty, edges, fill=True, color=style.ACTIVATION, alpha=0.75),
        "before": left.stairs(empty, edges, color="black", linewidth=1.5),
    }
    for ax, name, colour, limits in (
        (middle, "gradient", style.GRADIENT, (1e-3, 1e4)),
        (right, "step", style.PARAMETER, (1e-7, 1e6)),
    ):
        ax.set(xscale="log", yscale="log", xlim=(7e-4, 1.4e2), ylim=limits, xlabel="factor")
        ax.minorticks_off()
        ax.axvline(1, color="#BBBBBB", linewidth=1)
        (artists[name],) = ax.plot(FACTORS, np.ones(len(FACTORS)), color=colour)
        (artists[f"{name} here"],) = ax.plot(
            [1], [1], "o", color=colour, markeredgecolor="black", markersize=9
        )
    middle.set_title("|gradient of the weights|", fontsize=11)
    right.set_title("|step| / |weights|", fontsize=11)
    return artists
