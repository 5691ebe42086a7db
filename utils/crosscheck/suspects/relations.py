"""Suspicions that the gradient is the right one, changed as a whole: form, sign, factor, order.  Each: a Finding to a sentence or None."""

from itertools import permutations

import numpy as np

from utils.crosscheck.finding import axes_sets, axes_words, close, listed, runs, slices, wrong_places
from utils.crosscheck.suspects import counts

ROUNDING = 1e-13
SIMPLE = (0.25, 0.5, 1.0, 2.0, 4.0)  # factors that come about in many ways


def wrong_dtype(f):
    if f.ours.dtype.kind != "f":
        return f"its dtype is {f.ours.dtype}; expected floating point"


def not_summed(f):
    """A gradient that kept the axes over which its input was broadcast."""
    o, t = f.ours, f.truth
    for axes in axes_sets(o.ndim) if o.ndim >= t.ndim and o.size > t.size else ():
        for keep in (False, True):
            if close(o.sum(axes, keepdims=keep), t):
                return (
                    f"missing sum over {axes_words(axes)}: the input was broadcast there, so every copy adds"
                )


def summed_too_far(f):
    """A gradient that was added up over axes which its input has."""
    for axes, made, words in totals(f.truth) if f.ours.shape != f.truth.shape else ():
        if close(f.ours, made) or close(f.ours, made.squeeze(axes)):
            what = "summed" if words == "sum" else "averaged"
            return f"{what} too far: over {axes_words(axes)} of {f.name or 'it'} as well"


def spread_out(f):
    """The same, and the one number given back to every element."""
    for axes, made, words in totals(f.truth):
        if close(f.ours, np.broadcast_to(made, f.truth.shape)):
            return f"every element along {axes_words(axes)} gets the same number, the {words} of the right ones there"


def totals(t):
    """(axes, sum or mean along them, the word for it) for all axes that have more than one element."""
    for axes in axes_sets(t.ndim) if t.any() else ():
        for made, words in ((t.sum(axes, keepdims=True), "sum"), (t.mean(axes, keepdims=True), "mean")):
            if made.size < t.size:
                yield axes, made, words


def wrong_shape(f):
    o, t = f.ours, f.truth
    if o.shape != t.shape and o.size == t.size and close(o.reshape(t.shape), t):
        return f"the right numbers in shape {o.shape}; expected {t.shape}"
    if o.shape != t.shape:
        return f"its shape is {o.shape}; expected {t.shape}"


def not_finite(f):
    bad = ~np.isfinite(f.ours)
    if bad.any() and np.isfinite(f.truth).all():
        return f"not finite (NaN or infinite) in {bad.sum()} of {bad.size} places; the right one is finite everywhere"


def all_zero(f):
    if np.abs(f.ours).max(initial=0) <= ROUNDING * np.abs(f.truth).max(initial=0) > 0:
        return "zero everywhere: the gradient stops here"


def wrong_sign(f):
    if f.ours.any() and close(f.ours, -f.truth):
        return "wrong sign"


def transposed(f):
    """The axes in another order."""
    o, t = f.ours, f.truth
    if not 2 <= t.ndim <= 5 or o.ndim != t.ndim or close(o, t):
        return None
    if close(o, np.swapaxes(t, -1, -2)):
        recording = f.evidence and f.evidence.recording
        product = recording and any(s.name in counts.TWO_SIDED for s in recording.uses(f.name))
        cause = (
            "the factors of the matrix product stand in the wrong order" if product else "rows for columns"
        )
        return f"transposed: {cause}"
    for order in permutations(range(t.ndim)):
        if close(o, t.transpose(order)):
            return f"transposed: its axes stand in the order {listed(order)} of the right one's"


def other_slot(f):
    """The right gradient, of something else."""
    for name, truth in f.truths or []:
        if name != f.name and truth is not None and truth.any() and close(f.ours, truth):
            return f"this is the gradient of {name}: the slots are in the wrong order"


def flipped(f):
    for axes in axes_sets(f.truth.ndim):
        if max(f.truth.shape[a] for a in axes) > 1 and close(f.ours, np.flip(f.truth, axes)):
            return f"reversed along {axes_words(axes)}"


def shifted(f):
    """Some places along one axis or two too far, with something else where there is no neighbour."""
    o, t = f.ours, f.truth
    for axes in [a for a in axes_sets(t.ndim) if len(a) <= 2]:
        for step in (1, 2):
            if any(t.shape[a] < step + 2 for a in axes):
                continue
            ahead, behind = (
                tuple(cut if a in axes else slice(None) for a in range(t.ndim))
                for cut in (slice(step, None), slice(None, -step))
            )
            for here, there in ((ahead, behind), (behind, ahead)):
                if t[there].any() and close(o[here], t[there]):
                    return f"shifted by {step} along {axes_words(axes)}"


def permuted(f):
    """The same numbers elsewhere: two blocks exchanged, or anything else."""
    o, t = f.ours, f.truth
    for axis, across in slices(wrong_places(f)):
        bad = np.flatnonzero(across.any(1))
        first, second = np.split(bad, [len(bad) // 2])
        ours, truth = np.moveaxis(o, axis, 0), np.moveaxis(t, axis, 0)
        if len(first) == len(second) > 0 and close(ours[bad], truth[[*second, *first]]):
            return f"index {runs(first)} and {runs(second)} along axis {axis} are exchanged"
    if t.size > 5 and np.unique(t).size > t.size // 2 and close(np.sort(o, axis=None), np.sort(t, axis=None)):
        return "the right numbers in the wrong places, as when a reshape stands for a transpose"


# ---- factors


def factor_of(o, t):
    """c with o = c t, or None."""
    if not t.any() or o.shape != t.shape:
        return None
    c = float((o * t).sum() / (t * t).sum())
    return c if c not in (0, 1) and close(o, c * t) else None


def constant_factor(f):
    c = factor_of(f.ours, f.truth)
    if c is None:
        return None
    if known := counts.number_words(f, abs(c)):
        return f"a factor {abs(c):.3g}{', and the wrong sign' if c < 0 else ''}; {known}"
    pair = (
        f.truth.size == 1
        and not np.isclose(abs(c), SIMPLE, rtol=1e-9).any()
        and f.evidence
        and f.evidence.elsewhere(f.slot)
    )
    if not pair or close(pair[0], c * pair[1]):
        return f"a constant factor of {c:.3g}; it should be 1{counts.other_words(f, abs(c))}"


def one_number(f):
    """A single number that is wrong, with no constant factor."""
    if f.truth.size == 1 and f.truth.any():
        times = float(f.ours.ravel()[0] / f.truth.ravel()[0])
        return f"{times:.3g} times the right number here, and another multiple at other inputs"
