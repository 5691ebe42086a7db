"""Chromium, its pages, and a notebook on one: opened, run, saved, and opened again another day."""

from contextlib import contextmanager, suppress

from utils.doctor.commands import find_chromium

# Chromium's new headless mode is the real browser; Playwright would add the old one.
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu")
SIZE = {"width": 1400, "height": 1000}
# Notebook 7 logs these by itself, without any explorable.
NOT_OURS = ("reading 'schema'", "Command 'filebrowser:open-path' not registered")
IDLE = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
ALL_NUMBERED = """() => [...document.querySelectorAll(".jp-CodeCell")]
    .filter(cell => cell.querySelector(".cm-content")?.textContent.trim())
    .every(cell => /^\\[\\d+\\]/.test(cell.querySelector(".jp-InputPrompt").textContent.trim()))"""
BUSY = """() => [...document.querySelectorAll(".jp-InputPrompt")].some(prompt => prompt.textContent.includes("*"))"""


class Missing(RuntimeError):
    """No browser here, or nothing that drives one; the message says what to install."""


@contextmanager
def chromium():
    """A running Chromium, the one on the PATH or the one that CHROMIUM names; Missing where there is none."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise Missing("playwright: pip install -r tests/requirements.txt") from None
    path = find_chromium()
    if not path:
        raise Missing("Chromium on the PATH, or the environment variable CHROMIUM naming one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=FLAGS, ignore_default_args=["--headless"], headless=True
        )
        try:
            yield browser
        finally:
            browser.close()


def make_page(browser, init_script="", **options):
    """A page in a context of its own, whose errors are in `page.errors`; init_script: JavaScript that runs first."""
    page = browser.new_context(**({"viewport": SIZE} | options)).new_page()
    page.add_init_script(init_script)
    page.set_default_timeout(20_000)
    page.errors = []

    def note(error):
        if not any(known in error for known in NOT_OURS):
            page.errors.append(error)

    page.on("pageerror", lambda error: note(str(error)))
    page.on("console", lambda m: m.type == "error" and note(f"{m.text} {m.location['url']}"))
    return page


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


def menu(page, name, command):
    """Choose a command in a menu of Jupyter."""
    page.locator(".lm-MenuBar-item", has_text=name).first.click()
    page.locator(f".lm-Menu-item[data-command='{command}']").click()


def run_all(page, timeout=60_000):
    """Run all cells by the menu, wait until each has its number and the kernel is idle."""
    menu(page, "Run", "runmenu:run-all")
    page.wait_for_function(ALL_NUMBERED, timeout=timeout)
    page.wait_for_selector(IDLE, state="attached", timeout=timeout)


def run_again(page, timeout):
    """The same for a notebook whose cells have numbers already, or where one fails, after which the others do not run."""
    menu(page, "Run", "runmenu:run-all")
    with suppress(Exception):  # cells that take no time
        page.wait_for_function(BUSY, timeout=3000)
    page.wait_for_function(f"() => !({BUSY})()", timeout=timeout)
    page.wait_for_selector(IDLE, state="attached", timeout=timeout)


def save(page):
    """Ctrl + S, wherever the focus is, and wait until the server has it."""
    with page.expect_response(
        lambda answer: answer.request.method == "PUT" and "/api/contents/" in answer.url
    ):
        page.keyboard.press("Control+s")
