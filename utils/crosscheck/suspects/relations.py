"""Suspicions that the gradient is the right one, changed as a whole: sign, factor, order.  Each: a Finding to a sentence or None."""

from itertools import permutations

import numpy as np

from utils.crosscheck.finding import axes_sets, axes_words, close, listed, same_shape
from utils.crosscheck.suspects.forms import LARGE

ROUNDING = 1e-13


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
        return "transposed: the factors of the matrix product stand in the wrong order"
    for order in permutations(range(t.ndim)):
        if close(o, t.transpose(order)):
            return f"transposed: its axes stand in the order {listed(order)} of the right one's"


def other_slot(f):
    """The right gradient, of something else."""
    for name, truth in f.truths or []:
        if name != f.name and truth is not None and truth.any() and close(f.ours, truth):
            return f"this is the gradient of {name}: the slots are in the wrong order"


def flipped(f):
    o, t = f.ours, f.truth
    if not same_shape(o, t) or t.ndim > LARGE:
        return None
    for axes in axes_sets(t.ndim):
        if max(t.shape[a] for a in axes) > 1 and close(o, np.flip(t, axes)):
            return f"reversed along {axes_words(axes)}"
    for axis in range(t.ndim):
        for step in (1, -1):
            if t.shape[axis] > 2 and close(o, np.roll(t, step, axis)):
                return f"shifted by 1 along {axes_words((axis,))}"


def shifted(f):
    """Some places along one axis or two too far, with something else where there is no neighbour."""
    o, t = f.ours, f.truth
    for axes in [a for a in axes_sets(t.ndim) if len(a) <= 2]:
        for step in (1, 2):
            if any(t.shape[a] < step + 2 for a in axes):
                continue
            ahead = tuple(slice(step, None) if a in axes else slice(None) for a in range(t.ndim))
            behind = tuple(slice(None, -step) if a in axes else slice(None) for a in range(t.ndim))
            for here, there in ((ahead, behind), (behind, ahead)):
                if t[there].any() and close(o[here], t[there]):
                    return f"shifted by {step} along {axes_words(axes)}"


def permuted(f):
    """The same numbers elsewhere."""
    o, t = f.ours, f.truth
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
    sign = ", and the wrong sign" if c < 0 else ""
    known = number_words(f, abs(c)) or wrong_count(f, abs(c))
    if known:
        return f"a factor {abs(c):.3g}{sign}; {known}"
    if f.truth.size == 1 and not is_simple(c) and not holds_elsewhere(f, c):
        return None
    return f"a constant factor of {c:.3g}; it should be 1"


SIMPLE = (0.25, 0.5, 1.0, 2.0, 4.0)


def is_simple(c):
    return bool(np.isclose(abs(c), SIMPLE, rtol=1e-9).any())


def one_number(f):
    """A single number that is wrong, with no constant factor."""
    if f.truth.size == 1 and f.truth.any():
        times = float(f.ours.ravel()[0] / f.truth.ravel()[0])
        return f"{times:.3g} times the right number here, and another multiple at other inputs"


def holds_elsewhere(f, c):
    """Whether ours is c times the truth at other inputs too."""
    pair = f.evidence and f.evidence.elsewhere(f.slot)
    return not pair or close(pair[0], c * pair[1])


VARIANCE = "{n} or {less} in the variance?"
ORIGINS = [  # how a factor may come from a count n, and what to say
    (lambda n: n, "mean against sum? one division by {n} is missing"),
    (lambda n: 1 / n, "mean against sum? one division by {n} is too many"),
    (lambda n: n**0.5, "one division by the root of {n} is missing"),
    (lambda n: n**-0.5, "one division by the root of {n} is too many"),
    (lambda n: n / (n - 1), VARIANCE),
    (lambda n: (n - 1) / n, VARIANCE),
]


