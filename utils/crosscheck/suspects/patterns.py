"""Suspicions from what the difference looks like: a constant, a multiple of something at hand.  Each: a Finding to a sentence or None."""

import numpy as np

from utils.crosscheck.finding import axes_sets, axes_words, close, to_rows

EXACT = 1e-6  # relative to the largest difference
HELD = (
    "as if the length or root mean square that divides it were held constant, or its path had a wrong factor"
)


def off_along(f):
    """Off, slice by slice along some axes, by a constant, a multiple of the input, or both."""
    ones = np.ones(f.truth.shape)
    tried = [("a constant", [ones], "a path through the mean (or a sum) there is lost or counted wrongly")]
    if f.x is not None and np.shape(f.x) == f.truth.shape:
        tried.append((f"a multiple of {f.name} itself", [f.x], HELD))
        lost = "what passes through the variance, or through mean and variance, is lost or counted wrongly"
        tried.append(("a multiple of the centred input", [f.x, ones], lost))
    for words, basis, path in tried:
        for axes in axes_sets(f.truth.ndim):
            if fits_along(f.ours - f.truth, basis, axes):
                return f"off by {words} along {axes_words(axes)}: {path}"


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
