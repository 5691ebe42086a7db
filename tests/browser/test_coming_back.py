"""A reader runs a notebook, saves it and comes back another day: JupyterLab and Notebook 7, with the server stopped between."""

import json
import re

import nbformat
import pytest

from tests.browser.test_explorable import ATTENTION, DRAWING, Shown, expect
from utils.explorable.tour import opening
from utils.explorable.tour.jupyter import Jupyter
from utils.explorable.tour.looking import SEEN
from utils.explorable.tour.opening import menu, open_in

WIDGETS = "@jupyter-widgets/jupyterlab-manager/plugin.jupyterlab-settings"
STATE = "application/vnd.jupyter.widget-state+json"
WAKE = "Run the cell to wake this picture."
CELLS = [
    ATTENTION + DRAWING + "from utils.exercises import detective, quiz",
    "attention",
    # the alphabet would put every one of these elsewhere
    "Explorable(setup, update, title='baked', temperature=[1.0, 2.0], query=range(7), key=range(7), causal=Switch(False),\n"
    "    pick=dict(axes=0, column='key', row='query', hover=True), presets=dict(z=dict(query=1), a=dict(query=2))).bake(40)",
    "drawing",
    "from utils.explorable import Array, Grid\n"
    "scaled = Explorable(lambda x, n: dict(x=x, y=n * x, readout=f'{n} times {x.sum():.1f}'), title='scaled',\n"
    "    marks=[[Grid('x', drag='x'), Grid('y')]], x=Array(np.ones((2, 2)), step=0.5), n=range(1, 4))\n"
    "quiz('01.a', then=scaled)",
    "detective.new().board()",
]


@pytest.fixture(scope="module")
def jupyter(chromium, tmp_path_factory):
    """A server of its own, which the tests stop and start."""
    server = Jupyter(tmp_path_factory.mktemp("coming_back"))
    try:
        server.wait()
        yield server
    finally:
        server.close()


def seen(page):
    """All that is there to be seen, everything once in view so that nothing waits for being scrolled to."""
    for shown in page.locator(".explorable, .card").all():
        shown.scroll_into_view_if_needed()
    return page.evaluate(SEEN)


def save(page, jupyter, name):
    """Save, and return the notebook that is then on disk."""
    opening.save(page)
    return nbformat.read(jupyter.root / name, 4)


def no_error(page):
    text = " ".join(page.locator(".jp-OutputArea").all_inner_texts())
    assert (
        "Error displaying widget" not in text
        and "Loading widget" not in text
        and "model not found" not in text
    )


def come_back(page, jupyter, interface, name):
    open_in(page, jupyter, interface, name)
    expect(page.locator(".explorable, .card")).to_have_count(6)
    no_error(page)
    expect(page.locator(".explorable-note")).to_have_text([WAKE] * 4)
    return page


def test_a_notebook_is_found_again_as_it_was_left(jupyter, new_page, run_all):
    name = jupyter.put("evening.ipynb", CELLS)
    first = evening(jupyter, new_page, run_all, name)
    jupyter.close()
    # Jupyter's own way of saving widgets, on for a day beside ours
    jupyter.choose(WIDGETS, {"saveState": True})
    jupyter.start()
    jupyter.wait()
    second = next_day(jupyter, new_page, name, first)
    # it calls every notebook changed that shows a widget
    jupyter.choose(WIDGETS, {"saveState": False})
    day_after(jupyter, new_page, name, second)
    somebody_else(jupyter, new_page, name)


