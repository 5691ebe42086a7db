"""Answers that are operations of the protocol: a value and a pullback, proved by crosscheck."""

import contextlib
import inspect
import io
from dataclasses import dataclass, field

import numpy as np

from utils.crosscheck import crosscheck
from utils.crosscheck.finding import close
from utils.crosscheck.trees import aligned, fresh, is_floating, leaves, map_leaves
from utils.exercises.cards import Outcome
from utils.exercises.reading import Trouble, Unwritten, has_dots, kind_of, needs_function, run
from utils.exercises.wording import be, codes, join, sentence

MUCH = 10**6  # elements that no right answer has
MANY = 8  # axes too many to try all sets of them


@dataclass(frozen=True)
class Gradient:
    """Expects an operation, f(*inputs, **options) -> value, pullback.

    theirs: the same on tensors, a function (utils.exercises.lazy has torch and F that are imported
    late); inputs: a tuple of arrays, or a list of such tuples; names: of the inputs, those of theirs
    where omitted; options: keyword arguments for both; explain: {crosscheck's kind of diagnosis: what
    to add in this exercise}; traps: {a likely wrong operation: the sentence it deserves}.
    """

    theirs: object
    inputs: object
    names: tuple = ()
    options: dict = field(default_factory=dict)
    explain: dict = field(default_factory=dict)
    traps: dict = field(default_factory=dict)

    parts = ()

    def trap_answers(self):
        return list(self.traps)

    @property
    def cases(self):
        return self.inputs if isinstance(self.inputs, list) else [self.inputs]

    @property
    def input_names(self):
        return tuple(self.names or inspect.signature(self.theirs).parameters)[: len(self.cases[0])]

    def examine(self, answer):
        needs_function(answer, self.input_names, self.options)
        for position, inputs in enumerate(self.cases):
            outcome = self.examine_case(answer, inputs)
            if outcome.status != "right":
                lead = f"For inputs of other shapes, {shapes(self.input_names, inputs)}: " if position else ""
                return Outcome(outcome.status, lead + outcome.message)
        return Outcome("right", "The value and the gradient agree with PyTorch and with finite differences.")

    def examine_case(self, answer, inputs):
        try:
            survey = Survey(answer, inputs, self.input_names, self.options)
        except PullbackFails as trouble:
            return self.value_first(answer, inputs, trouble)
        with contextlib.redirect_stdout(io.StringIO()):  # the survey has shown what the reader prints
            report = self.report(survey, inputs)
        rows = [row for row in report.rows if row.name not in survey.missing_rows]
        wrong = first_cause([row for row in rows if not row.ok])
        if wrong is not None:
            told = (None if wrote(wrong) else self.caught(survey, inputs)) or self.words(wrong, rows)
            return Outcome("wrong", f"{told} {sentence(survey.waiting)}".strip())
        if survey.missing:
            done = [name_of(row.name) for row in rows]
            return Outcome("todo", sentence(f"{join(done)} {be(done)} right; {survey.waiting}"))
        return Outcome("right")

    def value_first(self, answer, inputs, trouble):
        """The words for a pullback that fails because the value, which came before it, has another shape."""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                report = self.compare(answer, inputs)
        except Exception:  # the pullback was reached, so the value is not to blame
            raise trouble from None
        wrong = next((row for row in report.rows if not row.ok and row.name.startswith("output")), None)
        if wrong is None:
            raise trouble
        return Outcome("wrong", self.words(wrong, report.rows))

    def compare(self, function, inputs):
        options = {"names": self.input_names, "raises": False, **self.options}
        return crosscheck(function, self.theirs, *inputs, **options)

    def report(self, survey, inputs):
        try:
            return self.compare(survey.filled, inputs)
        except Exception as error:
            text = f"{type(error).__name__}: {error}".splitlines()[0][:160]
            raise Trouble(f"what comes back cannot be compared ({text})") from error

    def words(self, wrong, rows):
        """The wrong row as a sentence, with what the exercise adds to its diagnosis."""
        kind = wrong.diagnosis.kind if wrong.diagnosis else ""
        extra = "" if wrote(wrong) else sentence(self.explain.get(kind, ""))
        if wrong.name == "ours":
            return f"{sentence(f'your function: {wrong.verdict}')} {extra}".strip()
        value_right = all(row.ok for row in rows if row.name.startswith("output"))
        lead = "The value is right. " if value_right and wrong.name.startswith("gradient of") else ""
        return f"{lead}{sentence(f'{name_of(wrong.name)} {wrong.verdict}')} {extra}".strip()

    def caught(self, survey, inputs):
        """The words for the trap that gives the same value and gradient as the answer, or None."""
        for trap, words in self.traps.items():
            theirs = Survey(trap, inputs, self.input_names, self.options)
            pairs = list(zip(survey.numbers, theirs.numbers))
            if len(survey.numbers) == len(theirs.numbers) and all(same(a, b) for a, b in pairs):
                return sentence(words)
        return None


WRITTEN = {"input changed", "upstream changed"}


def wrote(row):
    """True for a row that says what was written into."""
    return row.diagnosis is not None and row.diagnosis.kind in WRITTEN


def first_cause(wrong):
    """The row to speak of: what was written into explains whatever else is wrong; None where nothing is."""
    return next(filter(wrote, wrong), next(iter(wrong), None))


