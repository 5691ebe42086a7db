"""A Chromium, a Jupyter server, and the two helpers that every browser test needs: open_lab and run_all."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

NEWS = "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
QUIET = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
# Notebook 7 logs these by itself, without any explorable.
NOT_OURS = ("reading 'schema'", "Command 'filebrowser:open-path' not registered")


def pytest_collection_modifyitems(items):
    """Everything in this folder needs Chromium."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


def missing(what):
    """Skip, or fail where REQUIRE_BROWSER=1 says that a browser must be there."""
    (pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip)(f"needs {what}")


@pytest.fixture(scope="session")
def chromium():
    """A running Chromium (the one on the PATH, or the one that CHROMIUM names)."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright: pip install -r tests/requirements.txt")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not path:
        missing("Chromium on the PATH, or the environment variable CHROMIUM naming one")
    with sync_playwright() as playwright:
        # Chromium's new headless mode is the real browser; Playwright would add the old one.
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(
            executable_path=path, args=flags, ignore_default_args=["--headless"], headless=True
        )
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium):
    """new_page(**context options) -> a page whose errors are in `page.errors`; all pages are closed at the end.

    init_script: JavaScript to run before anything of the page does.
    """
    contexts = []

    def note(page, error):
        if not any(known in error for known in NOT_OURS):
            page.errors.append(error)

    def make(init_script="", **options):
        context = chromium.new_context(**({"viewport": {"width": 1400, "height": 1000}} | options))
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(init_script)
        page.set_default_timeout(20_000)
        page.errors = []
        page.on("pageerror", lambda error: note(page, str(error)))
        page.on("console", lambda m: m.type == "error" and note(page, f"{m.text} {m.location['url']}"))
        return page

    yield make
    for context in contexts:
        context.close()


class Jupyter:
    """A Jupyter server on a folder of its own; serves JupyterLab and Notebook 7."""

    def __init__(self, folder: Path):
        self.folder, self.root, self.token = folder, folder / "root", "test"
        self.root.mkdir()
        self.choose(NEWS, QUIET)
        self.start()

    def choose(self, name, settings):
        """What a reader chose in the settings editor; holds from the next start on."""
        file = self.folder / "settings" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))

    def start(self):
        folder = self.folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        own = {
            name: str(folder / name.lower())
            for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        }
        labs = {
            "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        }
        self.log = (folder / "server.log").open("a")
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={self.port}"]
        options = [f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={self.root}"]
        self.process = subprocess.Popen(
            [*command, "--ServerApp.port_retries=0", *options],
            env=os.environ | own | {name: str(path) for name, path in labs.items()},
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def request(self, path, method="GET"):
        url = f"http://127.0.0.1:{self.port}/api/{path}?token={self.token}"
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=5) as answer:
            return json.loads(answer.read() or "null")

    def wait(self, seconds=30):
        """Until the server answers; RuntimeError with its log if it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                return self.request("status")
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"the Jupyter server did not start:\n{Path(self.log.name).read_text()[-3000:]}")

    def wait_for_kernel(self, name, seconds=30):
        """Until the kernel of a notebook has a listener and nothing to do; the page's own indicator is too early."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            kernels = [session["kernel"] for session in self.request("sessions") if session["path"] == name]
            if any(kernel["connections"] and kernel["execution_state"] == "idle" for kernel in kernels):
                return
            time.sleep(0.05)
        raise RuntimeError(f"the kernel of {name} did not start in {seconds} seconds")

    def end_sessions(self, seconds=20):
        """Shut every kernel down; the server refuses while one is just being restarted, so ask again."""
        deadline = time.monotonic() + seconds
        while sessions := self.request("sessions"):
            try:
                self.request(f"sessions/{sessions[0]['id']}", "DELETE")
            except urllib.error.HTTPError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def put(self, name, cells) -> str:
        """Write a notebook of code cells and return its name."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        nbformat.write(notebook, self.root / name)
        return name

    def url(self, interface, name):
        path = f"lab/tree/{name}?reset&" if interface == "lab" else f"notebooks/{name}?"
        return f"http://127.0.0.1:{self.port}/{path}token={self.token}"

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


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


def open_in(page, jupyter, interface, name):
    """Open a notebook in "lab" or in "notebook", which is version 7; the page, once the kernel is idle."""
    page.goto(jupyter.url(interface, name))
    page.wait_for_selector(".jp-Notebook .jp-Cell, dialog.jp-Dialog")
    dialog = page.locator("dialog.jp-Dialog")
    if dialog.count():
        raise RuntimeError(f"Jupyter says: {dialog.inner_text()}")
    jupyter.wait_for_kernel(name)
    page.wait_for_selector(IDLE, state="attached")
    return page


@pytest.fixture
def run_all():
    """run_all(page): run all cells by the menu, wait until each has its number and the kernel is idle."""
    return _run_all


def _run_all(page, timeout=60_000):
    page.locator(".lm-MenuBar-item", has_text="Run").first.click()
    page.locator(".lm-Menu-item[data-command='runmenu:run-all']").click()
    page.wait_for_function(ALL_NUMBERED, timeout=timeout)
    page.wait_for_selector(IDLE, state="attached", timeout=timeout)


IDLE = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
ALL_NUMBERED = """() => [...document.querySelectorAll(".jp-CodeCell")]
    .filter(cell => cell.querySelector(".cm-content")?.textContent.trim())
    .every(cell => /^\\[\\d+\\]/.test(cell.querySelector(".jp-InputPrompt").textContent.trim()))"""
