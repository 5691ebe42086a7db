"""The third witness: central differences, with steps that shrink until they tell the slope or cannot."""

from dataclasses import dataclass

import numpy as np

from utils.crosscheck.case import Case, input_leaves
from utils.crosscheck.streams import PLACES, stream
from utils.crosscheck.trees import fresh, is_floating, leaves, to_float64
from utils.crosscheck.witnesses import NumpyWitness

EXACT_UP_TO = 300  # elements; above, coordinates are sampled
SAMPLES, DIRECTIONS = 100, 3
STEP, LONGEST = 1e-5, 1e-2  # relative to the number that is moved, or to 1 if that is larger
ONE_SIDED_AGREE = 2e-5  # how far the one-sided differences may lie apart, relative to the largest gradient
AGREE = 1e-5  # how far a slope may lie from a gradient, relative to the largest gradient
SHRINK = 8  # from one step to the next
RUNGS = 13  # steps tried at most: down to 1e-5 / 8**12, about 1e-16
KINK, UNDECIDED = 1, 2


@dataclass
class Differences:
    """Central differences of one input leaf.

    places: tuple of index arrays; values: the slope there, nan where they cannot tell; noise: how much
    of each slope may be rounding or the error of the formula; why: 0, or KINK where the one-sided
    differences keep apart, or UNDECIDED where no step tells; directions: a list of (unit direction,
    slope, noise).
    """

    places: tuple
    values: np.ndarray
    noise: np.ndarray
    why: np.ndarray
    directions: list

    @property
    def kinks(self):
        return int((self.why == KINK).sum())

    @property
    def undecided(self):
        return int((self.why == UNDECIDED).sum())

    def leave_out(self, which, why):
        """Forget what was measured at some places."""
        self.values[which], self.noise[which], self.why[which] = np.nan, 0.0, why

    def place_errors(self, gradient):
        """How far a gradient lies from the slopes, place by place; nan where they or it cannot tell."""
        claimed = np.atleast_1d(np.asarray(gradient)[self.places])
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(claimed), np.abs(claimed - self.values) - self.noise, np.nan)

    def error(self, gradient, scale):
        """Error of a gradient against all that is measured, relative to the largest gradient."""
        errors = self.place_errors(gradient)
        worst = list(errors[~np.isnan(errors)])
        for direction, slope, noise in self.directions:
            if not np.isnan(slope) and np.isfinite(gradient).all():
                worst.append(direction_error(gradient, direction, slope, noise, scale))
        worst = np.max(worst, initial=0.0)
        return 0.0 if worst == 0 else worst / max(scale, 1e-300)


def direction_error(gradient, direction, slope, noise, scale):
    """How far it lies from a slope along a direction, where many elements add up: beside what they could add up to."""
    reach = max(1.0, np.linalg.norm(gradient) / max(scale, 1e-300))
    return (abs((gradient * direction).sum() - slope) - noise) / reach


@dataclass
class Rung:
    """One step of a ladder: the central difference, how far the one-sided ones lie apart, the rounding in it."""

    step: float
    slope: float
    gap: float
    noise: float