def same(a, b):
    return close(a, b) if is_floating(a) and is_floating(b) else type(a) is type(b)


def shapes(names, inputs):
    return ", ".join(f"`{n} {np.shape(a)}`" for n, a in zip(names, inputs) if isinstance(a, np.ndarray))


def name_of(row):
    """The name of a row of crosscheck's report, in the middle of a sentence."""
    if row == "output":
        return "the value"
    if row.startswith("gradient from above"):
        return f"the {row}"
    if row.startswith("gradient of "):
        return f"the gradient of `{row.removeprefix('gradient of ')}`"
    return f"`{row}`"


class PullbackFails(Trouble):
    """The value is there, and the pullback stops with an error."""


class Survey:
    """One call of the reader's operation: what it gives, and which gradients are still `...`.

    missing: names of the inputs whose gradient is not written; waiting: that, in words; filled: the
    operation with None for those gradients, fit for crosscheck; numbers: all it gives, as a list.
    Unwritten when not even the value is there; Trouble when it stops or is no operation at all.
    """

    def __init__(self, function, inputs, names, options):
        self.function, self.names = function, names
        self.value, self.pullback = self.call(inputs, options)
        self.gradient = self.call_pullback()
        found = [
            g for tree, slot in zip(inputs, self.slots(self.gradient)) for g in aligned(tree, slot, None)
        ]
        named = [pair for name, tree in zip(names, inputs) for pair in leaves(tree, name)]
        self.missing = [name.removeprefix("params.") for (name, _), g in zip(named, found) if has_dots(g)]
        self.missing_rows = {f"gradient of {name}" for name in self.missing}
        what = f"the gradient of {codes(self.missing)}" if len(self.missing) < len(named) else "the gradient"
        self.waiting = f"{what} is not written yet" if self.missing else ""
        for (name, leaf), array in zip(named, found):
            refuse_giants(f"the gradient of `{name}`", leaf, array)
        self.numbers = [leaf for _, leaf in leaves(self.value, "")] + found

    def call(self, inputs, options):
        returned = run(self.function, *fresh(inputs), **fresh(options))
        pair = isinstance(returned, tuple) and len(returned) == 2
        if has_dots(returned[0] if pair else returned):
            raise Unwritten
        if not pair:
            raise Trouble(
                f"your function returns {kind_of(returned)}; it must return two things, "
                "its value and its pullback (a function)"
            )
        value, pullback = returned
        if pullback is not Ellipsis and not callable(pullback):
            raise Trouble(
                f"the second thing that your function returns is {kind_of(pullback)}; "
                "expected the pullback, a function (its name without parentheses)"
            )
        refuse_giants("the value", None, value)
        refuse_foreign("the value", value)
        return value, pullback

    def call_pullback(self):
        """What the pullback returns for a random upstream gradient; Ellipsis where it is not written."""
        rng = np.random.default_rng(1)
        upstream = map_leaves(
            lambda v: rng.standard_normal(np.shape(v)) if is_floating(v) else None, self.value
        )
        try:
            returned = ... if self.pullback is Ellipsis else run(self.pullback, upstream)
        except Unwritten:
            return ...
        except Trouble as trouble:
            raise PullbackFails(f"the value is there, but the pullback fails: {trouble}") from None
        if returned is None:
            raise Trouble("the pullback returns None; is a `return` missing?")
        refuse_foreign("what the pullback returns", returned)
        return returned

    def slots(self, gradient):
        """A gradient as one slot an input; Nones where it has another number of slots."""
        n = len(self.names)
        if gradient is Ellipsis:
            return (...,) * n
        if n == 1:
            return (gradient,)
        return gradient if isinstance(gradient, tuple) and len(gradient) == n else (None,) * n

    def filled(self, *inputs, **options):
        value, pullback = self.function(*inputs, **options)
        if not self.missing:
            return value, pullback

        def without_dots(dy):
            gradient = ... if self.gradient is Ellipsis else pullback(dy)
            slots = map_leaves(lambda g: None if has_dots(g) else g, self.slots(gradient))
            return slots[0] if len(self.names) == 1 else slots

        return value, without_dots


def refuse_foreign(title, tree):
    """Trouble for tensors and complex numbers anywhere, and where nothing is a floating number or None."""
    found = [leaf for _, leaf in leaves(tree, "")]
    for leaf in found:
        words = kind_of(leaf)
        if words.startswith("a torch"):
            raise Trouble(f"{title} is {words}; compute with NumPy, as the inputs are NumPy arrays")
        if "complex number" in words:
            raise Trouble(f"{title} is {words}; expected real numbers")
    if title == "the value" and not any(is_floating(leaf) for leaf in found):
        raise Trouble(f"{title} is {kind_of(tree)}{integers(tree)}; expected floating numbers")


def integers(tree):
    return " of integers" if isinstance(tree, np.ndarray) and tree.dtype.kind in "iub" else ""


def refuse_giants(title, like, array):
    """Trouble for an array so large, or with so many axes, that comparing it would take minutes."""
    if isinstance(array, np.ndarray) and (array.size > MUCH or array.ndim > np.ndim(like) + MANY):
        expected = "" if like is None else f"; expected {np.shape(like)}"
        raise Trouble(f"{title} has shape {array.shape}{expected}")
