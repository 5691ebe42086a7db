"""tanh with its tangent, and what becomes of a gradient on its way through: drag the point, drag the gradient."""

import numpy as np

from utils.crosscheck.protocol import operation
from utils.explorable import Array, Arrows, Curve, Explorable, Formula, Pairs, Points
from utils.nn.activations import tanh as our_tanh

GRID = np.linspace(-3.6, 3.6, 145)
FRAME = {
    "xlim": (-3.6, 3.6),
    "ylim": (-2.0, 2.0),
}  # as many pixels to the right as up: a slope looks like itself
BESIDE = 0.18  # of x: the gradient from above stands beside what arrives at x
TURN = 2.4  # from there on the triangle of the slope is drawn to the left


def numbers(tanh, x, upstream):
    """Everything that is drawn at x, for a gradient from above: arrays of numbers, and a sentence.

    tanh: x -> (value, pullback); x, upstream: numbers.
    """
    values, pullback = tanh(np.array([x]))
    y, slope = float(values[0]), float(pullback(np.ones(1))[0])
    arrives = float(pullback(np.array([upstream]))[0])
    curve, back = tanh(GRID)
    run = -1.0 if x > TURN else 1.0
    return {
        "grid": GRID,
        "curve": curve,
        "line": y + slope * (GRID - x),
        "dot": [[x, y]],
        "height": [[x, 0.0, x, y]],
        "triangle": [[x, y, x + run, y], [x + run, y, x + run, y + run * slope]],
        "slopes": [1.0, slope],
        "arriving": np.stack([back(np.full_like(GRID, upstream)), np.full_like(GRID, upstream)]),
        "sent": [[x - BESIDE, 0.0, x - BESIDE, upstream]],
        "got": [[x, 0.0, x, arrives]],
        "tip": [[x - BESIDE, upstream]],
        "arrived": [[x, arrives]],
        "readout": sentence(x, y, slope, upstream, arrives),
    }


def sentence(x, y, slope, upstream, arrives):
    """What the picture shows, in words; a pullback that does not multiply is told so."""
    begin = f"At x = {x:5.2f} the value is {y:6.3f} and the slope {slope:6.3f}.\n"
    gradient = f"A gradient of {upstream:6.3f} from above"
    if np.isclose(arrives, upstream * slope):
        return f"{begin}{gradient}, times the slope {slope:6.3f}, arrives as {arrives:6.3f}."
    return (
        f"{begin}{gradient} arrives as {arrives:6.3f}; times the slope it would be {upstream * slope:6.3f}."
    )


def tangent(tanh=our_tanh):
    """tanh, its tangent, and the gradient that a pullback sends on.

    tanh: the reader's own, x -> (value, pullback).
    """
    tanh = operation(tanh, ["x"], "tanh")
    return Explorable(
        lambda x, upstream: numbers(tanh, float(x[0]), float(upstream[0])),
        title="tanh and its gradient",
        marks=[
            [
                Curve("curve", "the value and its slope: drag the point", x="grid", xlabel="x", **FRAME, also=(
                    Curve("line", x="grid", kind="data"),
                    Arrows("height", kind="value", names=("y",), digits=3),
                    Arrows("triangle", kind="data", names=("", "slope"), numbers="slopes", sides=("right", "above"), digits=3),
                    Points("dot", "the point", drag="x", along="x"),
                )),
                Curve("arriving", "the gradient on its way down: drag either point", kind="gradient", x="grid", xlabel="x", **FRAME,
                      names=("arrives, at every x", "comes from above"), also=(
                    Arrows("sent", kind="gradient", names=("from above",), sides=("left",), digits=3),
                    Arrows("got", kind="gradient", names=("arrives",), digits=3),
                    Points("tip", "the gradient from above", kind="gradient", drag="upstream", along="y"),
                    Points("arrived", "what arrives", kind="gradient", drag="x", along="x"),
                )),
            ],
            [Formula(
                r"\term{arrived}{\bar x} = \term{tip}{\bar y}\,(1 - \term{dot}{y}^2)",
                kinds={"arrived": "gradient", "tip": "gradient", "dot": "value"},
            )],
        ],
        links=[Pairs(((("dot", (0,)), ("arrived", (0,))),))],
        x=Array([0.6], step=0.05, low=-3.3, high=3.3),
        upstream=Array([1.0], step=0.05, low=-1.8, high=1.8),
        presets={
            "start": {},
            "steep": {"x": [0.0]},
            "saturated": {"x": [3.0]},
            "a negative gradient": {"upstream": [-1.5]},
        },
        alt="Left tanh with a point, its tangent and its slope; right the gradient from above and what arrives at x, as arrows",
    )  # fmt: skip
