"""Symmetry: units that start alike stay alike, unless something makes them differ, however little."""

import numpy as np

from utils import style
from utils.chapters.initialization.runs import (
    EPSILONS,
    EVERY,
    INPUTS,
    STARTS,
    STEPS,
    TARGETS,
    TOLERANCE,
    UNITS,
    train_all,
)
from utils.explorable.engine import Choice, Explorable, Slider
from utils.nn.activations import tanh

GRID = np.linspace(-2, 2, 81)
# where 0 is drawn on a logarithmic axis
ZERO = 1e-18


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
