"""Suspicions from where a gradient is wrong: rows, targets, masks, edges.  Each: a Finding to a sentence or None."""

import numpy as np

from utils.crosscheck.finding import close, listed, runs, slices, wrong_places


def repeated_ids(f):
    """Rows looked up more than once."""
    wrong = wrong_places(f)
    rows = wrong.reshape(len(wrong), -1).any(1) if wrong.ndim else wrong
    for name, ids in f.integers() if wrong.ndim else ():
        labels = ids.shape == rows.shape  # one a row of the gradient: a target, no lookup
        if ids.min() < 0 or ids.max() >= len(rows) or labels:
            continue
        times = np.maximum(np.bincount(ids.ravel(), minlength=len(rows)), 1)
        if rows.any() and (times > 1)[rows].all() and (times == 1).any() and not rows.all():
            averaged = close(f.ours * times.reshape(-1, *[1] * (wrong.ndim - 1)), f.truth)
            start = "averaged" if averaged else "wrong only"
            return f"{start} in rows that {name} names more than once: repeated contributions must add up"


def target_places(f):
    """Wrong exactly at the places that integer targets name, one a row."""
    wrong = wrong_places(f)
    for name, target in f.integers() if wrong.ndim == 2 else ():
        if target.shape != wrong.shape[:1] or target.min() < 0 or target.max() >= wrong.shape[1]:
            continue
        named = np.zeros_like(wrong)
        named[np.arange(len(target)), target] = True
        if wrong[named].any() and not wrong[~named].any():
            # a hinge loss: the target answers for all violated margins of its row, not for one
            others = np.where(named, 0.0, f.truth)
            violated, ours = (others != 0).sum(1), np.abs(f.ours[named])
            alone = close(ours[violated > 0], np.abs(others).max(1)[violated > 0])
            if alone and close(f.truth[named], -others.sum(1)) and (violated > 1).any():
                return f"wrong only at the places that {name} names: each violated margin of the row counts there, not one alone"
            return f"wrong only at the places that {name} names: what is subtracted there?"


def mask_only(f):
    """Right exactly where a boolean array among the inputs is True (or False)."""
    wrong = wrong_places(f)
    for name, mask in f.inputs:
        try:
            on = np.broadcast_to(mask, wrong.shape) if getattr(mask, "dtype", None) == np.bool_ else None
        except ValueError:
            continue
        if on is None or on.all() or not on.any():
            continue
        if wrong[~on].any() and not wrong[on].any():
            return f"right only where {name} is on; elsewhere it must be masked too"
        if wrong[on].any() and not wrong[~on].any():
            return f"right only where {name} is off"


def kink_places(f):
    """Wrong only where the input is exactly zero (or one, or minus one)."""
    x, wrong = f.x, wrong_places(f)
    for edge in (0.0, 1.0, -1.0) if x is not None and np.shape(x) == wrong.shape else ():
        at = np.asarray(x) == edge
        if wrong[at].any() and not wrong[~at].any() and (~at).any() and f.truth[~at].any():
            return f"wrong only where the input is exactly {edge:g}: at a kink the slope is a convention, and PyTorch has another"


def zero_slices(f):
    """Zero where it should not be, in whole slices along an axis; right elsewhere or not."""
    lost = (f.ours == 0) & (np.abs(f.truth) > 0)
    for axis, across in slices(lost):
        bad = across.all(1)
        if 0 < bad.sum() < len(bad) and not across[~bad].any():
            return f"zero at index {runs(np.flatnonzero(bad))} along axis {axis}, where it should not be"


def some_slices(f):
    """Right in some slices along an axis, wrong in the others: ends, time steps, channels."""
    for axis, across in slices(wrong_places(f)):
        bad = across.any(1)
        if len(bad) < 3 or not bad.any() or bad.all() or across[bad].mean() < 0.9:
            continue
        few, what = (~bad, "right") if (~bad).sum() < bad.sum() else (bad, "wrong")
        together = np.ptp(np.flatnonzero(few)) == few.sum() - 1
        if f.truth.ndim > 1 or together:
            target = what == "wrong" and words_of_target(f, axis, few)
            return target or f"{what} only at index {runs(np.flatnonzero(few))} along axis {axis}"


def words_of_target(f, axis, bad):
    """Where those are just the rows with one value of an integer input, such as the index to be ignored."""
    for name, target in f.integers():
        chosen = np.unique(target[bad]) if axis == 0 and target.shape == bad.shape else ()
        if len(chosen) == 1 and not (target[~bad] == chosen).any() and bad.sum() > 1:
            return f"wrong only in the rows where {name} is {chosen[0]}"


def scattered(f):
    """How many places are wrong, in words: `wrong in 3 of 8 rows`, `wrong in 5 of 12 places, most at [0, 2]`."""
    wrong = wrong_places(f)
    if not wrong.ndim or wrong.all():
        return "wrong everywhere" if wrong.ndim else "wrong"
    for (_, across), what in zip(slices(wrong), ("rows", "columns")) if wrong.ndim == 2 else ():
        bad = across.any(1)
        if not bad.all():
            return f"wrong in {bad.sum()} of {len(bad)} {what} ({listed(np.flatnonzero(bad))})"
    return f"wrong in {wrong.sum()} of {wrong.size} places, most at [{worst_place(f)}]"


def worst_place(f):
    return ", ".join(map(str, np.unravel_index(np.argmax(np.abs(f.ours - f.truth)), f.truth.shape)))