def evening(jupyter, new_page, run_all, name):
    """Everything is moved; the kernel goes, and then the notebook is saved. What was there is kept all the same."""
    page = open_in(new_page(), jupyter, "lab", name)
    run_all(page)
    attention, baked, drawing = (Shown(page, title) for title in ("attention", "baked", "drawing"))
    quiz, board = page.locator(".card").nth(0), page.locator(".card").nth(1)
    baked.press("query", "ArrowRight")
    drawing.control("name").fill("my own")
    drawing.root.locator("canvas").press("Space")
    drawing.says("my own: L1 of the ink is 2.2")
    quiz.get_by_label("w7", exact=False).check()
    quiz.get_by_role("button", name="Answer").click()
    expect(quiz.locator(".card-answer")).to_contain_text("Right.")
    scaled = page.locator(".explorable", has_text="scaled")
    scaled.get_by_label("n", exact=True).press("End")
    scaled.locator("[data-key='x:0,1']").press("+")
    expect(scaled.locator(".explorable-readout")).to_have_text("3 times 4.5")
    expect(scaled.locator(".explorable-guess")).to_have_text(re.compile("^Your guess: w7"))
    board.get_by_role("button", name="random").click()
    board.get_by_role("button", name="What comes back?").click()
    expect(board.locator(".card-log")).to_contain_text("came back")
    attention.press("temperature", "ArrowRight")
    attention.press("query", "End")
    attention.says("T = 2.0, query 6")
    first = seen(page)
    labels = ["temperature", "query", "key", "causal"]
    drawn = ["digit", "name", "norm", "L1", "L2"]
    assert [explorable["labels"] for explorable in first["explorables"]] == [labels, labels, drawn, ["n"]]

    menu(page, "Kernel", "kernelmenu:restart")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(attention.root.locator(".explorable-note")).to_have_text(WAKE)
    attention.control("temperature").focus()
    kept = state(save(page, jupyter, name))
    assert sorted(kept) == ["attention", "baked", "board", "drawing", "library", "quiz", "scaled"]
    size = {title: len(json.dumps(entry)) for title, entry in kept.items()}
    assert max(size["attention"], size["drawing"]) < 60_000 and max(size["quiz"], size["board"]) < 5_000
    assert page.errors == []
    page.context.close()
    return first


def next_day(jupyter, new_page, name, first):
    """Everything is as it was; what needs no kernel answers; one of them is woken and moved, and all is saved again."""
    page = come_back(new_page(), jupyter, "notebook", name)
    assert seen(page) == first
    expect(page.locator(".card-asleep")).to_have_text([re.compile("^Run the cell")] * 2)
    attention, baked = Shown(page, "attention"), Shown(page, "baked")
    assert attention.root.locator("input:enabled, button:enabled").count() == 0
    baked.control("key").press("ArrowRight")
    baked.says("query 1, key 1")
    baked.pick_cell(column=0, row=2)
    baked.says("query 2, key 0")

    for nth in (0, 1):
        page.locator(".jp-CodeCell .cm-content").nth(nth).click()
        page.keyboard.press("Control+Enter")
    attention = Shown(page, "attention")
    expect(attention.root.locator(".explorable-note")).to_be_empty(timeout=30_000)
    attention.says("T = 1.0, query 0")
    attention.press("temperature", "ArrowLeft")
    attention.says("T = 0.5, query 0")
    second = seen(page)
    assert second["cards"] == first["cards"] and second["explorables"][2] == first["explorables"][2]
    attention.control("temperature").focus()
    kept = state(save(page, jupyter, name))
    assert len([title for title in kept if title.startswith("library")]) == 1, (
        "yesterday's and today's are one"
    )
    assert page.errors == []
    page.context.close()
    jupyter.end_sessions()
    return second


def day_after(jupyter, new_page, name, second):
    """What came back before comes back again, and looking changes nothing."""
    page = come_back(new_page(), jupyter, "lab", name)
    assert seen(page) == second
    page.wait_for_timeout(300)
    assert page.locator(".jp-mod-dirty").count() == 0
    assert page.errors == []
    page.context.close()


def somebody_else(jupyter, new_page, name):
    """In a notebook that is not trusted the pictures and the questions stand, and no error."""
    file = nbformat.read(jupyter.root / name, 4)
    file.cells.append(
        nbformat.v4.new_markdown_cell("from somebody else")
    )  # so that its signature does not fit
    nbformat.write(file, jupyter.root / "strange.ipynb")
    for interface in ("lab", "notebook"):
        page = open_in(new_page(), jupyter, interface, "strange.ipynb")
        expect(page.locator(".jp-RenderedImage img")).to_have_count(3)
        question = page.locator(".jp-RenderedHTML", has_text="Quiz 01.a.")
        expect(question).to_be_visible()
        folded = question.locator("details", has_text="The picture")
        folded.locator("summary").click()
        assert folded.locator("img").evaluate("(image) => image.naturalWidth") > 500
        no_error(page)
        assert page.locator(".explorable, .card").count() == 0
        page.context.close()


def state(notebook):
    """The kept state of every widget, by its title or kind."""
    kept = {}
    for entry in notebook.metadata.widgets[STATE]["state"].values():
        own = entry["state"]
        title = "library" if "source" in own else own.get("spec", {}).get("title", own.get("kind"))
        if title:  # Jupyter's own way keeps layouts too
            kept[f"{title}, again" if title in kept else title] = entry
    return kept
