"""Marks in Chromium, second part: layers as columns, an axis that sets a slider, grids of changing size, steered actions."""

import numpy as np
import pytest

from tests.explorable.test_marks import columns_of
from utils.explorable import Curve, Explorable, Grid, Points, Slider
from utils.explorable import page as html_page

STEPS = 10.0 ** -np.arange(0, 7)
DISPLAYED = "(key) => getComputedStyle(document.querySelector(`[data-key='${key}']`)).display"


def value_of(page, which=0):
    return page.locator("input[type=range]").nth(which).evaluate("(slider) => Number(slider.value)")


def scrubbed(slider=True):
    """An error curve over steps, drawn as far as one went."""

    def compute(step, there):
        gone = step * 0.9 <= STEPS
        return dict(
            steps=STEPS, error=STEPS**2 * gone, now=[[step, step**2]], cells=np.ones((2, 2)), there=np.eye(2) * there,
            readout=f"step {step:.0e}",
        )  # fmt: skip

    curve = Curve(
        "error", x="steps", log="xy", xlim=(1e-6, 1), ylim=(1e-8, 1), pick="step",
        also=(Points("now", names=("here",), side="left"),),
    )  # fmt: skip
    return Explorable(
        compute, title="scrub", marks=[curve, Grid("cells", shown="there", bar=False)],
        step=Slider(STEPS.tolist()), there=[1, 2], play=("step",),
    )  # fmt: skip


def test_a_drag_along_the_axis_sets_the_slider(live):
    """From the right end to the left one: every place of x is a position of the slider, which stays in sight."""
    page = live(scrubbed())
    box = page.locator(".marks-scrub").bounding_box()
    at = lambda share: (box["x"] + 58 + share * (box["width"] - 70), box["y"] + 100)
    page.mouse.click(*at(0.5))
    page.wait_for_function("document.querySelector('.explorable-readout').textContent === 'step 1e-03'")
    page.mouse.move(*at(0.5))
    page.mouse.down()
    page.mouse.move(*at(0.34), steps=3)
    page.wait_for_function("document.querySelector('.explorable-readout').textContent === 'step 1e-04'")
    page.mouse.move(*at(-0.2), steps=3)
    page.mouse.up()
    page.wait_for_function("document.querySelector('.explorable-readout').textContent === 'step 1e-06'")
    assert value_of(page) == 6 and page.get_by_role("button", name="play step").count() == 1
    page.mouse.move(*at(0.9))
    assert value_of(page) == 6, "the pointer was let go"
    assert not page.errors


def test_what_is_not_reached_is_not_drawn_and_dots_beyond_the_axis_are_hollow(live):
    page = live(scrubbed())
    points = lambda: page.locator("[data-key='error:0']").get_attribute("d").count("L")
    assert points() == 0
    page.locator("input[type=range]").first.evaluate(
        "(s) => { s.value = 3; s.dispatchEvent(new Event('input')); }"
    )
    page.wait_for_function("document.querySelector('.explorable-readout').textContent === 'step 1e-03'")
    assert points() == 3
    hollow = "() => document.querySelector(`[data-key='now:0']`).classList.contains('marks-off')"
    assert not page.evaluate(hollow)
    page.locator("input[type=range]").first.evaluate(
        "(s) => { s.value = 6; s.dispatchEvent(new Event('input')); }"
    )
    page.wait_for_function(hollow)
    dot = page.locator("[data-key='now:0']").bounding_box()
    plot = page.locator(".marks-scrub").bounding_box()
    assert dot["y"] + dot["height"] / 2 <= plot["y"] + plot["height"] - 38


def test_cells_that_are_not_there_are_not_drawn(live):
    page = live(scrubbed())
    shown = [page.evaluate(DISPLAYED, f"cells:{i},{j}") != "none" for i in (0, 1) for j in (0, 1)]
    assert shown == [True, False, False, True]
    assert not page.locator(".marks-bar").is_visible()


