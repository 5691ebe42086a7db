"""Suspicions from what the difference looks like: a constant, a multiple of something at hand.  Each: a Finding to a sentence or None."""

import numpy as np

from utils.crosscheck.finding import axes_sets, axes_words, close, negligible, same_shape, to_rows
from utils.crosscheck.suspects.probes import jacobians, without_diagonal

EXACT = 1e-6  # relative to the largest difference


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
        if np.abs(e - slope * p).max() <= EXACT * np.abs(error).max():
            return axes
    return None


def mean_path(f):
    ones = np.ones(f.truth.shape)
    axes = offset_along(f, ones)
    if axes:
        return f"off by a constant along {axes_words(axes)}: {what_of_path(f, axes, [ones], 'a path through the mean (or a sum) there')}"


def what_of_path(f, axes, patterns, path, several=False):
    """Missing or counted too much, where unit vectors can tell by the sign of what the path adds."""
    be = "are" if several else "is"
    shares = [share_of_path(f, axes, p) for p in patterns]
    if None in shares:
        return f"as if {path} were missing, too many or wrongly weighted"
    if all(share < 0 for share in shares):
        return f"{path} {be} missing"
    if all(share > 0 for share in shares):
        return f"{path} {be} counted too much"
    return f"as if {path} were wrongly weighted"


def share_of_path(f, axes, pattern):
    """Of the effect that other elements have, how much the error adds along a pattern; None where rows disagree.

    Negative: the error takes away what the truth has there, so a path is missing or too small.
    """
    found = f.ours_again and jacobians(f)
    if not found:
        return None
    rows, ours, truth = found
    p = np.broadcast_to(pattern, f.truth.shape).ravel()
    if leaves_slice(ours - truth, rows, f.truth.shape, axes):
        return None  # the path that is wrong goes elsewhere, too
    added = without_diagonal(ours - truth, rows) @ p
    there = without_diagonal(truth, rows) @ p
    products = added * there
    size = np.abs(products).max(initial=0)
    counted = products[np.abs(products) > 0.01 * size] if size else products
    if not len(counted) or not (np.sign(counted) == np.sign(counted[0])).all():
        return None
    return float(products.sum() / (there**2).sum())


def leaves_slice(jacobian, rows, shape, axes):
    """Whether an output element has an effect outside its own slice along `axes`."""
    row, column = np.nonzero(np.abs(jacobian) > EXACT * np.abs(jacobian).max(initial=0))
    here, there = np.unravel_index(rows[row], shape), np.unravel_index(column, shape)
    return any((here[a] != there[a]).any() for a in range(len(shape)) if a not in axes)


def multiple_of_input(f):
    """Off by one and the same multiple of the input: what a regulariser adds."""
    x = f.x
    if x is None or np.shape(x) != f.truth.shape or f.truth.size < 3:
        return None
    x = np.asarray(x)
    error = f.ours - f.truth
    c = float((error * x).sum() / max((x * x).sum(), 1e-300))
    if c and close(error, c * x):
        what = "missing or too small" if c < 0 else "counted too much"
        return f"off by {c:.3g} times {f.name} itself: a term like a regulariser's is {what}"


def norm_path(f):
    """Off by a multiple of the input, row by row: a norm or a root mean square that was held constant."""
    if f.x is None or np.shape(f.x) != f.truth.shape:
        return None
    axes = offset_along(f, f.x)
    if axes:
        held = "as if the length or root mean square that divides it were held constant, or its path had a wrong factor"
        return f"off by a multiple of {f.name} itself along {axes_words(axes)}: {held}"


def variance_path(f):
    if f.x is None or np.shape(f.x) != f.truth.shape:
        return None
    axes = offset_along(f, f.x, groups=2)
    if axes is None:
        return None
    shift = np.abs(to_rows(f.ours - f.truth, axes).mean(1)).max() > EXACT * np.abs(f.ours - f.truth).max()
    centred = f.x - f.x.mean(axes, keepdims=True)
    path = "paths through the mean and the variance" if shift else "a path through the variance"
    patterns = [centred, np.ones(centred.shape)] if shift else [centred]
    words = what_of_path(f, axes, patterns, path, several=shift)
    return f"off by a multiple of the centred input along {axes_words(axes)}: {words}"


def output_path(f):
    """Off by a multiple of an output: a normalising sum, as in softmax."""
    for name, y in f.outputs:
        if isinstance(y, np.ndarray) and y.shape == f.truth.shape:
            axes = offset_along(f, y)
            if axes and not negligible(to_rows(y, axes).mean(1), y):
                lost = "the path through the sum or norm that divides is missing, or has the wrong factor"
                return f"off by a multiple of {name} along {axes_words(axes)}: {lost}"


