"""Explorables in a real browser: JupyterLab, Notebook 7, and a file without any network."""

import json
import re
import shutil
from pathlib import Path

import pytest

try:
    from playwright.sync_api import expect
except ImportError:  # the fixture `chromium` says what is missing
    expect = None
else:
    expect.set_options(timeout=15_000)

CHAPTERS = Path(__file__).parents[2] / "chapters"

ATTENTION = """\
import numpy as np
from utils import style
from utils.explorable import Canvas, Choice, Explorable, Switch, Text, page

scores = np.random.default_rng(0).normal(size=(7, 7)) * 1.5

def setup(fig):
    left, right = fig.subplots(1, 2)
    image = style.heatmap(left, scores, kind="activation", limit=1)
    (row,) = right.plot(range(7), np.zeros(7), "o-")
    right.set_ylim(0, 1)
    return image, row

def update(artists, temperature, query, key, causal):
    logits = np.where(np.tri(7, dtype=bool) | (not causal), scores / temperature, -np.inf)
    p = np.exp(logits - logits.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    artists[0].set_data(p)
    artists[1].set_ydata(p[query])
    return f"T = {temperature}, query {query}, key {key}: p = {p[query, key]:.3f}"

attention = Explorable(
    setup, update, title="attention", temperature=[0.25, 0.5, 1.0, 2.0], query=range(7), key=range(7),
    causal=Switch(False), start=dict(temperature=1.0), play="temperature",
    pick=dict(axes=0, column="key", row="query"), presets=dict(sharp=dict(temperature=0.25)),
)
"""

DRAWING = """\
def setup_drawing(fig):
    return style.heatmap(fig.subplots(), np.zeros((8, 8)), kind="gradient", limit=1)

def update_drawing(image, digit, name, norm):
    image.set_data(digit)
    return f"{name}: {norm} of the ink is {digit.sum() if norm == 'L1' else np.linalg.norm(digit):.1f}"

drawing = Explorable(
    setup_drawing, update_drawing, title="drawing", digit=Canvas((8, 8)), name=Text("a digit"),
    norm=Choice(["L1", "L2"]), presets=dict(black=dict(digit=np.ones((8, 8)))),
)
"""

WAVE = """\
import time

def setup_wave(fig):
    ax = fig.subplots()
    (line,) = ax.plot(np.linspace(0, 6, 100), np.zeros(100))
    ax.set_ylim(-1, 1)
    return line

def update_wave(line, frequency, phase):
    time.sleep(0.03)
    if frequency == 3:
        raise ValueError("three is one too many")
    line.set_ydata(np.sin(frequency * np.linspace(0, 6, 100) + phase))
    return f"frequency {frequency}, phase {phase:.2f}"

wave = Explorable(
    setup_wave, update_wave, title="wave", frequency=range(1, 9), phase=np.linspace(0, 3, 50),
)
"""


def specimen(*cells):
    """The names that these cells define, here instead of in a kernel."""
    names = {}
    exec("".join(cells), names)
    return names


class Shown:
    """An explorable on a page, found by its title."""

    def __init__(self, page, title, nth=0):
        self.page = page
        found = page.locator(".explorable", has=page.locator("strong", has_text=re.compile(f"^{title}$")))
        self.root = found.nth(nth)
        self.image = self.root.locator("img")
        self.root.scroll_into_view_if_needed()
        expect(self.image).to_have_attribute("src", re.compile("^(blob|data):"))

    def control(self, label):
        return self.root.get_by_label(label, exact=True)

    def button(self, name):
        return self.root.get_by_role("button", name=name, exact=True)

    def says(self, text, part="readout"):
        expect(self.root.locator(f".explorable-{part}")).to_contain_text(text)

    def says_nothing(self, part):
        expect(self.root.locator(f".explorable-{part}")).to_be_empty()

    def press(self, label, key):
        """Press a key on a control; the picture must change."""
        before = self.image.get_attribute("src")
        self.control(label).press(key)
        expect(self.image).not_to_have_attribute("src", before)

    def pick_cell(self, column, row):
        """Click the middle of a cell of the attention map, wherever it is and however scaled."""
        attention = specimen(ATTENTION)["attention"]
        attention.at()
        left, top, right, bottom = attention.scene.box(0)["box"]
        self.image.scroll_into_view_if_needed()
        box = self.image.bounding_box()
        u, v = left + (column + 0.5) / 7 * (right - left), top + (row + 0.5) / 7 * (bottom - top)
        self.page.mouse.click(box["x"] + u * box["width"], box["y"] + v * box["height"])


