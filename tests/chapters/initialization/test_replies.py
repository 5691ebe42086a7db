"""What chapter 03 says to answers: the cause of a slip, and never a sentence of the engine that is nearly the answer."""

from fractions import Fraction
from itertools import product

import pytest

from utils.chapters.initialization.exercises.built import scaled
from utils.exercises import registry
from utils.exercises.engine import examine

EXERCISES, QUIZZES = registry.exercises("03"), registry.quizzes("03")


def says(number, answer):
    return examine(EXERCISES[number].checker, answer)


@pytest.mark.parametrize("powers", [p for p in product((-1, -0.5, 0, 0.5), repeat=3) if p != (-0.5,) * 3])
def test_no_reply_names_the_missing_factor(powers):
    """03.9: crosscheck would say which one it is."""
    outcome = says("03.9", scaled(*powers))
    assert outcome.status == "wrong"
    assert not any(
        word in outcome.message for word in ("root of", "PyTorch", "mean against sum", "0.577", "1.73")
    )
    assert any(word in outcome.message.lower() for word in ("constant", "the slope of c u", "divided by"))


def test_other_mistakes_keep_the_diagnosis():
    flipped = lambda x, W: (
        scaled(-0.5, 0, 0)(x, W)[0],
        lambda dy: tuple(-g for g in scaled(0, -0.5, -0.5)(x, W)[1](dy)),
    )
    assert "sign" in says("03.9", flipped).message


@pytest.mark.parametrize("answer", [["acef"], "acef ", "a, c, e, f", {"a", "c", "e", "f"}])
def test_the_twins_however_they_are_written(answer):
    assert says("03.8", answer).status == "right"


def test_part_of_the_twins_is_told_the_question_not_the_number():
    told = {says("03.8", part).message for part in ("a", "ac", "cef", ["a", "f"])}
    assert len(told) == 1 and "three things must be equal" in told.pop()


def test_a_fraction_is_an_answer():
    assert says("03.10", Fraction(1, 32)).status == "right"


@pytest.mark.parametrize(
    "given, words", [(0.7, "limit"), (0.0404, "one weight"), (0.163, "mean square"), (7.0, "partly cancel")]
)
def test_the_likeliest_slips_of_a_prediction_are_named(given, words):
    assert words in QUIZZES["03.b"].reply(given)["message"]
