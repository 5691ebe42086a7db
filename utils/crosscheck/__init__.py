"""The witness: a gradient is believed when NumPy, PyTorch and finite differences agree."""

import numpy as np

from utils.crosscheck.diagnosis import Diagnosis, Finding, diagnose
from utils.crosscheck.report import CrosscheckError, Report, Row
from utils.crosscheck.suspects.evidence import Evidence
from utils.crosscheck.trees import is_floating
from utils.crosscheck.witnesses import (
    DifferencesWitness,
    NumpyWitness,
    ProtocolError,
    TorchWitness,
    differs,
    input_leaves,
    make_case,
)

__all__ = ["CrosscheckError", "Report", "Row", "crosscheck"]

TORCH_TOLERANCE = 1e-9
DIFFERENCE_TOLERANCE = 1e-5
ROUNDING = 1e-14  # of the largest gradient of all: what an exact zero may come out as


def crosscheck(ours, theirs, *inputs, call=None, names=None, raises=True, seed=0, **options):
    """Prove a value and its gradients by three witnesses, in float64, with a random upstream gradient.

    ours: a function that returns (value, pullback); theirs: a function on tensors with the same
    inputs and options, or an nn.Module, whose named_parameters() become the first input of ours
    and whose options go to ours only; call(module, *inputs) adapts its call.  inputs: arrays,
    numbers, None, or tuples and dicts of them.  names: other names for the inputs, a sequence or
    a dict.  seed: of the upstream gradient and of the sampled coordinates.

    Returns a Report.  Raises CrosscheckError on a mismatch, unless raises=False; ValueError for
    bad arguments.  Tolerances, relative to the largest gradient: 1e-9 against PyTorch, 1e-5
    against central differences.
    """
    case = make_case(ours, theirs, inputs, options, call, names)
    try:
        report = Report(list(rows_of(case, np.random.default_rng(seed))))
    except ProtocolError as error:
        report = Report([Row("ours", None, False, str(error), diagnosis=Diagnosis("protocol", str(error)))])
    if raises and not report.ok:
        raise CrosscheckError(report)
    return report


def rows_of(case, rng):
    """All rows: outputs, gradients, changed options, inputs written into."""
    numpy_side, torch_side = NumpyWitness(case), TorchWitness(case)
    if len(numpy_side.output) != len(torch_side.output):
        raise ProtocolError(
            f"its value has {len(numpy_side.output)} part(s); PyTorch's has {len(torch_side.output)}"
        )
    outputs = [output_row(*pair) for pair in zip(numpy_side.output, torch_side.output)]
    yield from outputs
    if any(not alike(ours, theirs) for (_, ours), (_, theirs) in zip(numpy_side.output, torch_side.output)):
        return  # no gradient can be compared when the outputs are of another kind
    upstream = [random_like(leaf, rng) for _, leaf in numpy_side.output]
    yield from gradient_rows(case, numpy_side, torch_side, upstream, rng)
    yield from option_rows(case, numpy_side, torch_side)
    for name in numpy_side.changed_inputs():
        verdict = "was written into; an operation must leave its inputs as they are"
        yield Row(name, None, False, verdict, diagnosis=Diagnosis("input changed", verdict))


def alike(ours, theirs):
    """Of one shape, and both floating or both not."""
    return np.shape(ours) == np.shape(theirs) and is_floating(ours) == is_floating(theirs)


def random_like(leaf, rng):
    return rng.standard_normal(np.shape(leaf)) if is_floating(leaf) else None


def relative_error(ours, truth, floor=0.0):
    """Largest difference over the largest number of the truth; zero when both are as good as zero."""
    error = np.abs(ours - truth).max(initial=0)
    if not np.isfinite(error):
        return np.inf
    return 0.0 if error <= floor else error / max(np.abs(truth).max(initial=0), 1e-300)


def output_row(ours, theirs):
    name, value = ours
    _, truth = theirs
    shape = np.shape(value)
    if not is_floating(truth) and not isinstance(truth, np.ndarray):
        ok = value is truth or value == truth
        return Row(name, None, ok, "agrees with PyTorch" if ok else f"is {value!r}; PyTorch's is {truth!r}")
    truth = np.asarray(truth)
    if truth.dtype.kind == "f":
        fits = isinstance(value, (np.ndarray, np.generic, float)) and np.asarray(value).dtype.kind == "f"
        if fits and shape == truth.shape and same_non_finite(value, truth):
            finite = np.isfinite(truth)
            error = relative_error(np.asarray(value)[finite], truth[finite], floor=1e-300)
            if error <= TORCH_TOLERANCE:
                return Row(name, shape, True, "agrees with PyTorch", torch_error=error)
    elif isinstance(value, (np.ndarray, np.generic)) and np.array_equal(value, truth):
        return Row(name, shape, True, "agrees with PyTorch", torch_error=0.0)
    found = diagnose(Finding(ours=value, truth=truth, name=name))
    return Row(name, shape, False, f"differs from PyTorch: {found.sentence}", diagnosis=found)


def same_non_finite(value, truth):
    """Infinities in the same places; -inf is a legitimate masked score."""
    return bool(
        np.array_equal(np.where(np.isfinite(value), 0, value), np.where(np.isfinite(truth), 0, truth))
    )


