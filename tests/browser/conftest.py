"""A Chromium, a Jupyter server, and the two helpers that every browser test needs: open_lab and run_all."""

import base64
import json
import os
from pathlib import Path

import pytest

from utils.explorable.tour import opening
from utils.explorable.tour.jupyter import Jupyter
from utils.explorable.tour.opening import open_in
from utils.widgets import SCRIPTS, STYLES, joined

MODULE = joined(SCRIPTS) + "\nObject.assign(window, { render: explorable, linkedKeys: linked });"
MODEL = """
async ({ state, restored }) => {
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    for (const frame of Object.values(state.frames)) frame.data = bytes(frame.data);
    const heard = {};
    window.asked = [];
    const send = async (message) => {
        if (message.kind === "ping") return;
        asked.push(message.values);
        const [reply, data] = JSON.parse(await kernel(JSON.stringify(message)));
        heard["msg:custom"](reply, data ? [bytes(data)] : []);
    };
    const el = document.body.appendChild(document.createElement("div"));
    if (restored) el.className = "jupyter-widgets-disconnected";
    const model = { get: (name) => state[name], set: (name, value) => (state[name] = value), on: (name, f) => (heard[name] = f), send };
    render({ model, el });
}
"""


def pytest_collection_modifyitems(items):
    """Everything in this folder needs Chromium."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium():
    """A running Chromium; skips without one, or fails where REQUIRE_BROWSER=1 says that a browser must be there."""
    running = opening.chromium()
    try:
        browser = running.__enter__()
    except opening.Missing as missing:
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip)(f"needs {missing}")
    yield browser
    running.__exit__(None, None, None)


@pytest.fixture
def new_page(chromium):
    """new_page(**context options) -> a page whose errors are in `page.errors`; all pages are closed at the end.

    init_script: JavaScript to run before anything of the page does.
    """
    pages = []

    def make(init_script="", **options):
        pages.append(opening.make_page(chromium, init_script, **options))
        return pages[-1]

    yield make
    for page in pages:
        page.context.close()


@pytest.fixture(scope="session")
def server(chromium, tmp_path_factory):
    """One Jupyter server for the whole run, started only where there is a browser."""
    jupyter = Jupyter(tmp_path_factory.mktemp("jupyter"))
    try:
        jupyter.wait()
        yield jupyter
    finally:
        jupyter.close()


@pytest.fixture
def jupyter(server):
    """The server, without kernels of earlier tests."""
    yield server
    server.end_sessions()


@pytest.fixture
def open_lab(jupyter, new_page):
    """open_lab(path of a notebook in the server's folder, **context options) -> page, kernel idle."""
    return lambda name, **options: open_in(new_page(**options), jupyter, "lab", name)


@pytest.fixture
def open_notebook7(jupyter, new_page):
    """The same in Notebook 7."""
    return lambda name, **options: open_in(new_page(**options), jupyter, "notebook", name)


@pytest.fixture
def run_all():
    """run_all(page): run all cells by the menu, wait until each has its number and the kernel is idle."""
    return opening.run_all


@pytest.fixture
def live(new_page):
    """live(explorable) -> a page on which it is alive, answered by Python as a kernel answers; module: the page's."""

    def make(explorable, restored=False, module=MODULE, **options):
        def kernel(message):
            reply, buffers = explorable.handle(json.loads(message))
            return json.dumps([reply, base64.b64encode(buffers[0]).decode() if buffers else None])

        page = new_page(**options)
        page.set_content(f"<!doctype html><style>{joined(STYLES)}</style><body style='margin:8px'>")
        page.expose_function("kernel", kernel)
        page.add_script_tag(content=module, type="module")
        page.wait_for_function("typeof window.render === 'function'")
        explorable._repr_mimebundle_()
        as_text = lambda frame: frame | {"data": base64.b64encode(frame["data"]).decode()}
        frames = {key: as_text(frame) for key, frame in explorable.frames.items()}
        state = {"spec": explorable.spec, "frames": frames, "baked": False, "offline": False, "left": {}}
        page.evaluate(MODEL, {"state": state, "restored": restored})
        page.wait_for_function("document.querySelector('.explorable-readout').textContent !== ''")
        return page

    return make
