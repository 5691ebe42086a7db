"""Checkers: small declarations of what a right answer is, and what to say to a wrong one.

Each has `examine(answer) -> Outcome`, which may raise Unwritten or Trouble; `names`, those of the parts
of an answer, empty for a single one; and `trap_answers()`, wrong answers that it has words for.
"""

from utils.exercises.checkers.choices import Choice, Ordering, Subset
from utils.exercises.checkers.functions import Function
from utils.exercises.checkers.gradients import Gradient
from utils.exercises.checkers.values import Values

__all__ = ["Choice", "Function", "Gradient", "Ordering", "Subset", "Values"]
