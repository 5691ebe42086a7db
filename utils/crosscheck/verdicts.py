"""What is said before any diagnosis: kinds of things, NaN, precision, single numbers, what belongs together."""

from dataclasses import replace

import numpy as np

from utils.crosscheck.diagnosis import diagnose
from utils.crosscheck.finding import CLOSE, Diagnosis, Finding, close, same_holes
from utils.crosscheck.protocol import kind_of
from utils.crosscheck.trees import is_floating

NEARLY = 1e-4  # relative error below which no term is wrong, but a constant or the precision
CLEARLY = 1e-2  # above it a factor shows in its first digits


def of_value(f, error):
    """The Diagnosis of a wrong output.  f: a Finding; error: relative, inf where shapes differ."""
    return (
        foreign(f.ours)
        or complex_theirs(f.truth)
        or turned(f.ours, f.truth)
        or not_finite(f.ours, f.truth)
        or single_precision(f.truth, error)
        or nearly(f.ours, f.truth, error)
        or single_number(f)
        or diagnose(Finding(ours=f.ours, truth=f.truth, name=f.name))
    )


def of_gradient(f, error, zero):
    """The Diagnosis of a wrong gradient.  zero: what counts as none beside the other gradients."""
    in_a_row = 1 in f.truth.shape and turned(f.ours, f.truth)
    if told := foreign(f.ours) or in_a_row or not_finite(f.ours, f.truth):
        return told
    if np.abs(f.truth).max(initial=0) > zero:
        return nearly(f.ours, f.truth, error) or diagnose(f)
    found = diagnose(replace(f, truth=np.zeros_like(f.truth)))  # rounding has no factor and no sign
    return Diagnosis("not zero", "it should be zero everywhere") if found.kind == "unknown" else found


def foreign(ours):
    """Tensors and complex numbers, which no operation of the course returns."""
    kind = kind_of(ours)
    if kind.startswith("a torch"):
        return Diagnosis("type", f"{kind} came back; compute with NumPy arrays")
    if isinstance(ours, complex) or (isinstance(ours, (np.ndarray, np.generic)) and ours.dtype.kind == "c"):
        return Diagnosis("dtype", "complex numbers came back; expected real ones")


def turned(ours, truth):
    """The right array with rows for columns."""
    if not is_floating(ours) or np.ndim(ours) < 2 or np.ndim(truth) != np.ndim(ours):
        return None
    if close(ours, np.swapaxes(truth, -1, -2)) and not close(ours, truth):
        other = np.shape(ours) != np.shape(truth)
        shapes = f": its shape is {np.shape(ours)}; expected {np.shape(truth)}" if other else ""
        return Diagnosis("transposed", f"transposed, rows for columns{shapes}")


def complex_theirs(truth):
    if np.asarray(truth).dtype.kind == "c":
        said = "PyTorch's is complex; let theirs return real and imaginary part as two outputs"
        return Diagnosis("theirs", said)


def not_finite(ours, truth):
    """NaN and infinities, in ours or in PyTorch's."""
    if not is_floating(ours) or np.shape(ours) != np.shape(truth):
        return None
    ours, truth = np.asarray(ours), np.asarray(truth)
    mine, theirs = ~np.isfinite(ours), ~np.isfinite(truth)
    if not mine.any() and not theirs.any():
        return None
    if not theirs.any():
        said = f"not finite (NaN or infinite) in {mine.sum()} of {mine.size} places; the right one is finite everywhere"
    elif not mine.any():
        said = f"finite everywhere; PyTorch's is {holes(truth)}: choose inputs where it is finite"
    elif same_holes(ours, truth) and np.isnan(truth).any():
        said = f"{holes(truth)}, and so is PyTorch's: nothing is proved there; choose other inputs"
    elif np.array_equal(mine, theirs) and close(np.where(mine, 0, ours), -np.where(mine, 0, truth)):
        return Diagnosis("sign", f"wrong sign ({holes(truth)}, in both)")
    elif same_holes(ours, truth):
        wrong = np.abs(np.where(mine, 0, ours) - np.where(mine, 0, truth))
        worst = ", ".join(map(str, np.unravel_index(np.argmax(wrong), wrong.shape)))
        said = f"{holes(truth)}, as PyTorch's, but wrong in other places, most at [{worst}]"
    else:
        said = f"{holes(ours)}; PyTorch's is {holes(truth)}"
    return Diagnosis("nan", said)


def holes(a):
    """Where an array is not finite: NaN in 2 of 6 places."""
    nan, infinite = int(np.isnan(a).sum()), int(np.isinf(a).sum())
    if not np.ndim(a):
        return "NaN" if nan else "infinite"
    told = [f"{word} in {n}" for word, n in (("NaN", nan), ("infinite", infinite)) if n]
    return f"{' and '.join(told)} of {np.size(a)} places"


