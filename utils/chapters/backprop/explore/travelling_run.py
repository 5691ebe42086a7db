"""The travelling network: a digits network trained at several depths, scrubbed through its epochs."""

import numpy as np

from utils import style
from utils.explorable.engine import Choice, Explorable
from utils.explorable.layers import LayerPlot


def travelling(histories):
    """Runs by name -> losses, held-out accuracy, activations and gradients per layer, epoch by epoch.

    histories: {name: History of utils.train with snapshots and scores}, all of one number of
    epochs.  ValueError when there is none or their epochs differ.
    """
    lengths = {name: len(h.snapshots) for name, h in histories.items()}
    if not lengths or len(set(lengths.values())) > 1 or 0 in lengths.values():
        raise ValueError(f"histories must hold runs with equally many snapshots; got {lengths}")
    epochs = next(iter(lengths.values()))
    limits = common_limits(histories)

    def update(artists, run, epoch):
        history = histories[run]
        snapshot = history.snapshots[epoch]
        # the outputs are no activations: they may grow as they like
        artists["plot"].show(
            snapshot.activation_quantiles[:-1],
            snapshot.gradient_quantiles,
            gradient_line=snapshot.gradient_rms,
        )
        artists["loss"].set_data(range(epochs), history.train_loss)
        artists["now"].set_xdata([epoch, epoch])
        artists["dot"].set_data([epoch], [history.train_loss[epoch]])
        first, last = snapshot.gradient_rms[0], snapshot.gradient_rms[-1]
        return (
            f"epoch {epoch}: training loss {history.train_loss[epoch]:.3f} (guessing: 2.303), "
            f"accuracy on held-out digits {history.scores[epoch]:.1%}\n"
            f"root mean square of the gradient: first layer {first:.1e}, last layer {last:.1e}, ratio {first / last:.1e}"
        )

    start = {"run": list(histories)[-1], "epoch": epochs - 1}
    return Explorable(
        lambda fig: setup(fig, epochs, limits),
        update,
        title="the travelling network",
        figsize=(9.6, 3.6),
        run=Choice(list(histories), label="network"),
        epoch=range(epochs),
        start=start,
        play=("epoch",),
        alt="Training loss against epochs; activations and gradients of every layer as bands",
    )


def common_limits(histories):
    """Axes that hold every run: layers, activations, gradients, loss."""
    snapshots = [s for h in histories.values() for s in h.snapshots]
    hidden = [s.activation_quantiles[:-1] for s in snapshots if len(s.activation_quantiles) > 1]
    low, high = min(h.min() for h in hidden), max(h.max() for h in hidden)
    gradients = np.concatenate([s.gradient_quantiles.ravel() for s in snapshots])
    gradients = gradients[gradients > 0]
    losses = [loss for h in histories.values() for loss in h.train_loss]
    return {
        "layers": max(len(s.activation_quantiles) for s in snapshots),
        "activations": (low - 0.1 * (high - low), high + 0.1 * (high - low)),
        "gradients": (
            10.0 ** np.floor(np.log10(gradients.min())),
            10.0 ** np.ceil(np.log10(gradients.max())),
        ),
        "loss": min(1.1 * max(losses), 4.0),
    }


def setup(fig, epochs, limits):
    losses, left, right = fig.subplots(1, 3, width_ratios=[1, 1.15, 1.15])
    losses.set(xlim=(0, epochs - 1), ylim=(0, limits["loss"]), xlabel="epoch", title="training loss")
    losses.axhline(np.log(10), color="#999999", linestyle=":", linewidth=1.5)
    losses.text(0.5, np.log(10) * 0.97, "guessing", va="top", color="#666666", fontsize=10)
    plot = LayerPlot(
        left,
        right,
        limits["layers"],
        activation_limits=limits["activations"],
        gradient_limits=limits["gradients"],
    )
    left.set_title("activations, hidden layers", color=style.ACTIVATION)
    artists = {
        "loss": losses.plot([], [], color="black")[0],
        "now": losses.axvline(0, color="#444444", linewidth=1),
        "dot": losses.plot([], [], "o", color="black", markersize=7)[0],
    }
    return {**artists, "moving": plot.artists, "plot": plot}
