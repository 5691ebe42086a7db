"""Marks in Chromium: what lights up together, numbers that are dragged, keys, pages without a kernel, both themes, a phone."""

import re

import numpy as np
import pytest

from tests.explorable.made_up import everything, numbers
from utils.explorable import page as html_page
from utils.explorable.links import linked


def lit(page):
    return set(
        page.evaluate("[...document.querySelectorAll('[data-key].marks-lit')].map((e) => e.dataset.key)")
    )


def text(page, key):
    return page.locator(f'[data-key="{key}"]').text_content().replace("\u2212", "-")


def drag(page, key, right, down):
    box = page.locator(f'[data-key="{key}"]').bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right / 2, y + down / 2)
    page.mouse.move(x + right, y + down)
    page.mouse.up()


def settled(page, words):
    page.wait_for_function(
        "(words) => document.body.innerText.replaceAll('\u2212', '-').includes(words)", arg=words
    )


# ---- what belongs together


def test_hovering_an_output_lights_what_it_is_made_of(live):
    page = live(everything())
    page.hover('[data-key="y:2,1"]')
    rows = {f"x:2,{i}" for i in range(4)} | {f"weight:1,{i}" for i in range(4)}
    assert lit(page) == rows | {"y:2,1", "dy:2,1"}
    assert page.locator(".marks-status").text_content() == "Y [2, 1] = 1.8"
    assert page.locator(".marks-code .marks-lit").count() == 1
    assert page.locator(".marks-formula [data-of].marks-lit").count() == 3
    written = page.locator(".marks-numbers").text_content().replace("\u2212", "-")
    assert written == "1.80=0.30\u22c51.00+0.40\u22c51.00+0.50\u22c51.00+0.60\u22c51.00"
    page.mouse.move(1, 1)
    assert lit(page) == set()


def test_hovering_a_term_lights_its_mark(live):
    page = live(everything())
    page.hover('.marks-formula [data-of="weight"]')
    assert lit(page) == {f"weight:{i},{j}" for i in range(2) for j in range(4)}


def test_the_page_follows_the_same_rules_as_python(live):
    explorable = everything()
    page, spec = live(explorable), explorable.spec["page"]
    arrays = {name: np.shape(array) for name, array in explorable.painter.arrays.items()}
    for name in ("x", "weight", "y", "dy", "image", "kernel", "filtered", "edges", "bars"):
        for place in np.ndindex(*arrays[name]):
            key = f"{name}:{','.join(map(str, place))}"
            expected = set().union(*(linked(rule, name, place) for rule in spec["links"]))
            assert (
                set(page.evaluate("([links, key]) => linkedKeys(links, key)", [spec["links"], key]))
                == expected
            )


# ---- numbers that are dragged


def test_a_cell_dragged_up_grows_and_everything_follows(live):
    page = live(everything())
    drag(page, "weight:0,3", 0, -40)
    settled(page, "largest output 2.10")
    assert text(page, "weight:0,3") == "1.50" and text(page, "y:2,0") == f"{(numbers_of(0.5))[2, 0]:.2f}"
    assert page.evaluate("asked.at(-1).weight") == [20, 20, 20, 30, 20, 20, 20, 20]
    page.get_by_role("button", name="reset").click()
    settled(page, "largest output 1.80")


def numbers_of(more):
    weight = np.ones((2, 4))
    weight[0, 3] += more
    return numbers(weight, np.eye(3), np.zeros((1, 2)), 1)["y"]


def test_a_dragged_number_stops_at_its_limit(live):
    page = live(everything())
    drag(page, "weight:0,0", 0, -600)
    settled(page, "3.00")
    assert page.evaluate("Math.max(...asked.at(-1).weight)") == 60


def test_a_point_follows_the_pointer(live):
    page = live(everything())
    drag(page, "dot:0", 76, 0)  # 316 px for four units
    page.wait_for_function("asked.length > 0")
    x, y = page.evaluate("asked.at(-1).dot")
    assert abs(x - 50 - 100 * 4 * 76 / 316) <= 2 and abs(y - 25) <= 2


