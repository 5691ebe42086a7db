"""Suspicions that the wrong array, the right one and the inputs are enough for.

Each is a function of a Finding that returns a sentence or None.
"""

import numpy as np

from utils.crosscheck.finding import axes_sets, axes_words, close, negligible, to_rows, wrong_places


def wrong_dtype(f):
    if f.ours.dtype.kind != "f":
        return f"its dtype is {f.ours.dtype}; expected floating point"


def wrong_shape(f):
    o, t = f.ours, f.truth
    if o.shape == t.shape:
        return None
    return f"its shape is {o.shape}; expected {t.shape}"


def not_summed(f):
    """A gradient that kept the axes over which its input was broadcast."""
    o, t = f.ours, f.truth
    if o.shape == t.shape or o.ndim < t.ndim:
        return None
    for axes in axes_sets(o.ndim):
        for keep in (False, True):
            if close(o.sum(axes, keepdims=keep), t):
                return (
                    f"missing sum over {axes_words(axes)}: the input was broadcast there, so every copy adds"
                )
            if close(o.mean(axes, keepdims=keep), t) and o.mean(axes).size:
                return f"missing mean over {axes_words(axes)}"


def transposed(f):
    o, t = f.ours, f.truth
    if t.ndim >= 2 and o.ndim == t.ndim and o.shape != t.T.shape and o.shape != t.shape:
        return None
    if t.ndim >= 2 and close(o, np.swapaxes(t, -1, -2)) and not close(o, t):
        return "transposed: the factors of the matrix product stand in the wrong order"


def not_finite(f):
    bad = ~np.isfinite(f.ours)
    if bad.any() and np.isfinite(f.truth).all():
        return f"not finite (NaN or infinite) in {bad.sum()} of {bad.size} places; the right one is finite everywhere"


def all_zero(f):
    if not f.ours.any() and f.truth.any():
        return "zero everywhere: the gradient stops here"


def wrong_sign(f):
    if f.ours.any() and close(f.ours, -f.truth):
        return "wrong sign"


def constant_factor(f):
    o, t = f.ours, f.truth
    if not t.any():
        return None
    c = float((o * t).sum() / (t * t).sum())
    if c == 0 or not close(o, c * t):
        return None
    at_hand = [a for _, a in f.inputs or [] if isinstance(a, np.ndarray)]
    counts = [(a.shape[0], "the batch size") for a in at_hand if a.ndim > 1]
    counts += [(a.size, "the number of elements") for a in at_hand if a.size > 1]
    for n, what in counts:
        for ratio, words in ((n, "one division by {} is missing"), (1 / n, "one division by {} is too many")):
            if np.isclose(abs(c), ratio, rtol=1e-6) and n > 2:
                sign = ", and the wrong sign" if c < 0 else ""
                return f"a factor {c:.4g}{sign}; {n} is {what}: mean against sum? {words.format(n)}"
    return f"a constant factor of {c:.4g}; it should be 1"


def flipped(f):
    o, t = f.ours, f.truth
    for axes in axes_sets(t.ndim):
        if max(t.shape[a] for a in axes) > 1 and close(o, np.flip(t, axes)):
            return f"reversed along {axes_words(axes)}"


def other_slot(f):
    """The right gradient, of something else."""
    for name, truth in f.truths or []:
        if name != f.name and truth is not None and truth.any() and close(f.ours, truth):
            return f"this is the gradient of {name}: the slots are in the wrong order"


def repeated_ids(f):
    """Rows looked up more than once."""
    wrong = wrong_places(f)
    if wrong.ndim < 1:
        return None
    rows = wrong.reshape(len(wrong), -1).any(1)
    for name, ids in f.inputs:
        if not isinstance(ids, np.ndarray) or ids.dtype.kind not in "iu" or not ids.size:
            continue
        if ids.min() < 0 or ids.max() >= len(rows):
            continue
        repeated = np.bincount(ids.ravel(), minlength=len(rows)) > 1
        if rows.any() and not rows[~repeated].any() and (~repeated).any() and not rows.all():
            return f"wrong only in rows that {name} names more than once: repeated contributions must add up"


def target_places(f):
    """Wrong exactly at the places that integer targets name, one a row."""
    wrong = wrong_places(f)
    for name, target in f.inputs:
        if not isinstance(target, np.ndarray) or target.dtype.kind not in "iu" or wrong.ndim != 2:
            continue
        if target.shape != wrong.shape[:1] or target.min() < 0 or target.max() >= wrong.shape[1]:
            continue
        named = np.zeros_like(wrong)
        named[np.arange(len(target)), target] = True
        if wrong[named].any() and not wrong[~named].any():
            return f"wrong only at the places that {name} names: what is subtracted there?"


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


