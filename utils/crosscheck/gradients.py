"""The rows of gradients: ours against PyTorch, then against finite differences."""

from functools import cached_property

import numpy as np

from utils.crosscheck import verdicts
from utils.crosscheck.case import input_leaves
from utils.crosscheck.differences import AGREE, UNDECIDED, DifferencesWitness, direction_error
from utils.crosscheck.finding import Diagnosis, Finding, largest, relative_error
from utils.crosscheck.report import Row, wrong_row
from utils.crosscheck.streams import UPSTREAM, stream
from utils.crosscheck.suspects.evidence import Evidence
from utils.crosscheck.trees import differs, is_floating
from utils.crosscheck.witnesses import is_differentiable_in, random_like

ZERO = 1e-14  # of the largest gradient of all: what an exact zero may come out as
STEADY = 1e-3  # relative change of a gradient
TOO_NOISY = 1e-2  # rounding in a measured slope, relative to the largest gradient
ASKED_AGAIN = 24  # places where doubtful differences are measured again with care
CALLED_TWICE = Diagnosis(
    "second call",
    "a second call of the pullback gives another gradient: it must not change what it remembers",
)


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
            return wrong_row(title, np.shape(leaf), Diagnosis("not None", verdict))
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
            evidence=self.evidence, slot=k,
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
        comparable = shape == truth.shape and is_floating(ours)
        if comparable and differs(np.asarray(ours), self.again[k]):
            return wrong_row(title, shape, CALLED_TWICE)
        zero, agrees, torch_error = self.zero(k, finding), None, np.inf
        if comparable:
            torch_error = relative_error(ours, truth, zero)
            agrees = self.rounding.agreement(ours, truth, torch_error, "gradients", k)
        gradient = np.asarray(ours) if comparable else truth
        measured = self.measured(k, gradient, truth, zero, confirmed=agrees is not None)
        error = measured.error(gradient, largest(truth)) if truth.size else 0.0
        numbers = {
            "torch_error": torch_error, "difference_error": error,
            "kinks": measured.kinks, "undecided": measured.undecided,
        }  # fmt: skip
        hidden = error > AGREE and self.differences.blind
        if agrees and (error <= AGREE or hidden):
            infinite = "" if np.isfinite(truth).all() else f" ({verdicts.holes(truth)}, in both)"
            verdict = f"{agrees}{infinite}, {self.words_of_differences(measured, hidden)}"
            return Row(title, shape, True, verdict, **numbers)
        if agrees:
            found = verdicts.by_convention(gradient, measured.values, self.values_agree)
            return wrong_row(title, shape, found, f"{agrees}, but ", **numbers)
        found = self.explained(finding, measured, comparable and error <= AGREE, torch_error, zero)
        of_theirs = self.values_agree or measured.error(truth, largest(truth)) <= AGREE
        objects = not comparable or (error > AGREE and of_theirs)
        against = "PyTorch and from finite differences" if objects else "PyTorch"
        return wrong_row(title, shape, found, f"differs from {against}: ", **numbers)

    def zero(self, k, finding):
        """What counts as zero in a gradient that is zero but for rounding; 0 for any other."""
        natural = self.differences.weighed / max(1.0, largest(finding.x))
        rounding = ZERO * max(self.largest, natural)
        if largest(finding.truth) > rounding:
            return 0.0
        # a small gradient that the last bits of the inputs leave as it is, is no rounding
        steady = finding.truth.any() and self.rounding.change("gradients", k) < STEADY
        return 0.0 if steady else rounding

    def measured(self, k, gradient, truth, zero, confirmed):
        """Differences for leaf k, without what is infinite or lost in rounding.

        confirmed: whether PyTorch agrees; then what speaks against it is measured again with more care.
        """
        reach = max(largest(truth), largest(gradient))
        found = self.differences.measure(k, reach)
        found.leave_out(~np.isfinite(np.atleast_1d(gradient[found.places])), 0)
        if zero == 0.0 and reach > 0:
            found.leave_out(found.noise > TOO_NOISY * reach, UNDECIDED)
        if confirmed:
            self.ask_again(k, gradient, found, largest(truth))
        return found

    def words_of_differences(self, measured, hidden):
        kinks, undecided, of = measured.kinks, measured.undecided, measured.values.size
        if all(np.size(u) == 0 for u in self.upstream if u is not None):
            return "the output is empty: there is nothing to measure"
        if hidden or not self.differences.measurable:
            return "finite differences cannot tell, as the value is not finite: PyTorch decides"
        if not kinks and not undecided:
            return "agrees with finite differences"
        if kinks == of:
            return "kink: PyTorch decides"
        if undecided == of:
            return "finite differences cannot tell: PyTorch decides"
        told = [f"kink in {kinks} of {of} places"] * bool(kinks)
        told += [f"they cannot tell in {undecided} of {of} places"] * bool(undecided)
        return f"agrees with finite differences, {', '.join(told)}: PyTorch decides"

    def explained(self, finding, measured, proved, torch_error, zero):
        """What is wrong with a gradient that is not PyTorch's.  proved: differences agree with it."""
        told = np.isfinite(finding.ours).all() and not np.isnan(measured.values).all() if proved else False
        if told and not measured.kinks and torch_error > verdicts.NEARLY:
            return (
                verdicts.only_ours_belongs(self.torch_side) if self.values_agree else verdicts.OTHER_FUNCTION
            )
        if not measured.kinks and self.rounding.explains(torch_error, "gradients", finding.slot):
            return verdicts.LOST_IN_ROUNDING
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
        errors = measured.place_errors(gradient)
        worst = np.argsort(-np.nan_to_num(errors, nan=-np.inf))
        doubtful = [at for at in worst if errors[at] > AGREE * scale]
        for n, at in enumerate([*doubtful, *np.flatnonzero(measured.why == UNDECIDED)]):
            place = tuple(int(axis[at]) for axis in measured.places)
            found = np.nan, 0.0, UNDECIDED  # where so many are doubtful, the others are left to PyTorch, too
            if n < ASKED_AGAIN:
                found = self.differences.carefully(k, place, gradient[place], scale)
            if found[1] > TOO_NOISY * scale:
                found = np.nan, 0.0, UNDECIDED
            measured.values[at], measured.noise[at], measured.why[at] = found
            if measured.place_errors(gradient)[at] > AGREE * scale:
                return
        for n, (direction, slope, noise) in enumerate(measured.directions):
            if direction_error(gradient, direction, slope, noise, scale) > AGREE * scale:
                claimed = (gradient * direction).sum()
                slope, noise, _ = self.differences.carefully(k, direction, claimed, scale)
                measured.directions[n] = direction, slope, noise


def words_of_labels(name, leaf):
    """What an input without a gradient is, and how to give it so that it has one."""
    if isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype.kind in "iu":
        how = f"; give floats to have its gradient checked: {name}.astype(float)"
        return f"an array of integers ({leaf.dtype})", how
    if isinstance(leaf, int) and not isinstance(leaf, bool):
        return "a Python int", f"; give a float to have its gradient checked: {float(leaf)}"
    if isinstance(leaf, (bool, np.ndarray, np.generic)):
        return "an array of booleans" if np.ndim(leaf) else "a boolean", ""
    return f"a {type(leaf).__name__}", ""
