"""A picture of marks without a browser: what GitHub, paper and a page without scripts show."""

import io
import re
import textwrap
from collections import Counter

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from utils import style

from .graphs import BOX, scaled
from .poster_layers import paint_layers, size_of_layers
from .scene import POSTER_BYTES, palette_png

COLOURS = {
    "value": style.ACTIVATION,
    "gradient": style.GRADIENT,
    "parameter": style.PARAMETER,
    "data": style.TARGET,
    "plain": "#222222",
}
NEGATIVE = "#6e7781"
DEEP_INK = {"value": "white", "gradient": "black", "parameter": "black", "data": "white"}
WIDTH, GAP, LINE = 900, 24, 18  # pixels
SCALE = 2  # pixels of the picture for one of the page: crisp when a page shows it large


def poster(title, specs, rows, arrays, readout, covered=""):
    """A palette PNG of at most 40 kB: the title, every mark, the read-out.

    specs: what the browser gets of each mark; rows: how many of them stand in each row; arrays: {name: array}; covered: words shown instead of marks and
    read-out, for a picture whose answer is to be guessed first.
    """
    shown, rows = ([], []) if covered else without_code(specs, rows)
    sizes = [size_of(spec) for spec in shown]
    places, height = flow(sizes, rows)
    words = wrapped(covered or readout)
    total = 34 + height + 10 + LINE * len(words) + 8
    with style.context():
        figure = Figure(figsize=(WIDTH / 100, total / 100), dpi=100 * SCALE)
        FigureCanvasAgg(figure)
        figure.set_layout_engine("none")
        figure.text(8 / WIDTH, 1 - 16 / total, title, fontsize=11, fontweight="bold", va="center")
        for spec, (left, top), (w, h) in zip(shown, places, sizes):
            box = ((left + 8) / WIDTH, 1 - (34 + top + h) / total, w / WIDTH, h / total)
            PAINTERS[spec["mark"]](figure, box, spec, arrays)
        for k, line in enumerate(words):
            y = 1 - (34 + height + 10 + LINE * (k + 0.5)) / total
            figure.text(8 / WIDTH, y, line, fontsize=9, family="monospace", va="center", parse_math=False)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    return palette_png(Image.open(buffer).convert("RGB"), POSTER_BYTES)


def without_code(specs, rows):
    """The marks that a still picture shows, and how many stand in each row: code is there to be lit up."""
    numbers = [row for row, count in enumerate(rows) for _ in range(count)]
    kept = [(spec, row) for spec, row in zip(specs, numbers) if spec["mark"] != "code"]
    return [spec for spec, _ in kept], [count for _, count in sorted(Counter(row for _, row in kept).items())]


def wrapped(text):
    return [part for line in text.split("\n") for part in textwrap.wrap(line, 112) or [""]]


def flow(sizes, rows):
    """Top left corners of boxes set in rows, broken where a row is too long, and the height of all."""
    places, left, top, tallest = [], 0, 0, 0
    starts = {sum(rows[:k]) for k in range(1, len(rows))}
    for k, (w, h) in enumerate(sizes):
        if left and (k in starts or left + w > WIDTH - 16):
            left, top, tallest = 0, top + tallest + GAP, 0
        places.append((left, top))
        left, tallest = left + w + GAP, max(tallest, h)
    return places, top + tallest


def size_of(spec):
    """Width and height of a mark with its label, in pixels."""
    if spec["mark"] in ("grid", "strip"):
        rows, columns = spec["shape"]
        cell = cell_of(spec)
        names = 8 * max(map(len, spec["rows"]), default=0)
        return max(names + columns * cell[0], 8 * len(spec["label"])), 22 + rows * cell[1] + 20 * bool(
            spec["columns"]
        )
    if spec["mark"] == "graph":
        width, height = spec["lying"]
        return min(width, WIDTH - 16), 22 + height * min(1, (WIDTH - 16) / width)
    if spec["mark"] == "layers":
        return size_of_layers(spec)
    if spec["mark"] == "formula":
        return 420, 60
    return spec.get("width", 380), spec.get("height", 220) + 22


