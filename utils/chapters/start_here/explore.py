"""Explorables of the first page: the map of chapters, and a tangent that the reader's own pullback draws."""

import io

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from PIL import Image

from utils import style
from utils.crosscheck.protocol import operation
from utils.explorable.engine import Explorable, Slider
from utils.nn.activations import tanh as our_tanh
from utils.register import register, written

__all__ = ["course_map", "map_page", "tangent"]

MAP = [entry for number, entry in register().items() if number]
BY_NUMBER = {chapter.number: chapter for chapter in MAP}


def before(number):
    """Every chapter that a chapter rests on, directly or not."""
    direct = BY_NUMBER[number].needs
    return set(direct).union(*(before(n) for n in direct))


def after(number):
    """Every chapter that rests on this one."""
    return {c.number for c in MAP if number in before(c.number)}


def box_colours(number, chapter, needs, leads):
    """Face and edge of a chapter's box when `chapter` is picked."""
    if number == chapter:
        return "#333333", "#333333"
    if number in needs:
        return "#CFE4F1", style.ACTIVATION
    return ("#FBE0CF", style.GRADIENT) if number in leads else ("white", "#AAAAAA")


def course_map():
    """Chapters and what rests on what; pick one."""
    label = {c.number: f"{c.number:02d} {c.label}" for c in MAP}

    there = written()

    def update(artists, chapter):
        needs, leads = before(chapter), after(chapter)
        for number, text in artists["names"].items():
            picked, near = number == chapter, number in needs | leads
            dark = "#222222" if near else "#444444"
            text.set_color("white" if picked else dark if number in there else "#888888")
            box = text.get_bbox_patch()
            face, edge = box_colours(number, chapter, needs, leads)
            box.set_facecolor(face)
            box.set_edgecolor(edge)
        chain = {chapter, *needs}
        below = {chapter, *leads}
        colours = [
            style.ACTIVATION if {a, b} <= chain else style.GRADIENT if {a, b} <= below else "#CCCCCC"
            for a, b in EDGES
        ]
        artists["edges"].set_color(colours)
        listed = lambda numbers: ", ".join(label[n] for n in sorted(numbers)) or "nothing"
        pending = "" if chapter in there else " (not written yet)"
        return f"{label[chapter]}{pending}\nrests on: {listed(needs)}\nleads to: {listed(leads)}"

    return Explorable(
        setup_map,
        update,
        title="the map of chapters",
        figsize=(8.8, 3.9),
        chapter=Slider([c.number for c in MAP], format=lambda number: label[number]),
        start={"chapter": 4},
        pick={"axes": 0, "nearest": "chapter", "points": np.array([c.place for c in MAP])},
        alt="All chapters as boxes, joined by lines where one rests on another",
    )


# all that is on the map, and the mixtures that smooth its edges: few colours make small pictures
PALETTE = (
    *("white", "#E6E6E6", "#CCCCCC", "#AAAAAA", "#888888", "#666666", "#444444", "#333333", "#222222"),
    *(style.ACTIVATION, "#66AAD0", "#CFE4F1", style.GRADIENT, "#E69E66", "#FBE0CF"),
)


def in_few_colours(picture):
    """An encoded picture, encoded again with the colours of PALETTE alone."""
    palette = Image.new("P", (1, 1))
    palette.putpalette([round(255 * part) for colour in PALETTE for part in to_rgb(colour)])
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    buffer = io.BytesIO()
    flat = image.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB")
    flat.save(buffer, format="WEBP", lossless=True, method=3, quality=60)
    return buffer.getvalue()


class MapPage:
    """The map of chapters as HTML that is alive without a kernel, small enough to be kept in a notebook."""

    def __init__(self):
        self.explorable = course_map().bake()
        frames = self.explorable.frames
        self.explorable.frames = {k: f | {"data": in_few_colours(f["data"])} for k, f in frames.items()}

    def __repr__(self):
        return repr(self.explorable)

    def _repr_html_(self):
        return self.explorable.to_html()


def map_page():
    """The map of chapters, alive before any kernel runs."""
    return MapPage()


EDGES = [(need, c.number) for c in MAP for need in c.needs]


def setup_map(fig):
    fig.set_layout_engine("none")  # the boxes stand where the map says
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(-0.55, 7.55), ylim=(5.6, -1.6))
    ax.axis("off")
    segments = [[BY_NUMBER[a].place, BY_NUMBER[b].place] for a, b in EDGES]
    edges = LineCollection(segments, linewidths=2, zorder=1)
    ax.add_collection(edges)
    names = {}
    for c in MAP:
        box = {
            "boxstyle": "round,pad=0.35",
            "facecolor": "white",
            "edgecolor": "#AAAAAA",
        }
        label = f"{c.number:02d}\n" + c.label.replace(" and ", " and\n").replace(", ", ",\n").replace(
            "word ", "word\n"
        )
        names[c.number] = ax.text(
            *c.place, label, ha="center", va="center", fontsize=10, bbox=box, zorder=3, linespacing=1.0
        )
    return {"edges": edges, "names": names}


GRID = np.linspace(-4, 4, 161)


def tangent(tanh=our_tanh):
    """tanh, its tangent, and the gradient that a pullback sends on.

    tanh: the reader's own, x -> (value, pullback).
    """

    tanh = operation(tanh, ["x"], "tanh")

    def update(artists, x, upstream):
        values, pullback = tanh(np.array([x]))
        slope = float(pullback(np.ones(1))[0])
        arrives = float(pullback(np.array([upstream]))[0])
        value = float(values[0])
        curve, back = tanh(GRID)
        artists["curve"].set_ydata(curve)
        artists["tangent"].set_ydata(value + slope * (GRID - x))
        artists["dot"].set_data([x], [value])
        artists["slope"].set_ydata(back(np.full_like(GRID, upstream)))
        artists["arrives"].set_data([x], [arrives])
        return f"x = {x:.1f}: tanh = {value:.3f}, slope {slope:.3f}; a gradient of {upstream:.1f} from above arrives as {arrives:.3f}"

    return Explorable(
        setup_tangent,
        update,
        title="tanh and its gradient",
        figsize=(8.6, 3.3),
        x=Slider([round(x / 5, 1) for x in range(-20, 21)], format="{:.1f}"),
        upstream=Slider([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0], label="gradient from above", format="{:.1f}"),
        start={"x": 0.6, "upstream": 1.0},
        play=("x",),
        presets={"steep": {"x": 0.0}, "saturated": {"x": 3.0}},
        alt="Left tanh with its tangent; right the gradient that arrives at the input",
    )


def setup_tangent(fig):
    left, right = fig.subplots(1, 2)
    left.set(xlim=(-4, 4), ylim=(-1.4, 1.4), xlabel="x", title="value and tangent")
    right.set(xlim=(-4, 4), ylim=(-2.2, 2.2), xlabel="x", title="gradient that arrives at x")
    flat = np.zeros_like(GRID)
    return {
        "curve": left.plot(GRID, flat, color=style.ACTIVATION)[0],
        "tangent": left.plot(GRID, flat, color="#444444", linestyle="--", linewidth=1.5)[0],
        "dot": left.plot([0], [0], "o", color=style.ACTIVATION, markersize=9)[0],
        "slope": right.plot(GRID, flat, color=style.GRADIENT)[0],
        "arrives": right.plot([0], [0], "o", color=style.GRADIENT, markersize=9)[0],
    }
