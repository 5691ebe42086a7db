"""A guess stays in the picture: covered until it is made, drawn beside the truth, on a page that has no kernel."""

import importlib
import re

import numpy as np
import pytest

from tests.exercises import invention
from utils.exercises import engine, progress, quiz
from utils.explorable import Bars, Curve, Explorable, Points
from utils.explorable.offline import living, module_for
from utils.explorable.tour.answering import answer_quiz
from utils.explorable.tour.visits import Visit


@pytest.fixture(autouse=True)
def chapter(monkeypatch):
    monkeypatch.setenv("GRADIENTS_PROGRESS", "off")
    progress.forget()
    engine.forget_hints()
    invention.add(monkeypatch)
    return importlib.import_module("utils.chapters.invented.exercises")


def slopes(k):
    x = np.linspace(-3, 3, 31)
    y = k / (4 * np.cosh(x / 2) ** 2)
    return dict(x=x, y=np.stack([y, -y]), peak=[[0.0, k / 4]], h=[k / 4, 0.1], readout=f"at most {k / 4:.2f}")


def drawn(**options):
    curve = Curve("y", x="x", names=("it grows", "it shrinks"), guess="y", also=(Points("peak"),), **options)
    bars = Bars("h", names=("It shrinks", "other"), guess="y")
    return Explorable(slopes, title="slope of the sigmoid", marks=[curve, bars], k=[1, 2, 4])


def setup(fig):
    axes = fig.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    return dict(line=axes.plot([0, 1], [0, 1])[0])


def update(artists, k):
    artists["line"].set_ydata([0, k / 4])
    return f"ends at {k / 4:.2f}"


def painted():
    where = {"axes": 0, "along": "y"}
    return Explorable(setup, update, title="a line", k=[1, 2, 4], guess=where)


@pytest.fixture
def opened(new_page, tmp_path):
    """opened(quiz card) -> a page of its own with the card, from a file."""

    def make(card, **options):
        state = card.offline_state()
        path = tmp_path / "page.html"
        looks = (
            "<style>:root { color-scheme: light dark } body { background: light-dark(#fff, #111) }</style>"
        )
        text = living(card.fallback()[1], state) + module_for([state])
        path.write_text(f"<!doctype html><meta charset=utf-8>{looks}<body>{text}", encoding="utf-8")
        page = new_page(**options)
        page.goto(path.as_uri())
        page.get_by_role("button", name="Answer").wait_for()
        return page

    return make


def answer(page, words):
    page.get_by_role("textbox").fill(words)
    page.get_by_role("button", name="Answer").click()
    page.locator(".explorable-readout").wait_for()


def test_until_the_guess_nothing_of_the_picture_is_there(opened):
    page = opened(quiz("99.2", then=drawn()))
    assert page.locator(".explorable, img, svg").count() == 0
    assert "at most" not in page.inner_text("body")
    page.get_by_role("button", name="Show it without a guess").click()
    page.get_by_text("at most 0.25").wait_for()
    assert page.locator(".marks-guess line").count() == 0 and page.errors == []


def height(page, selector):
    box = page.locator(selector).first.bounding_box()
    return box["y"] + box["height"] / 2


def test_a_number_is_a_line_where_the_axis_has_it(opened):
    page = opened(quiz("99.2", then=drawn(ylim=(-1, 1))))
    answer(page, "0,25")
    assert page.locator(".explorable-guess").inner_text() == "Your guess: 0.25"
    assert page.locator(".marks-guess line").count() == 2
    assert page.locator(".marks-guess text").first.text_content() == "your guess"
    # the peak, 0.25, lies on the line
    assert abs(height(page, ".marks-guess line") - height(page, '[data-key="peak:0"]')) < 1
    answer(page, "0.5")
    assert page.locator(".explorable-guess").inner_text() == "Your guess: 0.5"
    assert height(page, '[data-key="peak:0"]') - height(page, ".marks-guess line") > 10
    page.get_by_label("k").press("End")  # the truth moves, the guess stays
    assert height(page, ".marks-guess line") - height(page, '[data-key="peak:0"]') > 20
    assert page.errors == []


def test_axes_that_follow_the_numbers_make_room_for_the_guess(opened):
    page = opened(quiz("99.2", then=drawn()))
    answer(page, "3")
    svg = page.locator(".marks-of-curve svg").first.bounding_box()
    assert svg["y"] + 5 < height(page, ".marks-guess line") < svg["y"] + 40


def test_a_guess_beyond_a_fixed_axis_stays_at_its_edge(opened):
    page = opened(quiz("99.2", then=drawn(ylim=(-1, 1))))
    answer(page, "7")
    svg = page.locator(".marks-of-curve svg").first.bounding_box()
    assert abs(height(page, ".marks-guess line") - svg["y"] - 10) < 2


