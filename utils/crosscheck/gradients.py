"""The rows of gradients: ours against PyTorch, then against finite differences."""

from functools import cached_property

import numpy as np

from utils.crosscheck import verdicts
from utils.crosscheck.case import input_leaves
from utils.crosscheck.differences import AGREE, KINK, UNDECIDED, DifferencesWitness
from utils.crosscheck.finding import Diagnosis, Finding
from utils.crosscheck.report import Row
from utils.crosscheck.rounding import relative_error
from utils.crosscheck.streams import UPSTREAM, stream
from utils.crosscheck.suspects.evidence import Evidence
from utils.crosscheck.trees import is_floating
from utils.crosscheck.witnesses import differs, is_differentiable_in, random_like

ZERO = 1e-14  # of the largest gradient of all: what an exact zero may come out as
TOO_NOISY = 1e-2  # rounding in a measured slope, relative to the largest gradient
ASKED_AGAIN = 24  # places where doubtful differences are measured again with care
CALLED_TWICE = "a second call of the pullback gives another gradient: it must not change what it remembers"


class Gradients:
    """A row per floating input leaf, and one per leaf that wrongly got a gradient or holds integers."""

    def __init__(self, case, numpy_side, torch_side, rounding, seed, values_agree):
        self.case, self.numpy_side, self.torch_side, self.rounding = case, numpy_side, torch_side, rounding
        self.values_agree = values_agree
        self.named = input_leaves(case)
        rng = stream(seed, UPSTREAM)
        first = [random_like(leaf, rng) for _, leaf in numpy_side.output]
        # of opposite signs, so that a sign of the first that stands where one of the inputs belongs is seen
        second = [None if u is None else -np.sign(u) * np.abs(random_like(u, rng)) for u in first]
        asked = self.ask(first)
        if self.all_alike(asked):
            other = self.ask(second)
            asked = asked if self.all_alike(other) else other
        self.upstream, self.ours, self.truths = asked
        rounding.upstream = self.upstream
        self.differences = DifferencesWitness(case, numpy_side, self.upstream, seed)
        self.largest = max((largest(truth) for truth in self.truths if truth is not None), default=0.0)

    def ask(self, upstream):
        """(upstream, our gradients, PyTorch's gradients)."""
        if all(u is None for u in upstream):  # nothing to send back
            return upstream, [None] * len(self.named), [None] * len(self.named)
        return upstream, self.numpy_side.gradients(upstream), self.torch_side.gradients(upstream)

    def all_alike(self, asked):
        """Whether ours gives what PyTorch gives, in every gradient that can be compared."""
        _, ours, truths = asked
        return all(
            np.shape(mine) == truth.shape and relative_error(mine, truth) <= verdicts.NEARLY
            for mine, truth in zip(ours, truths)
            if truth is not None and is_floating(mine)
        )

    @cached_property
    def again(self):
        """What a second call with the same upstream gradient gives."""
        return self.numpy_side.gradients(self.upstream)

    def rows(self):
        rows = [self.row(k, name, leaf) for k, (name, leaf) in enumerate(self.named)]
        return [row for row in rows if row is not None]

    def row(self, k, name, leaf):
        title = f"gradient of {name}"
        if self.truths[k] is None:
            return None if leaf is None or is_floating(leaf) else self.labels(k, title, name, leaf)
        if name in self.case.frozen and self.ours[k] is None:
            verdict = "frozen in the module (requires_grad=False): no gradient, and none was given"
            return Row(title, np.shape(leaf), True, verdict)
        row = self.compared(k, title, self.finding(k, name, leaf))
        if name in self.case.frozen:
            row.verdict += "; frozen in the module (requires_grad=False), where it has none"
        return row

    def labels(self, k, title, name, leaf):
        """An input of integers or booleans: its slot holds None, and what else may be meant is said."""
        what, hint = words_of_labels(name, leaf)
        if self.ours[k] is not None:
            verdict = f"must be None: {name} is not floating but {what}{hint}"
            return Row(title, np.shape(leaf), False, verdict, diagnosis=Diagnosis("not None", verdict))
        if hint and is_differentiable_in(self.case, k):
            return Row(title, np.shape(leaf), True, f"not checked: {name} is {what}{hint}")
        return None

    def finding(self, k, name, leaf):
        numpy_side, torch_side, options = self.numpy_side, self.torch_side, self.case.options
        return Finding(
            ours=self.ours[k], truth=self.truths[k], name=name, x=leaf,
            inputs=[*self.named, *[(n, o) for n, o in options.items() if isinstance(o, np.ndarray)]],
            outputs=numpy_side.output, truths=[(n, t) for (n, _), t in zip(self.named, self.truths)],
            upstream=self.upstream,
            ours_again=lambda u: numpy_side.gradients(u)[k],
            truth_again=lambda u: torch_side.gradients(u)[k],
            options=options, values_agree=self.values_agree, evidence=self.evidence, slot=k,
        )  # fmt: skip

    @cached_property
    def evidence(self):
        """What all gradients together, and PyTorch's own computation, tell of a wrong one."""
        names = [name for name, _ in self.named]

        return Evidence(self.case, names, self.upstream, self.ours, self.truths, self.numpy_side.gradients)

    def compared(self, k, title, finding):
        """Ours against PyTorch, then against the differences; a diagnosis when either objects."""
        ours, truth = finding.ours, finding.truth
        shape = tuple(np.shape(ours)) if isinstance(ours, (np.ndarray, np.generic, float)) else None
        comparable = shape == truth.shape and np.asarray(ours).dtype.kind == "f"
        if comparable and differs(np.asarray(ours), self.again[k]):
            return Row(title, shape, False, CALLED_TWICE, diagnosis=Diagnosis("second call", CALLED_TWICE))
        zero = self.zero(finding)
        torch_error = relative_error(ours, truth, zero) if comparable else np.inf
        agrees = self.rounding.agreement(ours, truth, torch_error, "gradient", k) if comparable else None
        gradient = np.asarray(ours) if comparable else truth
        measured = self.measured(k, gradient, truth, zero, confirmed=agrees is not None)
        error = compare(gradient, measured, largest(truth)) if truth.size else 0.0
        numbers = {
            "torch_error": torch_error, "difference_error": error,
            "kinks": measured.kinks, "undecided": measured.undecided,
        }  # fmt: skip
        if agrees is not None and error <= AGREE:
            infinite = "" if np.isfinite(truth).all() else f" ({verdicts.holes(truth)}, in both)"
            verdict = f"{agrees}{infinite}, {self.words_of_differences(measured)}"
            return Row(title, shape, True, verdict, **numbers)
        if agrees is not None:
            found = verdicts.by_convention(gradient, measured.values)
            return Row(title, shape, False, f"{agrees}, but {found.sentence}", diagnosis=found, **numbers)
        found = self.explained(finding, measured, comparable and error <= AGREE, torch_error, zero)
        objects = not comparable or (
            error > AGREE and not (self.values_agree and compare(truth, measured, largest(truth)) > AGREE)
        )
        against = "PyTorch and from finite differences" if objects else "PyTorch"
        verdict = f"differs from {against}: {found.sentence}"
        return Row(title, shape, False, verdict, diagnosis=found, **numbers)

    def zero(self, finding):
        """What counts as zero in a gradient that is zero but for rounding; 0 for any other."""
        x = finding.x[np.isfinite(finding.x)]
        natural = self.differences.weighed / max(1.0, np.abs(x).max(initial=0))
        rounding = ZERO * max(self.largest, natural)
        return rounding if largest(finding.truth) <= rounding else 0.0

    def measured(self, k, gradient, truth, zero, confirmed):
        """Differences for leaf k, without what is infinite or lost in rounding.

        confirmed: whether PyTorch agrees; then what speaks against it is measured again with more care.
        """
        reach = max(largest(truth), largest(gradient))
        found = self.differences.measure(k, reach)
        found.leave_out(~np.isfinite(np.atleast_1d(gradient[found.places])), 0)
        if zero == 0.0:
            found.leave_out(found.noise > TOO_NOISY * reach, UNDECIDED)
        if confirmed:
            self.ask_again(k, gradient, found, largest(truth))
        return found

    def words_of_differences(self, measured):
        kinks, undecided, of = measured.kinks, measured.undecided, measured.values.size
        if not self.differences.measurable:
            return "finite differences cannot tell, as the value is not finite: PyTorch decides"
        if not kinks and not undecided:
            return "agrees with finite differences"
        if kinks == of > 0:
            return "kink: PyTorch decides"
        if undecided == of:
            return "finite differences cannot tell, as it is too steep or too rough for them: PyTorch decides"
        told = [f"kink in {kinks} of {of} places"] * bool(kinks)
        told += [f"too steep or too rough for them in {undecided} of {of} places"] * bool(undecided)
        return f"agrees with finite differences, {', '.join(told)}: PyTorch decides"

    def explained(self, finding, measured, proved, torch_error, zero):
        """What is wrong with a gradient that is not PyTorch's.  proved: differences agree with it."""
        finding.slopes = measured.spread(finding.truth.shape, measured.values, np.nan)
        finding.kinks = measured.spread(finding.truth.shape, measured.why == KINK, False)
        told = is_finite(finding.ours) and not np.isnan(measured.values).all() and not measured.kinks
        if proved and told and torch_error > verdicts.NEARLY:
            if self.values_agree:
                return verdicts.only_ours_belongs(self.torch_side)
            return verdicts.OTHER_FUNCTION
        found = verdicts.of_gradient(finding, torch_error, zero)
        if self.values_agree:
            return found
        if found.kind == "unknown":
            return verdicts.NEITHER
        return Diagnosis(found.kind, f"{found.sentence}; mend the value first")

    def ask_again(self, k, gradient, measured, scale):
        """Where differences object to what PyTorch confirms, measure the worst places with more care.

        A place where no step tells is left to PyTorch; what is still measured otherwise stands.
        """
        objects = lambda: place_errors(gradient, measured) > AGREE * scale
        worst = np.argsort(-np.nan_to_num(place_errors(gradient, measured), nan=-np.inf))
        doubtful = [at for at in worst if objects()[at]] + list(np.flatnonzero(measured.why == UNDECIDED))
        for n, at in enumerate(doubtful):
            place = tuple(int(axis[at]) for axis in measured.places)
            found = np.nan, 0.0, UNDECIDED  # where so many are doubtful, the others are left to PyTorch, too
            if n < ASKED_AGAIN:
                found = self.differences.carefully(k, place, gradient[place], scale)
            if found[1] > TOO_NOISY * scale:
                found = np.nan, 0.0, UNDECIDED
            measured.values[at], measured.noise[at], measured.why[at] = found
            if objects()[at]:
                return
        for n, (direction, slope, noise) in enumerate(measured.directions):
            if direction_error(gradient, direction, slope, noise, scale) > AGREE * scale:
                claimed = (gradient * direction).sum()
                slope, noise, _ = self.differences.carefully(k, direction, claimed, scale)
                measured.directions[n] = direction, slope, noise


