"""Exercises that answer: check, hint, solution, quiz; the gradient detective; a record of what is done.

A chapter's module, utils/chapters/<name>/exercises.py, lists EXERCISES and QUIZZES; it is imported when one of
its numbers is asked for.
"""

from utils.exercises import checkers, detective
from utils.exercises.asking import quiz
from utils.exercises.cards import Verdict
from utils.exercises.checkers import Choice, Function, Gradient, Ordering, Subset, Values
from utils.exercises.engine import Edit, Exercise, check, hint, solution
from utils.exercises.quizzes import Quiz
from utils.exercises.record import progress

__all__ = [
    "Choice", "Edit", "Exercise", "Function", "Gradient", "Ordering", "Quiz", "Subset", "Values", "Verdict",
    "check", "checkers", "detective", "hint", "progress", "quiz", "solution",
]  # fmt: skip
