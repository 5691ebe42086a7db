"""What a diagnosis starts from, and how it compares arrays."""

from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np

CLOSE = 1e-7  # relative to the largest number compared


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
    Where they are known: options, {name: array or value}; values_agree: whether the outputs are right;
    slopes: what finite differences measured, in the shape of truth, NaN where they did not or could
    not; kinks: booleans of that shape, True where the two one-sided differences disagree.
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
    options: dict = None
    values_agree: bool = True
    slopes: np.ndarray = None
    kinks: np.ndarray = None
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


def negligible(a, b):
    """a is nothing beside b."""
    return np.abs(a).max(initial=0) <= CLOSE * np.abs(b).max(initial=0)


def same_shape(*arrays):
    return all(isinstance(a, (np.ndarray, np.generic)) and a.shape == arrays[0].shape for a in arrays)


def wrong_places(f):
    return np.abs(f.ours - f.truth) > CLOSE * np.abs(f.truth).max(initial=0)


def random_upstream(upstream, seed):
    """Another gradient from above, of the same shapes."""
    rng = np.random.default_rng(seed)
    return [None if u is None else rng.standard_normal(np.shape(u)) for u in upstream]


def axes_sets(ndim):
    """Every non-empty set of axes, small ones first."""
    return list(chain.from_iterable(combinations(range(ndim), k) for k in range(1, ndim + 1)))


def axes_words(axes):
    """`axis 0`, `axes 0 and 2`."""
    if len(axes) == 1:
        return f"axis {axes[0]}"
    return f"axes {', '.join(map(str, axes[:-1]))} and {axes[-1]}"


def listed(names, most=6):
    """`a`, `a and b`, `a, b and c`; the rest as `...`."""
    names = [str(n) for n in names]
    if len(names) > most:
        return ", ".join(names[:most]) + ", ..."
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def to_rows(a, axes):
    """Slices along `axes` as the rows of a matrix."""
    others = [i for i in range(a.ndim) if i not in axes]
    return a.transpose(*others, *axes).reshape(-1, int(np.prod([a.shape[i] for i in axes])))
