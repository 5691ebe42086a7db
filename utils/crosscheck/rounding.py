"""Agreement with PyTorch: to nine digits, or as far as rounding allows where rounding alone moves more."""

import copy
from functools import cached_property

import numpy as np

from utils.crosscheck.case import input_leaves
from utils.crosscheck.streams import ROUNDINGS, stream
from utils.crosscheck.trees import is_floating
from utils.crosscheck.witnesses import TorchWitness

TORCH_TOLERANCE = 1e-9  # relative to the largest number
DRAWS = 4
MARGIN = 16  # two programs round at every step, the inputs only once
AT_MOST = 1e-4  # relative; where rounding moves more than that, nothing can be proved


class Rounding:
    """Relative changes of PyTorch's outputs and gradients when every input moves by its last bit.

    Computed when first asked for.  upstream: the gradient that is sent, once it is drawn.
    """

    def __init__(self, case, torch_side, upstream=None):
        self.case, self.torch_side, self.upstream = case, torch_side, upstream

    @cached_property
    def moved(self):
        """PyTorch's witnesses for inputs that differ in their last bits."""
        rng, found = stream(0, ROUNDINGS), []
        for _ in range(DRAWS):
            case = copy.copy(self.case)
            case.inputs = case.filled([in_the_last_bit(leaf, rng) for _, leaf in input_leaves(case)])
            found.append(TorchWitness(case))
        return found

    def allows(self, error, kind, k):
        """Whether an error, relative, is what rounding makes of output or gradient number k."""
        if not error <= AT_MOST:
            return False
        base = self.arrays(self.torch_side, kind)[k]
        changes = [largest_change(base, self.arrays(side, kind)[k]) for side in self.moved]
        return bool(error <= MARGIN * max(changes))

    def agreement(self, ours, truth, error, kind, k):
        """The words for agreement of output or gradient number k with PyTorch's, or None."""
        if not same_holes(ours, truth) or np.isnan(truth).any():
            return None
        if error <= TORCH_TOLERANCE:
            return "agrees with PyTorch"
        # in float32 it is no wonder that digits are missing
        doubles = np.asarray(ours).dtype.itemsize == 8 == np.asarray(truth).dtype.itemsize
        return (
            "agrees with PyTorch as far as rounding allows"
            if doubles and self.allows(error, kind, k)
            else None
        )

    def arrays(self, side, kind):
        if kind == "output":
            return [value for _, value in side.output]
        return side.gradients(self.upstream)


def in_the_last_bit(leaf, rng):
    if not is_floating(leaf):
        return leaf
    return np.asarray(leaf) * (1 + np.finfo(float).eps * rng.choice([-1, 1], size=np.shape(leaf)))


def largest_change(a, b):
    """Relative to the largest number; 0 where they cannot be compared."""
    if not is_floating(a) or np.shape(a) != np.shape(b):
        return 0.0
    finite = np.isfinite(a) & np.isfinite(b)
    a, b = np.asarray(a)[finite], np.asarray(b)[finite]
    return np.abs(a - b).max(initial=0) / max(np.abs(a).max(initial=0), 1e-300)


def relative_error(ours, truth, zero=0.0):
    """Largest difference over the largest number of the truth; 0 when they differ by no more than `zero`.

    Only where the truth is finite; infinite where ours is not finite there.
    """
    finite = np.isfinite(truth)
    error = np.abs(np.asarray(ours)[finite] - truth[finite]).max(initial=0)
    if not np.isfinite(error):
        return np.inf
    return 0.0 if error <= zero else error / max(np.abs(truth[finite]).max(initial=0), 1e-300)


def same_holes(ours, truth):
    """NaN and infinities of the same sign in the same places."""
    return bool(
        np.array_equal(
            np.where(np.isfinite(ours), 0, ours), np.where(np.isfinite(truth), 0, truth), equal_nan=True
        )
    )
