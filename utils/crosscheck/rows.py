"""The rows of a crosscheck: outputs, gradients, what was written into."""

from dataclasses import replace
from itertools import combinations

import numpy as np

from utils.crosscheck import verdicts
from utils.crosscheck.case import input_leaves
from utils.crosscheck.finding import CLOSE, Diagnosis, Finding, relative_error, same_holes
from utils.crosscheck.gradients import Gradients
from utils.crosscheck.protocol import ProtocolError, kind_of
from utils.crosscheck.report import Row, wrong_row
from utils.crosscheck.rounding import TORCH_TOLERANCE, Rounding
from utils.crosscheck.trees import differs, is_floating
from utils.crosscheck.witnesses import NumpyWitness, TorchWitness


def rows_of(case, seed):
    """All rows: outputs, what was written into, gradients, changed options."""
    numpy_side, torch_side = NumpyWitness(case), TorchWitness(case)
    pair_outputs(numpy_side, torch_side)
    rounding = Rounding(case, torch_side)
    pairs = list(zip(numpy_side.output, torch_side.output))
    outputs = [output_row(k, *ours, truth, case, rounding) for k, (ours, (_, truth)) in enumerate(pairs)]
    random = list(random_rows(case, numpy_side, torch_side, all(row.ok for row in outputs)))
    if random:
        return random
    if not all(alike(ours, theirs) for (_, ours), (_, theirs) in pairs):
        return outputs  # no gradient can be compared when the outputs are of another kind
    values_agree = all(row.ok for row in outputs)
    if not values_agree and (pair := exchanged(case, numpy_side)):
        add_to_first_wrong(
            outputs,
            f"with {pair[0]} and {pair[1]} exchanged it agrees: ours and theirs take them in another order",
        )
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


# ---- outputs


def output_row(k, name, value, truth, case, rounding):
    """The row of output number k, against PyTorch alone."""
    shape = tuple(np.shape(value))
    if not is_floating(truth) and not isinstance(truth, np.ndarray):
        if type(value) is type(truth) and value == truth:
            return Row(name, shape, True, "agrees with PyTorch")
        return wrong_row(name, shape, Diagnosis("type", f"is {shown(value)}; PyTorch's is {shown(truth)}"))
    truth, error, agrees = np.asarray(truth), np.inf, None
    if truth.dtype.kind == "f" and is_floating(value) and shape == truth.shape:
        error = relative_error(value, truth, zero=1e-300)
        agrees = rounding.agreement(value, truth, error, "outputs", k)
    elif (
        isinstance(value, (np.ndarray, np.generic))
        and truth.dtype.kind != "f"
        and np.array_equal(value, truth)
    ):
        error, agrees = 0.0, "agrees with PyTorch"
    if agrees:
        return Row(name, shape, True, agrees, torch_error=error)
    found = verdicts.of_value(Finding(ours=value, truth=truth, name=name, inputs=input_leaves(case)), error)
    if found.kind not in verdicts.STRUCTURAL and rounding.explains(error, "outputs", k):
        found = verdicts.LOST_IN_ROUNDING
    return wrong_row(name, shape, found, "differs from PyTorch: ", torch_error=error)


def shown(thing):
    return repr(thing) if isinstance(thing, (bool, int, float, str, type(None))) else kind_of(thing)


def random_rows(case, numpy_side, torch_side, values_agree):
    """A row for each of the two functions whose second call gives another value."""
    if not same_outputs(numpy_side, NumpyWitness(case)):
        yield wrong_row("ours", None, verdicts.RANDOM_OURS)
    if not values_agree and not same_outputs(torch_side, TorchWitness(case)):
        yield wrong_row("theirs", None, verdicts.random_theirs(torch_side.module))


def same_outputs(once, twice):
    """Whether two calls gave the same values, up to what another order of sums may change."""
    pairs = list(zip(once.output, twice.output))
    return len(once.output) == len(twice.output) and all(same_value(a, b) for (_, a), (_, b) in pairs)


def same_value(a, b):
    if not (is_floating(a) and is_floating(b)):
        return type(a) is type(b) and np.array_equal(a, b)
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and same_holes(a, b) and relative_error(a, b) <= CLOSE


def say_whether_consistent(outputs, gradients):
    """Add to the first wrong output that the gradients belong to it, where they do."""
    kinds = [row.diagnosis.kind for row in gradients if not row.ok]
    if kinds and set(kinds) == {verdicts.OTHER_FUNCTION.kind}:
        add_to_first_wrong(outputs, verdicts.CONSISTENT)


def add_to_first_wrong(rows, words):
    row = next(row for row in rows if not row.ok)
    row.diagnosis = Diagnosis(row.diagnosis.kind, f"{row.diagnosis.sentence}; {words}")
    row.verdict = f"{row.verdict}; {words}"


def exchanged(case, numpy_side):
    """The names of two inputs of one shape with which exchanged PyTorch's value is that of ours; None."""
    first = int(case.is_module)
    for i, j in combinations(range(first, len(case.inputs)), 2):
        inputs = list(case.inputs)
        inputs[i], inputs[j] = inputs[j], inputs[i]
        if all(isinstance(a, np.ndarray) for a in inputs[i : j + 1 : j - i]) and alike(inputs[i], inputs[j]):
            try:
                same = same_outputs(numpy_side, TorchWitness(replace(case, inputs=tuple(inputs))))
            except ValueError:  # theirs raises
                continue
            if same:
                return case.names[i], case.names[j]


# ---- what was changed


def written_rows(numpy_side):
    """Inputs, upstream gradients and values that a call has written into."""
    for name in numpy_side.changed_inputs():
        said = "was written into; an operation must leave its inputs as they are"
        yield wrong_row(name, None, Diagnosis("input changed", said))
    for name, shape in numpy_side.written.items():
        what = "it may belong to others, too" if name.startswith("gradient") else "it is the caller's"
        said = f"was written into by the pullback; {what}: work on a copy"
        yield wrong_row(name, shape, Diagnosis("upstream changed", said))


def option_rows(case, numpy_side, torch_side):
    """Arrays among the options that the call changed, such as running statistics."""
    buffers = {key.rpartition(".")[2]: value for key, value in torch_side.options.items()}
    arrays = [(name, before) for name, before in case.options.items() if isinstance(before, np.ndarray)]
    for name, before in arrays:
        after, truth = numpy_side.options[name], buffers.get(name)
        truth = before if truth is None else truth.detach().numpy()
        if not differs(before, after) and not differs(before, truth):
            continue
        title, shape = f"{name} after the call", np.shape(after)
        error = relative_error(after, truth) if shape == truth.shape else np.inf
        if name not in buffers:
            said = "was written into; PyTorch's module holds nothing of that name"
            yield wrong_row(title, shape, Diagnosis("input changed", said))
        elif error <= TORCH_TOLERANCE:
            yield Row(title, shape, True, "agrees with PyTorch", torch_error=error)
        else:
            found = verdicts.of_value(Finding(ours=after, truth=truth, name=name), error)
            yield wrong_row(title, shape, found, "differs from PyTorch: ")
