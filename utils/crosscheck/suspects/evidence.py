"""What all gradients of one check tell together: which are right, and which planted mistake explains the wrong ones."""

from dataclasses import replace
from functools import cached_property

import numpy as np

from utils.crosscheck.case import input_leaves
from utils.crosscheck.finding import close, listed, random_upstream
from utils.crosscheck.trees import is_floating
from utils.crosscheck.witnesses import NumpyWitness, TorchWitness

# how far the inputs are moved, relative to themselves, to see whether a relation holds elsewhere
SHIFT = 1e-3


class Evidence:
    """Shared by the findings of one check; everything is worked out when it is first asked for.

    case: what is checked; names: of the input leaves; upstream; ours, truths: all gradients for it;
    ours_again: upstream -> all gradients.
    """

    def __init__(self, case, names, upstream, ours, truths, ours_again):
        self.case, self.names, self.upstream = case, names, upstream
        self.ours, self.truths, self.ours_again = ours, truths, ours_again
        self.live = [k for k, t in enumerate(truths) if t is not None]  # inputs that have a gradient

    def comparable(self, gradients):
        """The gradients of the live slots; None where one cannot be compared with the right one."""
        pairs = [(gradients[k], self.truths[k]) for k in self.live]
        return [
            np.asarray(g) if is_floating(g) and np.shape(g) == t.shape and np.isfinite(g).all() else None
            for g, t in pairs
        ]

    @cached_property
    def right(self):
        """Names of the inputs whose gradients are right."""
        pairs = zip(self.live, self.comparable(self.ours))
        return [self.names[k] for k, g in pairs if g is not None and close(g, self.truths[k])]

    def words_of_right(self):
        """What else is right or wrong, in a few words; empty where there is one gradient alone."""
        right, many = self.right, "s" if len(self.right) > 1 else ""
        if len(self.live) < 2 or not right:
            return "no gradient is right everywhere" if len(self.live) > 1 else ""
        if many and len(right) == len(self.live) - 1:
            return "the other gradients are right"
        return f"the gradient{many} of {listed(right)} {'are' if many else 'is'} right"

    @cached_property
    def recording(self):
        """PyTorch's computation step by step; None where it cannot be repeated."""
        from utils.crosscheck.suspects.recording import record  # PyTorch is imported when it is needed

        return record(self.case, self.upstream, self.names, [self.truths[k] for k in self.live])

    @cached_property
    def explained(self):
        """{slot: (kind, sentence, slots)}: the planted mistake that explains a gradient, and all that it explains."""
        from utils.crosscheck.suspects.search import explained

        if self.recording is None:
            return {}
        ours_again = lambda upstream: self.comparable(self.ours_again(upstream))
        found = explained(self.recording, self.comparable(self.ours), ours_again)
        return {
            self.live[k]: (kind, words, [self.live[j] for j in rows])
            for k, (kind, words, rows) in found.items()
        }

    def elsewhere(self, slot):
        """(ours, truth) for one gradient with all inputs moved a little, for another gradient from above; None where that fails."""
        rng = np.random.default_rng(11)
        moved = lambda a: a * (1 + SHIFT * rng.standard_normal(np.shape(a))) if is_floating(a) else a
        if self.case.is_module:
            return None
        try:
            case = replace(
                self.case, inputs=self.case.filled(moved(leaf) for _, leaf in input_leaves(self.case))
            )
            upstream = random_upstream(self.upstream, 13)
            ours, truth = (side(case).gradients(upstream)[slot] for side in (NumpyWitness, TorchWitness))
        except Exception:  # whatever the reader's function does with other numbers
            return None
        return (np.asarray(ours), truth) if is_floating(ours) and np.shape(ours) == np.shape(truth) else None
