"""The worked 3-2-2 network as a graph: forward and backward node by node, every weight's paths."""

import ast
import inspect
import re
import textwrap

import numpy as np

from utils.chapters.backprop.worked import INPUTS, PARAMS, TARGETS, worked_network
from utils.crosscheck.protocol import ProtocolError, kind_of, words_of
from utils.explorable import Array, Choice, Code, Explorable, Graph, Slider, Switch
from utils.nn.reverse_mode import Value

PLACES = {
    **{"x1": (0.0, 0.0), "x2": (0.0, 1.3), "x3": (0.0, 2.6)},
    **{"z_h1": (1.5, 0.5), "h1": (2.1, 0.5), "z_h2": (1.5, 2.1), "h2": (2.1, 2.1)},
    **{"z_o1": (3.6, 0.5), "o1": (4.2, 0.5), "z_o2": (3.6, 2.1), "o2": (4.2, 2.1), "loss": (5.2, 1.3)},
    **{"b1": (1.0, 3.3), "b2": (3.1, 3.3)},
}
WEIGHTS = {
    **{"w1": ("x1", "z_h1"), "w2": ("x1", "z_h2"), "w3": ("x2", "z_h1")},
    **{"w4": ("x2", "z_h2"), "w5": ("x3", "z_h1"), "w6": ("x3", "z_h2")},
    **{"w7": ("h1", "z_o1"), "w8": ("h1", "z_o2"), "w9": ("h2", "z_o1"), "w10": ("h2", "z_o2")},
}
BIASES = [("b1", "z_h1"), ("b1", "z_h2"), ("b2", "z_o1"), ("b2", "z_o2")]
FIXED = [("z_h1", "h1"), ("z_h2", "h2"), ("z_o1", "o1"), ("z_o2", "o2"), ("o1", "loss"), ("o2", "loss")]
EDGES = [*WEIGHTS.values(), *BIASES, *FIXED]
ON_EDGES = [*WEIGHTS, *(bias for bias, _ in BIASES)]  # the parameter on each edge that has one
NODES = {name: k for k, name in enumerate(PLACES)}
RATE = 0.5  # of the gradient, for one step
FORWARD = ["z_h1", "h1", "z_h2", "h2", "z_o1", "o1", "z_o2", "o2", "loss"]
BACKWARD = [
    *["loss", "o1", "o2", "z_o1", "z_o2", ("w7", "w9"), ("w8", "w10"), "b2"],
    *["h1", "h2", "z_h1", "z_h2", ("w1", "w3", "w5"), ("w2", "w4", "w6"), "b1"],
]
LAST = len(FORWARD) + len(BACKWARD)
# the way back as one would write it, d before a name for dL by it; p, x, y as for worked_network
BACK = """\
do1, do2 = o1 - y1, o2 - y2
dz_o1 = do1 * o1 * (1 - o1)
dz_o2 = do2 * o2 * (1 - o2)
dw7, dw9 = h1 * dz_o1, h2 * dz_o1
dw8, dw10 = h1 * dz_o2, h2 * dz_o2
db2 = dz_o1 + dz_o2
dh1 = w7 * dz_o1 + w8 * dz_o2
dh2 = w9 * dz_o1 + w10 * dz_o2
dz_h1 = dh1 * h1 * (1 - h1)
dz_h2 = dh2 * h2 * (1 - h2)
dw1, dw3, dw5 = x1 * dz_h1, x2 * dz_h1, x3 * dz_h1
dw2, dw4, dw6 = x1 * dz_h2, x2 * dz_h2, x3 * dz_h2
db1 = dz_h1 + dz_h2"""


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


def explain_step(step, values, gradients, graph):
    """What the last step computed, in a sentence."""
    _, back, latest = revealed(step)
    if not latest:
        return "Nothing is computed yet: inputs and parameters are given."
    if not back:
        name = latest[0]
        kinds = {
            "z": "a weighted sum",
            "h": "a sigmoid",
            "o": "a sigmoid",
            "l": "half the sum of squared errors",
        }
        return f"forward: {name} = {values[name]:.6f}, {kinds[name[0]]}"
    said = []
    for name in latest:
        terms = [f"{gradients[c]:.4f} x {g[name]:.4f}" for c, g in graph.items() if name in g]
        said.append(f"dL/d{name} = {gradients[name]:.6f}" + (f" = {' + '.join(terms)}" if terms else ""))
    return "backward: " + "\n          ".join(said)


