"""Suspicions that need more questions: other upstream gradients, sent to ours and to PyTorch.  Each: a Finding to a sentence or None."""

import numpy as np

from utils.crosscheck.finding import axes_words, close, listed, same_shape

PROBES, FEW = 48, 16  # unit vectors sent to look at a Jacobian; to look where one output lands


def upstream_ignored(f):
    scaled = lambda factor: f.ours_again([None if u is None else factor * u for u in f.upstream])
    once, twice = scaled(1.0), scaled(2.0)
    if not same_shape(once, twice, f.truth):
        return None
    if close(once, twice):
        return "the gradient that comes from above is ignored: multiply by it"
    if not close(2 * once, twice):
        return "not linear in the gradient that comes from above: doubling that one must double this one"
    if not close(-once, scaled(-1.0)):
        return "not linear in the gradient that comes from above: the other sign there must give the other sign here"


def one_output_only(f):
    """Right for the gradient of some outputs, wrong for that of others."""
    active = [i for i, u in enumerate(f.upstream) if u is not None]
    wrong, lost = [], []
    for i in active if len(active) > 1 else ():
        alone = [u if j == i or u is None else np.zeros_like(u) for j, u in enumerate(f.upstream)]
        ours, truth = f.ours_again(alone), f.truth_again(alone)
        if not same_shape(ours, truth):
            return None
        if not close(ours, truth):
            wrong.append(f.outputs[i][0])
            lost.append(not ours.any())
    if 0 < len(wrong) < len(active):
        what = "lost" if all(lost) else "wrong"
        return f"right for what comes from the other outputs; what comes from {listed(wrong)} is {what}"


def unit_pairs(f, k, most):
    """(place in output k, ours, truth) for unit vectors from above."""
    for r in np.unique(np.linspace(0, f.upstream[k].size - 1, most).astype(int)):
        unit = [None if u is None else np.zeros_like(u) for u in f.upstream]
        unit[k].flat[r] = 1.0
        ours, truth = f.ours_again(unit), f.truth_again(unit)
        if not same_shape(ours, truth):
            return
        yield r, ours, truth


def jacobians(f):
    """(numbers of the rows, ours, the true Jacobian), some rows, for an output shaped like the input; or None."""
    like = [k for k, u in enumerate(f.upstream) if u is not None and np.shape(u) == f.truth.shape]
    pairs = list(unit_pairs(f, like[0], PROBES)) if like and f.truth.size > 1 else []
    if pairs:
        rows, *both = zip(*pairs)
        return np.array(rows), *(np.reshape(j, (len(rows), -1)) for j in both)


def without_diagonal(jacobian, rows):
    off = jacobian.copy()
    off[np.arange(len(rows)), rows] = 0
    return off


def jacobian_transposed(f):
    found = jacobians(f)
    if found and len(found[0]) == f.truth.size and close(found[1], found[2].T):
        return "the transposed Jacobian was used: multiply by the transpose of it"


def wrong_axis(f):
    """Ours mixes elements along another axis than the truth."""
    alone = f.evidence is None or len(f.evidence.live) == 1
    found = jacobians(f) if alone and f.truth.ndim > 1 else None
    if found:
        ours, truth = (mixed_axes(jacobian, found[0], f.truth.shape) for jacobian in found[1:])
        if ours != truth and ours and truth:
            return f"it mixes elements along {axes_words(ours)}; it should along {axes_words(truth)}"


def mixed_axes(jacobian, rows, shape):
    """The axes along which an output element lies apart from an input element that it depends on."""
    row, column = np.nonzero(without_diagonal(jacobian, rows))
    here, there = np.unravel_index(rows[row], shape), np.unravel_index(column, shape)
    return tuple(axis for axis in range(len(shape)) if (here[axis] != there[axis]).any())


def elementwise_slope(f):
    """Both Jacobians are diagonal, so it is the local derivative that is wrong."""
    found = jacobians(f)
    if not found or any(without_diagonal(jacobian, found[0]).any() for jacobian in found[1:]):
        return None
    rows = found[0]
    ours, truth = (jacobian[np.arange(len(rows)), rows] for jacobian in found[1:])
    worst = int(np.argmax(np.abs(ours - truth)))
    where = "" if f.x is None else f" at input {np.asarray(f.x).flat[rows[worst]]:.3g}"
    return (
        f"element by element, as it should be, but the local derivative is wrong: "
        f"{ours[worst]:.3g} instead of {truth[worst]:.3g}{where}"
    )


def misplaced(f):
    """The right numbers come from every output element, and land at other inputs."""
    shaped = [k for k, u in enumerate(f.upstream) if u is not None and u.ndim]
    pairs = [(k, *pair) for k in shaped for pair in unit_pairs(f, k, FEW)]
    if len(pairs) < 3 or not all(close(np.sort(o, axis=None), np.sort(t, axis=None)) for *_, o, t in pairs):
        return None
    k, r, ours, truth = next((pair for pair in pairs if not close(*pair[2:])), pairs[0])
    if close(ours, truth) or np.count_nonzero(truth) * 2 > truth.size:
        return None
    words = lambda number, shape: f"[{', '.join(map(str, np.unravel_index(number, shape)))}]"
    here, there = (words(np.argmax(np.abs(a)), a.shape) for a in (ours, truth))
    start = "the right numbers in the wrong places: what comes from"
    if here == there:
        return f"{start} one output is spread in the wrong order"
    return f"{start} {f.outputs[k][0]}{words(r, f.upstream[k].shape)} lands at {here}; it belongs at {there}"
