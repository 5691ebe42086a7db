"""Softmax with a temperature: the shares, their Jacobian, and where a gradient goes."""

import numpy as np

from utils import style
from utils.crosscheck.protocol import operation
from utils.explorable.engine import Explorable, Slider
from utils.nn.activations import softmax as our_softmax

SCORES = np.array([2.0, 1.0, 0.0, -1.0])
TEMPERATURES = [0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 8.0]


def with_temperature(softmax, scores, temperature, asked):
    """Shares, Jacobian and the gradient at the scores when share `asked` is asked to grow.

    softmax: x -> (value, pullback).  Returns (p, J, gradient), J[i, j] the slope of share i by score j.
    """
    p, pullback = softmax(scores / temperature)
    jacobian = np.array([pullback(row) for row in np.eye(len(scores))]) / temperature
    return p, jacobian, jacobian[asked]


def softmax_gradient(softmax=our_softmax):
    """Temperature, and which share is asked to grow -> shares, Jacobian, gradient at the scores.

    softmax: the reader's own, x -> (value, pullback).
    """

    softmax = operation(softmax, ["x"], "softmax")

    def update(artists, temperature, asked):
        p, jacobian, gradient = with_temperature(softmax, SCORES, temperature, asked - 1)
        artists["shares"].set_data(p, np.arange(5) - 0.5)
        artists["map"].set_data(jacobian)
        artists["row"].set_y(asked - 1.5)
        artists["gradient"].set_data(gradient, np.arange(5) - 0.5)
        for text, number in zip(artists["numbers"], jacobian.ravel()):
            text.set_text(f"{number:+.2f}")
        return (
            f"T = {temperature:g}: largest share {p.max():.3f}, largest gradient {np.abs(gradient).max():.3f}\n"
            f"gradient at the scores: {'  '.join(f'{g:+.3f}' for g in gradient)}   (they add up to {abs(gradient.sum()):.0f})"
        )

    return Explorable(
        setup,
        update,
        title="softmax and its gradient",
        figsize=(9.4, 3.3),
        temperature=Slider(TEMPERATURES, format="{:g}"),
        asked=Slider([1, 2, 3, 4], label="the share that is asked to grow"),
        start={"temperature": 1.0, "asked": 1},
        play=("temperature",),
        pick={"axes": 1, "row": "asked"},
        presets={
            "flat": {"temperature": 8.0},
            "ours": {},
            "most gradient": {"temperature": 0.7},
            "saturated": {"temperature": 0.1},
        },
        alt="Left four shares; in the middle their Jacobian as a map; right the gradient at the four scores",
    )


def setup(fig):
    left, middle, right = fig.subplots(1, 3, width_ratios=[1, 1.15, 1])
    ticks = {"xticks": range(4), "xticklabels": [f"{s:+.0f}" for s in SCORES]}
    left.set(xlim=(-0.6, 3.6), ylim=(0, 1.02), title="shares p", xlabel="score", **ticks)
    right.set(xlim=(-0.6, 3.6), ylim=(-0.5, 0.5), title="gradient at the scores", xlabel="score", **ticks)
    right.axhline(0, color="#777777", linewidth=1)
    picture = style.heatmap(middle, np.zeros((4, 4)), limit=0.4)
    middle.set(
        title="slope of share i by score j", yticks=range(4), yticklabels=range(1, 5), ylabel="share", **ticks
    )
    row = middle.add_patch(middle_row())
    numbers = [
        middle.text(j, i, "", ha="center", va="center", fontsize=10) for i in range(4) for j in range(4)
    ]
    edges = np.arange(5) - 0.5
    return {
        "shares": left.stairs(np.zeros(4), edges, fill=True, color=style.ACTIVATION),
        "map": picture,
        "row": row,
        "numbers": numbers,
        "gradient": right.stairs(np.zeros(4), edges, fill=True, color=style.GRADIENT),
    }


def middle_row():
    """The frame around the row of the Jacobian that is asked for."""
    from matplotlib.patches import Rectangle

    return Rectangle((-0.5, -0.5), 4, 1, fill=False, edgecolor="black", linewidth=2.5)