def explain_paths(parameter, gradients, graph):
    """The chain rule for one parameter, a line a path."""
    lines = []
    for way in paths(graph, parameter):
        product = np.prod([slope for _, slope in way])
        factors = " x ".join(f"{slope:7.4f}" for _, slope in way)
        lines.append(f"  through {' '.join(name for name, _ in way[:-1]):<16} {factors} = {product:.8f}")
    return "\n".join([f"dL/d{parameter} = {gradients[parameter]:.8f}, the sum over its paths", *lines])


def followed(parameter, graph):
    """1 for every edge that a path from the loss to a parameter runs along, else 0."""
    steps = set()
    for way in paths(graph, parameter):
        stops = ["loss", *(name for name, _ in way if name in PLACES)]
        steps |= set(zip(stops[1:], stops))
        if parameter in WEIGHTS:
            steps.add(WEIGHTS[parameter])
    return np.array([float(edge in steps) for edge in EDGES])


def slope_of(edge, graph, params):
    """The local slope along an edge: that of its end by its beginning.  An input has no gradient, only its weight."""
    a, b = edge
    weight = next((params[name] for name, ends in WEIGHTS.items() if ends == edge), 0.0)
    return graph[b].get(a, weight)


def running(step):
    """1 for every edge along which the last step ran forward, -1 where it ran back, else 0.  All is quiet at the end."""
    _, back, latest = revealed(step)
    if not 0 < step < LAST:
        return np.zeros(len(EDGES))
    ends = {edge: 0 for edge in EDGES}
    for edge, name in zip(EDGES, [*ON_EDGES, *[None] * len(FIXED)]):
        if back:
            ends[edge] = -float(edge[0] in latest or (name in latest and name in WEIGHTS))
        else:
            ends[edge] = float(edge[1] in latest)
    return np.array([ends[edge] for edge in EDGES])


def made_of():
    """How each node is made, in the symbols of the chapter."""
    sums = {
        node: " + ".join([*(f"{w}\u00b7{a}" for w, (a, b) in WEIGHTS.items() if b == node), *(a for a, b in BIASES if b == node)])
        for node in FORWARD
        if node.startswith("z_")
    }  # fmt: skip
    squash = {name: f"sigmoid(z_{name})" for name in ("h1", "h2", "o1", "o2")}
    loss = "half of (o1 \u2212 y1)\u00b2 + (o2 \u2212 y2)\u00b2"
    return tuple({**sums, **squash, "loss": loss}.get(name, "") for name in PLACES)


def slope_name(edge):
    """The slope of the end of an edge by its beginning, in symbols."""
    a, b = edge
    if b == "loss":
        return f"({a} \u2212 y{a[-1]})"
    return f"{b}(1 \u2212 {b})" if edge in FIXED else "1"


SLOPE_NAMES = (*WEIGHTS, *map(slope_name, EDGES[len(WEIGHTS) :]))


def lines_of(text, prefix=""):
    """{line of a code, from 1: the elements of the graph that it assigns}."""
    found = {}
    for k, line in enumerate(text.split("\n"), start=1):
        left = line.partition("=")[0] if re.match(r"\s*[\w, ]+=[^=]", line) else ""
        names = [name.strip().removeprefix(prefix) for name in left.split(",")]
        nodes = [("nodes", (NODES[name],)) for name in names if name in NODES]
        edges = [("weights", (ON_EDGES.index(name),)) for name in names if name in WEIGHTS]
        if nodes or edges:
            found[k] = (*nodes, *edges)
    return found


def body_of(function):
    """The source of a function without its docstring; empty where there is none to be had."""
    try:
        text = textwrap.dedent(inspect.getsource(function))
        first = ast.parse(text).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return ""
    lines = text.rstrip().split("\n")
    if isinstance(first, ast.FunctionDef) and ast.get_docstring(first) is not None:
        doc = first.body[0]
        del lines[doc.lineno - 1 : doc.end_lineno]
    return "\n".join(lines)


def codes(network):
    """The way forward as the network is written, and the way back by hand."""
    forward = body_of(network)
    shown = [Code(forward, lines_of(forward), label="forward")] if forward else []
    by_hand = [Code(BACK, lines_of(BACK, "d"), label="back, by hand")] if network is worked_network else []
    return [[*shown, *by_hand]] if shown or by_hand else []


