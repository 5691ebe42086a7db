"""Exercises: what one is, and the three things a reader asks for: check, hint, solution."""

import contextlib
import inspect
import textwrap
import warnings
from dataclasses import dataclass, field

import numpy as np

from utils.exercises import registry
from utils.exercises.cards import Card, Outcome, Verdict
from utils.exercises.reading import Trouble, Unwritten, kind_of
from utils.exercises.record import progress
from utils.exercises.wording import count, sentence

_hints_given = {}  # number -> how many, in this session


@dataclass(frozen=True)
class Edit:
    """A typical mistake: the solution with `old` replaced by `new`.

    says: words that the message about it must hold.
    """

    old: str
    new: str
    says: str = ""


@dataclass(frozen=True)
class Exercise:
    """One exercise of a chapter.

    number: "01.3"; title: a few words; checker: see utils.exercises.checkers; hints: from a nudge to
    nearly the answer; solution: code that one may paste, as text or as the function itself; wrong:
    typical wrong answers, or Edits of the solution, which the tests give to the checker (its traps are
    added); after: what is worth saying when it is done.
    """

    number: str
    title: str
    checker: object
    hints: tuple = ()
    solution: object = ""
    wrong: tuple = field(default=(), compare=False)
    after: str = ""

    @property
    def source(self):
        """The solution as text."""
        text = inspect.getsource(self.solution) if callable(self.solution) else self.solution
        return textwrap.dedent(text).strip()


def check(number, answer=..., **parts):
    """Say whether an answer is right: not written yet, not yet and why, or right.  Never raises for an answer.

    number: of the exercise, "01.3"; answer: whatever the exercise asks for; parts: several values by
    name, where it asks for several.  Returns a Verdict.  ValueError for a number that does not exist.
    """
    exercise = registry.find(number, "EXERCISES")
    outcome = examine(exercise.checker, parts or answer)
    if outcome.status == "right":
        progress.solve(exercise.number)
    given, there = _hints_given.get(exercise.number, 0), len(exercise.hints)
    return Verdict(
        exercise.number,
        outcome.status,
        outcome.message or ("Replace each `...` and run the cell again." if outcome.status == "todo" else ""),
        hint_level=given,
        title=f"{exercise.number} {exercise.title}",
        after=exercise.after if outcome.status == "right" else "",
        next_step=next_step(exercise, there - given) if outcome.status == "wrong" else "",
        notes=progress.take_notes(),
    )


def next_step(exercise, left):
    if left > 0:
        return f'`hint("{exercise.number}")` gives a hint ({left} left).'
    return f'`solution("{exercise.number}")` shows one way.' if exercise.solution else ""


def examine(checker, answer):
    """The Outcome for any answer whatever; nothing is raised."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return checker.examine(answer)
        except Unwritten as missing:
            return Outcome("todo", sentence(str(missing)))
        except Trouble as trouble:
            return Outcome("wrong", sentence(str(trouble)))
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            # an answer may raise wherever it is touched: when it is compared, copied or measured
            with contextlib.suppress(Exception):
                return Outcome(
                    "wrong", f"This is {kind_of(answer)}, which cannot be judged ({type(error).__name__})."
                )
            return Outcome("wrong", "This answer cannot be judged.")


def hint(number):
    """The next hint for an exercise; the last one stays.  ValueError for a number that does not exist."""
    exercise = registry.find(number, "EXERCISES")
    there = len(exercise.hints)
    if not there:
        return Card(f"{exercise.number} {exercise.title}: there is no hint.", (next_step(exercise, 0),))
    level = min(_hints_given.get(exercise.number, 0) + 1, there)
    _hints_given[exercise.number] = level
    more = (
        f"{count(there - level, 'hint')} left."
        if level < there
        else f"That was the last. {next_step(exercise, 0)}"
    )
    head = f"{exercise.number} {exercise.title}: hint {level} of {there}."
    return Card(head, (sentence(exercise.hints[level - 1]), more.strip()))


@dataclass(frozen=True, repr=False)
class Solution(Card):
    """The card of a solution; print(solution("01.3").source) shows the code as text."""

    source: str = ""


def solution(number):
    """The solution of an exercise, folded away.  ValueError for a number that does not exist."""
    exercise = registry.find(number, "EXERCISES")
    left = len(exercise.hints) - _hints_given.get(exercise.number, 0)
    advice = next_step(exercise, left) + " One's own try first is worth more." if left > 0 else ""
    return Solution(
        f"{exercise.number} {exercise.title}: one solution, folded away.",
        (advice,),
        folded=("Unfold it", exercise.source),
        unfold=f'print(solution("{exercise.number}").source) shows it.',
        source=exercise.source,
    )


def forget_hints():
    """Start a session anew: no hint has been given."""
    _hints_given.clear()
