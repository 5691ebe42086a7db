"""Units that die: learning rate and first bias -> how many ReLUs of each layer answer to no example."""

from functools import cache

import numpy as np

from utils import style
from utils.chapters.activations import runs
from utils.explorable.engine import Choice, Explorable, Slider

EPOCHS = runs.DYING_EPOCHS
RATES = [0.03, 0.1, 0.3, 0.5, 1.0]
BIASES = [0.0, -1.0, -2.0, -4.0]
run = cache(runs.dying)  # sliders come back to the same setting


def dying():
    """Learning rate and first bias -> dead units per layer over training, for ReLU and two that cannot die."""

    def update(artists, rate, bias, epoch):
        said = []
        for name in runs.THREE:
            dead, scores = run(name, rate, bias)
            artists["scores"][name].set_ydata(scores)
            said.append(
                f"{name:10}  accuracy {scores[epoch]:.0%}, dead units per layer {percent(dead[epoch])}"
            )
        dead, _ = run("ReLU", rate, bias)
        for line, layer in zip(artists["dead"], dead.T):
            line.set_ydata(layer)
        for line in artists["now"]:
            line.set_xdata([epoch, epoch])
        return f"after {epoch} epochs with learning rate {rate:g}, first bias {bias:g}:\n" + "\n".join(said)

    return Explorable(
        setup,
        update,
        title="units that die",
        figsize=(9.8, 3.4),
        rate=Slider(RATES, label="learning rate", format="{:g}"),
        bias=Choice(BIASES, label="first bias"),
        epoch=range(EPOCHS + 1),
        start={"rate": 0.3, "bias": -1.0, "epoch": EPOCHS},
        play=("epoch",),
        presets={
            "a good start": {"rate": 0.1, "bias": 0.0},
            "half asleep": {},
            "born dead": {"bias": -2.0},
            "too fast": {"rate": 1.0, "bias": 0.0},
        },
        alt="Left the share of dead ReLUs in three layers over the epochs; right the accuracy of three activations",
    )


def percent(shares):
    return ", ".join(f"{share:.0%}" for share in shares)


def setup(fig):
    left, right = fig.subplots(1, 2)
    epochs = np.arange(EPOCHS + 1)
    for ax in (left, right):
        ax.set(xlim=(0, EPOCHS), ylim=(-0.02, 1.02), xlabel="epoch")
    left.set_title("share of ReLUs that are dead")
    right.set_title("accuracy on held-out digits")
    shades = ["#56B4E9", style.ACTIVATION, "#00436B"]
    dead = [
        left.plot(epochs, 0 * epochs, color=c, marker="o", label=f"layer {k + 1}")[0]
        for k, c in enumerate(shades)
    ]
    looks = dict(zip(runs.THREE, [("black", "-"), ("#CC79A7", "--"), ("#E69F00", "-.")]))
    scores = {
        name: right.plot(epochs, 0 * epochs, color=c, linestyle=style_, label=name)[0]
        for name, (c, style_) in looks.items()
    }
    now = [ax.axvline(0, color="#444444", linewidth=1) for ax in (left, right)]
    for ax in (left, right):  # beside the picture: the lines may be anywhere
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return {"dead": dead, "scores": scores, "now": now}
