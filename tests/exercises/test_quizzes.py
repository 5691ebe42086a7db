"""Quizzes: declared, judged from Python, shown where no widget runs."""

import base64
import json
import re
from html import unescape

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


# ---- a picture behind the card


def answered(k):
    return dict(y=[0.25 * k, 0.1], readout=f"the truth is {0.25 * k:.2f}")


@pytest.fixture
def gated():
    from utils.explorable import Bars, Explorable

    marks = [Bars("y", names=("it shrinks", "other"))]
    return quiz(
        "99.1", then=Explorable(answered, title="who wins", alt="It shrinks wins", marks=marks, k=[1, 2])
    )


def test_text_and_cover_tell_question_and_options_and_nothing_else(gated):
    data, _ = gated._repr_mimebundle_()
    assert (
        data["text/plain"]
        == repr(gated)
        == (
            "Quiz 99.1. Choose, then read why.\n  a  it grows\n  b  it shrinks\n  c  neither\n"
            'Answer here, or with quiz("99.1", "a").\n<who wins | covered until the guess is made>'
        )
    )
    assert "image/png" not in data, "a viewer would show it beside the question"
    visible = re.sub("<details.*?</details>", "", data["text/html"])
    assert (
        "it grows" in visible and "who wins" not in visible and "truth" not in visible and WHY not in visible
    )


def test_where_no_widget_runs_the_picture_is_folded_away_and_fits(gated):
    html = gated._repr_mimebundle_()[0]["text/html"]
    folds = re.findall("<details.*?</details>", html)
    assert [re.search("<summary>(.*?)</summary>", fold)[1] for fold in folds] == [
        "The picture, once you have guessed",
        "The answer",
    ]
    [image] = re.findall('<img [^>]*src="data:image/png;base64,([^"]+)"', folds[0])
    png = base64.b64decode(image)
    assert png == gated.picture.poster() and png[:4] == b"\x89PNG" and len(png) <= 40_000
    alt = unescape(re.search('alt="([^"]*)"', folds[0])[1])
    assert alt.startswith("who wins: ") and "shrinks" not in alt and "0.25" not in alt
    assert "the truth is 0.25" in folds[0], "for those who cannot see it, or where no picture is let through"


def test_a_page_made_by_nbconvert_has_it_too(gated):
    from nbconvert import HTMLExporter
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    from utils.notebooks.run import strip

    data = gated._repr_mimebundle_()[0]
    output = new_output("execute_result", data, execution_count=1)
    notebook = new_notebook(cells=[new_code_cell("quiz()", execution_count=1, outputs=[output])])
    strip(notebook)
    assert set(notebook.cells[0].outputs[0].data) == {"text/plain", "text/html"}
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook)
    assert "The picture, once you have guessed" in page and "data:image/png;base64" in page


def test_a_picture_that_cannot_be_drawn_covers_its_error_too():
    from utils.explorable import Bars, Explorable

    def late(k):
        if late.ready:
            raise ValueError("not yet")
        return dict(y=[1.0], readout="x")

    late.ready = False
    picture = Explorable(late, title="late", marks=[Bars("y")], k=[1])
    late.ready = True
    text, html = quiz("99.1", then=picture).fallback()
    assert "not yet" not in text and "not yet" in re.findall("<details.*?</details>", html)[0]


def test_what_an_offline_page_needs_is_only_there_when_asked_for(gated, monkeypatch):
    from utils.widgets import OFFLINE, OFFLINE_WANTED

    assert OFFLINE not in gated._repr_mimebundle_()[0]
    monkeypatch.setenv(OFFLINE_WANTED, "1")
    state = gated._repr_mimebundle_()[0][OFFLINE]
    assert state["kind"] == "quiz" and sorted(state["picture"]["frames"]) == ["0", "1"]
    json.dumps(state)
