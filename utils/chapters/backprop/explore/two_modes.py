"""Forward against reverse mode: the shape of a network, and what each way of differentiating it costs."""

import numpy as np
from matplotlib.collections import LineCollection

from utils import style
from utils.chapters.backprop.costs import costs, edges
from utils.explorable.engine import Explorable

ROWS = ["path by path", "forward mode", "reverse mode"]
COLOURS = ["#999999", style.ACTIVATION, style.GRADIENT]
SHOWN = 7  # units drawn per layer; more are hinted at


def layer_places(widths):
    """Where the units of a drawn layer stand, (n, 2), x in layers from 0 to 1, y from -1 to 1."""
    places = []
    for layer, width in enumerate(widths):
        n = min(width, SHOWN)
        y = np.linspace(-1, 1, n) * (n - 1) / (SHOWN - 1) if n > 1 else np.zeros(1)
        places.append(np.stack([np.full(n, layer / max(1, len(widths) - 1)), y], axis=1))
    return places


def drawn_edges(places):
    """Line segments between all drawn units of neighbouring layers."""
    return [np.array([a, b]) for here, there in zip(places, places[1:]) for a in here for b in there]


def words(n):
    """A count as people say it."""
    return f"{n:,}" if n < 10**7 else f"{n:.1e}"


def modes():
    """Inputs, outputs, width and depth of a network -> multiplications for all derivatives, counted."""

    def update(artists, inputs, width, depth, outputs):
        widths = [inputs, *[width] * depth, outputs]
        counted = costs(widths)
        places = layer_places(widths)
        artists["edges"].set_segments(drawn_edges(places))
        artists["units"].set_offsets(np.concatenate(places))
        for row, (bar, number, name) in enumerate(zip(artists["bars"], artists["numbers"], ROWS)):
            bar.set_data([0.5, counted[name]], [row, row])
            number.set_position((counted[name] * 1.7, row))
            number.set_text(words(counted[name]))
        ratio = counted["forward mode"] / counted["reverse mode"]
        better = "reverse" if ratio > 1 else "forward" if ratio < 1 else "neither"
        factor = max(ratio, 1 / ratio)
        return (
            f"{words(counted['paths'])} path{'s' * (counted['paths'] > 1)} from inputs to outputs, {words(edges(widths))} edge{'s' * (edges(widths) > 1)}\n"
            f"forward mode: {inputs} sweep{'s' * (inputs > 1)}, one an input;  reverse mode: {outputs} sweep"
            f"{'s' * (outputs > 1)}, one an output;  cheaper: {better}"
            + (f", by a factor {factor:.4g}" if better != "neither" else "")
        )

    return Explorable(
        setup,
        update,
        title="what a gradient costs",
        figsize=(9, 3.6),
        inputs=[1, 2, 3, 4, 8, 16, 64, 256, 1024],
        width=[1, 2, 3, 4, 8, 16, 64],
        depth=range(1, 9),
        outputs=[1, 2, 4, 8, 16, 64, 256, 1024],
        start={"inputs": 64, "width": 16, "depth": 3, "outputs": 1},
        play=("depth",),
        presets={
            "a small network": {"inputs": 3, "width": 4, "depth": 2},
            "1024 inputs, one loss": {"inputs": 1024, "width": 64, "depth": 4},
            "1024 outputs of one input": {"inputs": 1, "width": 64, "depth": 4, "outputs": 1024},
            "a chain": {"inputs": 1, "width": 1, "depth": 8},
        },
        alt="Left a layered network; right three bars on a log scale: path by path, forward mode, reverse mode",
    )


def setup(fig):
    left, right = fig.subplots(1, 2, width_ratios=[1, 1.25])
    left.set(xlim=(-0.06, 1.06), ylim=(-1.15, 1.15))
    left.axis("off")
    lines = LineCollection([], colors=style.PARAMETER, linewidths=0.7, alpha=0.5)
    left.add_collection(lines)
    units = left.scatter([], [], s=42, color=style.ACTIVATION, zorder=2)
    left.set_title("the network (at most seven units a layer are drawn)", fontsize=11)
    right.set(xscale="log", xlim=(0.5, 1e27), ylim=(2.6, -0.6), yticks=range(3), xlabel="multiplications")
    right.set_xticks([1, 1e4, 1e8, 1e12, 1e16, 1e20, 1e24])
    right.set_yticklabels(ROWS)
    right.grid(False, axis="y")
    bars = [
        right.plot([1, 1], [row, row], color=c, linewidth=14, solid_capstyle="butt")[0]
        for row, c in enumerate(COLOURS)
    ]
    numbers = [right.text(1, row, "", va="center", fontsize=11) for row in range(3)]
    return {"edges": lines, "units": units, "bars": bars, "numbers": numbers}
