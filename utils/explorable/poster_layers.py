"""The layers of a network in a picture without a browser: as layers.js draws them."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from utils import style

LEFT, TOP, CELL, GAP, PLOT, ROOM = 52, 4, 9, 14, 168, 720  # pixels
KINDS = ((style.ACTIVATION, "-"), (style.GRADIENT, "-"), (style.ACTIVATION, "--"))


def size_of_layers(spec):
    return LEFT + ROOM + 14, 22 + TOP + spec["units"] * CELL + GAP + PLOT + 70


def paint_layers(figure, box, spec, arrays):
    from .poster import NEGATIVE, label, pixels

    ax, _, _ = pixels(figure, label(figure, box, spec))
    shown = arrays[spec["shown"]]
    there = max(1, int((shown >= 0).sum()))
    wide = min(72, ROOM / there)
    for k, name in enumerate((spec["of"], spec["gradients"])):
        cells = np.ma.masked_array(arrays[name][:there].T, np.tile(shown[:there] <= k, (spec["units"], 1)))
        colours = LinearSegmentedColormap.from_list("", [NEGATIVE, "white", KINDS[k][0]])
        for i in range(there):
            x = LEFT + i * wide + 2 + k * (wide - 4) / 2
            edges = [x, x + (wide - 4) / 2], TOP + np.arange(spec["units"] + 1) * CELL
            ax.pcolormesh(*edges, cells[:, i : i + 1], cmap=colours, vmin=-1, vmax=1)
    paint_sizes(ax, spec, arrays, there, wide)


def paint_sizes(ax, spec, arrays, there, wide):
    """The sizes of every layer on a log axis; hollow at its edge what lies beyond, and on a line of its own what is 0."""
    (low, high), shown = arrays[spec["limits"]], arrays[spec["shown"]][:there]
    bottom = TOP + spec["units"] * CELL + GAP + PLOT
    level = lambda power: bottom - (power - low) / (high - low) * PLOT
    end, middle = LEFT + there * wide, LEFT + (np.arange(there) + 0.5) * wide
    for power in range(int(low), int(high) + 1, max(1, round((high - low) / 6))):
        ax.plot([LEFT, end], [level(power)] * 2, color="#D5D9DE", linewidth=0.6)
        ax.text(LEFT - 6, level(power), f"$10^{{{power}}}$", ha="right", va="center", fontsize=8)
    ax.text(LEFT - 6, bottom + 16, "0", ha="right", va="center", fontsize=8)
    for k, (powers, (colour, dashes), name) in enumerate(zip(arrays[spec["sizes"]], KINDS, spec["names"])):
        powers = powers[:there]
        known, zero = shown >= (2 if k == 1 else 1), powers < -90
        y = np.where(zero, bottom + 16, level(np.clip(powers, low, high)))
        off = zero | (powers < low) | (powers > high)
        ax.plot(middle, np.where(known & ~zero, y, np.nan), dashes, color=colour, linewidth=1.5)
        ax.plot(middle[known & ~off], y[known & ~off], "o", color=colour, markersize=4)
        ax.plot(middle[known & off], y[known & off], "o", color=colour, mfc="white", markersize=5)
        ax.plot([LEFT + 200 * k, LEFT + 200 * k + 20], [bottom + 54] * 2, dashes, color=colour)
        ax.text(LEFT + 200 * k + 26, bottom + 54, name, fontsize=8.5, va="center", color=colour)
    for i in range(there):
        if wide >= 22 or i == 0 or (i + 1) % 5 == 0:
            ax.text(middle[i], bottom + 32, str(i + 1), ha="center", va="center", fontsize=8)
