"""Suspicions from where a gradient is wrong: rows, targets, masks, gates, ties, edges.  Each: a Finding to a sentence or None."""

import numpy as np

from utils.crosscheck.finding import close, listed, wrong_places

GATES = {
    4: ("input gate i", "forget gate f", "candidate g", "output gate o"),
    3: ("reset gate r", "update gate z", "candidate n"),
}


def repeated_ids(f):
    """Rows looked up more than once."""
    wrong = wrong_places(f)
    if wrong.ndim < 1:
        return None
    rows = wrong.reshape(len(wrong), -1).any(1)
    for name, ids in f.integers():
        labels = ids.shape == rows.shape  # one a row of the gradient: a target, no lookup
        if ids.min() < 0 or ids.max() >= len(rows) or labels:
            continue
        repeated = np.bincount(ids.ravel(), minlength=len(rows)) > 1
        if rows.any() and not rows[~repeated].any() and (~repeated).any() and not rows.all():
            times = np.maximum(np.bincount(ids.ravel(), minlength=len(rows)), 1)
            if close(f.ours * times.reshape(-1, *[1] * (wrong.ndim - 1)), f.truth):
                return (
                    f"averaged in rows that {name} names more than once: repeated contributions must add up"
                )
            return f"wrong only in rows that {name} names more than once: repeated contributions must add up"


def target_places(f):
    """Wrong exactly at the places that integer targets name, one a row."""
    wrong = wrong_places(f)
    for name, target in f.integers():
        if (
            wrong.ndim != 2
            or target.shape != wrong.shape[:1]
            or target.min() < 0
            or target.max() >= wrong.shape[1]
        ):
            continue
        named = np.zeros_like(wrong)
        named[np.arange(len(target)), target] = True
        if wrong[named].any() and not wrong[~named].any():
            return (
                one_margin(f, name, named)
                or f"wrong only at the places that {name} names: what is subtracted there?"
            )


def one_margin(f, name, named):
    """Hinge losses: the target answers for all violated margins of its row, not for one."""
    others = np.where(named, 0.0, f.truth)
    violated = (others != 0).sum(1)
    ours, truth = f.ours[named], f.truth[named]
    alone = np.abs(others).max(1)
    fits = close(truth, -others.sum(1)) and close(np.abs(ours[violated > 0]), alone[violated > 0])
    if fits and (violated > 1).any():
        return f"wrong only at the places that {name} names: each violated margin of the row counts there, not one alone"


def mask_only(f):
    """Right exactly where a boolean array among the inputs is True (or False)."""
    wrong = wrong_places(f)
    for name, mask in f.inputs:
        if not isinstance(mask, np.ndarray) or mask.dtype.kind != "b":
            continue
        try:
            on = np.broadcast_to(mask, wrong.shape)
        except ValueError:
            continue
        if on.all() or not on.any():
            continue
        if wrong[~on].any() and not wrong[on].any():
            return f"right only where {name} is on; elsewhere it must be masked too"
        if wrong[on].any() and not wrong[~on].any():
            return f"right only where {name} is off"


def tied_places(f):
    """Wrong only where numbers of the input are equal to others: a maximum that is reached more than once."""
    x, wrong = f.x, wrong_places(f)
    if x is None or np.shape(x) != wrong.shape or wrong.size < 3:
        return None
    _, where, times = np.unique(x, return_inverse=True, return_counts=True)
    tied = (times > 1)[where].reshape(wrong.shape)
    if wrong.any() and not wrong[~tied].any() and (~tied).sum() >= 2 and not wrong.all():
        return "wrong only where the input has equal numbers (ties): which of them gets the gradient?"


def kink_places(f):
    """Wrong only where the input is exactly zero (or one, or minus one)."""
    x, wrong = f.x, wrong_places(f)
    if x is None or np.shape(x) != wrong.shape:
        return None
    for edge in (0.0, 1.0, -1.0):
        at = np.asarray(x) == edge
        if wrong[at].any() and not wrong[~at].any() and (~at).any() and f.truth[~at].any():
            return f"wrong only where the input is exactly {edge:g}: at a kink the slope is a convention, and PyTorch has another"