def numbers(network, params, step, parameter, divided):
    """All that is drawn: values, gradients, how much of them is known, and what to say."""
    given = dict(zip(PARAMS, params))
    values, gradients, graph = compute(network, given, 5.0 if divided else 1.0)
    known, back, _ = revealed(step)
    known = known | {*INPUTS, *PARAMS}
    state = lambda name: float(name in known) + float(name in back)
    said = [] if step == LAST else [explain_step(step, values, gradients, graph)]
    if parameter in back:
        said.append(explain_paths(parameter, gradients, graph))
    loss = f"loss {values['loss']:.6f}" if "loss" in known else ""
    if loss and step == LAST:
        first = compute(network, PARAMS, 5.0 if divided else 1.0)[0]["loss"]
        loss += f", at the start {first:.6f}"
    loss += "\n" if step == LAST else ". " if loss else ""
    return {
        "nodes": [values[name] for name in NODES],
        "gradients": [gradients.get(name, 0.0) for name in NODES],
        "shown": [state(name) for name in NODES],
        "weights": [given[name] for name in ON_EDGES],
        "slopes": [gradients[name] for name in ON_EDGES],
        "slopes_shown": [state(name) for name in ON_EDGES],
        "marked": followed(parameter, graph) if parameter in back else np.zeros(len(EDGES)),
        "slopes_of_edges": [slope_of(edge, graph, given) for edge in EDGES],
        "pulse": running(step),
        "readout": loss + "\n".join(said),
    }


def worked(network=worked_network, step=LAST, forward_only=False):
    """The worked network as a graph: drag a weight on its edge, click it for its paths, step through, take a step.

    network: the reader's own worked_network(p, x, y) -> dict of Values, see utils.chapters.backprop.worked; step:
    where to start, 0 is before anything is computed; forward_only: ends at the loss, and shows no gradient.
    ValueError when it ends before the step.
    """

    last = len(FORWARD) if forward_only else LAST
    if step > last:
        raise ValueError(f"step must be at most {last}, the last one shown; got {step}")

    def compute_all(params, step, parameter, divided):
        return numbers(network, params, step, parameter, divided)

    def take_one_step(params, step, parameter, divided):
        _, gradients, _ = compute(network, dict(zip(PARAMS, params)), 5.0 if divided else 1.0)
        return {
            "params": np.clip(params - RATE * np.array([gradients[name] for name in PARAMS]), -3, 3),
            "step": LAST,
        }

    backward_presets = {
        "the two paths of w1": {"step": LAST},
        "one path, w7": {"step": LAST, "parameter": "w7"},
        "small inputs": {"step": LAST, "divided": True},
    }
    label = lambda name: {"loss": "L"}.get(name, name)
    params_at = list(PARAMS).index
    return Explorable(
        compute_all,
        title="the worked network, forward and backward",
        marks=[
            [Graph(
                "nodes",
                "drag a weight or a bias up or down" + ("" if forward_only else "; click it to see its paths"),
                places=tuple(PLACES.values()),
                edges=tuple((NODES[a], NODES[b]) for a, b in EDGES),
                weights="weights",
                names=tuple(map(label, NODES)),
                edge_names=tuple(ON_EDGES),
                gradients="gradients",
                weight_gradients="slopes",
                shown="shown",
                weights_shown="slopes_shown",
                marked="marked",
                pulse="pulse",
                slopes="slopes_of_edges",
                slope_names=SLOPE_NAMES,
                made=made_of(),
                drag="params",
                drag_index=tuple(map(params_at, ON_EDGES)),
                node_drag={NODES[name]: params_at(name) for name in ("b1", "b2")},
                pick="parameter",
                quiet=tuple(range(len(WEIGHTS), len(ON_EDGES))),
                digits=4,
            )],
            *([row[:1] for row in codes(network)] if forward_only else codes(network)),
        ],
        params=Array(list(PARAMS.values()), step=0.001, low=-3, high=3),
        step=Slider(range(last + 1), format=step_name, pace=450),
        parameter=Choice(list(PARAMS)),
        divided=Switch(False, label="inputs divided by 5"),
        start={"step": step, "parameter": "w1"},
        play=("step",) if forward_only else ("step", "take a step of 0.5 gradients"),
        actions={} if forward_only else {"take a step of 0.5 gradients": take_one_step},
        presets={
            "before": {"step": 0},
            "after the forward pass": {"step": len(FORWARD)},
            **({} if forward_only else backward_presets),
        },
        alt="A graph of three inputs, two hidden units, two outputs and the loss, joined by ten weights",
    )  # fmt: skip