def test_a_choice_is_marked_where_its_name_stands(opened):
    page = opened(quiz("99.1", then=drawn()))
    page.locator("input[value=b]").check()
    page.get_by_role("button", name="Answer").click()
    page.locator(".marks-guessed").first.wait_for()
    assert page.locator(".marks-guessed").all_text_contents() == ["it shrinks", "It shrinks"]
    assert page.locator(".explorable-guess").inner_text() == "Your guess: it shrinks"
    page.locator("input[value=a]").check()
    page.get_by_role("button", name="Answer").click()
    assert page.locator(".marks-guessed").all_text_contents() == ["it grows"]


def test_a_number_on_a_picture_of_matplotlib(opened):
    picture = painted()
    page = opened(quiz("99.2", then=picture))
    answer(page, "0.5")
    [left, top, right, bottom] = picture.scene.box(0)["box"]
    image = page.locator(".explorable img").bounding_box()
    expected = image["y"] + image["height"] * (bottom - 0.5 * (bottom - top))
    line = page.locator(".explorable-guess-line").bounding_box()
    assert abs(line["y"] - expected) < 2 and abs(line["x"] - image["x"] - left * image["width"]) < 2
    assert abs(line["width"] - (right - left) * image["width"]) < 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_seen_in_both_themes(opened, scheme, tmp_path):
    from tests.browser.test_marks import contrast

    page = opened(quiz("99.2", then=drawn()), color_scheme=scheme)
    answer(page, "0.5")
    colour = page.locator(".marks-guess line").first.evaluate("(e) => getComputedStyle(e).stroke")
    paper = page.locator("body").evaluate("(e) => getComputedStyle(e).backgroundColor")
    assert contrast(colour, paper) >= 4.5
    page.screenshot(path=tmp_path / "guess.png")


def sketched():
    marks = [Curve("y", x="x", guess="sketch", xlim=(-3, 3), ylim=(-1, 1))]
    return Explorable(slopes, title="slope of the sigmoid", marks=marks, k=[1, 2, 4])


def test_a_line_is_sketched_before_and_compared_after(opened, tmp_path):
    page = opened(quiz("99.1", then=sketched()))
    pad = page.locator(".marks-sketch")
    pad.wait_for()
    assert page.locator(".marks-line").count() == 0 and "at most" not in page.inner_text("body")
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 50, steps=2)
    page.mouse.move(box["x"] + 360, box["y"] + 150, steps=2)
    page.mouse.up()
    before = pad.locator(".marks-guess path").get_attribute("d")
    assert before.count("M") == 1 and before.count("L") >= 45, "no gap where the pointer was quick"
    page.get_by_role("button", name="Compare with the picture").click()
    page.get_by_text("at most 0.25").wait_for()
    assert page.locator(".marks-guess path").get_attribute("d") == before
    assert page.locator(".marks-line").count() == 2
    assert page.locator(".explorable-guess").inner_text() == "Your guess is sketched."
    page.get_by_role("slider").press("End")
    assert page.locator(".marks-guess path").get_attribute("d") == before, "it stays when the truth moves"
    page.screenshot(path=tmp_path / "sketch.png")
    assert page.errors == []


def test_a_line_is_sketched_with_keys(opened):
    page = opened(quiz("99.1", then=sketched()))
    pad = page.locator(".marks-sketch")
    pad.focus()
    for key in ("ArrowUp", "ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    points = re.findall(r"[ML]([\d.]+) ([\d.]+)", pad.locator("path").get_attribute("d"))
    assert len(points) == 5 and float(points[4][1]) < float(points[0][1])


@pytest.mark.parametrize("deaf", [False, True])
def test_the_tour_sketches_on_the_axes_of_a_cover(opened, deaf):
    page = opened(quiz("99.1", then=sketched()))
    pad = page.locator(".marks-sketch")
    pad.wait_for()
    if deaf:
        pad.evaluate(
            "(e) => e.addEventListener('keydown', (event) => event.stopImmediatePropagation(), true)"
        )
    visit = Visit("99")
    answer_quiz(page, page.query_selector(".card:has(> form)"), visit)
    told = [one.words for one in visit.complaints if one.hard]
    assert told == (["the empty axes take no sketch"] if deaf else [])


def test_the_tour_looks_at_a_cover(opened):
    page = opened(quiz("99.1", then=drawn()))
    page.add_style_tag(content=".card-cover span { font-size: 6px }")
    visit = Visit("99")
    answer_quiz(page, page.query_selector(".card:has(> form)"), visit)
    assert [(one.kind, one.state) for one in visit.complaints] == [("small", "covered")]


def test_a_guess_needs_an_axis_that_is_there():
    for wrong in ("y", {"axes": 0}, {"axes": 0, "along": "z"}, {"axes": 3, "along": "y"}):
        with pytest.raises(ValueError, match="guess: expected"):
            Explorable(setup, update, title="a line", k=[1], guess=wrong)
    with pytest.raises(ValueError, match="guess: expected '' or 'y' for Bars, got 'x'"):
        Bars("h", guess="x")
    with pytest.raises(ValueError, match="guess: a sketch needs axes with xlim and ylim"):
        Curve("y", guess="sketch", xlim=(0, 1))