def half_of_the_line(f):
    """Right on one side of zero (or of one or minus one) of the input."""
    x, wrong = f.x, wrong_places(f)
    elementwise = any(np.shape(y) == wrong.shape for _, y in f.outputs or [])
    if x is None or np.shape(x) != wrong.shape or wrong.size < 8 or not elementwise:
        return None
    for edge in (0.0, 1.0, -1.0):
        above, below = np.asarray(x) > edge, np.asarray(x) < edge
        for right, words in ((above, f"above {edge:g}"), (below, f"below {edge:g}")):
            other = wrong[~right]
            if right.sum() > 1 and not wrong[right].any() and other.size > 1 and other.mean() > 0.9:
                return f"right where the input is {words}, wrong on the other side"


def gates(f):
    """Wrong in some of the three or four equal blocks of a recurrent layer's parameter."""
    wrong, size = wrong_places(f), hidden_size(f)
    if size is None or not wrong.any():
        return None
    for axis in range(wrong.ndim):
        n = wrong.shape[axis] // size
        if n * size != wrong.shape[axis] or n not in GATES:
            continue
        others = tuple(a for a in range(wrong.ndim) if a != axis)
        blocks = wrong.any(others).reshape(n, size).any(1)
        if 0 < blocks.sum() < n:
            where = np.flatnonzero(blocks)
            rows = ", ".join(f"{k * size} to {(k + 1) * size - 1}" for k in where)
            return f"wrong only in the part of the {listed(GATES[n][k] for k in where)} (index {rows} along axis {axis}, in PyTorch's order)"


def hidden_size(f):
    """H, for a parameter of a recurrent layer of PyTorch, which has blocks of H rows; None for all else."""
    if not f.name.startswith(("weight_ih", "weight_hh", "bias_ih", "bias_hh")):
        return None
    like = [t for n, t in f.truths or [] if n.startswith("weight_hh") and t is not None]
    return like[0].shape[-1] if like else None


def some_slices(f):
    """Right in some slices along an axis, wrong in the others: ends, time steps, channels."""
    wrong = wrong_places(f)
    for axis in range(wrong.ndim):
        n = wrong.shape[axis]
        others = tuple(a for a in range(wrong.ndim) if a != axis)
        bad = wrong.any(others) if others else wrong
        if n < 3 or not bad.any() or bad.all() or np.compress(bad, wrong, axis).mean() < 0.9:
            continue
        where, fine = np.flatnonzero(bad), np.flatnonzero(~bad)
        if wrong.ndim > 1 or len(where) == 1:
            if len(fine) < len(where):
                return f"right only at index {listed(fine)} along axis {axis}"
            return f"wrong only at index {listed(where)} along axis {axis}"


def zero_slices(f):
    """Zero where it should not be, in whole slices along an axis; right elsewhere or not."""
    lost = (f.ours == 0) & (np.abs(f.truth) > 0)
    for axis in range(lost.ndim):
        others = tuple(a for a in range(lost.ndim) if a != axis)
        bad = lost.all(others) if others else lost
        if lost.any() and 0 < bad.sum() < len(bad) and lost.sum() == bad.sum() * (lost.size // len(bad)):
            return f"zero at index {listed(np.flatnonzero(bad))} along axis {axis}, where it should not be"


def scattered(f):
    """How many places are wrong, in words: `wrong in 3 of 8 rows`, `wrong in 5 of 12 places, most at [0, 2]`."""
    wrong = wrong_places(f)
    if not wrong.ndim:
        return "wrong"
    if wrong.all():
        return "wrong everywhere"
    if wrong.ndim == 2:
        for axis, what in ((0, "rows"), (1, "columns")):
            bad = wrong.any(1 - axis)
            if 0 < bad.sum() < len(bad):
                return f"wrong in {bad.sum()} of {len(bad)} {what} ({listed(np.flatnonzero(bad))})"
    worst = np.unravel_index(np.argmax(np.abs(f.ours - f.truth)), f.truth.shape)
    return f"wrong in {wrong.sum()} of {wrong.size} places, most at [{', '.join(map(str, worst))}]"
