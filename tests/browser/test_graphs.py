"""Graphs and tangents in Chromium: numbers that find room, what is written out, points dragged, chapters opened."""

import re

import pytest

from tests.browser.test_marks import drag, settled
from utils.chapters.backprop import explore
from utils.chapters.start_here import explore as start
from utils.explorable import page as html_page

TEXTS = """() => [...document.querySelectorAll(".marks-of-graph svg text")].filter((e) => e.textContent).map((e) => {
    const { x, y, width, height } = e.getBoundingClientRect();
    return [e.textContent, x, y, width, height];
})"""


def collisions(texts):
    """Pairs of texts that share more than a pixel."""
    found = []
    for k, (a, x, y, w, h) in enumerate(texts):
        for b, x2, y2, w2, h2 in texts[k + 1 :]:
            wide, high = min(x + w, x2 + w2) - max(x, x2), min(y + h, y2 + h2) - max(y, y2)
            if wide > 1 and high > 3:  # the boxes of two lines touch, their letters do not
                found.append((a, b))
    return found


@pytest.mark.parametrize("width", [1400, 1000, 700, 390])
def test_all_numbers_of_the_worked_network_can_be_read(live, width):
    page = live(explore.worked(), viewport={"width": width, "height": 900})
    texts = page.evaluate(TEXTS)
    names = {words.split()[0] for words, *_ in texts if words.startswith("w")}
    assert names == {f"w{k}" for k in range(1, 11)} and len(texts) == 14 + 14 + 11 + 10 + 10
    assert collisions(texts) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    svg = page.locator(".marks-of-graph svg").bounding_box()
    assert svg["x"] + svg["width"] <= width and (svg["height"] > svg["width"]) == (width == 390)


def test_a_node_is_written_out_there_and_back_with_its_lines_of_code(live):
    page = live(explore.worked())
    page.hover('[data-key="nodes:4"]')
    said = page.locator(".marks-chain").inner_text().replace("\u2212", "-")
    assert said.split("\n")[0] == "h1 = sigmoid(z_h1) = 0.9866"
    assert "dL/dh1 = w7 \u00b7 dL/dz_o1 + w8 \u00b7 dL/dz_o2" in said
    assert re.search(r"= 0\.7000 \u00b7 0\.0776 \+ 0\.8000 \u00b7 0\.1199 = 0\.1502", said)
    lines = page.locator(".marks-code .marks-lit").all_inner_texts()
    assert any("h1, h2 =" in line for line in lines) and any(line.startswith("dh1 =") for line in lines)
    page.hover('[data-key="weights:6"] text >> nth=0', force=True)
    assert "dL/dw7 = h1 \u00b7 dL/dz_o1" in page.locator(".marks-chain").inner_text()
    page.get_by_role("button", name="before").click()
    page.hover('[data-key="nodes:4"]')
    assert page.locator(".marks-chain").inner_text() == "h1 is not computed yet"


def test_a_bias_is_dragged_on_its_node_and_an_input_is_not(live):
    page = live(explore.worked())
    drag(page, "nodes:12", 0, -40)
    page.wait_for_function("asked.length > 0")
    params = page.evaluate("asked.at(-1).params")
    # 40 pixels are ten times a 120th of the range, which has 6000 fine steps
    assert params[10] == 500 + 10 * 50 and params[11] == 500
    count = page.evaluate("asked.length")
    drag(page, "nodes:0", 0, -40)
    assert page.evaluate("asked.length") == count


PULSES = "document.getAnimations().filter((a) => a.effect.target.classList.contains('marks-pulse')).length"


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_pulse_runs_with_the_steps_unless_motion_is_unwanted(live, motion):
    page = live(explore.worked(step=2), reduced_motion=motion)
    page.get_by_title("step: one step forward").click()
    page.wait_for_function(
        "document.querySelectorAll('.marks-forth').length === 4"
    )  # into z_h2: three weights, a bias
    assert page.evaluate(PULSES) == (4 if motion == "no-preference" else 0)
    for _ in range(8):
        page.get_by_title("step: one step forward").click()
    page.wait_for_function("document.querySelectorAll('.marks-back').length === 1")  # from the loss to o1
    assert page.locator(".marks-forth").count() == 0


# ---- the tangent


def test_the_point_is_dragged_along_the_curve(live):
    page = live(start.tangent())
    drag(page, "dot:0", 44, -60)  # 316 pixels for 7.2 units; up and down do not matter
    page.wait_for_function("asked.length > 0")
    (x,) = page.evaluate("asked.at(-1).x")
    assert abs(0.05 * x - (0.6 + 44 * 7.2 / 316)) <= 0.06 and page.evaluate("asked.at(-1).upstream") == [20]
    settled(page, f"At x = {0.05 * x:5.2f}")
    drag(page, "arrived:0", -44, 0)  # the other picture's point moves x too
    settled(page, "At x =  0.60")
    drag(page, "tip:0", 80, -22)  # and the gradient from above goes up, not aside
    page.wait_for_function("asked.at(-1).upstream[0] === 30")
    settled(page, "arrives as  1.067")


def test_the_arrow_keys_move_the_point(live):
    page = live(start.tangent())
    page.locator('[data-key="dot:0"]').focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    settled(page, "At x =  0.65")
    assert page.evaluate("document.activeElement.dataset.key") == "dot:0"
    assert page.evaluate("asked.at(-1).x") == [13]
    page.locator('[data-key="tip:0"]').focus()
    page.keyboard.press("ArrowDown")
    settled(page, "A gradient of  0.950")


# ---- the map


def test_a_page_of_its_own_lights_up_the_family_and_opens_chapters(new_page, tmp_path):
    html = start.course_map()._repr_html_()
    (tmp_path / "00_start_here.html").write_text(html_page([html], "map"), encoding="utf-8")
    (tmp_path / "02_activations.html").write_text("<title>chapter 02</title>", encoding="utf-8")
    page = new_page()
    page.goto((tmp_path / "00_start_here.html").as_uri())
    page.hover('[data-key="chapters:3"]')  # 04 rests on three, five lead from it
    assert page.locator(".marks-node.marks-before").count() == 3
    said = page.locator(".marks-chain").inner_text()
    assert "rests on: 01 backprop, 02 activations, 03 initialization" in said
    assert "leads to: 07 CNN, 12 Transformer, 14 pre-training, 21 GAN" in said
    page.locator('[data-key="chapters:6"]').click()  # not written: nothing happens
    assert page.url.endswith("00_start_here.html")
    page.locator('[data-key="chapters:1"]').click()
    page.wait_for_url("**/02_activations.html")
    assert page.errors == []


@pytest.mark.parametrize("interface", ["lab", "notebook"])
def test_a_click_on_the_map_opens_the_notebook(request, jupyter, run_all, interface):
    cells = ["from utils.chapters.start_here import explore\nexplore.course_map()"]
    name = jupyter.put("map.ipynb", cells)
    jupyter.put("01_backprop.ipynb", ["'chapter 01'"])
    page = request.getfixturevalue("open_lab" if interface == "lab" else "open_notebook7")(name)
    run_all(page)
    box = page.locator('[data-key="chapters:0"]')
    box.wait_for()
    page.wait_for_selector("a[data-opens][target=_blank]")  # Jupyter has read the links
    if interface == "lab":
        box.click()
        page.locator(".lm-TabBar-tabLabel", has_text="01_backprop.ipynb").first.wait_for()
    else:
        with page.context.expect_page() as opened:
            box.click()
        assert "01_backprop.ipynb" in opened.value.url
