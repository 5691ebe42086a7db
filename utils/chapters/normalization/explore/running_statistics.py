"""Batch norm's two modes: running statistics on their way, and one example's output in training and in evaluation."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from utils import style
from utils.crosscheck.protocol import operation
from utils.explorable.engine import Choice, Explorable, Slider, Switch
from utils.nn.normalization import batch_norm as our_batch_norm

STEPS = 200
LAST = 50  # steps that the read-out looks at
SIZES = [2, 4, 8, 16, 32, 64, 128]
MOMENTA = [0.01, 0.1, 0.5, 1.0]
PROBE = 4.0  # the example that both modes are asked about
STEADY = 1.0, 2.0  # mean and standard deviation of what arrives
DRIFTING = (-1.0, 3.0), (1.0, 2.0)  # both from, to
WINDOWS = {"mean": (-3, 5), "variance": (0, 12), "output": (-3, 5)}


def truth(drift):
    """Mean and standard deviation of the numbers at each step: two arrays (STEPS,)."""
    if not drift:
        return np.full(STEPS, STEADY[0]), np.full(STEPS, STEADY[1])
    return tuple(np.linspace(*ends, STEPS) for ends in DRIFTING)


@dataclass
class Run:
    """Per step, (STEPS,) each: statistics of the batch, running statistics after it, the probe's two outputs, the truth."""

    batch_mean: np.ndarray
    batch_var: np.ndarray
    running_mean: np.ndarray
    running_var: np.ndarray
    training: np.ndarray
    evaluation: np.ndarray
    mean: np.ndarray
    std: np.ndarray

    @property
    def ideal(self):
        """The probe's output with the true mean and variance."""
        return (PROBE - self.mean) / self.std

    @property
    def last(self):
        """The last steps, where the start is forgotten or should be."""
        return Run(**{name: values[-LAST:] for name, values in vars(self).items()})


def run(size, momentum, drift, batch_norm=our_batch_norm):
    """Send STEPS batches of `size` numbers through batch norm, and after each the probe, in both modes.

    In training mode the probe meets size - 1 other numbers, drawn anew, and the running statistics are left
    alone.  batch_norm: (x, weight, bias, *, running_mean, running_var, training, momentum).
    """
    rng = np.random.default_rng(0)
    mean, std = truth(drift)
    affine = np.ones(1), np.zeros(1)
    running = {"running_mean": np.zeros(1), "running_var": np.ones(1)}
    rows = []
    for m, s in zip(mean, std):
        x = m + s * rng.normal(size=(size, 1))
        batch_norm(x, *affine, **running, momentum=momentum)
        probed = np.concatenate([[[PROBE]], m + s * rng.normal(size=(size - 1, 1))])
        training = batch_norm(probed, *affine)[0][0, 0]
        evaluation = batch_norm(probed[:1], *affine, **running, training=False)[0][0, 0]
        found = x.mean(), x.var(), running["running_mean"][0], running["running_var"][0], training, evaluation
        rows.append(found)
    return Run(*np.array(rows).T, mean, std)


def lag(momentum, drift):
    """How far a running mean stays behind in the long run, for a truth that moves by equal steps.

    It moves towards the batch by momentum times the distance, and then keeps pace with the truth.
    """
    per_step = np.diff(truth(drift)[0]).mean()
    return float(per_step * (1 - momentum) / momentum)


def train_against_eval(batch_norm=our_batch_norm):
    """Batch size, momentum, steady or drifting numbers -> running statistics, and one example in both modes.

    batch_norm: the reader's own, with running statistics that change in place.
    """
    batch_norm = operation(batch_norm, ["x", "weight", "bias"], "batch_norm")
    cached = cache(lambda size, momentum, drift: run(size, momentum, drift, batch_norm))

    def update(artists, size, momentum, drift):
        found = cached(size, momentum, drift)
        show(artists, found)
        return in_words(found, size) + (
            f"\nif the drift went on for ever, a running mean of momentum {momentum:g} would stay {lag(momentum, drift):.2f} behind"
            if drift
            else ""
        )

    return Explorable(
        setup,
        update,
        title="training against evaluation",
        figsize=(9.6, 3.7),
        size=Slider(SIZES, label="batch size m"),
        momentum=Choice(MOMENTA, label="momentum: share of the new batch"),
        drift=Switch(False, label="the numbers drift"),
        start={"size": 16, "momentum": 0.1, "drift": False},
        play=("size",),
        presets={
            "steady": {},
            "large batches": {"size": 128},
            "batches of two": {"size": 2},
            "not there yet": {"momentum": 0.01},
            "last batch only": {"momentum": 1.0},
            "drifting": {"drift": True, "size": 64},
            "drifting, long memory": {"drift": True, "size": 64, "momentum": 0.01},
        },
        alt="Over 200 steps: left the means of the batches and the running mean, in the middle the variances, "
        "right the output for one input in training mode and in evaluation mode",
    )


def in_words(found, size):
    """What a run measured: the batches' statistics over all steps, the rest over the last ones."""
    last, variance = found.last, found.batch_var.mean()
    training, evaluation = last.training - last.ideal, last.evaluation - last.ideal
    return (
        f"mean of a batch: spread {np.std(found.batch_mean - found.mean):.3f}; "
        f"sigma / sqrt(m) = {np.sqrt((found.std**2).mean() / size):.3f}\n"
        f"variance of a batch: {variance:.2f} on average, times m / (m - 1): "
        f"{variance * size / (size - 1):.2f}; true {(found.std**2).mean():.2f}\n"
        f"last {LAST} steps: running mean off by {np.mean(last.running_mean - last.mean):+z.2f}, "
        f"running variance by {np.mean(last.running_var - last.std**2):+z.2f}\n"
        f"output for the input {PROBE:g} off by: training {training.mean():+z.2f}, spread {training.std():.2f}; "
        f"evaluation {evaluation.mean():+z.2f}, spread {evaluation.std():.2f}"
    )


def show(artists, found):
    """Put the curves of a run in place."""
    curves = {
        "mean": (found.batch_mean, found.running_mean, found.mean),
        "variance": (found.batch_var, found.running_var, found.std**2),
        "output": (found.training, found.evaluation, found.ideal),
    }
    for name, series in curves.items():
        for line, values in zip(artists[name], series):
            line.set_ydata(values)


def setup(fig):
    steps = np.arange(1, STEPS + 1)
    titles = {"mean": "mean", "variance": "variance", "output": f"output for the input {PROBE:g}"}
    artists = {}
    for ax, (name, title) in zip(fig.subplots(1, 3), titles.items()):
        ax.set(xlim=(0, STEPS), ylim=WINDOWS[name], xlabel="step", title=title)
        artists[name] = [
            ax.plot(steps, 0 * steps, ".", color="#56B4E9", markersize=4)[0],
            ax.plot(steps, 0 * steps, color=style.ACTIVATION, linewidth=2.5)[0],
            ax.plot(steps, 0 * steps, "--", color="black", linewidth=1.3)[0],
        ]
    labels = ["of each batch (training)", "running average (evaluation)", "truth"]
    fig.legend(artists["mean"], labels, loc="outside upper center", ncols=3, fontsize=10, markerscale=2)
    return artists
