"""What a diagnosis starts from, and how it compares arrays."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

CLOSE = 1e-7  # relative to the largest number compared
MANY = 6  # axes; sets of more are not tried one by one


@dataclass
class Diagnosis:
    """A kind (one word or two, for programs) and a sentence (for people)."""

    kind: str
    sentence: str


@dataclass
class Finding:
    """A wrong array, the right one, and what else may explain the difference.

    ours, truth: the arrays; name: what they are the gradient of; x: that input; inputs, outputs:
    lists of (name, array); truths: list of (name, right gradient); upstream: list of arrays, None
    where an output has no gradient; ours_again, truth_again: functions upstream -> this gradient.
    evidence: what the other gradients and PyTorch's own computation tell (suspects.evidence); slot:
    the position of this input among its leaves.
    """

    ours: object
    truth: np.ndarray
    name: str = ""
    x: object = None
    inputs: list = None
    outputs: list = None
    truths: list = None
    upstream: list = None
    ours_again: object = None
    truth_again: object = None
    evidence: object = None
    slot: int = 0

    def at_hand(self):
        """(name, array) of all floating inputs and outputs."""
        pairs = [*(self.inputs or []), *(self.outputs or [])]
        return [(n, a) for n, a in pairs if isinstance(a, np.ndarray) and a.dtype.kind == "f"]

    def integers(self):
        """(name, array) of all integer inputs: ids, targets."""
        pairs = self.inputs or []
        return [(n, a) for n, a in pairs if isinstance(a, np.ndarray) and a.dtype.kind in "iu" and a.size]


def close(a, b):
    """Equal up to rounding, shapes included."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    return bool(np.all(np.abs(a - b) <= CLOSE * max(np.abs(a).max(initial=0), np.abs(b).max(initial=0))))


def relative_error(ours, truth, zero=0.0):
    """Largest difference over the largest number of the truth; 0 when they differ by no more than `zero`.

    Only where the truth is finite; infinite where ours is not finite there.
    """
    finite = np.isfinite(truth)
    error = np.abs(np.asarray(ours)[finite] - truth[finite]).max(initial=0)
    if not np.isfinite(error):
        return np.inf
    return 0.0 if error <= zero else error / max(largest(truth), 1e-300)


def largest(array):
    """The largest finite number of an array, without its sign."""
    return np.abs(array[np.isfinite(array)]).max(initial=0)


def same_holes(ours, truth):
    """NaN and infinities of the same sign in the same places."""
    ours, truth = (np.where(np.isfinite(a), 0, a) for a in (ours, truth))
    return np.array_equal(ours, truth, equal_nan=True)


def same_shape(*arrays):
    return all(isinstance(a, (np.ndarray, np.generic)) and a.shape == arrays[0].shape for a in arrays)


def wrong_places(f):
    return np.abs(f.ours - f.truth) > CLOSE * np.abs(f.truth).max(initial=0)


def random_upstream(upstream, seed):
    """Another gradient from above, of the same shapes."""
    rng = np.random.default_rng(seed)
    return [None if u is None else rng.standard_normal(np.shape(u)) for u in upstream]


def axes_sets(ndim):
    """Every non-empty set of axes, small ones first; none where there would be too many."""
    return [axes for k in range(1, ndim + 1 if ndim <= MANY else 0) for axes in combinations(range(ndim), k)]


def axes_words(axes):
    """`axis 0`, `axes 0 and 2`."""
    return f"ax{'is' if len(axes) == 1 else 'es'} {listed(axes)}"


def listed(names, most=6):
    """`a`, `a and b`, `a, b and c`; the rest as `...`."""
    *others, last = [str(n) for n in names]
    if len(others) >= most:
        return ", ".join(others[:most]) + ", ..."
    return f"{', '.join(others)} and {last}" if others else last


def runs(numbers):
    """`1`, `1 and 4`, `5 to 9`, `0, 2 and 5 to 9`; of ascending numbers."""
    parts = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    each = [[f"{p[0]} to {p[-1]}"] if len(p) > 2 else p for p in parts]
    return listed([words for part in each for words in part])


def slices(a):
    """(axis, the slices along it as the rows of a matrix)."""
    return [(k, np.moveaxis(a, k, 0).reshape(a.shape[k], -1)) for k in range(a.ndim)]


def to_rows(a, axes):
    """Slices along `axes` as the rows of a matrix."""
    others = [i for i in range(a.ndim) if i not in axes]
    return a.transpose(*others, *axes).reshape(-1, int(np.prod([a.shape[i] for i in axes])))
