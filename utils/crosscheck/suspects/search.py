"""Which planted mistake gives just the gradients that came back?

A mistake is believed when every gradient that it changes is the reader's, to the last digits, and every
gradient that it leaves alone is right or has another cause of its own.
"""

import numpy as np
import torch

from utils.crosscheck.finding import CLOSE, random_upstream
from utils.crosscheck.suspects import local, operands, paths, scatter, softmaxes
from utils.crosscheck.suspects.plants import ANY

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
    """Gradients to be explained, for the whole gradient from above or for that at `start`, as Recording.gradients takes it."""

    def __init__(self, recording, ours, start=None, cost=0):
        self.recording, self.start, self.cost = recording, start, cost or len(recording.steps)
        truths = recording.gradients(start=start)
        largest = max((float(t.abs().max()) for t in truths if t.numel()), default=0.0)
        pairs = [
            (k, o, t.numpy()) for k, (o, t) in enumerate(zip(ours, truths)) if o is not None and t.numel()
        ]
        self.rows = {k: Row(o, t, 1e-14 * largest) for k, o, t in pairs}
        self.wrong = {k for k, row in self.rows.items() if row.wrong}
        self.right = {k for k, row in self.rows.items() if not row.wrong and row.scale > 1e3 * row.floor}

    def explained_by(self, plant):
        """(rows, factor): the rows that a plant changes, if it changes them all to what the reader has; else none."""
        try:
            made = [g.numpy() for g in self.recording.gradients(plant.hooks, self.start)]
        except RuntimeError:  # a mistake that cannot be made here: the shapes do not fit
            return [], None
        changed = [k for k, row in self.rows.items() if row.moved(made[k])]
        factor = None
        if changed and plant.factors:
            taken = {k: self.rows[k].truth - made[k] for k in changed}
            factor = self.factor_of(taken, plant.factors)
            made = (
                made
                if factor is None
                else {k: self.rows[k].truth + (factor - 1) * p for k, p in taken.items()}
            )
        fits = (factor is not None or not plant.factors) and all(
            self.rows[k].matches(made[k]) for k in changed
        )
        return (changed if fits else []), factor

    def factor_of(self, taken, allowed):
        """The factor of a path, given what it brings to each row; None where it is not allowed."""
        k = max(taken, key=lambda k: np.abs(taken[k]).max() / max(self.rows[k].scale, 1e-300))
        error = self.rows[k].ours - self.rows[k].truth
        factor = 1 + float((error * taken[k]).sum() / (taken[k] ** 2).sum())
        factor = next((c for c in SIMPLE if abs(factor - c) < 1e-6), factor)
        enough = sum(np.count_nonzero(p) for p in taken.values()) >= ENOUGH
        return factor if factor in allowed or (allowed == ANY and factor != 1 and enough) else None


def explained(recording, ours, ours_again):
    """{position of the leaf: (kind, sentence, positions of all that the mistake explains)}.

    ours: the reader's gradients, None where not comparable; ours_again: upstream -> the same.  Of
    several mistakes that fit, the one that explains most gradients is believed, then the simplest.
    """
    whole, part, other = Problem(recording, ours), smaller(recording, ours_again), None
    found, left = {}, BUDGET
    explains = lambda k: len(found[k][2]) if k in found else 0
    for plant in (plant for family in FAMILIES for plant in family(recording)):
        concerned = whole.wrong & plant.reach
        if plant.reach & whole.right or len(concerned) <= min(map(explains, concerned), default=0):
            continue
        left -= (part or whole).cost
        if part is None or part.explained_by(plant)[0]:
            rows, factor = whole.explained_by(plant)
            if rows:
                other = other or elsewhere(recording, ours_again)
                rows = [k for k in rows if k in other.explained_by(plant)[0]]
            better = [k for k in rows if len(rows) > explains(k)]
            if better:
                told = plant.kind, plant.sentence(recording.words, factor), rows
                found |= dict.fromkeys(better, told)
        if left < 0 or any(set(rows) >= whole.wrong for _, _, rows in found.values()):
            break
    return found


def elsewhere(recording, ours_again):
    """The same gradients for another gradient from above, as a Problem: what fits by accident does not fit there."""
    upstream = random_upstream(recording.upstream, 12)
    return Problem(recording, ours_again(upstream), recording.witness.sent(upstream))


def smaller(recording, ours_again):
    """The same gradients for the earliest part of the output where they are wrong, as a Problem; None where there is none."""
    for value, k, index in recording.focuses():
        upstream = [None if u is None else np.zeros_like(u) for u in recording.upstream]
        upstream[k][index] = recording.upstream[k][index]
        start = [value], [torch.from_numpy(upstream[k][index].copy())]
        cost = recording.maker[id(value)][0].number + 1
        problem = Problem(recording, ours_again(upstream), start, cost)
        if problem.wrong:
            return problem
    return None
