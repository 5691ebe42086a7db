"""Agreement with PyTorch: to nine digits, or as far as rounding allows where rounding alone moves more."""

import copy
from functools import cached_property

import numpy as np

from utils.crosscheck.case import input_leaves
from utils.crosscheck.finding import relative_error, same_holes
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
    def sides(self):
        """PyTorch's witnesses: for the inputs, then for some that differ in their last bits."""
        rng, found = stream(0, ROUNDINGS), [self.torch_side]
        for _ in range(DRAWS):
            case = copy.copy(self.case)
            case.inputs = case.filled(in_the_last_bit([leaf for _, leaf in input_leaves(case)], rng))
            found.append(TorchWitness(case))
        return found

    @cached_property
    def outputs(self):
        return [[value for _, value in side.output] for side in self.sides]

    @cached_property
    def gradients(self):
        return [side.gradients(self.upstream) for side in self.sides]

    def change(self, kind, k):
        """How far number k of the "outputs" or "gradients" moves, relative to its largest number."""
        base, *moved = (arrays[k] for arrays in getattr(self, kind))
        same = [m for m in moved if is_floating(m) and np.shape(m) == np.shape(base)]
        changes = [relative_error(m, np.asarray(base)) for m in same]
        return max((c for c in changes if np.isfinite(c)), default=0.0)

    def explains(self, error, kind, k):
        """Whether an error, relative, is what rounding makes of number k."""
        return bool(TORCH_TOLERANCE < error < np.inf and error <= MARGIN * self.change(kind, k))

    def agreement(self, ours, truth, error, kind, k):
        """The words for agreement of number k with PyTorch's, or None."""
        if not same_holes(ours, truth) or np.isnan(truth).any():
            return None
        if error <= TORCH_TOLERANCE:
            return "agrees with PyTorch"
        # in float32 it is no wonder that digits are missing
        doubles = np.asarray(ours).dtype.itemsize == 8 == np.asarray(truth).dtype.itemsize
        if doubles and error <= AT_MOST and self.explains(error, kind, k):
            return "agrees with PyTorch as far as rounding allows"


def in_the_last_bit(leaves, rng):
    """The leaves, floating numbers moved by their last bit; equal ones move alike, so that a tie stays a tie."""
    sizes = [np.abs(leaf).ravel() for leaf in leaves if is_floating(leaf)]
    numbers = np.unique(np.concatenate(sizes)) if sizes else np.zeros(0)
    factors = 1 + np.finfo(float).eps * rng.choice([-1, 1], size=numbers.size)
    moved = lambda leaf: np.asarray(leaf * factors[np.searchsorted(numbers, np.abs(leaf))])
    return [moved(leaf) if is_floating(leaf) else leaf for leaf in leaves]