def unchanged(f):
    """The upstream gradient itself."""
    for u in f.upstream:
        if u is not None and np.shape(u) == f.truth.shape and f.truth.size > 1 and close(f.ours, u):
            return "it is the gradient from above, unchanged: a local derivative or a path is missing"


def passed_through(f):
    """Off by the upstream gradient itself."""
    for u in f.upstream:
        if u is None or np.shape(u) != f.truth.shape or f.truth.size < 2:
            continue
        error = f.ours - f.truth
        c = float((error * u).sum() / (u * u).sum())
        if abs(c) < 1e-9 or not close(error, c * u):
            continue
        if np.isclose(c, -1):
            return (
                "off by the gradient from above: the direct path (the input added to the output) is missing"
            )
        if np.isclose(c, 1):
            return "off by the gradient from above: a direct path (the input added to the output) too many"
        return f"off by {c:.3g} times the gradient from above: what passes directly is counted wrongly"


def known_factor(f):
    """A factor that is one of the arrays at hand, missing or too many."""
    inside = f.evidence.values() if f.evidence else []
    for name, a in [*f.at_hand(), *inside]:
        if not a.any() or a.size == 1 or np.ptp(a) == 0:
            continue
        for shaped in broadcasts(a, f.truth.shape):
            if close(f.ours * shaped, f.truth):
                return f"a factor is missing (or a division too many): {name}"
            if close(f.ours, f.truth * shaped):
                return f"a factor too many (or a division missing): {name}"


def broadcasts(a, shape):
    """a as it broadcasts against shape, trailing axes first, then leading ones."""
    for view in (a, a.reshape(a.shape + (1,) * (len(shape) - a.ndim)) if a.ndim < len(shape) else a):
        try:
            yield np.broadcast_to(view, shape)
        except ValueError:
            continue


def factor_before(f):
    """The gradient from above has to be multiplied by an array at hand before all else."""
    for name, a in f.at_hand():
        fits = lambda u, a=a: np.ndim(u) >= a.ndim and u.shape[u.ndim - a.ndim :] == a.shape
        if a.size > 1 and all(u is None or fits(u) for u in f.upstream):
            ours = f.ours_again([None if u is None else u * a for u in f.upstream])
            if same_shape(ours, f.truth) and close(ours, f.truth):
                return f"a factor is missing: the gradient from above must be multiplied by {name} first"


def factor_per_slice(f):
    """ours / truth depends on one axis alone."""
    if (np.abs(f.truth) < 1e-12 * np.abs(f.truth).max()).any() or f.truth.ndim < 2:
        return None
    ratio = f.ours / f.truth
    if (ratio == 0).any():
        return None
    for axis in range(ratio.ndim):
        others = tuple(a for a in range(ratio.ndim) if a != axis)
        if ratio.shape[axis] > 1 and np.prod([ratio.shape[a] for a in others]) > 1:
            spread = np.ptp(ratio, axis=others)
            if spread.max() <= EXACT * np.abs(ratio).max():
                return f"a factor that depends on the index along axis {axis} only is missing or too many"


def of_another_gradient(f):
    """Another gradient of the same operation, summed: a bias gradient that was multiplied by the inputs."""
    for name, truth in f.truths or []:
        if name == f.name or truth is None or truth.size <= f.truth.size or not truth.any():
            continue
        for axes in axes_sets(truth.ndim):
            for made, words in ((truth.sum, "sum"), (truth.mean, "mean")):
                if made(axes).size == f.truth.size and close(f.ours, made(axes).reshape(f.truth.shape)):
                    return (
                        f"it is the {words} of the gradient of {name} over {axes_words(axes)}: "
                        f"what {name} is multiplied by does not belong here"
                    )


def from_wrong_sum(f):
    """Sums of the gradient from above over other axes than those that were broadcast."""
    for u in f.upstream:
        if u is None or np.ndim(u) <= f.truth.ndim:
            continue
        for axes in axes_sets(u.ndim):
            for made, words in ((u.sum, "summed"), (u.mean, "averaged")):
                if u.ndim - len(axes) == f.truth.ndim and close(f.ours, made(axes)):
                    right = [a for a in axes_sets(u.ndim) if close(u.sum(a), f.truth)]
                    if right and right[0] != axes:
                        return f"the gradient from above is {words} over {axes_words(axes)}; sum it over {axes_words(right[0])}"
