"""One matrix layer as grids: which inputs and which gradients each number is made of, there and back."""

import numpy as np

from utils.explorable import Array, Explorable, Formula, Grid, Link
from utils.nn.linear import linear

X = np.array([[1.0, -0.5, 2.0], [0.0, 1.5, -1.0]])
WEIGHT = np.array([[0.5, -1.0, 0.25], [1.0, 0.5, -0.5], [-0.75, 0.0, 1.0], [0.25, 1.0, 0.5]])
BIAS = np.array([0.5, -0.5, 0.0, 1.0])
UPSTREAM = np.array([[1.0, 0.0, -0.5, 2.0], [-1.0, 0.5, 1.0, 0.0]])
KINDS = {
    **{"x": "data", "weight": "parameter", "bias": "parameter", "y": "value"},
    **dict.fromkeys(("dy", "dx", "dweight", "dbias"), "gradient"),
}


def numbers(weight, upstream):
    """Everything that the layer computes from X, the bias and the dragged numbers, and a sentence about it."""
    y, pullback = linear(X, weight, BIAS)
    dx, dweight, dbias = pullback(upstream)
    readout = (
        f"forward: each output is made of 3 products and a bias; largest output {y.max():.2f}\n"
        f"back: each entry of the weights' gradient is a sum over {len(X)} examples; largest {np.abs(dweight).max():.2f}"
    )
    made = dict(x=X, weight=weight, bias=BIAS, y=y, dy=upstream, dx=dx, dweight=dweight, dbias=dbias)
    return made | {"readout": readout}


def layer():
    """A linear layer whose weights and upstream gradient are dragged."""
    return Explorable(
        numbers,
        title="a matrix layer, there and back",
        marks=[
            [
                Grid("x", "X", kind="data"),
                Grid("weight", "W", kind="parameter", drag="weight"),
                Grid("bias", "b", kind="parameter"),
                Grid("y", "Y"),
            ],
            [
                Grid("dx", "gradient of X", kind="gradient"),
                Grid("dweight", "gradient of W", kind="gradient"),
                Grid("dbias", "gradient of b", kind="gradient"),
                Grid("dy", "gradient of Y", kind="gradient", drag="upstream"),
            ],
            [Formula(
                r"\term{y}{y_{no}} = \sum_i \term{x}{x_{ni}}\,\term{weight}{W_{oi}} + \term{bias}{b_o}",
                of="y", product=("x", "weight"), plus=("bias",), kinds=KINDS, label="forward",
            )],
            [Formula(
                r"\term{dweight}{\overline{W}_{oi}} = \sum_n \term{dy}{\overline{y}_{no}}\,\term{x}{x_{ni}}",
                of="dweight", product=("dy", "x"), kinds=KINDS, label="back, to the weights",
            ),
            Formula(
                r"\term{dx}{\overline{x}_{ni}} = \sum_o \term{dy}{\overline{y}_{no}}\,\term{weight}{W_{oi}}",
                of="dx", product=("dy", "weight"), kinds=KINDS, label="back, to the inputs",
            )],
        ],
        links=[
            Link("ni,oi,o->no", "x", "weight", "bias", "y"),
            Link("no,ni->oi", "dy", "x", "dweight"),
            Link("no,oi->ni", "dy", "weight", "dx"),
            Link("no->o", "dy", "dbias"),
        ],
        weight=Array(WEIGHT, step=0.05, low=-3, high=3),
        upstream=Array(UPSTREAM, step=0.05, low=-3, high=3),
        presets={
            "reset": {},
            "ones from above": {"upstream": np.ones_like(UPSTREAM)},
            "one output asks": {"upstream": np.eye(2, 4)},
        },
        alt="Grids of a linear layer: inputs, weights, bias and outputs above; below them their gradients",
    )  # fmt: skip
