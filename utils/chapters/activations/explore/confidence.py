"""How hard two losses push a wrong answer: cross-entropy and the squared error of the shares."""

from functools import cache

import numpy as np

from utils import style
from utils.explorable.engine import Choice, Explorable, Slider
from utils.nn.activations import softmax
from utils.nn.losses import cross_entropy, mse_loss

LEADS = np.linspace(-10, 10, 81)
LOSSES = ("cross-entropy", "squared error")


@cache
def pushes(classes, smoothing):
    """Losses and gradients where the right score leads all others, which are 0, by each of LEADS.

    Returns {loss: (values, gradients at the right score)}, each (len(LEADS),), and the shares of the
    right class.  The squared error adds up over the classes; both losses have the same target.
    """
    right = np.zeros(1, dtype=int)
    wanted = np.full((1, classes), smoothing / classes)
    wanted[0, 0] += 1 - smoothing
    rows, shares = {name: [] for name in LOSSES}, []
    for lead in LEADS:
        logits = np.zeros((1, classes))
        logits[0, 0] = lead
        value, back = cross_entropy(logits, right, label_smoothing=smoothing)
        rows["cross-entropy"].append((value, back(1.0)[0][0, 0]))
        p, back_softmax = softmax(logits)
        value, back = mse_loss(p, wanted)
        dp, _ = back(float(classes))  # a sum over the classes instead of their mean
        rows["squared error"].append((classes * value, back_softmax(dp)[0, 0]))
        shares.append(p[0, 0])
    return {name: np.array(found).T for name, found in rows.items()}, np.array(shares)


def confident():
    """Lead of the right score, classes, label smoothing -> two losses, and how hard each pushes."""

    def update(artists, lead, classes, smoothing):
        found, shares = pushes(classes, smoothing)
        at = int(np.abs(LEADS - lead).argmin())
        for name in LOSSES:
            value, gradient = found[name]
            artists[name][0].set_ydata(value)
            artists[name][1].set_ydata(gradient)
        artists["values"].set_data([lead] * 2, [found[name][0][at] for name in LOSSES])
        artists["gradients"].set_data([lead] * 2, [found[name][1][at] for name in LOSSES])
        for line in artists["now"]:
            line.set_xdata([lead, lead])
        said = [
            f"{name:13}  loss {found[name][0][at]:6.3f}, gradient {found[name][1][at]:+.5f}"
            for name in LOSSES
        ]
        best = LEADS[found["cross-entropy"][0].argmin()]
        where = "at no finite lead" if smoothing == 0 else f"near a lead of {best:.1f}"
        return (
            f"the right score leads by {lead:+.1f}: its share is {shares[at]:.5f}\n"
            + "\n".join(said)
            + f"\ncross-entropy is smallest {where}"
        )

    return Explorable(
        setup,
        update,
        title="confident, and right or wrong",
        figsize=(9.2, 3.5),
        lead=Slider([x / 2 for x in range(-20, 21)], label="lead of the right score", format="{:+.1f}"),
        classes=Choice([2, 10]),
        smoothing=Choice([0.0, 0.1, 0.3], label="label smoothing"),
        start={"lead": -5.0, "classes": 10, "smoothing": 0.0},
        play=("lead",),
        pick={"axes": 1, "x": "lead"},
        presets={
            "confident and wrong": {"lead": -10.0, "smoothing": 0.0},
            "undecided": {"lead": 0.0, "smoothing": 0.0},
            "confident and right": {"lead": 10.0, "smoothing": 0.0},
            "too confident": {"lead": 10.0, "smoothing": 0.1},
        },
        alt="Left two losses against the lead of the right score; right the gradients that they send to it",
    )


def setup(fig):
    left, right = fig.subplots(1, 2)
    left.set(xlim=(-10, 10), ylim=(-0.4, 13), xlabel="lead of the right score", title="loss")
    right.set(xlim=(-10, 10), ylim=(-1.08, 0.4), xlabel="lead of the right score")
    right.set_title("gradient at the right score", color=style.GRADIENT)
    right.axhline(0, color="#777777", linewidth=1)
    looks = {"cross-entropy": "-", "squared error": "--"}
    artists = {
        name: (
            left.plot(LEADS, 0 * LEADS, color="black", linestyle=look, label=name)[0],
            right.plot(LEADS, 0 * LEADS, color=style.GRADIENT, linestyle=look, label=name)[0],
        )
        for name, look in looks.items()
    }
    artists["now"] = [ax.axvline(0, color="#999999", linewidth=1) for ax in (left, right)]
    artists["values"] = left.plot([], [], "o", color="black", markersize=7)[0]
    artists["gradients"] = right.plot([], [], "o", color=style.GRADIENT, markersize=7)[0]
    left.legend(loc="upper right")
    return artists
