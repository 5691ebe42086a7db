"""Suspicions that need more questions: other upstream gradients, sent to ours and to PyTorch.

Each is a function of a Finding that returns a sentence or None.
"""

import numpy as np

from utils.crosscheck.finding import axes_words, close, negligible, same_shape

PROBES = 48  # unit vectors sent to look at a Jacobian


def upstream_ignored(f):
    once, twice = f.ours_again(f.upstream), f.ours_again(scaled(f.upstream, 2.0))
    if not same_shape(once, twice, f.truth):
        return None
    if close(once, twice):
        return "the gradient that comes from above is ignored: multiply by it"
    if not close(2 * once, twice):
        return "not linear in the gradient that comes from above: doubling that one must double this one"


def scaled(upstream, factor):
    return [None if u is None else factor * u for u in upstream]


def passed_through(f):
    """Off by the upstream gradient itself, or equal to it."""
    for u in f.upstream:
        if u is None or np.shape(u) != f.truth.shape or f.truth.size < 2:
            continue
        if close(f.ours, u):
            return "it is the gradient from above, unchanged: the local derivative is missing"
        error = f.ours - f.truth
        c = float((error * u).sum() / (u * u).sum())
        if abs(c) < 1e-9 or not close(error, c * u):
            continue
        if np.isclose(c, -1):
            return (
                "off by the gradient from above: the direct path (the input added to the output) is missing"
            )
        return f"off by {c:.4g} times the gradient from above: what passes directly is counted wrongly"


def one_output_only(f):
    """Right for the gradient of some outputs, wrong for that of others."""
    active = [i for i, u in enumerate(f.upstream) if u is not None]
    if len(active) < 2:
        return None
    wrong = []
    for i in active:
        alone = [u if j == i or u is None else np.zeros_like(u) for j, u in enumerate(f.upstream)]
        ours, truth = f.ours_again(alone), f.truth_again(alone)
        if not same_shape(ours, truth):
            return None
        if not close(ours, truth):
            wrong.append(f.outputs[i][0])
    if 0 < len(wrong) < len(active):
        return f"right for what comes from the other outputs; what comes from {', '.join(wrong)} is lost or wrong"


def factor_before(f):
    """The gradient from above has to be multiplied by an array at hand before all else."""
    at_hand = [
        (n, a) for n, a in f.inputs if isinstance(a, np.ndarray) and a.dtype.kind == "f" and a.size > 1
    ]
    for name, a in at_hand:
        if all(
            u is None or (np.ndim(u) >= a.ndim and u.shape[u.ndim - a.ndim :] == a.shape) for u in f.upstream
        ):
            ours = f.ours_again([None if u is None else u * a for u in f.upstream])
            if same_shape(ours, f.truth) and close(ours, f.truth):
                return f"a factor is missing: the gradient from above must be multiplied by {name} first"


def jacobians(f):
    """Ours and the true Jacobian, rows for some unit vectors of the one output shaped like x; or None."""
    like = [i for i, u in enumerate(f.upstream) if u is not None and np.shape(u) == f.truth.shape]
    if not like or f.truth.size < 2:
        return None
    size = f.truth.size
    rows = np.unique(np.linspace(0, size - 1, min(PROBES, size)).astype(int))
    ours, truth = [], []
    for r in rows:
        unit = [None if u is None else np.zeros_like(u) for u in f.upstream]
        unit[like[0]].flat[r] = 1.0
        mine, right = f.ours_again(unit), f.truth_again(unit)
        if not same_shape(mine, right):
            return None
        ours.append(mine.ravel())
        truth.append(right.ravel())
    return rows, np.array(ours), np.array(truth)


def without_diagonal(jacobian, rows):
    off = jacobian.copy()
    off[np.arange(len(rows)), rows] = 0
    return off


def diagonal_only(f):
    """Each element is right about itself and knows nothing of the others."""
    found = jacobians(f)
    if found is None:
        return None
    rows, ours, truth = found
    at = np.arange(len(rows)), rows
    off_ours, off_truth = without_diagonal(ours, rows), without_diagonal(truth, rows)
    if (
        not close(ours[at], truth[at])
        or not truth[at].any()
        or off_ours.any()
        or negligible(off_truth, truth)
    ):
        return None
    later = np.unravel_index(rows, f.truth.shape)[0][:, None] > np.indices(f.truth.shape)[0].ravel()
    if f.truth.ndim > 1 and not off_truth[~later].any():
        return "nothing comes back from later positions along axis 0: the path through time is missing"
    return "only the diagonal of the Jacobian is right: what does one element do to the others?"


def jacobian_transposed(f):
    found = jacobians(f)
    if found is None or len(found[0]) < f.truth.size:
        return None
    _, ours, truth = found
    if close(ours, truth.T):
        return "the transposed Jacobian was used: multiply by the transpose (a convolution: flip the kernel)"


def wrong_axis(f):
    """Ours mixes elements along another axis than the truth."""
    found = jacobians(f)
    if found is None or f.truth.ndim < 2:
        return None
    rows, ours, truth = found
    mixed = [mixed_axes(j, rows, f.truth.shape) for j in (ours, truth)]
    if mixed[0] != mixed[1] and all(mixed):
        return f"it mixes elements along {axes_words(mixed[0])}; it should along {axes_words(mixed[1])}"


def mixed_axes(jacobian, rows, shape):
    """The axes along which an output element lies apart from an input element that it depends on."""
    row, column = np.nonzero(without_diagonal(jacobian, rows))
    here, there = np.unravel_index(rows[row], shape), np.unravel_index(column, shape)
    return tuple(axis for axis in range(len(shape)) if (here[axis] != there[axis]).any())


def elementwise_slope(f):
    """Both Jacobians are diagonal, so it is the local derivative that is wrong."""
    found = jacobians(f)
    if found is None:
        return None
    rows, ours, truth = found
    at = np.arange(len(rows)), rows
    if not without_diagonal(ours, rows).any() and not without_diagonal(truth, rows).any():
        worst = int(np.argmax(np.abs(ours[at] - truth[at])))
        where = "" if f.x is None else f" at input {np.asarray(f.x).flat[rows[worst]]:.3g}"
        return (
            f"element by element, as it should be, but the local derivative is wrong: "
            f"{ours[at][worst]:.3g} instead of {truth[at][worst]:.3g}{where}"
        )
