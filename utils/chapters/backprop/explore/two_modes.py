"""Forward against reverse mode: sweeps through a network fill the table of slopes by columns or by rows, and cost."""

import numpy as np

from utils.chapters.backprop.costs import costs, edges
from utils.explorable import Curve, Explorable, Grid, Points, Slider

MOST = 8  # units a layer, hidden layers
DEPTHS = np.arange(1.0, MOST + 1)
FAINT = 0.4  # the shade of a unit that a sweep passes
NAMES = {"path by path": "data", "forward mode": "value", "reverse mode": "gradient"}


def places(widths):
    """1 where the drawn network has a unit, (MOST, MOST + 2): a column a layer, in the middle of its height."""
    found = np.zeros((MOST, MOST + 2))
    for layer, width in enumerate(widths):
        top = (MOST - width) // 2
        found[top : top + width, layer] = 1
    return found


def swept(there, last, source, done):
    """Shades of a sweep that started at one unit: that unit, and all it passes; nothing before the first sweep.

    there: see `places`; last: how many layers; source: column where sweeps start, 0 or last - 1; done: sweeps.
    """
    shades = np.where(there, FAINT * (done > 0), 0.0)
    shades[:, source] = 0
    if done:
        shades[np.flatnonzero(there[:, source])[done - 1], source] = 1
    return shades


def table(done, rows, columns, by):
    """What the table of slopes knows, (MOST, MOST): 1 in the newest column or row, FAINT in those before.

    done: sweeps so far; rows, columns: outputs and inputs; by: 1 for a column a sweep, 0 for a row.
    """
    at = np.indices((MOST, MOST))[by]
    known = np.where(at < done - 1, FAINT, 1.0 * (at == done - 1)) if done else np.zeros((MOST, MOST))
    return known * area(rows, columns)


def area(rows, columns):
    down, right = np.indices((MOST, MOST))
    return 1.0 * ((down < rows) & (right < columns))


def compute(inputs, width, depth, outputs, progress):
    widths = [inputs, *[width] * depth, outputs]
    there, last = places(widths), depth + 1
    longest = max(inputs, outputs)
    gone = -(-progress * longest // MOST)  # rounded up: the first step begins a sweep
    forward, reverse = min(gone, inputs), min(gone, outputs)
    each = [costs([inputs, *[width] * int(d), outputs]) for d in DEPTHS]
    lines = {name: np.array([float(cost[name]) for cost in each]) for name in NAMES}
    now = {f"{name} now": [[depth, line[depth - 1]]] for name, line in lines.items()}
    return {
        "there": there,
        "area": area(outputs, inputs),
        "tangents": swept(there, last, 0, forward),
        "gradients": swept(there, last, last, reverse),
        "columns": table(forward, outputs, inputs, 1),
        "rows": table(reverse, outputs, inputs, 0),
        "depths": DEPTHS,
        "readout": tell(widths, forward, reverse),
        **lines,
        **now,
    }


def tell(widths, forward, reverse):
    """The bill, aligned.  forward, reverse: sweeps so far."""
    counted, per_sweep = costs(widths), edges(widths)
    rows = [
        ("path by path", counted["paths"], "path", len(widths) - 1, ""),
        ("forward mode", widths[0], "sweep", per_sweep, f", {forward} done"),
        ("reverse mode", widths[-1], "sweep", per_sweep, f", {reverse} done"),
    ]
    said = [
        f"{name}: {count:10,} {what + 's' * (count > 1):6} x {each:3} edges = {counted[name]:12,} multiplications{done}"
        for name, count, what, each, done in rows
    ]
    ratio = counted["forward mode"] / counted["reverse mode"]
    if ratio == 1:
        return "\n".join([*said, "Both modes cost the same."])
    better, factor = ("Reverse", ratio) if ratio > 1 else ("Forward", 1 / ratio)
    return "\n".join([*said, f"{better} mode is cheaper, by a factor of {factor:.4g}."])


def modes():
    """Inputs, outputs, width and depth of a network -> the sweeps of both modes, and what they cost."""
    plain = {"limit": 1.0, "numbers": False, "bar": False}
    net = lambda name, label, kind: Grid(name, label, kind=kind, shown="there", **plain)
    slopes = lambda name, label, kind: Grid(name, label, kind=kind, shown="area", **plain)
    curve = lambda name: Curve(
        name, x="depths", kind=NAMES[name], also=(Points(f"{name} now", kind=NAMES[name], names=(name,)),)
    )
    _, *others = map(curve, NAMES)
    return Explorable(
        compute,
        title="what a gradient costs",
        marks=[
            [
                net("tangents", "forward mode starts at an input", "value"),
                slopes("columns", "and fills a column", "value"),
            ],
            [
                net("gradients", "reverse mode starts at an output", "gradient"),
                slopes("rows", "and fills a row", "gradient"),
            ],
            [
                Curve(
                    "path by path",
                    "multiplications for the whole table",
                    kind="data",
                    x="depths",
                    log="y",
                    xlim=(1, MOST),
                    xlabel="hidden layers: drag along the axis",
                    width=560,
                    height=240,
                    pick="depth",
                    also=(
                        *curve("path by path").also,
                        *(part for one in others for part in (one, *one.also)),
                    ),
                )
            ],
        ],
        inputs=range(1, MOST + 1),
        width=range(1, MOST + 1),
        depth=Slider(range(1, MOST + 1), label="hidden layers"),
        outputs=range(1, MOST + 1),
        progress=Slider(range(MOST + 1), label="sweeps", format=lambda k: f"{100 * k / MOST:.0f} %"),
        start={"inputs": 6, "width": 4, "depth": 3, "outputs": 1, "progress": MOST},
        play=("progress", "depth"),
        presets={
            "six inputs, one loss": {},
            "before the sweeps": {"progress": 0},
            "one input, six outputs": {"inputs": 1, "outputs": 6},
            "as many of both": {"outputs": 6},
            "a chain": {"inputs": 1, "width": 1, "depth": 8},
        },
        alt="A network twice, its table of slopes filled by columns and by rows; three costs against its depth",
    )