def test_every_control_in_jupyterlab(jupyter, open_lab, run_all):
    page = open_lab(jupyter.put("all.ipynb", [ATTENTION + "attention", DRAWING + "drawing"]))
    run_all(page)
    attention = Shown(page, "attention")
    attention.says("T = 1.0, query 0, key 0: p = 0.080")

    attention.press("temperature", "ArrowRight")
    attention.says("T = 2.0")
    expect(attention.control("temperature")).to_have_attribute("aria-valuetext", "2")
    attention.button("sharp").click()
    attention.says("T = 0.25")
    attention.press("causal", "Space")
    attention.says("p = 1.000")
    attention.button("temperature: one step forward").click()
    attention.says("T = 0.5")
    attention.button("play temperature").click()
    attention.says("T = 2.0")
    expect(attention.button("play temperature")).to_be_visible()  # it stopped at the end

    attention.pick_cell(column=2, row=5)
    attention.says("query 5, key 2")
    expect(attention.control("query")).to_have_value("5")
    page.set_viewport_size({"width": 900, "height": 800})
    page.wait_for_function("document.querySelector('.explorable img').clientWidth < 600")
    attention.pick_cell(column=6, row=1)
    attention.says("query 1, key 6")

    drawing = Shown(page, "drawing")
    drawing.says("a digit: L1 of the ink is 0.0")
    drawing.control("name").fill("my own")
    drawing.says("my own: L1")
    drawing.control("L2").press("Space")
    drawing.says("L2 of the ink is 0.0")
    box = drawing.root.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 90)
    page.mouse.up()
    expect(drawing.root.locator(".explorable-readout")).to_have_text(
        re.compile(r"my own: L2 of the ink is [1-9]")
    )
    drawing.button("clear").click()
    drawing.says("is 0.0")
    drawing.root.locator("canvas").press("Space")
    expect(drawing.root.locator(".explorable-readout")).to_have_text(
        re.compile(r"my own: L2 of the ink is [1-9]")
    )
    drawing.button("black").click()
    drawing.says("a digit: L1 of the ink is 64.0")
    assert page.errors == []


def test_keys_and_picks_in_notebook_7(jupyter, open_notebook7, run_all):
    page = open_notebook7(jupyter.put("seven.ipynb", [ATTENTION + "attention"]))
    run_all(page)
    attention = Shown(page, "attention")
    attention.press("temperature", "ArrowLeft")
    attention.says("T = 0.5")
    attention.pick_cell(column=3, row=4)
    attention.says("query 4, key 3")
    assert page.errors == []


def test_one_question_at_a_time_and_an_error_keeps_the_picture(jupyter, open_lab, run_all):
    page = open_lab(jupyter.put("drag.ipynb", [ATTENTION, WAVE + "wave"]), init_script=COUNT_MESSAGES)
    run_all(page)
    wave = Shown(page, "wave")
    wave.press("frequency", "ArrowRight")
    wave.says("frequency 2")
    picture = wave.image.get_attribute("src")
    wave.control("frequency").press("ArrowRight")
    wave.says("ValueError: three is one too many", "alert")
    expect(wave.image).to_have_attribute("src", picture)
    wave.press("frequency", "ArrowRight")
    wave.says("frequency 4")
    wave.says_nothing("alert")

    box = wave.control("phase").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 8, y)
    page.mouse.down()
    for k in range(1, 50):
        page.mouse.move(box["x"] + 8 + k * (box["width"] - 16) / 49, y)
    page.mouse.up()
    wave.says("phase 3.00")
    counts = page.evaluate("window.counts")
    assert counts["most"] == 1
    assert 5 <= counts["asked"] == counts["answered"] < 50
    assert page.errors == []


