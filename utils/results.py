"""The results of long experiments, as `python -m utils.notebooks measure` stored them beside a chapter's runs.py."""

import json
from pathlib import Path

import numpy as np

from utils.train import History, Snapshot

CHAPTERS = Path(__file__).parent / "chapters"


def results(chapter, folder=CHAPTERS):
    """What was measured for a chapter: {experiment: {seed: result}}, seeds as numbers.

    chapter: the name of its folder, "normalization".  ValueError where nothing was measured yet.
    """
    found = stored(chapter, folder)["experiments"]
    return {name: {int(seed): result for seed, result in by_seed.items()} for name, by_seed in found.items()}


def caption(chapter, folder=CHAPTERS):
    """When and on what it was measured, one line to stand under a table."""
    head = stored(chapter, folder)
    versions = ", ".join(f"{name} {version}" for name, version in head["versions"].items())
    return f"Measured on {head['measured']} with {versions}, on {head['processor']}."


def stored(chapter, folder=CHAPTERS):
    """The whole content of a chapter's results.json."""
    path = Path(folder) / chapter / "results.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ValueError(f"chapter: {chapter!r} has no readable results.json; `measure` writes it") from None


# ---- training runs


def packed(history):
    """What JSON can hold of a History with snapshots: score, loss and the sizes of every layer, epoch by epoch.

    Accuracies keep six digits, the rest four; what overflowed is None.  The losses of the single steps and the
    quantiles are left out.
    """
    return {
        "scores": rounded(history.scores, 6),
        "train_loss": rounded(history.train_loss),
        "activation_rms": [rounded(snapshot.activation_rms) for snapshot in history.snapshots],
        "gradient_rms": [rounded(snapshot.gradient_rms) for snapshot in history.snapshots],
    }


def rounded(numbers, digits=4):
    return [float(f"{number:.{digits}g}") if np.isfinite(number) else None for number in numbers]


def unpacked(result):
    """The History of a packed one; its snapshots know the sizes only."""
    there = {name: np.array(numbers, dtype=float) for name, numbers in result.items()}  # None becomes nan
    sizes, none = zip(there["activation_rms"], there["gradient_rms"]), np.empty(0)
    return History(
        train_loss=list(there["train_loss"]),
        scores=list(there["scores"]),
        snapshots=[Snapshot(epoch, *both, none, none) for epoch, both in enumerate(sizes)],
    )


def trained(chapter, experiment, folder=CHAPTERS):
    """The runs of an experiment whose result is {name: packed History}: {name: [History of each seed]}.

    ValueError where the experiment was not measured.
    """
    found = measured(chapter, experiment, folder)
    return {name: [unpacked(result[name]) for result in found] for name in found[0]}


def measured(chapter, experiment, folder=CHAPTERS):
    """What an experiment gave, seed after seed."""
    found = results(chapter, folder)
    if experiment not in found:
        raise ValueError(f"experiment: {experiment!r} was not measured; expected one of {', '.join(found)}")
    return list(found[experiment].values())


def reached(chapter, experiment, folder=CHAPTERS):
    """Held-out accuracies at the end, {name: one for each seed, the lowest first}.

    The experiment's result is {name: packed History, or the accuracy alone}.  ValueError as for trained.
    """
    found = measured(chapter, experiment, folder)
    last = lambda result: result["scores"][-1] if isinstance(result, dict) else result
    return {name: sorted(last(result[name]) for result in found) for name in found[0]}


def as_percent(scores):
    """Accuracies side by side, as text."""
    return " ".join(f"{score:4.0%}" for score in scores)
