"""Symmetry: units that start alike stay alike, unless something makes them differ, however little."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from utils import style
from utils.explorable.engine import Choice, Explorable, Slider
from utils.nn.activations import tanh

STARTS = ["both layers", "first layer", "outgoing", "both, all zero"]
EPSILONS = [0.0, 1e-8, 1e-6, 1e-4, 1e-2, 1.0]
CONSTANT = 0.5
UNITS, EXAMPLES, RATE = 5, 24, 0.05
STEPS, EVERY = 2400, 20
# units count as different when a weight or a bias differs by more than this
TOLERANCE = 0.01
INPUTS = np.linspace(-2, 2, EXAMPLES)
TARGETS = np.sin(2 * INPUTS)
GRID = np.linspace(-2, 2, 81)
# where 0 is drawn on a logarithmic axis
ZERO = 1e-18


@dataclass
class Training:
    """Every EVERY steps, 0 first.  incoming: (times, UNITS, 2), weight and bias; outgoing: (times, UNITS);
    output_bias, loss: (times,)."""

    incoming: np.ndarray
    outgoing: np.ndarray
    output_bias: np.ndarray
    loss: np.ndarray

    @property
    def apart(self):
        """Largest difference between two units, in weight or bias: (times,)."""
        return np.ptp(self.incoming, axis=1).max(-1)

    @property
    def parted(self):
        """The first recorded step at which two units differ by more than TOLERANCE, or None."""
        where = np.flatnonzero(self.apart > TOLERANCE)
        return int(where[0]) * EVERY if len(where) else None


def first_weights(start, epsilon, seed=0):
    """Incoming and outgoing weights of the hidden units, (UNITS,) each, a constant plus epsilon times noise.

    start: one of STARTS, which weights begin constant; the others are random, with variance 1 / fan_in.
    """
    incoming, outgoing = np.random.default_rng(seed).normal(size=(2, UNITS))
    outgoing = outgoing / np.sqrt(UNITS)
    value = 0.0 if start == "both, all zero" else CONSTANT
    return (
        incoming if start == "outgoing" else value + epsilon * incoming,
        outgoing if start == "first layer" else value + epsilon * outgoing,
    )


@cache
def train_all():
    """Train the net of every start and epsilon at once, by gradient descent: {(start, epsilon): Training}."""
    settings = [(start, epsilon) for start in STARTS for epsilon in EPSILONS]
    weight, outgoing = np.array([first_weights(*setting) for setting in settings]).swapaxes(0, 1)
    params = weight, np.zeros_like(weight), outgoing, np.zeros(len(settings))
    kept = []
    for step in range(STEPS + 1):
        loss, grads = loss_and_gradients(*params)
        if step % EVERY == 0:
            kept.append((*params, loss))
        params = tuple(p - RATE * g for p, g in zip(params, grads))
    weight, bias, outgoing, output_bias, loss = map(np.array, zip(*kept))
    incoming = np.stack([weight, bias], axis=-1)
    return {
        setting: Training(incoming[:, k], outgoing[:, k], output_bias[:, k], loss[:, k])
        for k, setting in enumerate(settings)
    }


def loss_and_gradients(weight, bias, outgoing, output_bias):
    """Mean squared error of many nets with one hidden layer of tanh units, and its gradients.

    weight, bias, outgoing: (nets, units); output_bias: (nets,).  Returns the loss, (nets,), and four gradients.
    """
    # no matrix products: they may add up two equal rows in different orders, and equal units would
    # then part by rounding alone
    x = INPUTS[:, None]
    hidden, back = tanh(x * weight[:, None] + bias[:, None])
    error = (hidden * outgoing[:, None]).sum(-1) + output_bias[:, None] - TARGETS
    upstream = (2 / EXAMPLES * error)[..., None]
    dz = back(upstream * outgoing[:, None])
    grads = (dz * x).sum(1), dz.sum(1), (upstream * hidden).sum(1), upstream.sum((1, 2))
    return (error**2).mean(1), grads


def different_units(incoming):
    """How many of the units, (units, 2), are no copy of an earlier one, up to TOLERANCE."""
    distances = np.abs(incoming[:, None] - incoming).max(-1)
    return int((~np.tril(distances <= TOLERANCE, -1).any(1)).sum())


def outputs(training, time, x):
    """What the net says at the inputs x, (n,), at a recorded time."""
    hidden, _ = tanh(x[:, None] * training.incoming[time, :, 0] + training.incoming[time, :, 1])
    return hidden @ training.outgoing[time] + training.output_bias[time]


def symmetry():
    """Noise, which weights begin constant, step -> the units' weights over training, and how many units differ."""

    def update(artists, constant, epsilon, step):
        runs = train_all()
        training, time = runs[constant, epsilon], step // EVERY
        for line, weights in zip(artists["weights"], training.incoming[..., 0].T):
            line.set_ydata(weights)
        for line, other in zip(artists["others"], EPSILONS):
            line.set_ydata(np.maximum(runs[constant, other].apart, ZERO))
        artists["apart"].set_ydata(np.maximum(training.apart, ZERO))
        artists["fit"].set_ydata(outputs(training, time, GRID))
        artists["loss"].set_ydata(training.loss)
        for line in artists["now"]:
            line.set_xdata([step, step])
        return (
            f"step {step}: {count(different_units(training.incoming[time]))}; "
            f"the largest difference between two is {exact(training.apart[time])}\n"
            f"loss {training.loss[time]:.3f} (at the start {training.loss[0]:.3f}, "
            f"after {STEPS} steps {training.loss[-1]:.3f})\n"
            f"{parting(training)}"
        )

    return Explorable(
        setup,
        update,
        title="units that start alike",
        figsize=(9.6, 4.0),
        constant=Choice(STARTS, label="constant at the start"),
        epsilon=Slider(EPSILONS, label="noise on the constant", format="{:g}"),
        step=Slider(range(0, STEPS + 1, EVERY)),
        start={"constant": "both layers", "epsilon": 1e-6, "step": STEPS},
        play=("step",),
        pick=[{"axes": axes, "x": "step"} for axes in (0, 1, 3)],
        presets={
            "never": {"epsilon": 0.0},
            "after a while": {},
            "a hundred times the noise": {"epsilon": 1e-4},
            "random": {"epsilon": 1.0},
            "first layer only": {"constant": "first layer", "epsilon": 0.0},
            "all zero": {"constant": "both, all zero", "epsilon": 0.0},
        },
        alt="Weights of five hidden units over training, how far they are apart, the fitted curve and the loss",
    )


