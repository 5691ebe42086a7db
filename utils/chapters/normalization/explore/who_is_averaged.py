"""Which numbers a normalization averages, and which inputs the gradient of one output reaches."""

from dataclasses import dataclass

import numpy as np
from matplotlib.patches import Rectangle

from utils import style
from utils.crosscheck.protocol import operation
from utils.explorable.engine import Choice, Explorable, Slider
from utils.nn import normalization as ours

EXAMPLES, CHANNELS, POSITIONS = SHAPE = (4, 6, 5)
EXAMPLE, CHANNEL, POSITION = np.indices(SHAPE)
# a group is all the numbers that agree in these labels
LABELS = {
    "batch": (CHANNEL,),
    "layer": (EXAMPLE,),
    "layer, Transformer": (EXAMPLE, POSITION),
    "instance": (EXAMPLE, CHANNEL),
    "2 groups": (EXAMPLE, CHANNEL // 3),
    "3 groups": (EXAMPLE, CHANNEL // 2),
}
SHARED = {
    "batch": "one channel, all examples and positions",
    "layer": "one example, all channels and positions",
    "layer, Transformer": "one position of one example, all channels",
    "instance": "one channel of one example, all positions",
    "2 groups": "three channels of one example, all positions",
    "3 groups": "two channels of one example, all positions",
}
PLACES = [(n, p) for n in range(EXAMPLES) for p in range(POSITIONS)]


def made_up_numbers():
    """Examples x channels x positions: each channel has its own mean, each example its own spread."""
    rng = np.random.default_rng(4)
    means = np.array([1.0, -1.5, 0.0, 2.0, -0.5, 0.5])[:, None]
    spreads = np.array([0.4, 0.8, 1.2, 0.6])[:, None, None]
    return (means + spreads * rng.normal(size=SHAPE)).round(1)


X = made_up_numbers()


def group_of(kind, place):
    """Which numbers are averaged for the one at `place`: booleans of SHAPE.  kind: a name in LABELS."""
    return np.logical_and.reduce([label == label[place] for label in LABELS[kind]])


def normalizations(batch_norm, layer_norm, instance_norm, group_norm):
    """{kind: x of SHAPE -> (value, pullback to x)}, with weights of one and biases of zero."""
    channels = np.ones(CHANNELS), np.zeros(CHANNELS)

    def with_layer_norm(there, back):
        """layer_norm takes the last axis, so what it shall average is laid there."""

        def normalize(x):
            rows = there(x)
            y, pullback = layer_norm(rows, np.ones(rows.shape[-1]), np.zeros(rows.shape[-1]))
            return back(y), lambda dy: back(pullback(there(dy))[0])

        return normalize

    def by_channels(norm, **options):
        def normalize(x):
            y, pullback = norm(x, *(c.copy() for c in channels), **options)
            return y, lambda dy: pullback(dy)[0]

        return normalize

    turned = lambda x: x.swapaxes(1, 2)
    return {
        "batch": by_channels(batch_norm),
        "layer": with_layer_norm(lambda x: x.reshape(EXAMPLES, -1), lambda y: y.reshape(SHAPE)),
        "layer, Transformer": with_layer_norm(turned, turned),
        "instance": by_channels(instance_norm),
        "2 groups": by_channels(group_norm, num_groups=2),
        "3 groups": by_channels(group_norm, num_groups=3),
    }


@dataclass
class Averaged:
    """Of one number: its group (booleans), d output / d input for every input, and itself, before and after."""

    group: np.ndarray
    gradient: np.ndarray
    before: float
    after: float

    @property
    def reached(self):
        """Inputs that the gradient reaches; what rounding leaves of an exact zero does not count."""
        return np.abs(self.gradient) > 1e-12 * np.abs(self.gradient).max()


def without(gradient, place):
    """The slopes with respect to all other inputs; that with respect to itself is 0."""
    others = gradient.copy()
    others[place] = 0.0
    return others


def averaged(normalize, kind, place):
    """What the normalization does to X at `place` (example, channel, position)."""
    y, pullback = normalize(X.copy())
    one = np.zeros(SHAPE)
    one[place] = 1.0
    return Averaged(group_of(kind, place), pullback(one), float(X[place]), float(y[place]))


def reach_in_words(found):
    """Whether the gradient reaches the group, the whole group and nothing but the group."""
    if (found.reached == found.group).all():
        return f"its gradient reaches {found.reached.sum()} inputs: exactly the group"
    missing, outside = (found.group & ~found.reached).sum(), (found.reached & ~found.group).sum()
    return (
        f"its gradient reaches {found.reached.sum()} inputs, which is not the group: "
        f"{missing} of the group are missing, {outside} are outside"
    )


def in_words(found, kind, place):
    """The group of the number at `place`, the number before and after, and where its gradient goes."""
    members, others = X[found.group], without(found.gradient, place)
    example, channel, position = (index + 1 for index in place)
    return (
        f"{kind}: {len(members)} numbers are averaged ({SHARED[kind]}): "
        f"mean {members.mean():+z.2f}, standard deviation {members.std():.2f}\n"
        f"example {example}, channel {channel}, position {position}: "
        f"{found.before:+z.1f} before, {found.after:+z.2f} after\n"
        f"{reach_in_words(found)}\n"
        f"slope with respect to itself {found.gradient[place]:+.2f}, to the others "
        f"{others.min():+z.2f} to {others.max():+z.2f}, together {others.sum():+z.2f}"
    )


def as_grid(x):
    """Channels as rows; as columns the positions, example after example."""
    return x.transpose(1, 0, 2).reshape(CHANNELS, -1)


def groups(
    batch_norm=ours.batch_norm,
    layer_norm=ours.layer_norm,
    instance_norm=ours.instance_norm,
    group_norm=ours.group_norm,
):
    """Kind of normalization and one number -> who is averaged with it, and whom its gradient reaches.

    The four functions are the reader's own, (x, weight, bias, ...) -> (value, pullback).
    """
    given = {
        "batch_norm": batch_norm,
        "layer_norm": layer_norm,
        "instance_norm": instance_norm,
        "group_norm": group_norm,
    }
    kinds = normalizations(*(operation(norm, ["x", "weight", "bias"], name) for name, norm in given.items()))

    def update(artists, kind, where, channel):
        example, position = where
        place = (example, channel - 1, position)
        found = averaged(kinds[kind], kind, place)
        show(artists, found, place)
        return in_words(found, kind, place)

    return Explorable(
        setup,
        update,
        title="which numbers are averaged",
        figsize=(9.6, 3.2),
        kind=Choice(list(LABELS), label="normalization"),
        where=Slider(PLACES, label="column", format=lambda at: f"example {at[0] + 1}, position {at[1] + 1}"),
        channel=Slider(range(1, CHANNELS + 1)),
        start={"kind": "batch", "where": (1, 2), "channel": 3},
        pick=[{"axes": axes, "column": "where", "row": "channel"} for axes in (0, 1)],
        presets={
            "batch": {},
            "layer": {"kind": "layer"},
            "layer, in a Transformer": {"kind": "layer, Transformer"},
            "instance": {"kind": "instance"},
            "three groups": {"kind": "3 groups"},
        },
        alt="Two maps of four examples, six channels and five positions. Left the inputs, with the group of one "
        "number framed; right the slope of that number's output with respect to every input",
    )


def show(artists, found, place):
    """Move the artists; the colours of the map are those of the largest slope but its own."""
    example, channel, position = place
    artists["veil"].set_data(veil(as_grid(found.group)))
    artists["map"].set_data(as_grid(found.gradient))
    artists["map"].set_clim(*(np.abs(without(found.gradient, place)).max() + 1e-12) * np.array([-1, 1]))
    for frame in artists["frames"]:
        frame.set_bounds(*bounds(as_grid(found.group)))
    for cell in artists["cells"]:
        cell.set_xy((example * POSITIONS + position - 0.5, channel - 0.5))


def veil(group):
    """White over everything but the group: (rows, columns, 4) bytes."""
    cover = np.full((*group.shape, 4), 255, np.uint8)
    cover[..., 3] = np.where(group, 0, 185)
    return cover


def bounds(group):
    """The rectangle around a group in the grid: left, bottom, width, height.  In this layout all groups are one."""
    rows, columns = np.flatnonzero(group.any(1)), np.flatnonzero(group.any(0))
    return columns[0] - 0.5, rows[0] - 0.5, np.ptp(columns) + 1, np.ptp(rows) + 1


def setup(fig):
    axes = fig.subplots(1, 2, sharey=True)
    left, right = axes
    grid = as_grid(X)
    style.heatmap(left, grid, limit=3.0, aspect="auto")
    cover = left.imshow(veil(grid > 0), aspect="auto")
    picture = style.heatmap(right, 0 * grid, limit=1.0, aspect="auto")
    left.set(title="inputs; framed: averaged together", ylabel="channel")
    right.set_title("how each input moves that one output")
    middle = (POSITIONS - 1) / 2 + POSITIONS * np.arange(EXAMPLES)
    frames, cells = [], []
    square = lambda **kw: Rectangle((0, 0), 1, 1, fill=False, edgecolor="black", clip_on=False, **kw)
    for ax in axes:
        ax.set_xticks(middle, [f"example {n + 1}" for n in range(EXAMPLES)])
        ax.set_yticks(range(CHANNELS), range(1, CHANNELS + 1))
        for border in POSITIONS * np.arange(1, EXAMPLES) - 0.5:
            ax.axvline(border, color="#444444", linewidth=1.2)
        frames.append(ax.add_patch(square(linewidth=2.5)))
        cells.append(ax.add_patch(square(linewidth=2, zorder=3)))
    return {"veil": cover, "map": picture, "frames": frames, "cells": cells}