def test_keys_reach_every_element_and_change_numbers(live):
    page = live(everything())
    first = page.locator('[data-key="weight:0,0"]')
    first.focus()
    assert first.get_attribute("data-lm-suppress-shortcuts") == "true"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.key") == "weight:1,1"
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "W [1, 1] = 1"
    page.keyboard.press("+")
    page.keyboard.press("PageDown")
    page.wait_for_function("asked.length === 2")
    assert page.evaluate("asked.at(-1).weight[5]") == 20 + 1 - 10
    assert page.locator('[data-key][tabindex="0"]').count() == 11  # one tab stop a mark


def test_only_the_newest_setting_is_asked_for(live):
    page = live(everything())
    drag(page, "kernel:1,1", 0, -80)
    page.wait_for_function("asked.at(-1).kernel[4] === 22")
    assert page.evaluate("asked.length") <= 2


# ---- pages without a kernel


def test_a_page_on_its_own_shows_no_handles_and_answers_presets(new_page, tmp_path):
    presets = {"reset": {}, "no kernel": {"kernel": np.zeros((3, 3))}}
    path = tmp_path / "page.html"
    path.write_text(html_page([everything(presets=presets)], "marks"), encoding="utf-8")
    page = new_page()
    page.goto(path.as_uri())
    page.wait_for_selector(".marks-still")
    assert not page.locator("figcaption em").first.is_visible()
    before = text(page, "weight:0,0")
    drag(page, "weight:0,0", 0, -40)
    assert text(page, "weight:0,0") == before
    page.get_by_role("button", name="no kernel").click()
    assert text(page, "filtered:0,0") == "0.00"
    page.get_by_label("size").press("ArrowRight")
    assert page.locator(".explorable-readout").text_content().startswith("size 2")
    page.hover('[data-key="y:0,0"]')
    assert "x:0,0" in lit(page)


def test_a_notebook_opened_again_shows_the_numbers_and_lights_up(live):
    page = live(everything(), restored=True)
    page.hover('[data-key="filtered:0,0"]')
    assert len(lit(page)) == 1 + 9 + 9
    assert "Run the cell" in page.locator(".explorable-note").text_content()


# ---- looks


def luminance(colour):
    parts = [float(n) for n in re.findall(r"[\d.]+", colour)[:3]]
    if colour.startswith("color(srgb"):
        parts = [255 * part for part in parts]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (p / 255 for p in parts)]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


IN_SRGB = """() => {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const srgb = (colour) => {
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        return `rgb(${[...context.getImageData(0, 0, 1, 1).data.slice(0, 3)].join(", ")})`;
    };
    const style = (element) => getComputedStyle(element);
    const probe = document.querySelector(".explorable").appendChild(document.createElement("i"));
    probe.style.background = "var(--paper)";
    const cells = [...document.querySelectorAll(".marks-cell")].filter((cell) => cell.children.length > 1);
    return {
        cells: cells.map((cell) => [srgb(style(cell.lastChild).fill), srgb(style(cell.firstChild).fill)]),
        words: [...document.querySelectorAll(".marks-figure figcaption, .marks-formula mi, .marks-numbers mn")].map((e) => srgb(style(e).color)),
        paper: srgb(style(probe).backgroundColor),
    };
}"""
DARK = "document.body.dataset.jpThemeLight = 'false'; for (const [k, v] of [['layout-color1', '#111'], ['layout-color2', '#222'], ['content-font-color1', '#eee'], ['content-font-color2', '#bbb']]) document.body.style.setProperty('--jp-' + k, v)"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_and_words_can_be_read(live, theme):
    page = live(everything())
    if theme == "dark":
        page.evaluate(DARK)
    for _ in range(3):  # many shades
        page.get_by_label("size").press("ArrowRight")
    seen = page.evaluate(IN_SRGB)
    worst = min(contrast(ink, fill) for ink, fill in seen["cells"])
    assert len(seen["cells"]) > 40 and worst >= 4.5, f"a number on its cell has {worst:.2f}"
    worst = min(contrast(ink, seen["paper"]) for ink in seen["words"])
    assert worst >= 4.5, f"a word on the paper has {worst:.2f}"


def test_a_phone(live):
    page = live(everything(), viewport={"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    sizes = page.evaluate(
        "[...document.querySelectorAll('.marks text, .marks-bar')].filter((e) => e.textContent).map((e) => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 12