def count(units):
    return f"{units} different unit{'' if units == 1 else 's'} of {UNITS}"


def parting(training):
    """When the units parted, in words."""
    if training.parted is None:
        return f"no two units ever differ by more than {TOLERANCE:g}"
    return f"two units first differ by more than {TOLERANCE:g} at step {training.parted}"


def exact(number):
    """A small number as text, and whether it is exactly 0."""
    return f"{number:.1e}" if number else "exactly 0"


def setup(fig):
    grid = fig.add_gridspec(2, 3, width_ratios=[1.1, 1.1, 1])
    left, middle = fig.add_subplot(grid[:, 0]), fig.add_subplot(grid[:, 1])
    top, bottom = fig.add_subplot(grid[0, 2]), fig.add_subplot(grid[1, 2])
    steps, span = np.arange(0, STEPS + 1, EVERY), (-0.02 * STEPS, 1.02 * STEPS)
    left.set(xlim=span, ylim=(-3, 3), xlabel="step", title="incoming weights")
    middle.set(xlim=span, ylim=(ZERO / 3, 30), yscale="log", xlabel="step")
    middle.set_title("difference (grey: other noise)")
    middle.set_yticks([ZERO, 1e-12, 1e-8, 1e-4, 1], labels=["0", "1e-12", "1e-8", "1e-4", "1"])
    top.set(xlim=(-2, 2), ylim=(-1.6, 1.6), title="data and fit")
    bottom.set(xlim=span, ylim=(0, 0.6), xlabel="step", title="loss")
    top.plot(INPUTS, TARGETS, color=style.DATA, linestyle="", marker="o", markersize=4)
    flat = np.zeros(len(steps))
    shades = ["#00513B", "#007A59", style.PARAMETER, "#4FC3A1", "#9BE0CB"]
    return {
        "weights": [left.plot(steps, flat, color=shade)[0] for shade in shades],
        "others": [middle.plot(steps, flat + 1, color="#BBBBBB", linewidth=1)[0] for _ in EPSILONS],
        "apart": middle.plot(steps, flat + 1, color=style.PARAMETER, linewidth=2.5)[0],
        "fit": top.plot(GRID, 0 * GRID, color=style.ACTIVATION)[0],
        "loss": bottom.plot(steps, flat, color="#333333")[0],
        "now": [ax.axvline(0, color="#444444", linewidth=1) for ax in (left, middle, bottom)],
    }
