"""A chapter's page in Chromium, opened from a file: alive without kernel and network, on a phone, in the dark, in forced colours."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.browser.test_marks import contrast
from tests.explorable.made_up import everything
from utils.explorable import Explorable, Text
from utils.notebooks.files import ROOT, read_chapter
from utils.notebooks.html import page_of
from utils.widgets import OFFLINE

LONG = r"$\bar x = \tfrac{1}{36}(6, -4, -4, 2, 6, -4, -4, 2) = (0.167, -0.111, -0.111, 0.056, 0.167, -0.111, -0.111, 0.056)$"
PROSE = rf"""# 01 A page

Inline {LONG} and $x$.

$$ {{\color{{#C25400}}{{\bar x}}}} = \left(\frac{{\sum_i {{\color{{#157ABB}}{{x_i}}}}}}{{1 + \sqrt{{\frac{{a}}{{b}}}}}}\right) {{\color{{#008560}}{{w}}}} \tag{{1.1}} $$

| a | b | c | d | e | f | g | h |
|---|---|---|---|---|---|---|---|
| a long cell | a long cell | a long cell | a long cell | a long cell | a long cell | a long cell | a long cell |

## 1.1 A section

<details><summary>Folded</summary>

The solution.

</details>
"""


def setup(fig):
    axes = fig.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    return dict(line=axes.plot([0, 1], [0, 1])[0])


def update(artists, k, **more):
    artists["line"].set_ydata([0, k / 40])
    return f"ends at {k / 40:.2f}"


def explorables():
    painted = Explorable(setup, update, title="painted", k=range(1, 41), play="k")
    spoken = Explorable(setup, update, title="live only", k=range(1, 41), words=Text("hello"))
    return [everything(), painted, spoken]


def outputs(explorable):
    data = {
        "text/plain": repr(explorable),
        "image/png": explorable_png(explorable),
        OFFLINE: explorable.offline_state(),
    }
    return [new_output("execute_result", json.loads(json.dumps(data)), execution_count=1)]


def explorable_png(explorable):
    import base64

    return base64.b64encode(explorable.poster()).decode()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """The page of a chapter that has everything."""
    from utils.exercises import quiz

    folder = tmp_path_factory.mktemp("page")
    asked = quiz("01.a")
    data = {"text/plain": repr(asked), "text/html": asked.fallback()[1], OFFLINE: asked.offline_state()}
    cells = [
        new_markdown_cell(PROSE),
        new_code_cell(
            "x = 1  # a comment that is long enough to be wider than a phone is, by far", execution_count=1
        ),
    ]
    cells += [new_code_cell("show()", execution_count=1, outputs=outputs(one)) for one in explorables()]
    told = json.loads(json.dumps(data))
    cells.append(
        new_code_cell(
            "ask()", execution_count=1, outputs=[new_output("execute_result", told, execution_count=1)]
        )
    )
    notebook = folder / "01_page.ipynb"
    nbformat.write(new_notebook(cells=cells), notebook)
    target = folder / "01_page.html"
    target.write_text(page_of(read_chapter(folder, notebook), ROOT), encoding="utf-8")
    return target


@pytest.fixture
def opened(new_page, path):
    """opened(**context options) -> the page, with what it asked of the network in `page.asked`."""

    def make(**options):
        page = new_page(**options)
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.context.set_offline(True)
        page.goto(path.as_uri())
        page.wait_for_function("document.querySelectorAll('.explorable').length === 3")
        return page

    return make


def test_it_lives_alone(opened, path):
    page = opened()
    first, painted = (page.locator(".explorable").nth(k) for k in range(2))
    assert painted.locator(".explorable-readout").inner_text() == "ends at 0.03"
    before = painted.locator("img").get_attribute("src")
    painted.get_by_label("k", exact=True).press("End")
    assert painted.locator(".explorable-readout").inner_text() == "ends at 1.00"
    assert painted.locator("img").get_attribute("src") != before
    first.locator('[data-key="y:0,0"]').hover()
    assert first.locator(".marks-lit").count() > 5
    page.locator(".card input[value=a]").check()
    page.get_by_role("button", name="Answer").click()
    assert page.locator(".card-answer").inner_text().startswith(("Right.", "It comes out differently."))
    folded = page.get_by_text("The solution.")
    assert not folded.is_visible()
    page.get_by_text("Folded").click()
    assert folded.is_visible()
    page.wait_for_timeout(200)
    assert [
        url for url in page.asked if not url.startswith(("data:", "blob:")) and url != path.as_uri()
    ] == []
    assert page.errors == []


def test_what_needs_python_has_no_handle_and_says_so(opened):
    page = opened()
    first, painted, spoken = (page.locator(".explorable").nth(k) for k in range(3))
    assert spoken.locator("input:visible, button:visible, select:visible").count() == 0
    assert spoken.locator(".explorable-note").inner_text() == "This picture moves in a running notebook."
    assert spoken.locator("img").is_visible()
    assert first.locator("figcaption em:visible").count() == 0
    assert (
        first.locator(".explorable-note").inner_text() == "Dragging and other moves need a running notebook."
    )
    assert painted.locator(".explorable-note").inner_text() == ""


def test_with_scripts_off_the_pictures_and_questions_stand(opened, new_page, path):
    page = new_page(java_script_enabled=False)
    page.goto(path.as_uri())
    assert page.locator("img").count() == 3 and page.get_by_text("Quiz 01.a.").is_visible()


NARROW = """() => [...document.querySelectorAll(
    ".explorable button, .explorable select, .explorable input[type=range], .explorable-segments label, .explorable-switch, .card button, .card-option, nav a, summary"
)].map((e) => [e.tagName + "." + e.className, e.getBoundingClientRect()]).filter(([, box]) => box.width).map(([name, box]) => [name, box.height])"""
LETTERS = """() => [...document.querySelectorAll(".marks text")].filter((e) => e.textContent.trim())
    .map((e) => parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a)"""


def test_a_phone(opened):
    page = opened(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    sizes = page.evaluate(NARROW)
    assert len(sizes) > 10 and min(height for _, height in sizes) >= 44, sorted(sizes, key=lambda s: s[1])[:3]
    assert min(page.evaluate(LETTERS)) >= 12
    # matplotlib's smallest numbers are 10 points at 100 to the inch
    scale = page.locator(".explorable img").first.evaluate(
        "(e) => e.getBoundingClientRect().width / e.naturalWidth"
    )
    assert scale * 10 / 72 * 100 >= 12
    plots = page.locator(".marks-of-curve svg, .marks-of-bars svg").all()
    assert plots and max(plot.bounding_box()["width"] for plot in plots) <= 360
    page.get_by_text("Contents").tap()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_finger_drags_what_is_small(new_page):
    """Where a kernel answers: cells that can be dragged are 44 px high, points are felt around them."""
    from utils.widgets import SCRIPTS, joined

    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.set_content('<!doctype html><meta name="viewport" content="width=device-width">')
    draw = f"{joined(SCRIPTS)}\nwindow.marks = (spec) => document.body.append(marksPage(spec, {{ arrays: {{}}, wires: () => [], live: () => true, change() {{}} }}).element)"
    page.add_script_tag(content=draw, type="module")
    page.wait_for_function("typeof window.marks === 'function'")
    spec = everything().spec["page"]
    page.evaluate("(spec) => marks(spec)", spec)
    assert page.locator('[data-key="weight:0,0"] rect').bounding_box()["height"] >= 44
    assert (
        page.locator('[data-key="dot:0"]').evaluate(
            "(e) => 2 * e.r.baseVal.value + parseFloat(getComputedStyle(e).strokeWidth)"
        )
        >= 44
    )


READ = """() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const srgb = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return `rgb(${[...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)].join(", ")})`;
    };
    const paperOf = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const { backgroundColor } = getComputedStyle(at);
            if (!/rgba\\(.*, 0\\)|transparent/.test(backgroundColor)) return srgb(backgroundColor);
        }
        return srgb(getComputedStyle(document.documentElement).getPropertyValue("color-scheme").includes("x") ? "black" : "white");
    };
    const seen = [];
    for (const element of document.querySelectorAll("main *")) {
        const own = [...element.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
        if (!own || !element.checkVisibility() || element.closest("script, style, svg, .anchor, option")) continue;
        seen.push([element.tagName + "." + element.className + " " + element.textContent.slice(0, 20), srgb(getComputedStyle(element).color), paperOf(element)]);
    }
    const marks = [...document.querySelectorAll(".marks-fill, .marks-dot, .marks-line, .marks-edge, .marks-node circle, .marks-axes text, .marks-name")].map((element) => {
        const { fill, stroke } = getComputedStyle(element);
        const text = element.tagName === "text";
        return [text, srgb(text || element.matches(".marks-fill, .marks-dot") ? fill : stroke), paperOf(element.ownerSVGElement)];
    });
    return { seen, marks };
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_and_seen(opened, scheme):
    page = opened(color_scheme=scheme)
    found = page.evaluate(READ)
    assert len(found["seen"]) > 80 and len(found["marks"]) > 20
    poor = [
        (what, round(contrast(ink, paper), 2))
        for what, ink, paper in found["seen"]
        if contrast(ink, paper) < 4.5
    ]
    assert poor == []
    faint = [
        (colour, paper)
        for text, colour, paper in found["marks"]
        if contrast(colour, paper) < (4.5 if text else 3)
    ]
    assert faint == []
    dark = (
        contrast(page.locator("body").evaluate("(e) => getComputedStyle(e).backgroundColor"), "rgb(0, 0, 0)")
        < 2
    )
    assert dark == (scheme == "dark")


def test_colours_that_are_forced(opened):
    for scheme in ("light", "dark"):
        page = opened(forced_colors="active", color_scheme=scheme)
        paper = page.locator("body").evaluate("(e) => getComputedStyle(e).backgroundColor")
        cells = page.evaluate(
            """() => [...document.querySelectorAll(".marks-cell")].filter((e) => e.children.length > 1)
                .map((e) => [getComputedStyle(e.lastChild).fill, getComputedStyle(e.firstChild).fill])"""
        )
        assert cells and min(contrast(ink, fill) for ink, fill in cells) >= 4.5
        words = page.locator(".marks-axes text").first.evaluate("(e) => getComputedStyle(e).fill")
        assert contrast(words, paper) >= 4.5
        pressed = page.locator(".explorable button[aria-pressed=true]").first
        chosen, other = pressed.evaluate(
            "(e) => [e, [...document.querySelectorAll('.explorable button[aria-pressed=false]')][0]].map((b) => b && getComputedStyle(b).backgroundColor)"
        )
        assert chosen != other
        page.context.close()


def test_formulas_stretch_in_a_font_of_their_own(opened):
    page = opened()
    page.evaluate("document.fonts.ready")
    assert page.evaluate("document.fonts.check('20px \"Course Math\"')")
    brackets, inside = page.evaluate(
        """() => { const math = document.querySelector(".equation math");
            const [open] = [...math.querySelectorAll("mo")].filter((e) => e.textContent === "(");
            return [open, math.querySelector("mfrac")].map((e) => e.getBoundingClientRect().height); }"""
    )
    assert brackets >= 0.9 * inside > 40, "the bracket is as high as what it holds"
    tag = page.locator(".tag").bounding_box()
    assert tag["x"] + tag["width"] > page.locator("main").bounding_box()["x"] + 700


def test_nothing_moves_by_itself():
    from utils.widgets import STYLES, joined

    looks = joined([*STYLES, "notebooks/page.css"])
    assert not any(word in looks for word in ("transition", "animation", "scroll-behavior"))