def half_of_the_line(f):
    """Right on one side of zero (or of one or minus one) of the input."""
    x, wrong = f.x, wrong_places(f)
    if x is None or np.shape(x) != wrong.shape or wrong.size < 4:
        return None
    for edge in (0.0, 1.0, -1.0):
        above, below = np.asarray(x) > edge, np.asarray(x) < edge
        for right, words in ((above, f"above {edge:g}"), (below, f"below {edge:g}")):
            other = wrong[~right]
            if right.any() and not wrong[right].any() and other.size > 1 and other.mean() > 0.9:
                return f"right where the input is {words}, wrong on the other side"


def some_slices(f):
    """Right in some slices along an axis, wrong in the others: ends, time steps, channels."""
    wrong = wrong_places(f)
    for axis in range(wrong.ndim):
        n = wrong.shape[axis]
        others = tuple(a for a in range(wrong.ndim) if a != axis)
        bad = wrong.any(others) if others else wrong
        if n < 3 or not bad.any() or bad.all():
            continue
        where = np.flatnonzero(bad)
        if n - len(where) == 1:
            good = int(np.flatnonzero(~bad)[0])
            return (
                f"right only at index {good} along axis {axis}; nothing correct reaches the other positions"
            )
        if wrong.ndim > 1 or len(where) == 1:
            listed = ", ".join(map(str, where[:6])) + (", ..." if len(where) > 6 else "")
            return f"wrong only at index {listed} along axis {axis}"


def offset_along(f, pattern, groups=1):
    """Axes along which ours - truth is, slice by slice, a multiple of `pattern`; None if there are none.

    With groups = 2 a constant may be added to the multiple.
    """
    error = f.ours - f.truth
    for axes in axes_sets(error.ndim):
        length = int(np.prod([error.shape[a] for a in axes]))
        if length < 2 + groups:
            continue
        e = to_rows(error, axes)
        p = to_rows(np.broadcast_to(pattern, error.shape), axes)
        if groups == 2:
            e, p = e - e.mean(1, keepdims=True), p - p.mean(1, keepdims=True)
        slope = (e * p).sum(1, keepdims=True) / np.maximum((p * p).sum(1, keepdims=True), 1e-300)
        if np.abs(e - slope * p).max() <= 1e-6 * np.abs(error).max():
            return axes
    return None


def mean_path(f):
    axes = offset_along(f, np.ones(f.truth.shape))
    if axes:
        return (
            f"off by a constant along {axes_words(axes)}: a path through the mean (or a sum) there is missing"
        )


def variance_path(f):
    if f.x is None or np.shape(f.x) != f.truth.shape:
        return None
    axes = offset_along(f, f.x, groups=2)
    if axes is None:
        return None
    shift = np.abs(to_rows(f.ours - f.truth, axes).mean(1)).max() > 1e-6 * np.abs(f.ours - f.truth).max()
    paths = "paths through the mean and the variance are" if shift else "a path through the variance is"
    return f"off by a multiple of the centred input along {axes_words(axes)}: {paths} missing"


def output_path(f):
    """Off by a multiple of an output: a normalising sum, as in softmax."""
    for name, y in f.outputs:
        if isinstance(y, np.ndarray) and y.shape == f.truth.shape:
            axes = offset_along(f, y)
            if axes and not negligible(to_rows(y, axes).mean(1), y):
                lost = "the path through the sum or norm that divides is missing, or has the wrong factor"
                return f"off by a multiple of {name} along {axes_words(axes)}: {lost}"


def known_factor(f):
    """A factor that is one of the arrays at hand, missing or too many."""
    at_hand = [
        (n, a) for n, a in [*f.inputs, *f.outputs] if isinstance(a, np.ndarray) and a.dtype.kind == "f"
    ]
    for name, a in at_hand:
        if not a.any() or a.size == 1:
            continue
        for shaped in broadcasts(a, f.truth.shape):
            if close(f.ours * shaped, f.truth):
                return f"a factor is missing: {name}"
            if close(f.ours, f.truth * shaped):
                return f"a factor too many: {name}"


def broadcasts(a, shape):
    """a as it broadcasts against shape, trailing axes first, then leading ones."""
    for view in (a, a.reshape(a.shape + (1,) * (len(shape) - a.ndim)) if a.ndim < len(shape) else a):
        try:
            yield np.broadcast_to(view, shape)
        except ValueError:
            continue


def factor_per_slice(f):
    """ours / truth depends on one axis alone."""
    if (np.abs(f.truth) < 1e-12 * np.abs(f.truth).max()).any() or f.truth.ndim < 2:
        return None
    ratio = f.ours / f.truth
    for axis in range(ratio.ndim):
        others = tuple(a for a in range(ratio.ndim) if a != axis)
        if ratio.shape[axis] > 1 and np.prod([ratio.shape[a] for a in others]) > 1:
            spread = np.ptp(ratio, axis=others)
            if spread.max() <= 1e-6 * np.abs(ratio).max():
                return f"a factor that depends on the index along axis {axis} only is missing or too many"