def cell_of(spec):
    rows, columns = spec["shape"]
    if spec["mark"] == "strip":
        return max(4, min(18, 600 // columns)), 22
    if spec["numbers"]:
        return 46, 34
    side = max(2, 384 // max(rows, columns)) if spec["canvas"] else max(8, min(24, 420 // columns))
    return side, side


def label(figure, box, spec, height=22):
    """Write the label above a box; returns the box below it."""
    left, bottom, w, h = box
    colour = COLOURS[spec.get("kind", "plain")]
    figure.text(left, bottom + h, spec["label"], fontsize=9, fontweight="bold", color=colour, va="top")
    pixel = 1 / (figure.get_size_inches()[1] * 100)
    return left, bottom, w, h - height * pixel


def pixels(figure, box):
    """An axes over a box whose data are pixels, y down."""
    ax = figure.add_axes(box)
    width, height = (box[k + 2] * figure.get_size_inches()[k] * 100 for k in (0, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.axis("off")
    return ax, width, height


def paint_grid(figure, box, spec, arrays):
    ax, _, _ = pixels(figure, label(figure, box, spec))
    rows, columns = spec["shape"]
    values = arrays[spec["of"]]
    values = (values.T if spec["transposed"] else values).reshape(rows, columns)
    w, h = cell_of(spec)
    left, top = 8 * max(map(len, spec["rows"]), default=0), 20 * bool(spec["columns"])
    limit = spec["limit"] or np.abs(values).max(initial=0) or 1.0
    there = (
        arrays[spec["shown"]].reshape(rows, columns) > 0 if spec["shown"] else np.ones((rows, columns), bool)
    )
    values = np.ma.masked_array(values, ~there)
    colours = LinearSegmentedColormap.from_list("", [NEGATIVE, "white", COLOURS[spec["kind"]]])
    edges = np.arange(columns + 1) * w + left, np.arange(rows + 1) * h + top
    lines = {} if spec["canvas"] else {"edgecolors": "#D5D9DE", "linewidth": 0.5}
    scale = {"cmap": colours, "vmin": -limit, "vmax": limit}
    if there.all():
        ax.pcolormesh(*edges, values, **scale, **lines)
    for i, j in () if there.all() else np.argwhere(there):  # a mesh outlines cells that are not there, too
        ax.pcolormesh(
            edges[0][j : j + 2], edges[1][i : i + 2], values[i : i + 1, j : j + 1], **scale, **lines
        )
    for i, j in np.argwhere(there) if spec["numbers"] else ():
        deep = abs(values[i, j]) > 0.58 * limit
        ink = ("white" if values[i, j] < 0 else DEEP_INK[spec["kind"]]) if deep else "black"
        text = in_digits(values[i, j], spec["digits"])
        ax.text(
            left + (j + 0.5) * w, top + (i + 0.5) * h, text, ha="center", va="center", fontsize=8, color=ink
        )
    for i, name in enumerate(spec["rows"]):
        ax.text(left - 6, top + (i + 0.5) * h, name, ha="right", va="center", fontsize=8)
    for j, name in enumerate(spec["columns"]):
        ax.text(left + (j + 0.5) * w, 10, name, ha="center", va="center", fontsize=8)


def in_digits(value, digits):
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "\u2212")


def plot_axes(figure, box, spec):
    left, bottom, w, h = label(figure, box, spec)
    return figure.add_axes((left + 0.12 * w, bottom + 0.15 * h, 0.85 * w, 0.8 * h))


def paint_bars(figure, box, spec, arrays):
    ax = plot_axes(figure, box, spec)
    values = arrays[spec["of"]]
    ax.bar(range(len(values)), values, color=COLOURS[spec["kind"]], width=0.76)
    ax.axhline(0, color="#57606a", linewidth=1)
    ax.set_xticks(range(len(values)), spec["names"] or [""] * len(values), fontsize=8)
    if spec["limits"]:
        ax.set_ylim(spec["limits"])


def paint_curve(figure, box, spec, arrays):
    ax = plot_axes(figure, box, spec)
    named = []
    for mark in (spec, *spec["also"]):
        colour, values = COLOURS[mark["kind"]], arrays[mark["of"]]
        if mark["mark"] == "arrows":
            paint_arrows(ax, mark, colour, values, arrays)
            continue
        if mark["mark"] == "points":
            named.append((mark, colour, values))
            continue
        x = arrays[mark["x"]] if mark["x"] else np.arange(values.shape[-1])
        values = np.where(values > 0, values, np.nan) if "y" in spec["log"] else values
        for line, dashes in zip(np.atleast_2d(values), ("-", "--", ":", "-.") * len(np.atleast_2d(values))):
            dashes = "--" if mark["look"] == "dashed" else dashes
            bold = mark["look"] == "bold"
            ax.plot(x, line, dashes, color="#222222" if bold else colour, linewidth=2.5 if bold else 1.5)
    ax.set(xlabel=spec["xlabel"], ylabel=spec["ylabel"])
    for axis, limits in (("x", spec["xlim"]), ("y", spec["ylim"])):
        ax.set(**{f"{axis}scale": "log"} if axis in spec["log"] else {})
        ax.set(**{f"{axis}lim": limits} if limits else {})
    for mark, colour, values in named:
        paint_points(ax, mark, colour, values)
    if len(spec["names"]) > 1 and spec["mark"] == "curve":
        ax.legend(ax.lines[: len(spec["names"])], spec["names"], fontsize=8, frameon=False)


def paint_arrows(ax, mark, colour, values, arrays):
    numbers = arrays[mark["numbers"]] if mark["numbers"] else values[:, 3] - values[:, 1]
    for (x1, y1, x2, y2), name, side, number in zip(values, mark["names"], mark["sides"], numbers):
        look = {"arrowstyle": "-|>", "color": colour, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (x2, y2), (x1, y1), arrowprops=look, annotation_clip=True)
        if name:
            x, y, off, align = {
                "left": (x2, (y1 + y2) / 2, (-9, 0), "right"),
                "right": (x2, (y1 + y2) / 2, (9, 0), "left"),
                "above": (x2, max(y1, y2), (0, 9), "center"),
            }[side]
            ax.annotate(
                f"{name} {in_digits(number, mark['digits'])}", (x, y), off, textcoords="offset points", fontsize=8,
                color=colour, ha=align, va="center", annotation_clip=True,
            )  # fmt: skip


def paint_points(ax, mark, colour, values):
    """Dots with their names, hollow at the edge where they lie beyond the limits."""
    limits = np.array([ax.get_xlim(), ax.get_ylim()]).T
    inside = np.clip(values, limits.min(0), limits.max(0))
    for k, (place, true) in enumerate(zip(inside, values)):
        fill = colour if np.allclose(place, true) else "white"
        ax.plot(*place, "o", color=colour, mfc=fill, markersize=8 if mark["drag"] else 5, clip_on=False)
        if k < len(mark["names"]):
            left = mark["side"] == "left" or ax.transData.transform(place)[0] > ax.bbox.x1 - 84 * SCALE
            offset = {
                "xytext": (-6 if left else 6, 0),
                "textcoords": "offset points",
                "ha": "right" if left else "left",
            }
            ax.annotate(
                mark["names"][k], place, color=colour, fontsize=8, fontweight="bold", va="center", **offset
            )


def paint_graph(figure, box, spec, arrays):
    ax, width, height = pixels(figure, label(figure, box, spec))
    of = lambda name, count: arrays[name] if name else np.full(count, 2.0)
    nodes, weighted = len(spec["places"]), spec["weighted"]
    places = np.array(spec["places"])
    scale = width / spec["lying"][0]
    put = lambda given: scaled(np.array(given), places, (width, height), scale * np.array(spec["margin"]))
    at, via = put(places), dict(spec["via"])
    weights, known = of(spec["weights"], 0), of(spec["weightsShown"], weighted)
    slopes = of(spec["weightGradients"], weighted)
    for k, (a, b) in enumerate(spec["edges"]):
        strength = abs(weights[k]) / (np.abs(weights).max() or 1) if k < weighted else 0.1
        colour = "#888888" if k >= weighted else NEGATIVE if weights[k] < 0 else style.PARAMETER
        stops = np.vstack([at[a], *([put(via[k])] if k in via else []), at[b]])
        ax.plot(*stops.T, color=colour, linewidth=0.7 + 2.5 * strength, alpha=0.75, zorder=1)
        if k < weighted and k not in spec["quiet"]:
            pair = in_pair(
                weights[k], slopes[k] if spec["weightGradients"] else None, known[k], spec["digits"]
            )
            spot = at[a] + spec["spots"][0][k] * (at[b] - at[a])
            if pair[0] and spec["edgeNames"]:
                pair = (f"{spec['edgeNames'][k]} {in_digits(weights[k], 2)}", pair[1])
            paint_pair(ax, spot, pair, style.PARAMETER, 7.5, boxed=True)
    shown = of(spec["shown"], nodes)
    if spec["boxes"]:
        paint_boxes(ax, at, spec["names"], shown, scale)
        return
    rings = [
        style.GRADIENT if spec["gradients"] and s > 1 else style.ACTIVATION if s else "#888888" for s in shown
    ]
    ax.scatter(*at.T, s=900, facecolor="white", edgecolor=rings, linewidth=1.5, zorder=3)
    for k, (x, y) in enumerate(at):
        gradient = arrays[spec["gradients"]][k] if spec["gradients"] else None
        pair = in_pair(arrays[spec["of"]][k], gradient, shown[k], spec["digits"])
        paint_pair(ax, (x, y), pair, style.ACTIVATION, 8)
        ax.text(x, y - 33, (spec["names"] or [""] * nodes)[k], fontsize=8, ha="center", va="center", zorder=4)


def paint_boxes(ax, at, names, shown, scale):
    """A box with its name at every place, dashed and pale where nothing is shown."""
    (w, h), pale = np.array(BOX) * scale, "#6e7781"
    for (x, y), name, there in zip(at, names, shown):
        number, _, words = name.partition(" ")
        look = {"edgecolor": "#222222"} if there else {"edgecolor": pale, "linestyle": "--"}
        ax.add_patch(
            FancyBboxPatch(
                (x - w / 2, y - h / 2), w, h, boxstyle="round,pad=0,rounding_size=5", facecolor="white",
                linewidth=1, zorder=3, **look,
            )
        )  # fmt: skip
        lines = [number, *textwrap.wrap(words, 14)]
        for k, line in enumerate(lines):
            ax.text(
                x, y + 13 * scale * (k - (len(lines) - 1) / 2), line, fontsize=7.5 * scale, ha="center", va="center", zorder=4,
                color="#222222" if there else pale, fontweight="bold" if k == 0 else "normal",
            )  # fmt: skip


def in_pair(value, gradient, known, digits):
    """A value and its gradient as text, empty where they are not known yet."""
    return (
        in_digits(value, digits) if known > 0 else "",
        in_digits(gradient, digits) if gradient is not None and known > 1 else "",
    )


def paint_pair(ax, place, pair, ink, size, boxed=False):
    """A value above its gradient, or the value alone in the middle."""
    rows = [(text, colour) for text, colour in zip(pair, (ink, style.GRADIENT)) if text]
    box = {"bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.4}} if boxed else {}
    for k, (text, colour) in enumerate(rows):
        y = place[1] + 14 * (k - (len(rows) - 1) / 2)
        ax.text(place[0], y, text, fontsize=size, color=colour, ha="center", va="center", zorder=4, **box)


def paint_formula(figure, box, spec, arrays):
    left, bottom, _, h = box
    text = re.sub(r"\\term\{\w+\}", "", spec["latex"]).replace(r"\,", r"\;")
    figure.text(left, bottom + h / 2, f"${text}$", fontsize=12, va="center")


PAINTERS = {
    "grid": paint_grid, "strip": paint_grid, "bars": paint_bars, "curve": paint_curve, "points": paint_curve,
    "graph": paint_graph, "layers": paint_layers, "formula": paint_formula,
}  # fmt: skip
