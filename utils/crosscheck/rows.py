"""The rows of a crosscheck: outputs, gradients, what was written into."""

from functools import cached_property

import numpy as np

from utils.crosscheck import verdicts
from utils.crosscheck.differences import AGREE, KINK, UNDECIDED, DifferencesWitness
from utils.crosscheck.finding import Diagnosis, Finding
from utils.crosscheck.protocol import ProtocolError, kind_of
from utils.crosscheck.report import Row
from utils.crosscheck.rounding import Rounding
from utils.crosscheck.streams import UPSTREAM, stream
from utils.crosscheck.trees import is_floating
from utils.crosscheck.witnesses import NumpyWitness, TorchWitness, differs, is_differentiable_in, random_like

TORCH_TOLERANCE = 1e-9
ROUNDING = 1e-14  # of the largest gradient of all: what an exact zero may come out as
TOO_NOISY = 1e-2  # rounding in a measured slope, relative to the largest gradient
IN_ROUNDING = " as far as rounding allows"
ASKED_AGAIN = 24  # places where doubtful differences are measured again with care


def rows_of(case, seed):
    """All rows: outputs, what was written into, gradients, changed options."""
    numpy_side, torch_side = NumpyWitness(case), TorchWitness(case)
    pair_outputs(numpy_side, torch_side)
    rounding = Rounding(case, torch_side)
    outputs = output_rows(case, numpy_side, torch_side, rounding)
    random = list(random_rows(case, numpy_side, torch_side, all(row.ok for row in outputs)))
    if random:
        return random
    pairs = zip(numpy_side.output, torch_side.output)
    if not all(alike(ours, theirs) for (_, ours), (_, theirs) in pairs):
        return outputs  # no gradient can be compared when the outputs are of another kind
    values_agree = all(row.ok for row in outputs)
    gradients = Gradients(case, numpy_side, torch_side, rounding, seed, values_agree).rows()
    if not values_agree:
        say_whether_consistent(outputs, gradients)
    return [*outputs, *written_rows(numpy_side), *gradients, *option_rows(case, numpy_side, torch_side)]


def pair_outputs(numpy_side, torch_side):
    """Bring PyTorch's outputs into the order of ours: dicts by key, tuples by place."""
    ours, theirs = ([name for name, _ in side.output] for side in (numpy_side, torch_side))
    if set(ours) == set(theirs):
        torch_side.reorder(ours)
    elif any("." in name for name in ours) and any("." in name for name in theirs):
        shown = [", ".join(name.removeprefix("output.") for name in names) for names in (ours, theirs)]
        raise ProtocolError(f"its value has the parts {shown[0]}; PyTorch's has {shown[1]}")
    elif len(ours) != len(theirs):
        raise ProtocolError(f"its value has {len(ours)} part(s); PyTorch's has {len(theirs)}")


def alike(ours, theirs):
    """Of one shape, and both floating or both not."""
    return np.shape(ours) == np.shape(theirs) and is_floating(ours) == is_floating(theirs)


def relative_error(ours, truth, floor=0.0):
    """Largest difference over the largest number of the truth; zero when both are as good as zero.

    Only where the truth is finite; infinite where ours is not finite there.
    """
    finite = np.isfinite(truth)
    error = np.abs(np.asarray(ours)[finite] - truth[finite]).max(initial=0)
    if not np.isfinite(error):
        return np.inf
    return 0.0 if error <= floor else error / max(np.abs(truth[finite]).max(initial=0), 1e-300)


# ---- outputs


def output_rows(case, numpy_side, torch_side, rounding):
    inputs = case.input_leaves()
    pairs = enumerate(zip(numpy_side.output, torch_side.output))
    return [
        output_row(name, value, truth, inputs, lambda error, i=i: rounding.allows(error, "output", i))
        for i, ((name, value), (_, truth)) in pairs
    ]


def output_row(name, value, truth, inputs, rounding_allows):
    shape = tuple(np.shape(value))
    if not is_floating(truth) and not isinstance(truth, np.ndarray):
        ok = type(value) is type(truth) and value == truth
        found = Diagnosis("type", f"is {shown(value)}; PyTorch's is {shown(truth)}")
        return Row(
            name, shape, ok, "agrees with PyTorch" if ok else found.sentence, diagnosis=None if ok else found
        )
    truth, error = np.asarray(truth), np.inf
    if truth.dtype.kind == "f":
        if is_floating(value) and shape == truth.shape:
            error = relative_error(value, truth, floor=1e-300)
            if verdicts.same_holes(value, truth) and not np.isnan(truth).any():
                if error <= TORCH_TOLERANCE:
                    return Row(name, shape, True, "agrees with PyTorch", torch_error=error)
                if as_precise(value, truth) and rounding_allows(error):
                    return Row(name, shape, True, f"agrees with PyTorch{IN_ROUNDING}", torch_error=error)
    elif isinstance(value, (np.ndarray, np.generic)) and np.array_equal(value, truth):
        return Row(name, shape, True, "agrees with PyTorch", torch_error=0.0)
    found = verdicts.of_value(Finding(ours=value, truth=truth, name=name, inputs=inputs), error)
    return Row(
        name, shape, False, f"differs from PyTorch: {found.sentence}", torch_error=error, diagnosis=found
    )


