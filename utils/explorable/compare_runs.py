"""Runs compared: the accuracy of every seed, beside activations and gradients per layer of the picked kind."""

import numpy as np

from utils import style
from utils.explorable.engine import Explorable, Slider

SMALLEST, LARGEST = 1e-12, 1e6  # a picture of layers goes no further
# the fields of a Snapshot that are drawn, layer by layer
FIELDS = {"activations": "activation_rms", "gradients": "gradient_rms"}


def compare(runs, *, title="the travelling network, several seeds", label="network"):
    """Which kind of run, and the epoch -> accuracy of all, activations and gradients per layer of that kind.

    runs: {name: [History, ...]}, one of utils.train for each seed, with snapshots and scores, all of one
    number of epochs and one depth.  The activations of the last layer, the outputs, are left out.  A run whose
    numbers overflowed shows its accuracy only.  ValueError when there is none, or epochs or depths differ.
    """
    epochs, names = epochs_of(runs), list(runs)

    def update(artists, run, epoch):
        scores = np.array([h.scores[epoch] for h in runs[run]])
        artists["dots"].set_offsets(positions(runs, epoch))
        artists["medians"].set_segments(medians(runs, epoch))
        artists["row"].set_y(names.index(run) - 0.45)
        for name, drawn in zip(FIELDS, lines_of(runs, run, epoch)):
            for line, (x, y) in zip(artists[name], drawn):
                line.set_data(x, y)
        gradients = np.array([h.snapshots[epoch].gradient_rms for h in runs[run]])
        return (
            f"{run}, epoch {epoch}: held-out accuracy {scores.min():.0%} to {scores.max():.0%}, "
            f"median {np.median(scores):.0%}, {len(scores)} seeds\n{ratio(gradients)}"
        )

    return Explorable(
        lambda fig: setup(fig, runs),
        update,
        title=title,
        figsize=(9.8, max(3.5, 1.5 + 0.27 * len(names))),
        run=Slider(names, label=label),
        epoch=range(epochs),
        start={"run": names[0], "epoch": epochs - 1},
        play=("epoch",),
        pick={"axes": 0, "row": "run"},
        alt="Left the held-out accuracy of every seed as dots; activations, without the outputs, and gradients "
        "per layer, a line a seed",
    )


def epochs_of(runs):
    """How many epochs all the histories have, epoch 0 among them; ValueError when they do not fit together."""
    shapes = {
        name: [(len(h.snapshots), len(h.scores), *{len(s.gradient_rms) for s in h.snapshots}) for h in some]
        for name, some in runs.items()
    }
    each = {shape for some in shapes.values() for shape in some}
    snapshots, scores, *depths = each.pop() if len(each) == 1 else (0, 0)
    if not all(shapes.values()) or not snapshots == scores > 0 or len(depths) != 1:
        raise ValueError(
            "runs must hold histories with equally many snapshots, as many scores, and one depth, at least one "
            f"a name; got (snapshots, scores, layers): {shapes}"
        )
    return snapshots


def sizes_of(snapshot, which):
    """Sizes of the layers, (layers,); those of activations without the last layer's, which are the outputs."""
    sizes = getattr(snapshot, which)
    return sizes[:-1] if which == "activation_rms" else sizes


def lines_of(runs, run, epoch):
    """What is drawn of a run at an epoch: two lists, activations and gradients, an (x, y) for each seed.

    x: numbers of the layers, 1 the first, without those that overflowed; y: sizes, not beyond `limits`.  Both
    lists are as long as the most seeds of any run; where this run has fewer, the rest are empty.
    """
    most = max(map(len, runs.values()))
    found = []
    for which in FIELDS.values():
        low, high = limits(runs, which)
        every = [sizes_of(h.snapshots[epoch], which) for h in runs[run]]
        every += [np.zeros(0)] * (most - len(every))
        shown = [np.isfinite(sizes) for sizes in every]
        found.append(
            [(1 + np.flatnonzero(s), np.clip(sizes[s], low, high)) for sizes, s in zip(every, shown)]
        )
    return found


def ratio(gradients):
    """The gradient of the first layer beside that of the last, in words.  gradients: (seeds, layers)."""
    with np.errstate(all="ignore"):
        found = gradients[:, 0] / gradients[:, -1]
    found = found[np.isfinite(found)]
    if not len(found):
        return "the gradients are zero or overflowed"
    return f"gradient of the first layer, divided by that of the last: {found.min():.0e} to {found.max():.0e}"


def positions(runs, epoch):
    """A dot for every seed: accuracy, and a height near that of its name, (dots, 2)."""
    found = []
    for row, histories in enumerate(runs.values()):
        offsets = np.linspace(-0.22, 0.22, len(histories)) if len(histories) > 1 else [0.0]
        found += [(history.scores[epoch], row + up) for history, up in zip(histories, offsets)]
    return np.array(found)


def medians(runs, epoch):
    """An upright stroke at the median of every name."""
    middles = [np.median([h.scores[epoch] for h in histories]) for histories in runs.values()]
    return [[(middle, row - 0.36), (middle, row + 0.36)] for row, middle in enumerate(middles)]


def limits(runs, which):
    """Whole powers of ten that hold what is drawn of all runs at all epochs.  which: a field of Snapshot."""
    sizes = np.concatenate(
        [sizes_of(s, which) for histories in runs.values() for h in histories for s in h.snapshots]
    )
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if not len(sizes):
        return SMALLEST, 1.0
    low, high = np.clip(np.log10([sizes.min(), sizes.max()]), np.log10(SMALLEST), np.log10(LARGEST))
    low = min(np.floor(low), np.log10(LARGEST) - 1)
    return 10.0**low, 10.0 ** max(np.ceil(high), low + 1)


def setup(fig, runs):
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Rectangle

    left, middle, right = fig.subplots(1, 3, width_ratios=[1.3, 1, 1])
    left.set(
        xlim=(-0.03, 1.03),
        ylim=(len(runs) - 0.4, -0.6),
        yticks=range(len(runs)),
        yticklabels=list(runs),
        xticks=[0, 0.25, 0.5, 0.75, 1],
        xticklabels=["0", "25", "50", "75", "100 %"],
        title="accuracy on held-out digits",
    )
    left.tick_params(axis="y", length=0)
    left.grid(axis="y", visible=False)
    layers = max(len(h.snapshots[0].gradient_rms) for histories in runs.values() for h in histories)
    seeds = max(len(histories) for histories in runs.values())
    artists = {
        "row": left.add_patch(Rectangle((-0.03, -0.45), 1.06, 0.9, color="#EFEFEF", zorder=0)),
        "dots": left.scatter([], [], s=26, color="black", alpha=0.6, zorder=3, linewidth=0),
        "medians": left.add_collection(LineCollection([], colors="black", linewidths=1.5)),
    }
    sides = [("activations", middle, style.ACTIVATION), ("gradients", right, style.GRADIENT)]
    for name, ax, colour in sides:
        ax.set(xlim=(0.5, layers + 0.5), ylim=limits(runs, FIELDS[name]), yscale="log", xlabel="layer")
        ax.set_xticks(range(1, layers + 1, 1 if layers <= 12 else 5))
        ax.set_title(f"size of {name}", color=colour)
        artists[name] = [
            ax.plot([], [], color=colour, marker="o", markersize=3, linewidth=1, alpha=0.7)[0]
            for _ in range(seeds)
        ]
    return artists
