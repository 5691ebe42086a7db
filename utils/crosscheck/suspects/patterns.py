"""Suspicions from what the difference looks like: a constant, a multiple of something at hand.  Each: a Finding to a sentence or None."""

import numpy as np

from utils.crosscheck.finding import axes_sets, axes_words, close, to_rows
from utils.crosscheck.suspects.probes import jacobians, without_diagonal

EXACT = 1e-6  # relative to the largest difference
HELD = (
    "as if the length or root mean square that divides it were held constant, or its path had a wrong factor"
)


def off_along(f):
    """Off, slice by slice along some axes, by a constant, a multiple of the input, or both."""
    error, ones = f.ours - f.truth, np.ones(f.truth.shape)
    for axes in axes_sets(error.ndim):
        if fits_along(error, [ones], axes):
            path = words_of_path(f, axes, [ones], "a path through the mean (or a sum) there")
            return f"off by a constant along {axes_words(axes)}: {path}"
    if f.x is None or np.shape(f.x) != error.shape:
        return None
    for axes in axes_sets(error.ndim):
        if fits_along(error, [f.x], axes):
            return f"off by a multiple of {f.name} itself along {axes_words(axes)}: {HELD}"
    for axes in axes_sets(error.ndim):
        if fits_along(error, [f.x, ones], axes):
            centred = f.x - f.x.mean(axes, keepdims=True)
            path = words_of_path(f, axes, [centred], "a path through the variance")
            if np.abs(error.mean(axes)).max() > EXACT * np.abs(error).max():
                path = words_of_path(f, axes, [centred, ones], "paths through the mean and the variance")
            return f"off by a multiple of the centred input along {axes_words(axes)}: {path}"


def words_of_path(f, axes, patterns, path):
    """Missing or counted too much, where unit vectors can tell by the sign of what the error adds along the patterns."""
    found, be = f.ours_again and jacobians(f), "are" if len(patterns) > 1 else "is"
    if found:
        rows, ours, truth = found
        outside = np.abs(ours - truth) > EXACT * np.abs(ours - truth).max()
        same_slice = [np.unravel_index(n, f.truth.shape) for n in (rows, np.arange(f.truth.size))]
        for axis in set(range(f.truth.ndim)) - set(axes):
            if outside[same_slice[0][axis][:, None] != same_slice[1][axis]].any():
                return f"as if {path} were missing, too many or wrongly weighted"  # it goes elsewhere, too
        added, there = (
            without_diagonal(j, rows) @ np.stack([p.ravel() for p in patterns], 1)
            for j in (ours - truth, truth)
        )
        products = added * there
        counted = np.abs(products) > 0.01 * np.abs(products).max(0)
        for sign, words in ((-1, "missing"), (1, "counted too much")):
            if counted.any(0).all() and (np.sign(products) == sign)[counted].all():
                return f"{path} {be} {words}"
    term = ", or a constant term," if not found and len(patterns) == 1 and (patterns[0] == 1).all() else ""
    return f"as if {path}{term} were missing, too many or wrongly weighted"


def fits_along(error, basis, axes):
    """Whether the error is, in every slice along the axes, a combination of the arrays of a basis."""
    rows = to_rows(error, axes)[..., None]
    if rows.shape[1] < 2 + len(basis):
        return False
    basis = np.stack([to_rows(a, axes) for a in basis], -1)
    fitted = basis @ (np.linalg.pinv(basis) @ rows)
    return bool(np.abs(rows - fitted).max() <= EXACT * np.abs(error).max())


def known_factor(f):
    """A factor that is one of the arrays at hand, missing or too many."""
    for name, a in f.at_hand():
        if not a.any() or a.size == 1 or np.ptp(a) == 0:
            continue
        for view in {a.shape, a.shape + (1,) * (f.truth.ndim - a.ndim)}:
            try:
                shaped = np.broadcast_to(a.reshape(view), f.truth.shape)
            except ValueError:
                continue
            if close(f.ours * shaped, f.truth):
                return f"a factor is missing (or a division too many): {name}"
            if close(f.ours, f.truth * shaped):
                return f"a factor too many (or a division missing): {name}"


def factor_per_slice(f):
    """ours / truth depends on one axis alone."""
    if (np.abs(f.truth) < 1e-12 * np.abs(f.truth).max()).any() or not f.ours.all():
        return None
    ratio = f.ours / f.truth
    for axis in range(ratio.ndim) if ratio.ndim > 1 else ():
        across = np.moveaxis(ratio, axis, 0).reshape(ratio.shape[axis], -1)
        if min(across.shape) > 1 and np.ptp(across, axis=1).max() <= EXACT * np.abs(ratio).max():
            return f"a factor that depends on the index along axis {axis} only is missing or too many"


def of_another_gradient(f):
    """Another gradient of the same operation, summed: a bias gradient that was multiplied by the inputs."""
    for name, truth in f.truths or []:
        if name == f.name or truth is None or truth.size <= f.truth.size or not truth.any():
            continue
        for axes in axes_sets(truth.ndim):
            for made, words in ((truth.sum(axes), "sum"), (truth.mean(axes), "mean")):
                if made.size == f.truth.size and close(f.ours, made.reshape(f.truth.shape)):
                    return (
                        f"it is the {words} of the gradient of {name} over {axes_words(axes)}: "
                        f"what {name} is multiplied by does not belong here"
                    )