def shown(thing):
    return repr(thing) if isinstance(thing, (bool, int, float, str, type(None))) else kind_of(thing)


def as_precise(ours, truth):
    """Both in float64: in float32 it is no wonder that digits are missing."""
    return np.asarray(ours).dtype.itemsize == 8 == np.asarray(truth).dtype.itemsize


def random_rows(case, numpy_side, torch_side, values_agree):
    """A row for each of the two functions whose second call gives another value."""
    again = NumpyWitness(case)
    if not same_outputs(numpy_side, again):
        found = verdicts.RANDOM_OURS
        yield Row("ours", None, False, found.sentence, diagnosis=found)
    if values_agree:
        return
    again = TorchWitness(case)
    if not same_outputs(torch_side, again):
        found = verdicts.random_theirs(torch_side.module)
        yield Row("theirs", None, False, found.sentence, diagnosis=found)


def same_outputs(once, twice):
    values = [[value for _, value in side.output] for side in (once, twice)]
    return len(values[0]) == len(values[1]) and all(map(verdicts.close_values, *values))


def say_whether_consistent(outputs, gradients):
    """Add to the first wrong output that the gradients belong to it, where they do."""
    kinds = [row.diagnosis.kind for row in gradients if not row.ok]
    if kinds and set(kinds) == {verdicts.OTHER_FUNCTION.kind}:
        row = next(row for row in outputs if not row.ok)
        row.diagnosis = Diagnosis(row.diagnosis.kind, f"{row.diagnosis.sentence}; {verdicts.CONSISTENT}")
        row.verdict = f"{row.verdict}; {verdicts.CONSISTENT}"


# ---- gradients


class Gradients:
    """A row per floating input leaf, and one per leaf that wrongly got a gradient or holds integers."""

    def __init__(self, case, numpy_side, torch_side, rounding, seed, values_agree):
        self.case, self.numpy_side, self.torch_side, self.rounding = case, numpy_side, torch_side, rounding
        self.values_agree = values_agree
        self.named = case.input_leaves()
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
        sizes = [np.abs(t[np.isfinite(t)]).max(initial=0) for t in self.truths if t is not None]
        self.largest = max(sizes, default=0.0)

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
            return Row(
                title, np.shape(self.ours[k]), False, verdict, diagnosis=Diagnosis("not None", verdict)
            )
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
            options=options, values_agree=self.values_agree,
        )  # fmt: skip

    def compared(self, k, title, finding):
        """Ours against PyTorch, then against the differences; a diagnosis when either objects."""
        ours, truth = finding.ours, finding.truth
        shape = np.shape(ours) if isinstance(ours, (np.ndarray, np.generic, float)) else None
        comparable = shape == truth.shape and np.asarray(ours).dtype.kind == "f"
        if comparable and differs(np.asarray(ours), self.again[k]):
            verdict = (
                "a second call of the pullback gives another gradient: it must not change what it remembers"
            )
            return Row(title, shape, False, verdict, diagnosis=Diagnosis("second call", verdict))
        scale = np.abs(truth[np.isfinite(truth)]).max(initial=0)
        floor = self.floor(finding.x) if scale <= self.floor(finding.x) else 0.0
        torch_error = relative_error(ours, truth, floor) if comparable else np.inf
        agrees_torch = comparable and verdicts.same_holes(ours, truth) and not np.isnan(truth).any()
        in_rounding = agrees_torch and torch_error > TORCH_TOLERANCE
        if in_rounding:
            agrees_torch = as_precise(ours, truth) and self.rounding.allows(torch_error, "gradient", k)
        gradient = np.asarray(ours) if comparable else truth
        reach = max(scale, np.abs(gradient[np.isfinite(gradient)]).max(initial=0))
        measured = self.differences.measure(k, reach)
        measured.leave_out(~np.isfinite(np.atleast_1d(gradient[measured.places])), 0)
        if floor == 0.0:
            measured.leave_out(measured.noise > TOO_NOISY * reach, UNDECIDED)
        if agrees_torch:
            self.ask_again(k, gradient, measured, scale)
        difference_error = compare(gradient, measured, scale) if truth.size else 0.0
        agrees_differences = comparable and difference_error <= AGREE
        numbers = {
            "torch_error": torch_error, "difference_error": difference_error,
            "kinks": measured.kinks, "undecided": measured.undecided,
        }  # fmt: skip
        if agrees_torch and agrees_differences:
            infinite = f" ({verdicts.holes(truth)}, in both)" if not np.isfinite(truth).all() else ""
            rounded = IN_ROUNDING if in_rounding else ""
            verdict = f"agrees with PyTorch{rounded}{infinite}, {words_of_differences(measured)}"
            return Row(title, shape, True, verdict, **numbers)
        if agrees_torch:
            found = verdicts.by_convention(gradient, measured.values)
            verdict = f"agrees with PyTorch, but {found.sentence}"
            return Row(title, shape, False, verdict, diagnosis=found, **numbers)
        finding.slopes = measured.spread(truth.shape, measured.values, np.nan)
        finding.kinks = measured.spread(truth.shape, measured.why == KINK, False)
        proved = agrees_differences and not np.isnan(measured.values).all()
        found = self.explained(finding, proved and not measured.kinks, torch_error, floor)
        objects = not agrees_differences and (
            not self.values_agree or not comparable or compare(truth, measured, scale) <= AGREE
        )
        against = "PyTorch and from finite differences" if objects else "PyTorch"
        return Row(
            title, shape, False, f"differs from {against}: {found.sentence}", diagnosis=found, **numbers
        )

    def floor(self, x):
        """What rounding may leave of a gradient that is exactly zero."""
        natural = self.differences.weighed / max(1.0, np.abs(x[np.isfinite(x)]).max(initial=0))
        return ROUNDING * max(self.largest, natural)

    def explained(self, finding, proved, torch_error, floor):
        """What is wrong with a gradient that is not PyTorch's.  proved: it is the slope of our value."""
        if proved and torch_error > verdicts.NEARLY:
            return (
                verdicts.only_ours_belongs(self.torch_side) if self.values_agree else verdicts.OTHER_FUNCTION
            )
        found = verdicts.of_gradient(finding, torch_error, floor)
        return verdicts.NEITHER if found.kind == "unknown" and not self.values_agree else found

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
            measured.values[at], measured.noise[at], measured.why[at] = found
            if objects()[at]:
                return
        for n, (direction, slope, noise) in enumerate(measured.directions):
            if direction_error(gradient, direction, slope, noise, scale) > AGREE * scale:
                claimed = (gradient * direction).sum()
                slope, noise, _ = self.differences.carefully(k, direction, claimed, scale)
                measured.directions[n] = direction, slope, noise


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


