"""A Chromium, a Jupyter server, and the two helpers that every browser test needs: open_lab and run_all."""

import os
from pathlib import Path

import pytest

from utils.explorable.tour import opening
from utils.explorable.tour.jupyter import Jupyter
from utils.explorable.tour.opening import open_in


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
