"""The travelling network, trained while the reader watches and steers, beside the runs of the chapter."""

import numpy as np

from utils.chapters.backprop import runs
from utils.explorable import Array, Choice, Curve, Explorable, Layers, Points, Slider
from utils.explorable.columns import axis, exponents, filled, in_powers, shades
from utils.explorable.layers import root_mean_squares as root_mean_square

SLICE = 14  # batches between two pictures: a third of an epoch
MOST = 120  # pictures of a run: 40 epochs
UNITS = 10
RATES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0]
GUESSING = float(np.log(10))


class Moments(Array):
    """Counts the changes of what Python keeps, so that no picture is taken for a later one; nobody drags it."""

    def __init__(self):
        super().__init__([0], step=1, low=0, high=10**9)

    def samples(self, rng):
        return [self.encode(self.start)]


class Steered:
    """The runs that a reader trains, one for each depth and seed; at moment 0 the runs of the chapter are shown.

    histories: {layers: Trained}, see runs.travelling.
    """

    def __init__(self, histories):
        self.histories, self.data = histories, runs.examples()
        self.own, self.moment = {}, 0

    def run(self, layers, seed):
        """The reader's run of a depth, new if there is none yet."""
        if (layers, seed) not in self.own:
            self.own[layers, seed] = runs.Run(layers, seed, self.data)
        return self.own[layers, seed]

    def train(self, layers, rate, seed, moment):
        run = self.run(layers, seed)
        if run.done >= MOST * SLICE:
            return None
        run.go_on(SLICE, rate)
        return self.later()

    def start_again(self, layers, rate, seed, moment):
        self.own.pop((layers, seed), None)
        self.run(layers, seed)
        return self.later()

    def later(self):
        self.moment += 1
        return {"moment": [self.moment]}

    def shown(self, layers, seed, moment):
        """What the picture is of: the run of the chapter, with nothing of the reader's, or the reader's own."""
        if moment[0] or seed:
            return self.run(layers, seed)
        run = runs.Run(layers, 0, self.data)
        history = self.histories[layers]
        run.params, run.done = history.params, runs.EPOCH * (len(history.train_loss) - 1)
        run.look()
        return run

    def compute(self, layers, rate, seed, moment):
        run = self.shown(layers, seed, moment)
        ours = {n: self.own.get((n, seed)) if moment[0] or seed else None for n in self.histories}
        arrays = layers_of(run, max(self.histories))
        for n, history in self.histories.items():
            arrays |= line_of(n, history, ours[n])
        yours = moment[0] or seed
        return arrays | {"readout": tell(run, rate, seed, yours)}


def layers_of(run, most):
    """What the mark of layers draws, from what passed the taps."""
    values, gradients = ([getattr(tap, which) for tap in run.taps] for which in ("value", "gradient"))
    powers = exponents([root_mean_square(values), root_mean_square(gradients)])
    limits = axis(powers)
    some = lambda parts: filled(np.stack([shades(part[0, :UNITS], limits) for part in parts]), most)
    return {
        "values": some(values),
        "gradients": some(gradients),
        "sizes": filled(powers.T, most).T,
        "shown": np.where(np.arange(most) < run.layers, 2.0, -1.0),
        "limits": limits,
    }


def line_of(n, history, run):
    """The losses of a depth: those of the chapter, and the reader's, whose last point fills up what is still to come."""
    losses = np.array(run.losses if run else [(0, history.train_loss[0])])
    at = np.minimum(np.arange(MOST + 1), len(losses) - 1)
    epochs = losses[:, 0] / runs.EPOCH
    end = len(history.train_loss) - 1
    return {
        f"table {n}": history.train_loss,
        "epochs": np.arange(end + 1.0),
        f"end {n}": [[end, history.train_loss[-1]]],
        f"loss {n}": losses[at, 1],
        f"epochs {n}": epochs[at],
        f"now {n}": [[epochs[-1], losses[-1, 1]]],
        "guess": [GUESSING, GUESSING],
        "all": [0.0, MOST * SLICE / runs.EPOCH],
    }


def tell(run, rate, seed, yours):
    first, last = (root_mean_square([tap.gradient])[0] for tap in (run.taps[0], run.taps[-1]))
    whose = f"Your run, seed {seed}" if yours else "The run of the table, seed 0"
    said = (
        f"{whose}: {run.layers:2} layers, epoch {run.done / runs.EPOCH:4.1f}; the next step is {rate:4g} times the gradient.\n"
        f"Training loss {run.losses[-1][1]:5.3f}, guessing costs {GUESSING:.3f}; {run.accuracy:6.1%} of the held-out "
        f"digits are right.\nThe gradient of layer 1 is {in_powers(first / last)} times that of layer {run.layers}."
    )
    if run.done >= MOST * SLICE:
        said += f"\nEpoch {MOST * SLICE // runs.EPOCH}: the run ends here. Start again begins anew."
    return said if yours else f"{said}\ntrain begins at the same weights; on a saved page it needs Python."


def travelling(histories):
    """Train the travelling network a slice at a time, and change its depth and learning rate while it runs.

    histories: {layers: Trained}, see runs.travelling, all with as many epochs; they are shown until the reader trains,
    and on a page without Python.  ValueError when there is none or their epochs differ.
    """
    lengths = {n: len(history.train_loss) for n, history in histories.items()}
    if not lengths or len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise ValueError(f"histories must hold runs with equally many epochs; got {lengths}")
    steered, depths = Steered(histories), list(histories)
    table = [
        part
        for n in depths
        for part in (
            Curve(f"table {n}", x="epochs", kind="data"),
            Curve(f"loss {n}", x=f"epochs {n}", look="bold"),
            Points(f"end {n}", kind="data", names=(f"{n} layers",)),
            Points(f"now {n}", kind="data"),
        )
    ]
    return Explorable(
        steered.compute,
        title="the travelling network",
        marks=[
            Layers(
                "values",
                "one digit passes: 10 units a layer, activations left, gradients right; below, sizes over 32 digits",
                gradients="gradients",
                sizes="sizes",
                shown="shown",
                limits="limits",
            ),
            Curve(
                "guess",
                "training loss: of the table in grey, yours in ink",
                kind="data",
                look="dashed",
                x="all",
                xlim=(0, MOST * SLICE / runs.EPOCH),
                ylim=(0, 3),
                xlabel="epoch",
                ylabel="loss",
                width=430,
                height=300,
                also=tuple(table),
            ),
        ],
        layers=Choice(depths),
        rate=Slider(RATES, label="learning rate"),
        seed=Slider(range(5), label="seed of the weights"),
        moment=Moments(),
        start={"layers": depths[-1], "rate": runs.RATE},
        actions={"train": steered.train, "start again": steered.start_again},
        play=("train",),
        presets={f"table: {n} layers": {"layers": n} for n in depths},
        alt="Units of every layer as cells, activations beside gradients, with their sizes; training losses by epoch",
    )
