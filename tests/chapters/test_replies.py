"""What wrong answers to the exercises of chapters 02 to 04 are told: enough of them, the cause, and not the answer."""

import re

import numpy as np
import pytest

from tests.chapters.exercise_rules import wrong_answers
from utils.exercises import registry
from utils.exercises.checkers import Choice, Ordering, Subset, Values
from utils.exercises.engine import examine

EXERCISES = {
    number: exercise
    for chapter in ("02", "03", "04")
    for number, exercise in registry.exercises(chapter).items()
}
ENOUGH = 6  # a choice or an order has as many wrong answers as it has options
GIVES_AWAY = re.compile(
    r"\b(twice|half|halve|double)\b|\bthe right (number|one) is\b|\bdivide (it|them|the \w+) by \d", re.I
)
ENGINES_OWN = re.compile(r"right number|wrong sign|is too (large|small)|is not it\b")
DIGITS = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:/\d+)?")


def sentences(thing):
    """All sentences of a checker's nested dicts."""
    return [thing] if isinstance(thing, str) else [s for part in thing.values() for s in sentences(part)]


def holds_number(sentence, truth):
    """True where a single number is written out in a sentence; 0 and 1 are in everybody's mouth."""
    if np.ndim(truth) or truth in (0, 1):
        return False
    found = [n.partition("/")[::2] for n in DIGITS.findall(sentence)]
    return any(np.isclose(float(a) / float(b or 1), truth, rtol=2e-3, atol=0) for a, b in found)


def gives_away(checker):
    """The sentences of a checker that tell the answer."""
    said = [s for field in ("traps", "explain") for s in sentences(getattr(checker, field, {}))]
    told = [s for s in said if GIVES_AWAY.search(s)]
    if isinstance(checker, Values):
        for name, truth in checker.truth().items():
            traps = checker.traps.get(name, {}) if name else checker.traps
            told += [s for s in sentences(traps) if holds_number(s, truth)]
    return told


@pytest.mark.parametrize("number", EXERCISES)
def test_replies_do_not_tell_the_answer(number):
    assert gives_away(EXERCISES[number].checker) == []


@pytest.mark.parametrize("number", EXERCISES)
def test_enough_wrong_answers_are_foreseen(number):
    exercise = EXERCISES[number]
    if not isinstance(exercise.checker, (Choice, Ordering, Subset)):
        assert len(exercise.checker.trap_answers()) + len(exercise.wrong) >= ENOUGH


@pytest.mark.parametrize(
    "number", [n for n, exercise in EXERCISES.items() if isinstance(exercise.checker, Values)]
)
def test_each_foreseen_number_is_told_its_own_cause(number):
    exercise = EXERCISES[number]
    said = {what: examine(exercise.checker, answer).message for what, answer, _ in wrong_answers(exercise)}
    assert {what: words for what, words in said.items() if ENGINES_OWN.search(words)} == {}


def test_a_reply_that_tells_is_found():
    tells = {3.0: "That is half of it", 5.0: "It is 6", 7.0: "Is the factor from step 2 in it?"}
    tells |= {8.0: "The right number is near", 9.0: "Divide the sums by 4"}
    assert gives_away(Values(6.0, traps=tells)) == [tells[3.0], tells[8.0], tells[9.0], tells[5.0]]
    named = Values(
        {"a": 6.0, "b": 2.0}, traps={"a": {1.0: "There are 2"}, "b": {1.0: "There are 2", 3.0: "4/2"}}
    )
    assert gives_away(named) == ["There are 2", "4/2"]