def words_of_differences(measured):
    kinks, undecided, of = measured.kinks, measured.undecided, measured.values.size
    if not kinks and not undecided:
        return "agrees with finite differences"
    if kinks == of > 0:
        return "kink: PyTorch decides"
    if undecided == of:
        return "finite differences cannot tell, as it is too steep or too rough for them: PyTorch decides"
    told = [f"kink in {kinks} of {of} places"] * bool(kinks)
    told += [f"too steep or too rough for them in {undecided} of {of} places"] * bool(undecided)
    return f"agrees with finite differences, {', '.join(told)}: PyTorch decides"


# ---- what was changed


def written_rows(numpy_side):
    """Inputs, upstream gradients and values that a call has written into."""
    for name in numpy_side.changed_inputs():
        verdict = "was written into; an operation must leave its inputs as they are"
        yield Row(name, None, False, verdict, diagnosis=Diagnosis("input changed", verdict))
    for name, shape in numpy_side.written.items():
        what = "it may belong to others, too" if name.startswith("gradient") else "it is the caller's"
        verdict = f"was written into by the pullback; {what}: work on a copy"
        yield Row(name, shape, False, verdict, diagnosis=Diagnosis("upstream changed", verdict))


def option_rows(case, numpy_side, torch_side):
    """Arrays among the options that the call changed, such as running statistics."""
    buffers = {key.rpartition(".")[2]: value for key, value in torch_side.options.items()}
    for name, before in case.options.items():
        after, truth = numpy_side.options[name], buffers.get(name)
        if not isinstance(before, np.ndarray):
            continue
        title = f"{name} after the call"
        if truth is None:
            if differs(before, after):
                verdict = "was written into; PyTorch's module holds nothing of that name"
                yield Row(
                    title, np.shape(after), False, verdict, diagnosis=Diagnosis("input changed", verdict)
                )
            continue
        truth = truth.detach().numpy()
        if not differs(before, after) and not differs(before, truth):
            continue
        error = relative_error(after, truth) if np.shape(after) == truth.shape else np.inf
        if error <= TORCH_TOLERANCE:
            yield Row(title, np.shape(after), True, "agrees with PyTorch", torch_error=error)
            continue
        found = verdicts.of_value(Finding(ours=after, truth=truth, name=name), error)
        yield Row(title, np.shape(after), False, f"differs from PyTorch: {found.sentence}", diagnosis=found)