def single_precision(truth, error):
    """A PyTorch value in float32 or less."""
    dtype = np.asarray(truth).dtype
    if dtype.kind == "f" and dtype.itemsize < 8 and error < 1e-2:
        return to_digits(error, f"PyTorch's is {dtype}; let theirs compute in float64")


def to_digits(error, why):
    return Diagnosis("precision", f"right to about {max(1, int(-np.log10(max(error, 1e-16))))} digits: {why}")


def nearly(ours, truth, error):
    """Right but for the last digits: a constant, a small term or single precision."""
    if error > CLEARLY:
        return None
    size = np.abs(truth).max(initial=0) or 1.0  # squares of very small numbers are zero
    ours, right = np.asarray(ours), np.asarray(truth) / size
    off = ours / size - right
    excess = float((off * right).sum() / ((right * right).sum() or 1.0))
    certain = right.size > 1 and abs(excess) > 10 * np.finfo(float).eps  # a single number has always a factor
    if certain and negligible_beside(off - excess * right, excess * right):
        shown = 2 + int(np.ceil(-np.log10(abs(excess))))
        return Diagnosis("factor", f"a constant factor of {1 + excess:.{shown}g}; it should be 1")
    if error > NEARLY:
        return None
    if ours.dtype.itemsize < 8 or np.array_equal(ours, ours.astype(np.float32)):
        return to_digits(error, "it holds numbers of float32 precision")
    return to_digits(error, "another eps or constant, a small term, or a part computed in float32?")


def negligible_beside(a, b):
    return np.abs(a).max(initial=0) <= 1e-3 * np.abs(b).max(initial=0)


def single_number(f):
    """A wrong number, beside the right one."""
    if np.ndim(f.truth) or np.ndim(f.ours) or not is_floating(f.ours):
        return None
    ours, truth = float(f.ours), float(f.truth)
    said = f"is {ours:.6g}, should be {truth:.6g}"
    if truth and np.isclose(ours, -truth, rtol=CLOSE, atol=0):
        return Diagnosis("sign", f"{said}: wrong sign")
    arrays = [a for _, a in f.inputs or [] if np.ndim(a)]
    sizes = [(len(a), "the batch size") for a in arrays] + [
        (np.size(a), "the number of elements") for a in arrays
    ]
    for n, what in sizes if truth else ():
        for times, c in ((f"{n} times", n), (f"1/{n} of", 1 / n)):
            if n > 2 and np.isclose(ours / truth, c, rtol=CLOSE, atol=0):
                return Diagnosis("factor", f"{said}: {times} that, and {n} is {what}: mean against sum?")
    return Diagnosis("value", said)


def only_ours_belongs(torch_side):
    """Value right, pullback its slope, PyTorch's gradient another."""
    if not torch_side.has_history:
        lost = "PyTorch's value has lost its way back to the inputs (detach, .numpy(), no_grad?)"
        return Diagnosis("theirs", f"{lost}; finite differences agree with ours")
    said = "it is the slope of the value, by finite differences, and the value is PyTorch's"
    return Diagnosis("theirs", f"{said}; does theirs detach a part, or use a gradient by convention?")


STRUCTURAL = {"type", "dtype", "shape", "transposed", "broadcast", "missing", "nan", "theirs"}
LOST_IN_ROUNDING = Diagnosis(
    "rounding",
    "it lies within what rounding alone does to PyTorch's: nothing can be proved with these inputs",
)
OTHER_FUNCTION = Diagnosis("another function", "it belongs to our value, as finite differences say")
NEITHER = Diagnosis("unknown", "it belongs neither to our value nor to PyTorch's; mend the value first")
CONSISTENT = "value and gradient belong together: a consistent pair, of another function"


def by_convention(gradient, slopes, values_agree):
    """Both gradients agree, the value moves otherwise."""
    said = "finite differences of the value in NumPy say otherwise"
    if not values_agree:
        return Diagnosis("differences", f"{said}, as that value is wrong: mend it first")
    known = slopes[~np.isnan(slopes)]
    why = "do both gradients leave out a path (a detached part)?"
    if known.size and negligible_beside(known, gradient):
        why = "the value does not move at all (rounded, or a step?); a gradient by convention?"
    return Diagnosis("differences", f"{said}: {why}")


RANDOM_OURS = Diagnosis(
    "random",
    "a second call with the same inputs gives another value: it is random, or remembers earlier calls",
)


def random_theirs(module):
    """What to say of a function of PyTorch's whose second call gives another value."""
    said = "a second call with the same inputs gives another value: it is random"
    if module is None:
        return Diagnosis("random", f"{said}; give both the same draw (a mask as an option)")
    if any(m.training and "Dropout" in type(m).__name__ for m in module.modules()):
        return Diagnosis("random", f"{said}, as it holds Dropout in training mode; use module.eval() or p=0")
    in_training = " in training mode (dropout=...?); use module.eval()" if module.training else ""
    return Diagnosis("random", said + in_training)
