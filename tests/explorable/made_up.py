"""A made-up explorable with every mark, for the tests of marks: its numbers by hand, its links of every kind."""

import numpy as np

from utils.explorable import (
    Array,
    Bars,
    Code,
    Curve,
    Explorable,
    Formula,
    Graph,
    Grid,
    Link,
    Pairs,
    Points,
    Slider,
    Strip,
    Window,
)  # fmt: skip

X = np.arange(12.0).reshape(3, 4) / 10 - 0.5
IMAGE = np.arange(25.0).reshape(5, 5) / 25
T = np.linspace(-2, 2, 9)


def numbers(weight, kernel, dot, size, gain=1.0):
    """What every mark draws."""
    y = X @ weight.T
    windows = np.lib.stride_tricks.sliding_window_view(IMAGE, kernel.shape)
    y2 = np.einsum("ijab,ab->ij", windows, kernel)
    return dict(
        x=X, weight=weight, y=y, dy=2 * y, image=IMAGE, kernel=kernel, filtered=y2, dot=dot, t=T,
        curve=gain * np.stack([np.tanh(T), T]), nodes=np.array([1.0, 2.0, 3.0]), edges=np.array([0.5, -1.0]),
        slopes=np.array([0.1, 0.2]), bars=size * np.array([1.0, -2.0, 0.5]), big=np.ones((50, 50)) * size,
        time=np.stack([T, -T]) * dot[0, 0], readout=f"size {size:.0f}, largest output {y.max():.2f}",
    )  # fmt: skip


def everything(**more):
    """An explorable with every mark and every kind of link."""
    return Explorable(
        numbers,
        title="everything",
        marks=[
            [Grid("x", "X", kind="data", rows=("one", "two", "three")), Grid("weight", "W", kind="parameter", drag="weight"),
             Grid("y", "Y"), Grid("dy", kind="gradient")],
            [Formula(r"\term{y}{y_{no}} = \sum_i \term{x}{x_{ni}}\term{weight}{W_{oi}}", of="y", product=("x", "weight"))],
            [Grid("image"), Grid("kernel", kind="parameter", drag="kernel"), Grid("filtered")],
            [Curve("curve", x="t", names=("tanh", "line"), xlim=(-2, 2), ylim=(-2, 2), also=(Points("dot", drag="dot"),))],
            [Bars("bars", names=("a", "b", "c"), limits=(-5, 5)), Strip("time"), Grid("big")],
            [Graph("nodes", places=((0, 0), (0, 1), (1, 0.5)), edges=((0, 2), (1, 2)), weights="edges",
                   weight_gradients="slopes", names=("p", "q", "r"))],
            [Code(numbers, {3: "y", 5: "filtered"})],
        ],
        links=[
            Link("ni,oi->no", "x", "weight", "y"), Link("ab->ab", "y", "dy"),
            Window("filtered", "image", "kernel"), Pairs(((("edges", (0,)), ("bars", (1,))),)),
        ],
        weight=Array(np.ones((2, 4)), step=0.05, low=-3, high=3),
        kernel=Array(np.eye(3), step=0.5),
        dot=Array(np.array([[0.5, 0.25]]), step=0.01),
        size=Slider([1, 2, 3]),
        **more,
    )  # fmt: skip