def gradient_rows(case, numpy_side, torch_side, upstream, rng):
    """A row per floating input leaf, and one per leaf that wrongly got a gradient."""
    ours, again = numpy_side.gradients(upstream), numpy_side.gradients(upstream)
    truths = torch_side.gradients(upstream)
    named = input_leaves(case)
    largest = max((np.abs(t).max(initial=0) for t in truths if t is not None), default=0.0)
    differences = DifferencesWitness(case, numpy_side, upstream)
    names = [name for name, _ in named]
    evidence = Evidence(case, names, upstream, ours, truths, numpy_side.gradients, torch_side.gradients)
    for k, (name, leaf) in enumerate(named):
        title = f"gradient of {name}"
        if truths[k] is None:
            if ours[k] is not None and leaf is not None:
                verdict = f"must be None: {name} is not floating"
                yield Row(title, np.shape(ours[k]), False, verdict, diagnosis=Diagnosis("not None", verdict))
            continue
        finding = Finding(
            ours=ours[k], truth=truths[k], name=name, x=leaf,
            inputs=[*named, *[(n, o) for n, o in case.options.items() if isinstance(o, np.ndarray)]],
            outputs=numpy_side.output, truths=[(n, t) for (n, _), t in zip(named, truths)],
            upstream=upstream,
            ours_again=lambda u, k=k: numpy_side.gradients(u)[k],
            truth_again=lambda u, k=k: torch_side.gradients(u)[k],
            evidence=evidence, slot=k,
        )  # fmt: skip
        yield gradient_row(title, finding, again[k], largest, lambda s, k=k: differences.measure(k, s, rng))


def gradient_row(title, finding, again, largest, measure):
    """Ours against PyTorch, then against the differences; a diagnosis when either objects."""
    ours, truth = finding.ours, finding.truth
    shape = np.shape(ours) if isinstance(ours, (np.ndarray, np.generic, float)) else None
    comparable = shape == truth.shape and np.asarray(ours).dtype.kind == "f"
    if comparable and differs(np.asarray(ours), again):
        verdict = "a second call of the pullback gives another gradient: it must not change what it remembers"
        return Row(title, shape, False, verdict, diagnosis=Diagnosis("second call", verdict))
    scale = np.abs(truth).max(initial=0)
    floor = ROUNDING * largest if scale <= ROUNDING * largest else 0.0
    torch_error = relative_error(ours, truth, floor) if comparable else np.inf
    measured = measure(scale)
    difference_error = compare(ours if comparable else truth, measured, scale) if truth.size else 0.0
    kinks = int(np.isnan(measured.values).sum())
    agrees_torch = torch_error <= TORCH_TOLERANCE
    agrees_differences = comparable and difference_error <= DIFFERENCE_TOLERANCE
    numbers = {"torch_error": torch_error, "difference_error": difference_error, "kinks": kinks}
    if agrees_torch and agrees_differences:
        return Row(title, shape, True, "agrees with PyTorch, " + words_of_differences(measured), **numbers)
    if agrees_torch:
        found = Diagnosis("differences", "finite differences of the value in NumPy say otherwise")
        return Row(
            title, shape, False, f"agrees with PyTorch, but {found.sentence}", diagnosis=found, **numbers
        )
    found = diagnose(finding)
    against = "PyTorch" if agrees_differences else "PyTorch and from finite differences"
    if agrees_differences and kinks == 0 and found.kind != "precision":
        found = Diagnosis(
            "theirs", "it is the gradient of our value, but not of PyTorch's: another function?"
        )
    return Row(title, shape, False, f"differs from {against}: {found.sentence}", diagnosis=found, **numbers)


def compare(gradient, measured, scale):
    """Error of `gradient` against the measured slopes, relative to the largest gradient."""
    slopes = measured.values
    errors = np.atleast_1d(np.abs(np.asarray(gradient)[measured.places] - slopes) - measured.noise)
    worst = list(errors[~np.isnan(slopes)])
    for direction, slope, noise in measured.directions:
        if not np.isnan(slope):
            # along a direction many elements add up: compare with what they could add up to
            reach = max(1.0, np.linalg.norm(gradient) / max(scale, 1e-300))
            worst.append((abs((gradient * direction).sum() - slope) - noise) / reach)
    worst = np.max(worst, initial=0.0)
    if np.isnan(worst):
        return np.inf
    return 0.0 if worst == 0 else worst / max(scale, 1e-300)


def words_of_differences(measured):
    kinks, all_places = int(np.isnan(measured.values).sum()), measured.values.size
    if kinks == 0:
        return "agrees with finite differences"
    if kinks == all_places:
        return "kink: PyTorch decides"
    return f"agrees with finite differences, kink in {kinks} of {all_places} places: PyTorch decides"


def option_rows(case, numpy_side, torch_side):
    """Arrays among the options that the call changed, such as running statistics."""
    for name, before in case.options.items():
        after = numpy_side.options[name]
        buffers = {key.rpartition(".")[2]: value for key, value in torch_side.options.items()}
        truth = buffers.get(name)
        if not isinstance(before, np.ndarray) or truth is None:
            continue
        truth = truth.detach().numpy()
        if not differs(before, after) and not differs(before, truth):
            continue
        title = f"{name} after the call"
        error = relative_error(after, truth) if np.shape(after) == truth.shape else np.inf
        if error <= TORCH_TOLERANCE:
            yield Row(title, np.shape(after), True, "agrees with PyTorch", torch_error=error)
            continue
        found = diagnose(Finding(ours=after, truth=truth, name=name))
        yield Row(title, np.shape(after), False, f"differs from PyTorch: {found.sentence}", diagnosis=found)
