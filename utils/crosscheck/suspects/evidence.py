"""What all gradients of one check tell together: which are right, and which planted mistake explains the wrong ones."""

from dataclasses import replace
from functools import cached_property
from itertools import combinations, islice

import numpy as np

from utils.crosscheck.case import input_leaves
from utils.crosscheck.finding import close
from utils.crosscheck.trees import is_floating

TRIES = 40  # sets of axes that are shortened together
# how far the inputs are moved, relative to themselves, to see whether a relation holds elsewhere
SHIFT = 1e-3


class Evidence:
    """Shared by the findings of one check; everything is worked out when it is first asked for.

    case: what is checked; names: of the input leaves; upstream; ours, truths: all gradients for it;
    ours_again, truth_again: upstream -> all gradients.
    """

    def __init__(self, case, names, upstream, ours, truths, ours_again, truth_again):
        self.case, self.names, self.upstream = case, names, upstream
        self.ours, self.truths = ours, truths
        self.ours_again, self.truth_again = ours_again, truth_again

    @cached_property
    def live(self):
        """Slots of the inputs that have a gradient."""
        return [k for k, t in enumerate(self.truths) if t is not None]

    def comparable(self, gradients):
        """The gradients of the live slots; None where one cannot be compared with the right one."""
        return [
            g
            if isinstance(g, np.ndarray)
            and g.dtype.kind == "f"
            and g.shape == t.shape
            and np.isfinite(g).all()
            else None
            for g, t in ((as_array(gradients[k]), self.truths[k]) for k in self.live)
        ]

    @cached_property
    def right(self):
        """Names of the inputs whose gradients are right."""
        pairs = zip(self.live, self.comparable(self.ours))
        return [self.names[k] for k, g in pairs if g is not None and close(g, self.truths[k])]

    @cached_property
    def wrong(self):
        return [self.names[k] for k in self.live if self.names[k] not in self.right]

    @cached_property
    def recording(self):
        """PyTorch's computation, step by step; None where it cannot be repeated."""
        from utils.crosscheck.suspects.recording import record

        truths = [self.truths[k] for k in self.live]
        return record(self.case, self.upstream, self.names, truths)

    @cached_property
    def explained(self):
        """{slot: (kind, sentence, slots)}: the planted mistake that explains a gradient, and all that it explains."""
        from utils.crosscheck.suspects.search import explained

        if self.recording is None:
            return {}
        ours = self.comparable(self.ours)
        found = explained(self.recording, ours, lambda upstream: self.comparable(self.ours_again(upstream)))
        return {
            self.live[k]: (kind, words, [self.live[j] for j in rows])
            for k, (kind, words, rows) in found.items()
        }

    def values(self):
        """(words, array) for all that PyTorch computes on the way, with more than one number."""
        made = [output for output in self.recording.made if output.numel() > 1] if self.recording else []
        return [(self.recording.words(output), output.detach().numpy()) for output in made]

    def elsewhere(self, slot):
        """(ours, truth) for one gradient with all inputs moved a little, for another gradient from above; None where that fails."""
        rng = np.random.default_rng(11)
        return self.variant(
            slot, lambda _, a: a * (1 + SHIFT * rng.standard_normal(np.shape(a))) if is_floating(a) else a
        )

    def shorter(self, slot, name, axis):
        """The same with one element fewer along an axis of an input; None where that fails.

        Other axes as long are shortened with it where they must be, as few as possible.
        """
        given = [(n, a) for n, a in [*self.named, *self.case.options.items()] if isinstance(a, np.ndarray)]
        length = dict(given)[name].shape[axis] if name in dict(given) else 0
        if length < 3:
            return None
        others = [
            (n, k) for n, a in given for k in range(a.ndim) if a.shape[k] == length and (n, k) != (name, axis)
        ]
        sets = (chosen for many in range(len(others) + 1) for chosen in combinations(others, many))
        for chosen in islice(sets, TRIES):
            cut = [(name, axis), *chosen]
            pair = self.variant(
                slot, lambda n, a, cut=cut: shortened(a, [k for m, k in cut if m == n], length)
            )
            if pair:
                return pair
        return None

    def variant(self, slot, change):
        """(ours, truth) of one gradient for changed inputs: change(name, input); None where the two do not agree in form."""
        if self.case.is_module:
            return None
        try:
            inputs = self.case.filled(change(name, leaf) for name, leaf in self.named)
            options = {name: change(name, option) for name, option in self.case.options.items()}
            ours, theirs = self.witnesses(replace(self.case, inputs=inputs, options=options))
            if not all(close(a, b) for (_, a), (_, b) in zip(ours.output, theirs.output) if is_floating(a)):
                return None
            rng = np.random.default_rng(13)
            upstream = [rng.standard_normal(np.shape(a)) if is_floating(a) else None for _, a in ours.output]
            pair = np.asarray(ours.gradients(upstream)[slot]), theirs.gradients(upstream)[slot]
        except Exception:  # whatever the reader's function does with other numbers
            return None
        return pair if pair[0].shape == np.shape(pair[1]) and pair[0].dtype.kind == "f" else None

    @property
    def named(self):
        return input_leaves(self.case)

    def witnesses(self, case):
        from utils.crosscheck.witnesses import NumpyWitness, TorchWitness

        return NumpyWitness(case), TorchWitness(case)


def shortened(a, axes, length):
    """An array one element shorter along some axes; whole numbers that count up to such a length stay inside."""
    if not isinstance(a, np.ndarray):
        return a
    for axis in axes:
        a = np.delete(a, -1, axis)
    return np.minimum(a, length - 2) if a.dtype.kind in "iu" and a.max(initial=0) == length - 1 else a


def as_array(a):
    return np.asarray(a) if isinstance(a, (np.generic, float)) else a