# Jupyter talks to its kernel by web sockets: count the explorables' questions and answers that pass through.
COUNT_MESSAGES = """
const counts = (window.counts = { asked: 0, answered: 0, most: 0 });
const text = (data) => (typeof data === "string" ? data : new TextDecoder().decode(data));
window.WebSocket = class extends WebSocket {
    constructor(...options) {
        super(...options);
        this.addEventListener("message", ({ data }) => {
            counts.answered += /"kind": ?"(frame|error)"/.test(text(data));
        });
    }
    send(data) {
        counts.asked += /"kind": ?"values"/.test(text(data));
        counts.most = Math.max(counts.most, counts.asked - counts.answered);
        super.send(data);
    }
};
"""


# Busy, from its second run on, until a file appears.
BUSY = """\
from pathlib import Path
while "again" in globals() and not Path("go").exists():
    time.sleep(0.05)
again = True
"""


def test_a_kernel_that_is_busy_and_then_gone(jupyter, open_lab, run_all):
    impatient = ATTENTION.replace("attention =", "Explorable.patience = 1\nattention =")
    cells = [
        impatient + "attention.bake(20)",
        WAVE + "wave",
        BUSY,
    ]
    page = open_lab(jupyter.put("gone.ipynb", cells))
    run_all(page)
    wave, attention = Shown(page, "wave"), Shown(page, "attention")
    page.locator(".jp-CodeCell .cm-content").last.click()
    page.keyboard.press("Control+Enter")
    attention.control("temperature").press("ArrowRight")
    attention.says("T = 2.0")  # prepared
    wave.control("frequency").press("ArrowRight")
    wave.says("The kernel is busy", "note")
    wave.says("frequency 1")
    (jupyter.root / "go").touch()
    wave.says("frequency 2")
    wave.says_nothing("note")

    page.locator(".lm-MenuBar-item", has_text="Kernel").first.click()
    page.locator(".lm-Menu-item[data-command='kernelmenu:restart']").click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    attention.control("key").press("End")
    wake = "Run the cell to wake this picture."
    attention.says(
        f"Nearest prepared setting shown: temperature = 1, query = 0, key = 6, causal = off. {wake}", "note"
    )
    attention.control("key").press("Home")
    attention.says("T = 2.0, query 0, key 0")
    expect(attention.root.locator(".explorable-note")).to_have_text(wake)
    wave.control("frequency").press("End")
    wave.says(f"Nearest prepared setting shown: frequency = 2, phase = 0. {wake}", "note")
    jupyter.wait_for_kernel("gone.ipynb")
    assert page.errors == []


@pytest.fixture
def offline_file(tmp_path):
    names = specimen(ATTENTION, DRAWING)
    attention, drawing = names["attention"], names["drawing"]
    small = names["Explorable"](
        names["setup"],
        names["update"],
        title="small",
        temperature=[1.0, 2.0],
        query=[3],
        key=[4],
        causal=[False],
    )
    file = tmp_path / "offline.html"
    file.write_text(names["page"]([attention, "<p>and again</p>", attention, small, drawing], "offline"))
    return file


def test_a_file_without_network(offline_file, new_page):
    page = new_page()
    page.context.set_offline(True)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(offline_file.as_uri())
    first, second = Shown(page, "attention"), Shown(page, "attention", nth=1)
    first.says("T = 1.0, query 0, key 0")
    first.press("temperature", "ArrowRight")
    first.says("T = 2.0, query 0")
    first.says_nothing("note")
    first.press("query", "End")
    first.says("query 6")
    first.says("Nearest prepared setting shown: temperature = 1, query = 6, key = 0, causal = off.", "note")
    first.pick_cell(column=0, row=0)
    first.says("T = 2.0, query 0")
    second.says("T = 1.0, query 0, key 0")  # it has its own state
    second.control("key").press("ArrowRight")
    second.says("T = 1.0, query 0, key 1")
    small = Shown(page, "small")
    small.press("temperature", "ArrowRight")
    small.says("T = 2.0, query 3, key 4")
    expect(page.get_by_text("This one needs a running notebook.")).to_be_visible()
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    assert page.errors == []


