"""Suspicions that need more questions: other upstream gradients, sent to ours and to PyTorch.  Each: a Finding to a sentence or None."""

import numpy as np

from utils.crosscheck.finding import axes_words, close, listed, negligible, same_shape

PROBES = 48  # unit vectors sent to look at a Jacobian


def upstream_ignored(f):
    once, twice = f.ours_again(f.upstream), f.ours_again(scaled(f.upstream, 2.0))
    if not same_shape(once, twice, f.truth):
        return None
    if close(once, twice):
        return "the gradient that comes from above is ignored: multiply by it"
    if not close(2 * once, twice):
        return "not linear in the gradient that comes from above: doubling that one must double this one"
    if not close(-once, f.ours_again(scaled(f.upstream, -1.0))):
        return "not linear in the gradient that comes from above: the other sign there must give the other sign here"


def scaled(upstream, factor):
    return [None if u is None else factor * u for u in upstream]


def one_output_only(f):
    """Right for the gradient of some outputs, wrong for that of others."""
    active = [i for i, u in enumerate(f.upstream) if u is not None]
    if len(active) < 2:
        return None
    wrong, lost = [], []
    for i in active:
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


# ---- Jacobians, where an output is shaped like the input


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
    here = np.arange(len(rows)), rows
    off_ours, off_truth = without_diagonal(ours, rows), without_diagonal(truth, rows)
    right = close(ours[here], truth[here]) and truth[here].any()
    if not right or off_ours.any() or negligible(off_truth, truth):
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
        return "the transposed Jacobian was used: multiply by the transpose of it"


def wrong_axis(f):
    """Ours mixes elements along another axis than the truth."""
    alone = f.evidence is None or len(f.evidence.live) == 1
    found = jacobians(f) if alone and f.truth.ndim > 1 else None
    if found is None:
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
    here = np.arange(len(rows)), rows
    if not without_diagonal(ours, rows).any() and not without_diagonal(truth, rows).any():
        worst = int(np.argmax(np.abs(ours[here] - truth[here])))
        where = "" if f.x is None else f" at input {np.asarray(f.x).flat[rows[worst]]:.3g}"
        return (
            f"element by element, as it should be, but the local derivative is wrong: "
            f"{ours[here][worst]:.3g} instead of {truth[here][worst]:.3g}{where}"
        )


# ---- any output: where does what comes from one element of it land?


def misplaced(f):
    """The right numbers come from every output element, and land at other inputs."""
    pairs = list(unit_pairs(f))
    if len(pairs) < 3:
        return None
    moved = None
    for place, ours, truth in pairs:
        if not close(np.sort(ours, axis=None), np.sort(truth, axis=None)):
            return None
        if moved is None and not close(ours, truth):
            moved = place, ours, truth
    if moved is None or np.count_nonzero(moved[2]) * 2 > moved[2].size:
        return None
    place, ours, truth = moved
    here, there = (np.unravel_index(np.argmax(np.abs(a)), a.shape) for a in (ours, truth))
    if here == there:
        return (
            "the right numbers in the wrong places: what comes from one output is spread in the wrong order"
        )
    words = lambda at: f"[{', '.join(map(str, at))}]"
    return f"the right numbers in the wrong places: what comes from {place} lands at {words(here)}; it belongs at {words(there)}"


def unit_pairs(f, most=16):
    """(which output element, ours, truth) for unit vectors from above."""
    for k, u in enumerate(f.upstream):
        if u is None or not u.ndim:
            continue
        for r in np.unique(np.linspace(0, u.size - 1, min(most, u.size)).astype(int)):
            unit = [None if v is None else np.zeros_like(v) for v in f.upstream]
            unit[k].flat[r] = 1.0
            ours, truth = f.ours_again(unit), f.truth_again(unit)
            if not same_shape(ours, truth):
                return
            at = ", ".join(map(str, np.unravel_index(r, u.shape)))
            yield f"{f.outputs[k][0]}[{at}]", ours, truth
