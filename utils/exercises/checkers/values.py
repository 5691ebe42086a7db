"""Answers that are numbers: one, an array, or several by name."""

import contextlib
from dataclasses import dataclass, field
from decimal import Decimal
from numbers import Real

import numpy as np

from utils.crosscheck.diagnosis import Finding, diagnose
from utils.exercises.cards import Outcome
from utils.exercises.reading import HELD, Trouble, has_dots, kind_of, short
from utils.exercises.wording import be, codes, count, sentence

RTOL, ATOL = 1e-3, 1e-9


@dataclass(frozen=True)
class Values:
    """Expects a number, an array, or several of them by name.

    expected: a number, an array, a dict name -> number or array, or a function of no arguments that
    returns one of these; integers must be hit exactly.  rtol: relative to the largest expected
    element; atol: absolute.  traps: a likely wrong number, a tuple for a likely wrong array, or a
    function answer -> bool, each with the sentence it deserves; where there are names, a dict of such
    dicts.
    """

    expected: object
    rtol: float = RTOL
    atol: float = ATOL
    traps: dict = field(default_factory=dict)

    def truth(self):
        """The expected numbers by name; the name of a single one is empty."""
        expected = self.expected() if callable(self.expected) else self.expected
        return expected if isinstance(expected, dict) else {"": expected}

    @property
    def parts(self):
        return tuple(name for name in self.truth() if name)

    def trap_answers(self):
        """Every trap that is a number or an array, as an answer."""
        truth = self.truth()
        if not self.parts:
            return [key for key in self.traps if not callable(key)]
        return [
            truth | {name: key} for name, traps in self.traps.items() for key in traps if not callable(key)
        ]

    def examine(self, answer):
        truth = self.truth()
        given = by_name(answer, list(truth)) if self.parts else {"": answer}
        missing = [name for name, part in given.items() if part is None or has_dots(part)]
        written = [name for name in truth if name not in missing]
        if not written:
            return Outcome("todo")
        waiting = f"{codes(missing)} {be(missing)} not written yet" if missing else ""
        for name in written:
            traps = self.traps.get(name, {}) if self.parts else self.traps
            remark = compare(given[name], truth[name], self.rtol, self.atol, traps)
            if remark:
                text = sentence(f"`{name}`: {remark}" if name else remark)
                return Outcome("wrong", f"{text} {sentence(waiting)}".strip())
        if missing:
            return Outcome("todo", sentence(f"{codes(written)} {be(written)} right; {waiting}"))
        return Outcome("right")


def by_name(answer, names):
    """The parts of an answer by their names: from a dict, or from a sequence in order."""
    if has_dots(answer, depth=0) or answer is None:
        return dict.fromkeys(names, ...)
    if isinstance(answer, dict):
        unknown = [str(key) for key in answer if key not in names]
        if unknown:
            raise Trouble(f"{codes(unknown)} {be(unknown)} not asked for; expected {codes(names)}")
        return {name: answer.get(name, ...) for name in names}
    listed = isinstance(answer, (tuple, list)) or (isinstance(answer, np.ndarray) and answer.ndim)
    if listed and len(answer) == len(names):
        return dict(zip(names, answer))
    raise Trouble(f"this is {kind_of(answer)}; expected {count(len(names), 'value')}: {codes(names)}")


def compare(given, expected, rtol=RTOL, atol=ATOL, traps=None):
    """None where `given` is right, else what is wrong with it, in words that do not tell the answer."""
    truth = np.asarray(expected)
    numbers = as_numbers(given, truth)
    if numbers.shape != truth.shape:
        return words_for_shape(numbers, truth)
    if equal(numbers, truth, rtol, atol):
        return None
    for trap, words in (traps or {}).items():
        if sprung(trap, given, numbers, rtol, atol):
            return words
    if not np.isfinite(numbers).all() and np.isfinite(truth).all():
        bad = count(int((~np.isfinite(numbers)).sum()), "place")
        return f"it is {short(float(numbers))}" if not numbers.ndim else f"not finite (nan or inf) in {bad}"
    return (
        words_for_number(float(numbers), float(truth)) if not truth.ndim else words_for_array(numbers, truth)
    )