def test_a_file_without_scripts_shows_the_picture(offline_file, new_page):
    page = new_page(java_script_enabled=False)
    page.goto(offline_file.as_uri())
    image = page.locator("[data-explorable] img").first
    expect(image).to_have_attribute("alt", re.compile("attention: temperature=1"))
    assert image.bounding_box()["width"] == 800
    expect(page.locator("[data-explorable] pre").first).to_have_text("T = 1.0, query 0, key 0: p = 0.080")


def tightened(file, policy, change=lambda text: text):
    """The file under a policy that a site may set."""
    head = f'<head><meta http-equiv="Content-Security-Policy" content="{policy}">'
    file.write_text(change(file.read_text()).replace("<head>", head, 1))
    return file.as_uri()


def damaged(key):
    """A change of a file: the picture of a setting is none, wherever it is."""

    def damage(found):
        state = json.loads(found[2])
        state["frames"].get(key, {})["data"] = "AAAA"
        return f"{found[1]}{json.dumps(state)}<"

    return lambda text: re.sub(r'(<script type="application/json">)([^<]*)<', damage, text)


@pytest.mark.parametrize(
    ("policy", "still"),
    [
        ("script-src 'none'", 3),  # no script at all
        ("img-src 'none'", 3),  # no picture can be shown, neither that of the poster nor another
        # play buttons cannot be built
        ("script-src 'unsafe-inline'; require-trusted-types-for 'script'", 2),
    ],
)
def test_under_a_strict_policy_the_picture_stays_still(offline_file, new_page, policy, still):
    page = new_page()
    page.goto(tightened(offline_file, policy))
    page.wait_for_function("document.readyState === 'complete'")
    page.wait_for_timeout(300)
    posters = page.locator("[data-explorable]:not(:has(.explorable)) > img")
    assert posters.count() == still
    expect(posters.first).to_have_attribute("alt", re.compile("attention: temperature=1"))
    width = 0 if policy == "img-src 'none'" else 800
    assert posters.first.evaluate("image => image.naturalWidth") == width
    expect(page.locator("[data-explorable] pre").first).to_have_text("T = 1.0, query 0, key 0: p = 0.080")


def test_a_policy_without_blobs_leaves_everything_alive(offline_file, new_page):
    page = new_page()
    page.goto(tightened(offline_file, "default-src 'none'; img-src data:; script-src 'unsafe-inline'"))
    first = Shown(page, "attention")
    first.press("temperature", "ArrowRight")
    first.says("T = 2.0, query 0")
    assert first.image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 800


def test_a_frame_that_cannot_be_loaded_leaves_the_picture_before(offline_file, new_page):
    page = new_page()
    page.goto(tightened(offline_file, "img-src data:", damaged("3,0,0,0")))
    first = Shown(page, "attention")
    before = first.image.get_attribute("src")
    first.control("temperature").press("ArrowRight")
    first.says("T = 2.0, query 0")
    page.wait_for_function("before => document.querySelector('.explorable img').src === before", arg=before)
    assert first.image.evaluate("image => image.naturalWidth") == 800
    page.goto(tightened(offline_file, "img-src data:", damaged("2,0,0,0")))
    small = Shown(page, "small")  # the one whose first frame is sound
    small.says("T = 1.0")
    posters = page.locator("[data-explorable]:not(:has(.explorable)) > img")
    expect(posters).to_have_count(2)
    assert posters.first.evaluate("image => image.naturalWidth") == 800


@pytest.mark.parametrize("chapter", sorted(CHAPTERS.glob("00_*.ipynb")), ids=lambda path: path.stem)
def test_a_chapter_runs_in_jupyterlab(chapter, jupyter, open_lab, run_all):
    shutil.copy(chapter, jupyter.root)
    page = open_lab(chapter.name)
    run_all(page)
    movable = page.locator(".explorable").filter(has=page.locator("input[type=range]"))
    if movable.count():
        image = movable.first.locator("img")
        before = image.get_attribute("src")
        movable.first.locator("input[type=range]").first.press("ArrowRight")
        expect(image).not_to_have_attribute("src", before)
    assert page.errors == []
