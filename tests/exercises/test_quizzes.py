"""Quizzes: declared, judged from Python, shown where no widget runs."""

import pytest

from utils.exercises import Quiz, progress, quiz

pytestmark = pytest.mark.usefixtures("invented")
WHY = "Each layer multiplies by at most one quarter."


def test_a_right_choice_is_explained():
    verdict = quiz("99.1", "b")
    assert verdict.status == "right"
    assert repr(verdict) == f"Quiz 99.1: right.\n{WHY}"


def test_a_wrong_choice_is_told_the_answer_and_why():
    verdict = quiz("99.1", "a")
    assert repr(verdict) == (
        "Quiz 99.1: it comes out differently.\n"
        f"That needs slopes above one. The answer is b: it shrinks.\n{WHY}"
    )
    assert quiz("99.1", "c").message == "Each slope is below one. The answer is b: it shrinks."


@pytest.mark.parametrize("answer, status", [("B", "right"), (" it shrinks ", "right"), ("It grows", "wrong")])
def test_choices_by_key_or_text(answer, status):
    assert quiz("99.1", answer).status == status


@pytest.mark.parametrize("answer, status", [(0.25, "right"), (0.259, "right"), (0.5, "wrong"), (7, "wrong"), ("0.25", "right"),
                                            (-1e300, "wrong"), (float("inf"), "wrong")])  # fmt: skip
def test_numbers(answer, status):
    verdict = quiz("99.2", answer)
    assert verdict.status == status and "The slope in the middle." in repr(verdict)


def test_a_likely_wrong_number_is_told_why():
    assert quiz("99.2", 0.5).message == "That is the value there. The answer is 0.25."


@pytest.mark.parametrize("number, answer", [("99.1", "z"), ("99.1", 3), ("99.1", ["b"]), ("99.2", "many"), ("99.2", [1, 2]), ("99.2", float("nan")), ("99.2", object)])  # fmt: skip
def test_what_is_no_answer_is_not_counted(number, answer):
    verdict = quiz(number, answer)
    assert verdict.status == "todo" and "not answered yet" in repr(verdict)
    assert progress.read()["quizzes"] == {}


def test_a_number_that_does_not_exist():
    with pytest.raises(ValueError, match=r"none of 99\.1, 99\.2"):
        quiz("99.7")


@pytest.mark.parametrize(
    "given, words",
    [
        (dict(options=["a", "b"], right="d", why="w"), "among a, b"),
        (dict(options=["a", "b"], right="a", why="w", traps={"e": "?"}), "among a, b"),
        (dict(options=["a", "b"], right="a"), "why is missing"),
        (dict(why="w"), "either options or value"),
        (dict(options=["a"], right="a", value=3, why="w"), "either options or value"),
    ],
)
def test_a_quiz_that_cannot_be_answered_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        Quiz("01.1", **given)


def test_options_with_keys_of_their_own():
    asked = Quiz("01.1", {"10": "ten layers", "2": "two layers"}, right="2", why="w")
    assert asked.reply("2")["status"] == "right" and asked.reply("ten layers")["status"] == "wrong"


# ---- the card


def test_the_card_lists_the_options_where_no_widget_runs():
    card = quiz("99.1")
    data, _ = card._repr_mimebundle_()
    assert (
        data["text/plain"]
        == repr(card)
        == (
            "Quiz 99.1. Choose, then read why.\n  a  it grows\n  b  it shrinks\n  c  neither\n"
            'Answer here, or with quiz("99.1", "a").'
        )
    )
    assert "application/vnd.jupyter.widget-view+json" in data
    html = data["text/html"]
    assert "it shrinks" in html and html.index("<details") < html.index(WHY) < html.index("</details>")
    assert "<code>neither</code>" in html


def test_two_cards_look_the_same():
    bundles = [quiz("99.2")._repr_mimebundle_()[0] for _ in range(2)]
    assert bundles[0]["text/html"] == bundles[1]["text/html"] and "0x" not in bundles[0]["text/plain"]


def test_an_answer_in_the_browser_is_remembered():
    quiz("99.1").set_trait("given", "b")
    quiz("99.2").set_trait("given", "0.4")
    quiz("99.1").set_trait("given", "a")
    assert progress.read()["quizzes"] == {"99.1": True, "99.2": False}


def test_the_browser_gets_what_python_says():
    """Every reply in the list that travels is the one that Python gives."""
    spec = quiz("99.1").spec
    assert {reply["key"]: reply["status"] for reply in spec["replies"]} == {
        "b": "right",
        "a": "wrong",
        "c": "wrong",
    }
    for reply in spec["replies"]:
        assert quiz("99.1", reply["key"]).message == reply["message"]
    assert spec["why"] == WHY