class DifferencesWitness:
    """Measures slopes of sum(upstream * output) by moving the inputs of `ours` a little."""

    def __init__(self, case, witness, upstream, seed=0):
        self.case, self.upstream, self.seed = case, upstream, seed
        self.leaves = [leaf for _, leaf in input_leaves(case)]
        self.base = [np.asarray(leaf) for _, leaf in witness.output]
        eps = max((np.finfo(b.dtype).eps for b in self.base if b.dtype.kind == "f"), default=0.0)
        # what the outputs, weighed by the upstream gradient, add up to without their signs
        pairs = [(u, leaf) for u, leaf in zip(upstream, self.base) if u is not None]
        self.weighed = sum(np.abs((u * leaf)[np.isfinite(leaf)]).sum() for u, leaf in pairs)
        self.rounding = 16 * eps * (1 + self.weighed)
        floating = [b for b in self.base if b.dtype.kind == "f"]
        self.measurable = not any(np.isnan(b).any() for b in floating)
        self.blind = any(np.isinf(b).any() for b in floating)  # what is infinite may hide what moves

    def moved(self, k, leaf):
        """The outputs with `leaf` in the place of leaf k; None where ours raises there."""
        inputs = list(self.leaves)
        inputs[k] = leaf
        try:
            value, _ = self.case.call_ours(fresh(self.case.filled(inputs)), fresh(self.case.options))
        except Exception:  # out of its domain: a shorter step stays inside
            return None
        return [leaf for _, leaf in leaves(value)]

    def rise(self, after, before):
        """How much the weighed output grew; what is infinite before and after did not move."""
        if after is None or before is None or len(after) != len(before):
            return np.nan
        total = 0.0
        for u, a, b in zip(self.upstream, after, before):
            if u is not None:
                if np.shape(a) != np.shape(b) or not is_floating(a):
                    return np.nan
                step = np.subtract(a, b)
                total += float((u * np.where(np.equal(a, b), 0.0, step)).sum())
        return total

    def rung(self, k, towards, step):
        """One step ahead and one behind leaf k: along a unit direction, or at one place (an index)."""
        leaf = np.asarray(self.leaves[k])
        ahead, behind = shifted(leaf, towards, step), shifted(leaf, towards, -step)
        with np.errstate(all="ignore"):
            up = self.rise(self.moved(k, ahead), self.base)
            down = self.rise(self.base, self.moved(k, behind))
            right, left = came_out(leaf, ahead, towards), came_out(behind, leaf, towards)
            slope, gap = (up + down) / (right + left), abs(up / right - down / left)
            noise = self.rounding / step
        return Rung(step, slope, gap, noise) if np.isfinite(gap) else Rung(step, np.nan, np.inf, noise)

    def slope(self, k, towards, at, scale):
        """(slope, its noise, why not) towards a direction or a place, by the longest steps that tell.

        at: the size of the number that is moved.
        """
        rungs, size = [], max(1.0, at)
        seen = 1e3 * self.rounding / scale if scale else 0.0  # shorter steps drown in rounding
        for step in max(STEP * size, min(seen, LONGEST * size)) / float(SHRINK) ** np.arange(RUNGS):
            if step < shortest(at):
                break
            rungs.append(self.rung(k, towards, step))
            found = told_by(rungs, scale, 1 + self.weighed)
            if found:
                return found
        return np.nan, 0.0, UNDECIDED

    def carefully(self, k, towards, claimed, scale):
        """(slope, its noise, why not) towards a place or a direction, from a whole ladder, long steps too.

        The slope is that of the three neighbouring rungs that agree best, each extrapolated from two
        steps; the noise is what they disagree by.  A slope that is not the one claimed must be
        confirmed by the shorter steps, else nothing is told.
        """
        leaf = np.asarray(self.leaves[k])
        at = np.abs(leaf if isinstance(towards, np.ndarray) else leaf[towards]).max()
        steps = LONGEST * max(1.0, at) / 4.0 ** np.arange(24)
        rungs = [self.rung(k, towards, step) for step in steps[steps >= shortest(at)]]
        pairs = list(zip(rungs, rungs[1:]))
        smooth = [b.gap <= 0.5 * a.gap or b.gap <= ONE_SIDED_AGREE * scale + b.noise for a, b in pairs]
        better = np.array([b.slope + (b.slope - a.slope) / 15 for a, b in pairs])
        noise = np.array([b.noise for _, b in pairs])
        best, error = None, np.inf
        for n in range(1, len(better) - 1):
            spread = max(abs(better[n] - better[n - 1]), abs(better[n] - better[n + 1])) + noise[n] / 8
            if smooth[n] and smooth[n + 1] and spread < error:
                best, error = n, spread
        if best is None:
            return np.nan, 0.0, KINK if gap_stays([rung.gap for rung in rungs[-6:]]) else UNDECIDED
        denied = abs(better[best] - claimed)
        apart = np.abs(better[best:] - better[best]) > 4 * error + 4 * noise[best:] + 0.1 * denied
        if denied > 4 * error + AGREE * scale and apart.any():
            return np.nan, 0.0, UNDECIDED
        return better[best], 4 * error, 0

    def everywhere(self, k):
        """The slope at every place of leaf k, as an array of its shape."""
        leaf = np.asarray(self.leaves[k])
        slopes = [self.slope(k, place, abs(float(leaf[place])), 1.0)[0] for place in np.ndindex(leaf.shape)]
        return np.array(slopes).reshape(leaf.shape)

    def measure(self, k, scale):
        """Differences for leaf k: every coordinate up to EXACT_UP_TO elements, else a sample."""
        leaf, rng = np.asarray(self.leaves[k]), stream(self.seed, PLACES, k)
        everywhere = leaf.size <= EXACT_UP_TO
        chosen = np.arange(leaf.size) if everywhere else rng.choice(leaf.size, SAMPLES, replace=False)
        places = np.unravel_index(chosen, leaf.shape) if leaf.ndim else ()
        found = []
        for place in zip(*places) if leaf.ndim else [()]:
            at = abs(float(leaf[place]))
            # from infinity there is no step
            found.append(self.slope(k, place, at, scale) if np.isfinite(at) else (np.nan, 0.0, 0))
        directions = [] if everywhere else [self.along(k, leaf, scale, rng) for _ in range(DIRECTIONS)]
        values, noise, why = np.array(found).reshape(-1, 3).T
        return Differences(places, values, noise, why.astype(int), directions)

    def along(self, k, leaf, scale, rng):
        direction = rng.standard_normal(leaf.shape)
        direction /= np.linalg.norm(direction)
        slope, noise, _ = self.slope(k, direction, np.abs(leaf).max(), scale)
        return direction, slope, noise