def as_numbers(given, truth):
    """The answer as an array of numbers; Trouble, in words, for anything else."""
    expected = f"an array of shape {truth.shape}" if truth.ndim else "a number"
    if hasattr(given, "detach"):
        given = given.detach()
        given = given.float() if str(given.dtype) == "torch.bfloat16" else given
    if isinstance(given, (str, bytes, bool, np.bool_, set, dict)) and truth.dtype.kind != "b":
        raise Trouble(f"this is {kind_of(given)}; expected {expected}")
    if callable(given):
        raise Trouble(f"this is {kind_of(given)}; expected {expected}: call it first")
    try:
        numbers = np.asarray(given)
    except Exception:
        uneven = " with uneven parts" if isinstance(given, (list, tuple)) else ", which holds no numbers"
        raise Trouble(f"this is {kind_of(given)}{uneven}; expected {expected}") from None
    if numbers.dtype.kind == "O" and all(isinstance(n, (Real, Decimal)) for n in numbers.flat):
        with contextlib.suppress(OverflowError):  # fractions and decimals; whole numbers may be too long
            numbers = numbers.astype(float)
    if numbers.dtype.kind == "c":
        expected = f"real numbers, {expected}" if truth.ndim else "a real number"
    if numbers.dtype.kind not in "iufb":
        held = HELD.get(numbers.dtype.kind) if isinstance(given, (list, tuple)) and numbers.ndim else None
        raise Trouble(f"this is {kind_of(given)}{f' of {held}' if held else ''}; expected {expected}")
    return numbers


def equal(numbers, truth, rtol, atol):
    """Same shape and close; integers and booleans must be equal."""
    if numbers.shape != truth.shape:
        return False
    if truth.dtype.kind in "iub":
        return bool((numbers == truth).all())
    finite = np.isfinite(truth)
    if not np.array_equal(np.where(finite, 0, numbers), np.where(finite, 0, truth), equal_nan=True):
        return False
    reach = atol + rtol * np.abs(truth[finite]).max(initial=0)
    return bool((np.abs(numbers[finite] - truth[finite]) <= reach).all())


def sprung(trap, given, numbers, rtol, atol):
    """True if the answer is this likely wrong one."""
    if callable(trap):
        try:
            return bool(trap(given))
        except Exception:
            return False
    return equal(numbers, np.asarray(trap, dtype=float), rtol, atol)


def words_for_shape(numbers, truth):
    if not truth.ndim:
        return f"its shape is {numbers.shape}; expected a single number"
    small = numbers.ndim <= truth.ndim + 1 and numbers.size <= 100 * truth.size
    if small and numbers.dtype.kind == "f":
        found = diagnose(Finding(ours=numbers, truth=truth.astype(float)))
        if found.kind in ("transposed", "broadcast"):
            return found.sentence
    return f"its shape is {numbers.shape}; expected {truth.shape}"


def words_for_number(given, truth):
    """Where to look, for a number that stands in a plain relation to the right one; never the relation itself."""
    near = lambda a, b: abs(a - b) <= 2e-3 * abs(b)
    if truth == 0:
        return f"{short(given)} is too {'large' if given > 0 else 'small'}"
    if given == 0:
        return "zero is not it"
    if near(given, -truth):
        return "wrong sign"
    if near(given, 2 * truth) or near(given, truth / 2):
        return f"{short(given)} is off by a factor of two; which step brings one in?"
    if near(given, 1 / truth):
        return f"{short(given)} is not it; look again at what is divided by what"
    if near(given, truth**2) or near(given**2, truth):
        return f"{short(given)} is not it; look again at squares and roots"
    side = "small" if given < truth else "large"
    if abs(given - truth) <= 0.02 * abs(truth):
        return f"{short(given)} is close, a little too {side}; more digits, or a slip in the arithmetic?"
    return f"{short(given)} is too {side}"


def words_for_array(numbers, truth):
    """crosscheck's diagnosis, or the first wrong place."""
    if truth.dtype.kind == "f":
        found = diagnose(Finding(ours=numbers.astype(float), truth=truth))
        if found.kind != "unknown":
            return found.sentence
    reach = 0 if truth.dtype.kind in "iub" else RTOL * np.abs(truth).max(initial=0)
    wrong = np.argwhere(~(np.abs(numbers.astype(float) - truth.astype(float)) <= reach))
    if not len(wrong):  # closer than words can tell, not close enough
        return "close, but not close enough; more digits?"
    first = tuple(int(i) for i in wrong[0])
    where = ", ".join(map(str, first))
    remark = words_for_number(float(numbers[first]), float(truth[first]))
    return f"{len(wrong)} of {truth.size} places are wrong, the first at [{where}]: {remark}"