def is_finite(array):
    return is_floating(array) and bool(np.isfinite(array).all())


def largest(gradient):
    """The largest finite number of an array, without its sign."""
    return np.abs(gradient[np.isfinite(gradient)]).max(initial=0)


def words_of_labels(name, leaf):
    """What an input without a gradient is, and how to give it so that it has one."""
    if isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype.kind in "iu":
        return (
            f"an array of integers ({leaf.dtype})",
            f"; give floats to have its gradient checked: {name}.astype(float)",
        )
    if isinstance(leaf, int) and not isinstance(leaf, bool):
        return "a Python int", f"; give a float to have its gradient checked: {float(leaf)}"
    if isinstance(leaf, (bool, np.ndarray, np.generic)):
        return "an array of booleans" if np.ndim(leaf) else "a boolean", ""
    return f"a {type(leaf).__name__}", ""


def place_errors(gradient, measured):
    """How far the gradient lies from the measured slopes, place by place; nan where they cannot tell."""
    with np.errstate(invalid="ignore"):
        errors = np.atleast_1d(
            np.abs(np.asarray(gradient)[measured.places] - measured.values) - measured.noise
        )
    return np.where(np.isfinite(np.atleast_1d(gradient[measured.places])), errors, np.nan)


def direction_error(gradient, direction, slope, noise, scale):
    """The same along a direction, where many elements add up: beside what they could add up to."""
    reach = max(1.0, np.linalg.norm(gradient) / max(scale, 1e-300))
    return (abs((gradient * direction).sum() - slope) - noise) / reach


def compare(gradient, measured, scale):
    """Error of `gradient` against the measured slopes, relative to the largest gradient."""
    errors = place_errors(gradient, measured)
    worst = list(errors[~np.isnan(errors)])
    for direction, slope, noise in measured.directions:
        if not np.isnan(slope) and np.isfinite(gradient).all():
            worst.append(direction_error(gradient, direction, slope, noise, scale))
    worst = np.max(worst, initial=0.0)
    return 0.0 if worst == 0 else worst / max(scale, 1e-300)