def differences(function, inputs, upstream):
    """Central differences of sum(upstream * value): for each input an array, None for one that is not floating.

    function: returns a value and its pullback, which is not asked; inputs, upstream: arrays.  NaN at a
    kink, or where no step tells.
    """
    case = Case(
        function, None, tuple(map(to_float64, inputs)), {}, names=[f"input[{i}]" for i in range(len(inputs))]
    )
    measured = DifferencesWitness(case, NumpyWitness(case), [np.asarray(upstream, dtype=float)])
    return [measured.everywhere(k) if is_floating(leaf) else None for k, leaf in enumerate(measured.leaves)]


def shifted(leaf, towards, step):
    """A copy moved by `step`, along a direction or at one place."""
    if isinstance(towards, np.ndarray):
        return leaf + step * towards
    moved = leaf.copy()
    moved[towards] += step
    return moved


def came_out(before, after, towards):
    """The step between two arrays as it came out, after rounding."""
    if isinstance(towards, np.ndarray):
        return ((after - before) * towards).sum()
    return after[towards] - before[towards]


def shortest(at):
    """The shortest step worth taking from a number of size `at`: a small part of it, or nearly rounding."""
    return min(1e-13 * max(1.0, at), 1e-4 * (at or 1.0))


def told_by(rungs, scale, size):
    """(slope, noise, why not) if the last rungs of a ladder tell it, else None.

    scale: the largest gradient; size: of the outputs.  A step on which that gradient would change them
    by more than they are is too long to see it.
    """
    last = rungs[-1]
    if last.gap <= ONE_SIDED_AGREE * scale + last.noise and last.step * scale <= size:
        return last.slope, last.noise, 0
    if len(rungs) > 1:
        before = rungs[-2]
        change = last.slope - before.slope
        if last.gap <= 0.3 * before.gap and abs(change) <= 1e-3 * scale:
            # the error of a central difference falls with the square of the step
            return last.slope + change / (SHRINK**2 - 1), last.noise, 0
    if len(rungs) == 3 and gap_stays([rung.gap for rung in rungs]):
        return np.nan, 0.0, KINK
    return None


def gap_stays(gaps):
    """True if shorter steps bring the one-sided differences no nearer: a corner, not a bend."""
    return bool(np.isfinite(gaps).all() and min(gaps) >= 0.8 * max(gaps) > 0)