def layer(page, i):
    """What a column shows: (drawn, cells coloured, dots drawn, hollow dots)."""
    return page.evaluate(
        """(i) => {
            const column = document.querySelector(`[data-key='v:${i}']`);
            const dots = column.dots.filter((dot) => dot.style.display !== "none");
            const filled = column.cells.filter((rect) => rect.style.fill !== "none");
            const hollow = dots.filter((dot) => dot.classList.contains("marks-off"));
            return [column.style.display !== "none", filled.length, dots.length, hollow.length];
        }""",
        i,
    )


def test_layers_show_what_is_known_mark_what_is_off_and_tell_their_sizes(live):
    page = live(columns_of())
    assert [layer(page, i) for i in range(3)] == [[True, 4, 2, 0], [True, 2, 1, 0], [True, 0, 0, 0]]
    assert not layer(page, 3)[0], "there is no fourth layer"
    page.locator("[data-key='v:0']").hover()
    assert page.locator(".marks-status").text_content() == "layer 1: activations 1.0e+0, gradients 1.0e-3"
    page.locator("[data-key='v:1']").hover()
    assert page.locator(".marks-status").text_content() == "layer 2: activations 1.0e+0"
    assert not page.errors


@pytest.mark.parametrize("size, level", [("0", "zero"), ("1e-30", "below")])
def test_zero_and_what_lies_below_the_axis_stand_apart(live, size, level):
    explorable = columns_of()
    compute = explorable.painter.compute
    explorable.painter.compute = lambda **values: compute(**values) | {"k": np.full(4, 2.0)}
    page = live(explorable)
    middle = lambda i: page.evaluate(
        "(i) => Number(document.querySelector(`[data-key='v:${i}']`).dots[1].getAttribute('cy'))", i
    )
    seen = {"zero": middle(1), "below": middle(2), "on": middle(0)}
    assert layer(page, {"zero": 1, "below": 2}[level])[3] == 1 and layer(page, 0)[3] == 0
    assert seen["on"] < seen["below"] < seen["zero"]


def trained(log):
    """A slow action that counts, and a slider that steers it."""

    def more(rate, count):
        log.append(rate)
        return None if len(log) == 60 else {"count": len(log)}

    compute = lambda rate, count: dict(bars=np.array([1.0 + rate, count]), readout=f"{count} steps")
    from utils.explorable import Bars

    return Explorable(
        compute, title="train", marks=[Bars("bars")], rate=[1, 2, 3], count=range(100), actions={"go": more},
        play=("go",), presets={"anew": {}},
    )  # fmt: skip


def test_an_action_that_plays_is_steered_and_a_preset_ends_it(live):
    log = []
    page = live(trained(log))
    page.get_by_role("button", name="play go").click()
    while len(log) < 8:
        page.wait_for_timeout(20)
    page.locator("input[type=range]").first.evaluate(
        "(s) => { s.value = 2; s.dispatchEvent(new Event('input')); }"
    )
    before = len(log)
    while len(log) < before + 8:
        page.wait_for_timeout(20)
    assert log[0] == 1 and log[-1] == 3 and page.get_by_role("button", name="pause go").count() == 1
    page.get_by_role("button", name="anew").click()
    page.wait_for_timeout(200)
    ended = len(log)
    page.wait_for_timeout(300)
    assert len(log) == ended and page.get_by_role("button", name="play go").count() == 1 and not page.errors


def test_layers_live_on_a_page_without_python(new_page, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(html_page([columns_of()], "layers"))
    page = new_page()
    page.goto(file.as_uri())
    page.wait_for_selector("[data-key='v:0']")
    assert layer(page, 0) == [True, 4, 2, 0] and not page.errors


def test_on_a_phone_all_layers_are_in_sight(live):
    page = live(columns_of(), viewport={"width": 390, "height": 800})
    picture = page.locator(".marks-of-layers svg").bounding_box()
    assert picture["x"] + picture["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
