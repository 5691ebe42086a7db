"""Units that die: learning rate and first bias -> how many ReLUs of each layer answer to no example."""

from functools import cache, partial

import numpy as np

from utils import style, train
from utils.data import digits
from utils.explorable.engine import Choice, Explorable, Slider
from utils.nn.activations import elu, leaky_relu, relu
from utils.nn.losses import cross_entropy
from utils.nn.mlp import mlp, mlp_params

ACTIVATIONS = {"ReLU": relu, "leaky ReLU": partial(leaky_relu, negative_slope=0.1), "ELU": elu}
SIZES = (64, 32, 32, 32, 10)
EPOCHS, EXAMPLES = 8, 400
RATES = [0.03, 0.1, 0.3, 0.5, 1.0]
BIASES = [0.0, -1.0, -2.0, -4.0]


def dead_units(network, taps, params, x):
    """Share of the units of each hidden layer that give exactly 0 for every example: no slope, no learning."""
    network(params, x)
    return np.array([(tap.value == 0).all(0).mean() for tap in taps[:-1]])


@cache
def run(activation, rate, bias):
    """Train the digits network; per epoch, 0 first: the share of dead units per layer, and the held-out accuracy."""
    data = digits.load()
    x, y = data.train_x[:EXAMPLES], data.train_y[:EXAMPLES]
    network, taps = mlp(SIZES, ACTIVATIONS[activation])
    params = mlp_params(SIZES, np.random.default_rng(0), gain=np.sqrt(2))
    for layer in params[0:-2:3]:
        layer["bias"] += bias
    dead, scores = [], []

    def look(params):
        dead.append(dead_units(network, taps, params, x))
        scores.append(train.accuracy(network, params, data.test_x, data.test_y))

    with np.errstate(all="ignore"):  # too large a rate overflows: that is what there is to see
        train.fit(
            network,
            cross_entropy,
            params,
            x,
            y,
            update=train.sgd(rate),
            epochs=EPOCHS,
            batch_size=20,
            score=look,
        )
    return np.array(dead), np.array(scores)


def dying():
    """Learning rate and first bias -> dead units per layer over training, for ReLU and two that cannot die."""

    def update(artists, rate, bias, epoch):
        said = []
        for name in ACTIVATIONS:
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
    looks = dict(zip(ACTIVATIONS, [("black", "-"), ("#CC79A7", "--"), ("#E69F00", "-.")]))
    scores = {
        name: right.plot(epochs, 0 * epochs, color=c, linestyle=style_, label=name)[0]
        for name, (c, style_) in looks.items()
    }
    now = [ax.axvline(0, color="#444444", linewidth=1) for ax in (left, right)]
    for ax in (left, right):  # beside the picture: the lines may be anywhere
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return {"dead": dead, "scores": scores, "now": now}
