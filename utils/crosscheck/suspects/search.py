"""Which planted mistake gives just the gradients that came back?

A mistake is believed when every gradient that it changes is the reader's, to the last digits, and every
gradient that it leaves alone is right or has another cause of its own.
"""

import numpy as np
import torch

from utils.crosscheck.finding import CLOSE
from utils.crosscheck.suspects import local, operands, paths, scatter, softmaxes
from utils.crosscheck.suspects.plants import ANY
from utils.crosscheck.suspects.recording import sent

BUDGET = 40_000  # steps walked back in all
SIMPLE = (0.0, 1.0, 2.0, -1.0)
ENOUGH = 3  # numbers that must agree before a factor of a path is believed

FAMILIES = [  # the simplest mistakes first
    paths.lost_or_doubled,
    local.ignored_conditions,
    local.wrong_slopes,
    softmaxes.wrong_softmaxes,
    local.kinks,
    local.ties,
    scatter.overwriting,
    scatter.wrong_running_sums,
    paths.overwritten,
    operands.turned_over,
    scatter.wrong_averages,
    operands.skipped,
    operands.too_far,
    operands.reshaped,
    operands.wrong_operands,
    local.borrowed_slopes,
    paths.two_lost,
    scatter.narrowed,
    local.wrong_leaks,
    operands.factors_at_values,
    paths.misweighted,
]


class Row:
    """One gradient: the reader's, and the right one."""

    def __init__(self, ours, truth, floor):
        self.ours, self.truth = ours, truth
        self.scale = np.abs(truth).max(initial=0)
        self.error = np.abs(ours - truth).max(initial=0)
        self.floor = floor
        self.wrong = self.error > max(1e-9 * self.scale, floor)
        self.tolerance = min(CLOSE * max(self.scale, np.abs(ours).max(initial=0)), 1e-3 * self.error) + floor

    def moved(self, predicted):
        return np.abs(predicted - self.truth).max(initial=0) > max(1e-9 * self.scale, 10 * self.floor)

    def matches(self, predicted):
        return np.abs(predicted - self.ours).max(initial=0) <= self.tolerance


class Problem:
    """Gradients to be explained, all of them or those of a part of the output: start as Recording.gradients takes it."""

    def __init__(self, recording, ours, truths, start=None, until=None):
        self.recording, self.start, self.until = recording, start, until
        largest = max((float(t.abs().max()) for t in truths if t.numel()), default=0.0)
        pairs = enumerate(zip(ours, truths))
        self.rows = {
            k: Row(o, t.numpy(), 1e-14 * largest) for k, (o, t) in pairs if o is not None and t.numel()
        }
        self.wrong = {k for k, row in self.rows.items() if row.wrong}
        self.right = {k for k, row in self.rows.items() if not row.wrong and row.scale > 1e3 * row.floor}

    def explained_by(self, plant):
        """(rows, factor): the rows that a plant changes, if it changes them all to what the reader has; else none."""
        try:
            made = [g.numpy() for g in self.recording.gradients(plant.hooks(self.until), self.start)]
        except RuntimeError:  # a mistake that cannot be made here: the shapes do not fit
            return [], None
        changed = [k for k, row in self.rows.items() if row.moved(made[k])]
        if not changed:
            return [], None
        if plant.factors:
            return self.weighed(made, changed, plant.factors)
        return (changed if all(self.rows[k].matches(made[k]) for k in changed) else []), None

    def weighed(self, without, changed, factors):
        """The same for a path with a factor, given the gradients without that path."""
        paths = {k: self.rows[k].truth - without[k] for k in changed}
        k = max(paths, key=lambda k: np.abs(paths[k]).max() / max(self.rows[k].scale, 1e-300))
        error = self.rows[k].ours - self.rows[k].truth
        factor = 1 + float((error * paths[k]).sum() / (paths[k] ** 2).sum())
        factor = next((c for c in SIMPLE if abs(factor - c) < 1e-6), factor)
        evidence = sum(np.count_nonzero(p) for p in paths.values())
        allowed = factor in factors or (factors == ANY and factor != 1 and evidence >= ENOUGH)
        if not allowed:
            return [], None
        fits = all(self.rows[k].matches(self.rows[k].truth + (factor - 1) * p) for k, p in paths.items())
        return (changed if fits else []), factor


def explained(recording, ours, ours_again):
    """{position of the leaf: (kind, sentence, positions of all that the mistake explains)}.

    ours: the reader's gradients, None where not comparable; ours_again: upstream -> the same.  Of
    several mistakes that fit, the one that explains most gradients is believed, then the simplest.
    """
    whole = Problem(recording, ours, recording.truths)
    part = smaller(recording, ours_again)
    other = None
    cost = len(recording.steps) if part is None else part.until + 1
    found, left = {}, BUDGET
    for family in FAMILIES:
        for plant in family(recording):
            best = min(
                (
                    len(found.get(k, ((), (), ()))[2])
                    for k in whole.wrong & (plant.reach if plant else frozenset())
                ),
                default=0,
            )
            if plant is None or plant.reach & whole.right or len(plant.reach & whole.wrong) <= best:
                continue
            left -= cost
            if part is None or part.explained_by(plant)[0]:
                rows, factor = whole.explained_by(plant)
                if rows:
                    other = other or elsewhere(recording, ours_again)
                    rows = [k for k in rows if k in other.explained_by(plant)[0]]
                for k in rows:
                    if len(rows) > len(found.get(k, ((), (), ()))[2]):
                        found[k] = (
                            plant.kind,
                            plant.sentence(factor) if plant.factors else plant.sentence(),
                            rows,
                        )
            if left < 0 or any(set(f[2]) >= whole.wrong for f in found.values()):
                return found
    return found


def elsewhere(recording, ours_again):
    """The same gradients for another gradient from above, as a Problem: what fits by accident does not fit there."""
    rng = np.random.default_rng(12)
    upstream = [None if u is None else rng.standard_normal(np.shape(u)) for u in recording.whole_upstream]
    start = sent(recording.witness.output_tensors, upstream)
    return Problem(recording, ours_again(upstream), recording.gradients(start=start), start)


def smaller(recording, ours_again):
    """The same gradients for the earliest part of the output where they are wrong, as a Problem; None where there is none."""
    for value, k, index in recording.focuses():
        upstream = [None if u is None else np.zeros_like(u) for u in recording.whole_upstream]
        upstream[k][index] = recording.whole_upstream[k][index]
        start = [value], [torch.from_numpy(upstream[k][index].copy())]
        until = recording.maker[id(value)][0].number
        problem = Problem(recording, ours_again(upstream), recording.gradients(start=start), start, until)
        if problem.wrong:
            return problem
    return None
