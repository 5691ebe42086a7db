"""One matrix layer as grids: which inputs and which gradients each number is made of, there and back."""

import numpy as np

from utils.crosscheck.protocol import ProtocolError, expect, slots_of, tried, value_and_pullback
from utils.explorable import Array, Explorable, Formula, Grid, Link
from utils.nn.linear import linear as our_linear

X = np.array([[1.0, -0.5, 2.0], [0.0, 1.5, -1.0]])
WEIGHT = np.array([[0.5, -1.0, 0.25], [1.0, 0.5, -0.5], [-0.75, 0.0, 1.0], [0.25, 1.0, 0.5]])
BIAS = np.array([0.5, -0.5, 0.0, 1.0])
UPSTREAM = np.array([[1.0, 0.0, -0.5, 2.0], [-1.0, 0.5, 1.0, 0.0]])
KINDS = {
    **{"x": "data", "weight": "parameter", "bias": "parameter", "y": "value"},
    **dict.fromkeys(("dy", "dx", "dweight", "dbias"), "gradient"),
}
INPUTS = ("x", "weight", "bias")
NAMES = {"y": "Y", "dx": "the gradient of X", "dweight": "the gradient of W", "dbias": "the gradient of b"}


def called(linear, weight, upstream):
    """{name: array}, the value and the three gradients of the reader's own layer; ProtocolError with a sentence."""
    returned = tried("linear", linear, X.copy(), weight.copy(), BIAS.copy())
    y, pullback = value_and_pullback(returned, "linear")
    require("linear must return a value", y, upstream.shape)
    returned = tried("linear's pullback", pullback, upstream.copy())
    slots = slots_of(returned, INPUTS, "linear's pullback")
    for name, gradient, like in zip(INPUTS, slots, (X, weight, BIAS)):
        require(f"linear's pullback must return a gradient of {name}", gradient, like.shape)
    return {"y": y} | {f"d{name}": gradient for name, gradient in zip(INPUTS, slots)}


def require(words, given, shape):
    """ProtocolError unless `given` holds finite floats of a shape."""
    expect(given, shape, f"{words} in floats", "returned")
    if not np.isfinite(given).all():
        raise ProtocolError(f"{words} of finite numbers; it holds NaN or infinity")


def numbers(linear, weight, upstream):
    """Everything that the layer computes from X, the bias and the dragged numbers, and a sentence about it."""
    made = called(linear, weight, upstream)
    return {"x": X, "weight": weight, "bias": BIAS, "dy": upstream} | made | {
        "readout": "\n".join(remarks(made, weight, upstream))
    }  # fmt: skip


def remarks(made, weight, upstream):
    """A line forward and one back; then what of the reader's own layer is not the sum that stands above it."""
    truth = called(our_linear, weight, upstream)
    off = {name: int((~np.isclose(made[name], truth[name])).sum()) for name in NAMES}
    wrong = [
        f"not the sum that the formula says: {NAMES[name]}, in {count} of {made[name].size} entries"
        for name, count in off.items()
        if count
    ]
    return [
        f"forward   largest output         {made['y'].max():6.2f}   each is made of {X.shape[1]} products and a bias",
        f"back      largest gradient of W  {np.abs(made['dweight']).max():6.2f}   each is a sum over {len(X)} examples",
        *wrong,
    ]


def layer(linear=our_linear):
    """A linear layer whose weights and upstream gradient are dragged; every product as it is written, transposes too.

    linear: the reader's own, (x, weight, bias) -> (value, pullback).
    """
    product = lambda of, factors, latex, label, plus=(): Formula(
        latex, of=of, product=factors, plus=plus, kinds=KINDS, label=label
    )
    return Explorable(
        lambda weight, upstream: numbers(linear, weight, upstream),
        title="a matrix layer, there and back",
        marks=[
            [
                Grid("x", "X", kind="data"),
                Grid("weight", "W transposed", kind="parameter", drag="weight", transposed=True),
                Grid("bias", "b", kind="parameter"),
                Grid("y", "Y"),
            ],
            [product(
                "y", ("x", "weight"), r"\term{y}{y_{no}} = \sum_i \term{x}{x_{ni}}\,\term{weight}{W_{oi}} + \term{bias}{b_o}",
                "forward: Y is X times W transposed, plus b", ("bias",),
            )],
            [
                Grid("dy", "gradient of Y transposed", kind="gradient", drag="upstream", transposed=True),
                Grid("x", "X", kind="data"),
                Grid("dweight", "gradient of W", kind="gradient"),
                product(
                    "dweight", ("dy", "x"), r"\term{dweight}{\overline{W}_{oi}} = \sum_n \term{dy}{\overline{y}_{no}}\,\term{x}{x_{ni}}",
                    "back, to the weights: the gradient of Y transposed, times X",
                ),
            ],
            [
                Grid("dy", "gradient of Y", kind="gradient", drag="upstream"),
                Grid("weight", "W", kind="parameter", drag="weight"),
                Grid("dx", "gradient of X", kind="gradient"),
                product(
                    "dx", ("dy", "weight"), r"\term{dx}{\overline{x}_{ni}} = \sum_o \term{dy}{\overline{y}_{no}}\,\term{weight}{W_{oi}}",
                    "back, to the inputs: the gradient of Y times W",
                ),
            ],
            [Grid("dbias", "gradient of b: the column sums of the gradient of Y", kind="gradient")],
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
        alt="A linear layer as products of grids: forward, back to the weights, back to the inputs",
    )  # fmt: skip
