"""Answers that are ordinary functions: the same as a reference on several inputs."""

import contextlib
import inspect
import io
from dataclasses import dataclass, field

import numpy as np

from utils.crosscheck.trees import fresh
from utils.exercises.cards import Outcome
from utils.exercises.checkers.values import compare
from utils.exercises.reading import Trouble, Unwritten, has_dots, kind_of, needs_function, run, short
from utils.exercises.wording import sentence


@dataclass(frozen=True)
class Function:
    """Expects a function that returns what `reference` returns, for every input.

    cases: tuples of arguments, or single arguments, small ones first: the first that differs is
    shown.  rtol, atol: as for Values.  traps: {a likely wrong function: the sentence it deserves}.
    """

    reference: object
    cases: list
    rtol: float = 1e-6
    atol: float = 1e-9
    traps: dict = field(default_factory=dict)

    parts = ()

    def trap_answers(self):
        return list(self.traps)

    @property
    def inputs(self):
        return list(inspect.signature(self.reference).parameters)

    def tuples(self):
        return [case if isinstance(case, tuple) else (case,) for case in self.cases]

    def examine(self, answer):
        needs_function(answer, self.inputs[: len(self.tuples()[0])])
        for position, inputs in enumerate(self.tuples()):
            # what the reader prints is shown once, for the first input
            silence = contextlib.redirect_stdout(io.StringIO()) if position else contextlib.nullcontext()
            with silence:
                remark = self.remark(answer, inputs)
            if remark:
                return Outcome("wrong", sentence(self.caught(answer) or remark))
        return Outcome("right")

    def remark(self, answer, inputs):
        """None, or what is wrong for these inputs; Unwritten where `...` comes out."""
        given = fresh(inputs)
        shown = ", ".join(f"`{name} = {short(value)}`" for name, value in zip(self.inputs, inputs))
        try:
            ours = run(answer, *given)
        except Trouble as trouble:
            return f"for {shown} {trouble}"
        if has_dots(ours):
            raise Unwritten
        if any(differ(before, after) for before, after in zip(inputs, given)):
            return f"for {shown} it changes its input; work on a copy"
        theirs = self.reference(*fresh(inputs))
        remark = difference(ours, theirs, self.rtol, self.atol)
        return remark and f"for {shown} {remark}"

    def caught(self, answer):
        """The words for the trap that the answer agrees with everywhere, or None."""
        with contextlib.redirect_stdout(io.StringIO()):
            for trap, words in self.traps.items():
                if all(self.agree(answer, trap, inputs) for inputs in self.tuples()):
                    return words
        return None

    def agree(self, answer, trap, inputs):
        try:
            return difference(run(answer, *fresh(inputs)), trap(*fresh(inputs)), self.rtol, self.atol) is None
        except (Trouble, Unwritten):
            return False


def differ(before, after):
    """True for inputs that are not the same any more."""
    try:
        return not bool(np.array_equal(before, after, equal_nan=True))
    except TypeError:  # not numbers
        return before != after


def difference(ours, theirs, rtol, atol):
    """None, or how what came back differs from what was expected; small values are shown."""
    if ours is None and theirs is not None:
        return "it returns None; is a `return` missing?"
    if is_numeric(theirs):
        try:
            remark = compare(ours, theirs, rtol, atol)
        except Trouble as trouble:
            return f"what comes back does not fit: {trouble}"
        if remark is None:
            return None
        if np.size(theirs) <= 6 and np.shape(ours) == np.shape(theirs):
            return f"it returns {short(ours)}; expected {short(theirs)}"
        return f"what comes back is wrong: {remark}"
    if isinstance(theirs, (tuple, list)):
        if not isinstance(ours, (tuple, list)):
            return f"it returns {kind_of(ours)}; expected {kind_of(theirs)} of length {len(theirs)}"
        if len(ours) != len(theirs):
            return f"it returns {len(ours)} things; expected {len(theirs)}"
        remarks = [difference(a, b, rtol, atol) for a, b in zip(ours, theirs)]
        count = len(theirs)
        return next(
            (f"result {i + 1} of {count}: {remark}" for i, remark in enumerate(remarks) if remark), None
        )
    if isinstance(theirs, dict) and isinstance(ours, dict) and set(map(str, ours)) == set(map(str, theirs)):
        remarks = [(key, difference(ours.get(key), theirs[key], rtol, atol)) for key in theirs]
        return next((f"under {key!r}, {remark}" for key, remark in remarks if remark), None)
    same = type(ours) is type(theirs) and ours == theirs
    return None if same else f"it returns {short(ours)}; expected {short(theirs)}"


def is_numeric(value):
    """Numbers, arrays, and lists that are arrays: what `compare` is for."""
    if isinstance(value, (str, bytes, dict, set)) or value is None:
        return False
    if isinstance(value, tuple) and any(np.ndim(part) for part in value if not isinstance(part, str)):
        return False
    try:
        return np.asarray(value).dtype.kind in "iufb"
    except ValueError:
        return False
