"""Vanishing and exploding: a signal runs through a random network and a gradient comes back, layer by layer."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from utils.explorable import Choice, Explorable, Layers, Slider
from utils.explorable.columns import axis, exponents, filled, in_powers, shades
from utils.explorable.layers import difference as between_examples
from utils.explorable.layers import root_mean_squares as root_mean_square
from utils.explorable.layers import verdict
from utils.nn.activations import identity, relu, sigmoid, tanh
from utils.nn.chain import Tap, chain
from utils.nn.linear import linear

ACTIVATIONS = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu, "none": identity}
WIDTH, BATCH, DEEPEST, UNITS = 64, 64, 30, 12
GAINS = [0.25, 0.5, 0.7, 0.9, 1.0, 1.1, 1.2, 1.4142, 1.7, 2.0, 2.5, 3.0, 4.0]
WAY = 20  # steps forward, and as many back


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


def difference(found, layer):
    """How far the examples differ in a layer, 1 the first: see utils.explorable.layers."""
    return between_examples(found.activations[layer - 1].reshape(BATCH, WIDTH))


def measured(signal):
    """Sizes per layer, (3, layers): of the activations, of the gradients, and how far examples differ."""
    apart = [difference(signal, layer) for layer in range(1, len(signal.activations) + 1)]
    return np.stack([root_mean_square(signal.activations), root_mean_square(signal.gradients), apart])


@lru_cache(maxsize=64)
def drawn(layers, activation, gain):
    """What the marks draw of a network when everything is known, and its sizes, (3, layers)."""
    found = signal(layers, activation, gain)
    sizes = measured(found)
    limits = axis(exponents(sizes))
    some = lambda numbers: filled(shades(numbers[:, :UNITS], limits), DEEPEST)
    arrays = {"values": some(found.activations), "gradients": some(found.gradients), "limits": limits}
    return arrays | {"sizes": filled(exponents(sizes).T, DEEPEST).T}, sizes


def reached(layers, pulse):
    """What is known of every layer after `pulse` steps, (DEEPEST,): see Layers."""
    ahead = round(layers * min(pulse, WAY) / WAY)
    behind = layers - round(layers * max(0, pulse - WAY) / WAY)
    at = np.arange(DEEPEST)
    return np.where(at >= layers, -1.0, 1.0 * (at < ahead) + (at >= behind))


def compute(layers, activation, gain, pulse):
    arrays, sizes = drawn(layers, activation, gain)
    shown = reached(layers, pulse)
    return arrays | {"shown": shown, "readout": tell(sizes, shown)}


def tell(sizes, shown):
    """What has happened so far.  sizes: (3, layers); shown: see Layers."""
    values, gradients, apart = sizes
    ahead, back = int((shown >= 1).sum()), int((shown == 2).sum())
    if not ahead:
        return "A batch of random numbers waits at layer 1."
    lines = [
        f"Forward: activations go from {in_powers(values[0])} in layer 1 to {in_powers(values[ahead - 1])} in layer {ahead}; "
        f"examples differ by {in_powers(apart[0])}, then by {in_powers(apart[ahead - 1])}."
    ]
    if back:
        last, here = len(values), len(values) - back + 1
        top, bottom = gradients[-1], gradients[here - 1]
        factor = (bottom / top) ** (1 / max(1, back - 1)) if top and bottom else 0.0
        lines.append(
            f"Back:    gradients go from {in_powers(top)} in layer {last} to {in_powers(bottom)} in layer {here}: "
            f"the gradient {verdict(bottom / top)}, by a factor of {factor:.3f} a layer."
        )
    return "\n".join(lines)


def pulse_name(pulse):
    if pulse in (0, WAY, 2 * WAY):
        return {0: "before", WAY: "at the loss", 2 * WAY: "all the way back"}[pulse]
    return f"{'forward' if pulse < WAY else 'back'} {100 * (pulse % WAY) // WAY} %"


def depth():
    """Layers, activation and gain -> a signal that runs forward, and a gradient that runs back."""
    return Explorable(
        compute,
        title="vanishing and exploding",
        marks=[
            Layers(
                "values",
                "12 of 64 units a layer: activations left, gradients right; below, the size of all",
                gradients="gradients",
                sizes="sizes",
                shown="shown",
                limits="limits",
                names=("activations", "gradients", "how far examples differ"),
            )
        ],
        gain=Slider(GAINS, format="{:.2f}"),
        activation=Choice(list(ACTIVATIONS)),
        layers=range(2, DEEPEST + 1),
        pulse=Slider(range(2 * WAY + 1), label="signal", format=pulse_name),
        start={"layers": 20, "activation": "sigmoid", "gain": 1.0, "pulse": 2 * WAY},
        play=("pulse",),
        presets={
            "sigmoid": {},
            "tanh": {"activation": "tanh"},
            "tanh, four times the weights": {"activation": "tanh", "gain": 4.0},
            "relu": {"activation": "relu", "gain": 1.4142},
            "relu, half the weights": {"activation": "relu", "gain": 0.7},
            "no activation, 1.2": {"activation": "none", "gain": 1.2},
        },
        alt="Twelve units of every layer as cells, activations beside gradients; below, their sizes layer by layer",
    )


def factors(depth=20, **gains):
    """A table as text: the factor of a layer by eq. (1.19a), the measured one, and what is left of the gradient.

    gains: a list for each activation.
    """
    lines = ["activation  gain   by (1.19a)   measured   first layer / last layer"]
    for activation, gain in ((name, gain) for name, some in gains.items() for gain in some):
        found = signal(depth, activation, gain)
        size, slopes = root_mean_square(found.gradients), root_mean_square(found.slopes)
        left = size[0] / size[-1]
        rate = left ** (1 / (depth - 1))
        lines.append(
            f"{activation:10} {gain:5.1f} {gain * slopes[1:].mean():12.2f} {rate:10.2f} {left:26.0e}"
        )
    return "\n".join(lines)


def power_law(depth=50, layers=(1, 2, 5, 10, 20, 50), width=256):
    """Eq. (1.19c) beside the measurement, for tanh with gain 1, as text."""
    found = signal(depth, "tanh", 1.0, width=width)
    size, slopes, gradient = map(root_mean_square, (found.activations, found.slopes, found.gradients))
    lines = [
        f"layer {k:2}: activations {size[k - 1]:.3f}, 1/sqrt(2k) {(2 * k) ** -0.5:.3f}   "
        f"slopes {slopes[k - 1]:.3f}, 1 - 1/(2k) {1 - 1 / (2 * k):.3f}"
        for k in layers
    ]
    left = gradient[0] / gradient[-1]
    return "\n".join(
        [
            *lines,
            f"gradient, layer 1 / layer {depth}: {left:.2f}   0.92 to the {depth - 1}: {0.92 ** (depth - 1):.3f}",
        ]
    )