def number_words(f, c):
    """Where a factor comes from: a count of elements, or its root; None where no count explains it.

    Where it can be tried, the count is changed: inputs one element shorter must give the factor of the new count.
    """
    for rule, words in ORIGINS:
        for n, what, name, axes in counts(f):
            known = name is not None or rule in (
                ORIGINS[0][0],
                ORIGINS[1][0],
            )  # roots of an output lengths are chance
            if n > 2 and known and np.isclose(c, rule(n), rtol=1e-6):
                tried = with_other_count(f, name, axes, rule)
                if tried or (tried is None and not is_simple(c) and words is not VARIANCE):
                    return f"{n} is {what}: {words.format(n=n, less=n - 1)}"
    return None


def wrong_count(f, c):
    """A factor n / m of two counts, found by making each of the axes shorter; None where that does not explain it."""
    if not f.evidence or is_simple(c):
        return None
    powers = {}
    for n, what, name, axes in counts(f):
        if n < 3 or name is None or len(axes) > 1 or n in powers:
            continue
        pair = f.evidence.shorter(f.slot, name, axes[0])
        shorter = factor_of(*pair) if pair else None
        if shorter is not None and np.isclose(abs(shorter / c), (n - 1) / n, rtol=1e-6):
            powers[n] = what, 1
        if shorter is not None and np.isclose(abs(shorter / c), n / (n - 1), rtol=1e-6):
            powers[n] = what, -1
    above, below = ([(n, what) for n, (what, p) in powers.items() if p == sign] for sign in (1, -1))
    if len(above) == len(below) == 1 and np.isclose(c, above[0][0] / below[0][0], rtol=1e-6):
        (n, what), (m, other) = above[0], below[0]
        return f"that is {n}/{m}; {n} is {what}, {m} {other}: divided by the wrong one of them?"
    return None


def with_other_count(f, name, axes, rule):
    """Whether the factor follows the count when one axis gets shorter; None where that cannot be tried."""
    if not f.evidence or name is None:
        return None
    for axis in axes:
        pair = f.evidence.shorter(f.slot, name, axis)
        c = factor_of(*pair) if pair else None
        if c is not None:
            shape = list(dict(f.inputs)[name].shape)
            shape[axis] -= 1
            return bool(np.isclose(abs(c), rule(int(np.prod([shape[a] for a in axes]))), rtol=1e-6))
    return None


def counts(f):
    """(number, words, name, axes): lengths of axes and their products, single axes first, the first input first."""
    inputs = [(n, a) for n, a in f.inputs or [] if isinstance(a, np.ndarray) and a.ndim]
    results = [(n, a) for n, a in f.outputs or [] if isinstance(a, np.ndarray) and a.ndim]
    batch = batch_size(f, inputs)
    for k in range(1, 5):
        for name, a in [*inputs, *results]:
            for axes in sorted((s for s in axes_sets(min(a.ndim, 4)) if len(s) == k), key=with_channels):
                n = int(np.prod([a.shape[i] for i in axes]))
                words = f"the length of axis {axes[0]} of {name}"
                if k > 1:
                    words = f"the product of {axes_words(axes)} of {name}"
                if k == a.ndim:
                    words = f"the number of elements of {name}"
                if axes == (0,) and n == batch and a.ndim > 1:
                    words = "the batch size"
                yield n, words, name if any(name == n for n, _ in inputs) else None, axes


def with_channels(axes):
    """Axes that one averages over come first: the batch, positions; channels last."""
    return len(axes) > 1 and 1 in axes


def batch_size(f, inputs):
    """The length of axis 0 of the first matrix where examples lie along it; None where that is not clear."""
    first = next((a for _, a in inputs if a.ndim > 1), None)
    if first is None or first.ndim == 3 or (f.evidence is not None and f.evidence.case.is_module):
        return None
    results = [np.shape(y) for _, y in f.outputs or []]
    clear = any(s[:1] == first.shape[:1] for s in results) or all(s == () for s in results)
    return first.shape[0] if clear else None
