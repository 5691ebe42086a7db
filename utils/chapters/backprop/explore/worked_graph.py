"""The worked 3-2-2 network as a graph: forward and backward node by node, every weight's paths."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.patheffects import withStroke

from utils import style
from utils.chapters.backprop.worked import INPUTS, PARAMS, TARGETS, worked_network
from utils.crosscheck.protocol import ProtocolError, kind_of, words_of
from utils.explorable.engine import Explorable, Slider, Switch
from utils.nn.reverse_mode import Value

PLACES = {
    **{"x1": (0.0, 2.0), "x2": (0.0, 1.0), "x3": (0.0, 0.0)},
    **{"z_h1": (1.5, 1.65), "h1": (2.1, 1.65), "z_h2": (1.5, 0.35), "h2": (2.1, 0.35)},
    **{"z_o1": (3.6, 1.65), "o1": (4.2, 1.65), "z_o2": (3.6, 0.35), "o2": (4.2, 0.35), "loss": (5.2, 1.0)},
    **{"b1": (0.85, -0.6), "b2": (2.95, -0.6)},
}
WEIGHTS = {
    **{"w1": ("x1", "z_h1"), "w2": ("x1", "z_h2"), "w3": ("x2", "z_h1")},
    **{"w4": ("x2", "z_h2"), "w5": ("x3", "z_h1"), "w6": ("x3", "z_h2")},
    **{"w7": ("h1", "z_o1"), "w8": ("h1", "z_o2"), "w9": ("h2", "z_o1"), "w10": ("h2", "z_o2")},
}
BIASES = [("b1", "z_h1"), ("b1", "z_h2"), ("b2", "z_o1"), ("b2", "z_o2")]
FIXED = [("z_h1", "h1"), ("z_h2", "h2"), ("z_o1", "o1"), ("z_o2", "o2"), ("o1", "loss"), ("o2", "loss")]
EDGES = [*WEIGHTS.values(), *BIASES, *FIXED]
FORWARD = ["z_h1", "h1", "z_h2", "h2", "z_o1", "o1", "z_o2", "o2", "loss"]
BACKWARD = [
    *["loss", "o1", "o2", "z_o1", "z_o2", ("w7", "w9"), ("w8", "w10"), "b2"],
    *["h1", "h2", "z_h1", "z_h2", ("w1", "w3", "w5"), ("w2", "w4", "w6"), "b1"],
]
LAST = len(FORWARD) + len(BACKWARD)


def links(found, p):
    """For every named value, the named values it was made from and its slope with respect to each.

    found, p: dicts of Values by name.  Returns {name: {parent: slope}}, unnamed steps multiplied in.
    """
    names = {id(value): name for name, value in [*p.items(), *found.items()]}

    def walk(node, slope, into):
        for parent, local in zip(node.parents, node.slopes):
            if id(parent) in names:
                name = names[id(parent)]
                into[name] = into.get(name, 0.0) + slope * local
            else:
                walk(parent, slope * local, into)
        return into

    return {name: walk(value, 1.0, {}) for name, value in found.items()}


def paths(graph, end, start="loss"):
    """All ways from start back to end: lists of (name, slope that leads there)."""
    ways = []
    for parent, slope in graph.get(start, {}).items():
        if parent == end:
            ways.append([(end, slope)])
        else:
            ways += [[(parent, slope), *rest] for rest in paths(graph, end, parent)]
    return ways


def called(network, p, x):
    """What the network returns; ProtocolError, with a sentence, unless that is every Value by its name."""
    try:
        found = network(p, x, TARGETS)
    except Exception as error:
        raise ProtocolError(f"network raised {words_of(error)}") from error
    if not isinstance(found, dict):
        raise ProtocolError(f"network must return a dict of Values by name; it returned {kind_of(found)}")
    for name in FORWARD:
        if not isinstance(found.get(name), Value):
            given = kind_of(found[name]) if name in found else "missing"
            raise ProtocolError(f"network must return a dict with a Value for {name}; it is {given}")
    return found


def compute(network, params, divisor=1.0):
    """Values, gradients and the graph of slopes of the worked network.

    network(p, x, y) -> dict of Values; params: dict of numbers.  Returns (values, gradients, graph).
    """
    p = {name: Value(number) for name, number in params.items()}
    x = {name: number / divisor for name, number in INPUTS.items()}
    found = called(network, p, x)
    found["loss"].backward()
    values = {**x, **{name: v.data for name, v in [*p.items(), *found.items()]}}
    gradients = {name: v.grad for name, v in [*p.items(), *found.items()]}
    return values, gradients, links(found, p)


def revealed(step):
    """Which values and which gradients are known after `step` steps, and what the last one brought."""
    forward = FORWARD[: min(step, len(FORWARD))]
    backward = BACKWARD[: max(0, step - len(FORWARD))]
    flat = [name for item in backward for name in ([item] if isinstance(item, str) else item)]
    latest = (backward or forward or [()])[-1]
    return set(forward), set(flat), [latest] if isinstance(latest, str) else list(latest)


def step_name(step):
    if step == 0:
        return "start"
    name = FORWARD[step - 1] if step <= len(FORWARD) else BACKWARD[step - len(FORWARD) - 1]
    name = name if isinstance(name, str) else " ".join(name)
    return f"{'forward' if step <= len(FORWARD) else 'backward'} {name}"


def width_of(number, most=5.0):
    """Line width from a magnitude on a log scale: 1e-4 is thin, 1 is wide."""
    return 0.6 + (most - 0.6) * np.clip((np.log10(max(abs(number), 1e-12)) + 4) / 4, 0, 1)


def explain_step(step, values, gradients, graph):
    """One line on what the last step computed."""
    _, back, latest = revealed(step)
    if not latest:
        return "Nothing computed yet: inputs and parameters are given."
    if not back:
        name = latest[0]
        how = {"z": "weighted sum", "h": "sigmoid", "o": "sigmoid", "l": "half the sum of squared errors"}[
            name[0]
        ]
        return f"forward: {name} = {values[name]:.6g}   ({how})"
    said = []
    for name in latest:
        terms = [f"{gradients[c]:.4g} x {g[name]:.4g}" for c, g in graph.items() if name in g]
        said.append(f"dL/d{name} = {gradients[name]:.6g}" + (f" = {' + '.join(terms)}" if terms else ""))
    return "backward: " + "\n          ".join(said)


def explain_paths(weight, gradients, graph):
    """The chain rule for one parameter, a line a path."""
    lines = []
    for way in paths(graph, weight):
        product = np.prod([slope for _, slope in way])
        factors = " x ".join(f"{slope:.4g}" for _, slope in way)
        lines.append(f"  via {' '.join(name for name, _ in way[:-1]):<18} {factors} = {product:.6g}")
    return "\n".join([f"dL/d{weight} = {gradients[weight]:.6g}", *lines])


def worked(network=worked_network, step=LAST):
    """The worked network as a graph: step through it, pick a parameter, change it.

    network: the reader's own worked_network(p, x, y) -> dict of Values, see utils.chapters.backprop.worked; step:
    where to start, 0 is before anything is computed.
    """

    def update(artists, step, parameter, change, divided):
        params = {**PARAMS, parameter: PARAMS[parameter] + change}
        values, gradients, graph = compute(network, params, 5.0 if divided else 1.0)
        show(artists, step, parameter, values, gradients, graph)
        said = [] if step == LAST else [explain_step(step, values, gradients, graph)]
        if parameter in revealed(step)[1]:
            said.append(explain_paths(parameter, gradients, graph))
        return "\n".join(said)

    handles = {name: handle(name) for name in PARAMS}
    return Explorable(
        setup,
        update,
        title="the worked network, forward and backward",
        figsize=(9.4, 4.4),
        step=Slider(range(LAST + 1), format=step_name),
        parameter=list(PARAMS),
        change=Slider([round(c / 10, 1) for c in range(-15, 16)], label="change it by", format="{:+.1f}"),
        divided=Switch(False, label="inputs divided by 5"),
        start={"step": step, "parameter": "w1", "change": 0.0},
        pick={"axes": 0, "nearest": "parameter", "points": np.array(list(handles.values()))},
        play=("step",),
        presets={
            "before": {"step": 0},
            "after the forward pass": {"step": len(FORWARD)},
            "the two paths of w1": {"step": LAST},
            "one path, w7": {"step": LAST, "parameter": "w7"},
            "small inputs": {"step": LAST, "divided": True},
        },
        alt="A graph of three inputs, two hidden units, two outputs and the loss, joined by ten weights",
    )


def handle(name):
    """Where a parameter is labelled and picked."""
    if name in PLACES:
        return PLACES[name]
    (x0, y0), (x1, y1) = (PLACES[end] for end in WEIGHTS[name])
    return x0 + 0.3 * (x1 - x0), y0 + 0.3 * (y1 - y0)


def setup(fig):
    ax = fig.add_subplot()
    ax.set(xlim=(-0.35, 5.75), ylim=(-1.25, 2.55))
    ax.axis("off")
    lines = LineCollection([[PLACES[a], PLACES[b]] for a, b in EDGES], capstyle="round", zorder=1)
    ax.add_collection(lines)
    marked = LineCollection([], colors="#333333", linewidths=9, alpha=0.18, capstyle="round", zorder=0)
    ax.add_collection(marked)
    places = np.array(list(PLACES.values()))
    nodes = ax.scatter(*places.T, s=[620 if n[0] in "xhol" else 340 for n in PLACES], zorder=2)
    for name, (x, y) in PLACES.items():
        label = {"loss": "L"}.get(name, f"${name[0]}_{{{name[2:] if '_' in name else name[1:]}}}$")
        small = 10 if name[0] in "zb" else 13
        ax.text(x, y, label, ha="center", va="center", fontsize=small, zorder=5)
    for name in WEIGHTS:
        x, y = handle(name)
        box = {"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none"}
        ax.text(
            x,
            y,
            f"$w_{{{name[1:]}}}$",
            ha="center",
            va="center",
            fontsize=10,
            color=style.PARAMETER,
            bbox=box,
        )
    numbers = {}
    for name, (x, y) in {**PLACES, **{w: handle(w) for w in WEIGHTS}}.items():
        halo = {
            "ha": "center",
            "fontsize": 11,
            "zorder": 6,
            "path_effects": [withStroke(linewidth=4, foreground="white")],
        }
        gap = 0.19 if name in PLACES else 0.1
        up = ax.text(x, y + gap, "", va="bottom", color=style.ACTIVATION, **halo)
        down = ax.text(x, y - gap, "", va="top", color=style.GRADIENT, **halo)
        numbers[name] = up, down
    for k, (output, target) in enumerate(zip(("o1", "o2"), TARGETS.values())):
        x, y = PLACES[output]
        ax.text(
            x + 0.32,
            y + (0.28 if k == 0 else -0.28),
            f"wanted: {target:g}",
            color="#555555",
            fontsize=10,
            va="center",
        )
    latest = ax.scatter(
        [], [], s=1150, facecolors="none", edgecolors="black", linewidths=1.5, linestyles="dotted"
    )
    key = "blue: values, the darker the larger      vermilion: gradients, the wider the larger      green: parameters"
    ax.text(2.7, -1.24, key, ha="center", va="bottom", color="#555555", fontsize=10)
    for x, text in [(0, "inputs"), (1.8, "hidden units"), (3.9, "outputs"), (5.2, "loss")]:
        ax.text(x, 2.42, text, ha="center", color="#666666", fontsize=11)
    return {"lines": lines, "marked": marked, "nodes": nodes, "numbers": numbers, "latest": latest}


def show(artists, step, parameter, values, gradients, graph):
    """Colour what is known, number what is picked or new."""
    known, back, latest = revealed(step)
    on_path = {parameter, *(name for way in paths(graph, parameter) for name, _ in way), "loss"}
    if parameter in WEIGHTS:
        on_path.add(WEIGHTS[parameter][0])
    edge_names = [*WEIGHTS, *(b for b, _ in BIASES), *(a for a, _ in FIXED)]
    slopes = [gradients[n] if n in back else values[n] if n in PARAMS else 0.02 for n in edge_names]
    colours = [
        style.GRADIENT if n in back else style.PARAMETER if n in PARAMS else style.ACTIVATION
        for n in edge_names
    ]
    artists["lines"].set_linewidths([width_of(s) for s in slopes])
    artists["lines"].set_color([to_rgba(c, 0.85) for c in colours])
    artists["marked"].set_segments(path_segments(parameter, graph) if parameter in back else [])
    given = {*INPUTS, "b1", "b2"}
    faces, rings, widths = [], [], []
    for name in PLACES:
        strength = np.clip(abs(values[name]) / (5.5 if name[0] in "xz" else 1.0), 0.12, 1)
        base = style.PARAMETER if name[0] == "b" else style.ACTIVATION
        faces.append(to_rgba(base, 0.55 * strength) if name in known | given else (1, 1, 1, 1))
        rings.append(style.GRADIENT if name in back else "#888888")
        widths.append(width_of(gradients[name]) if name in back else 1.0)
    # a ring must hide the lines below it, so the face lies on white
    artists["nodes"].set_facecolor([over_white(face) for face in faces])
    artists["nodes"].set_edgecolor(rings)
    artists["nodes"].set_linewidth(widths)
    artists["latest"].set_offsets(
        [PLACES[n] for n in latest if n in PLACES and step < LAST] or np.empty((0, 2))
    )
    for name, (up, down) in artists["numbers"].items():
        # on the way forward every value is shown; on the way back only what matters for the picked parameter
        shown = name in on_path or name in latest or (not back and name in known | set(INPUTS))
        have = name in known | given | set(PARAMS)
        up.set_text(f"{values[name]:.4g}" if shown and have else "")
        up.set_color(style.PARAMETER if name in PARAMS else style.ACTIVATION)
        down.set_text(f"{gradients[name]:.3g}" if shown and name in back else "")


def over_white(colour):
    r, g, b, a = colour
    return (*(1 - a * (1 - c) for c in (r, g, b)), 1.0)


def path_segments(parameter, graph):
    """The lines that the paths of a parameter run along."""
    segments = []
    for way in paths(graph, parameter):
        stops = ["loss", *(name for name, _ in way if name in PLACES)]
        if parameter in WEIGHTS:
            stops.append(WEIGHTS[parameter][0])
        segments += [[PLACES[a], PLACES[b]] for a, b in zip(stops, stops[1:])]
    return segments
