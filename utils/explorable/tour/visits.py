"""The tour of one notebook: run it, find everything in it by its structure, try it, come back another day."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from . import answering
from .complaints import Complaints
from .latencies import Times
from .looking import SEEN, look
from .opening import make_page, open_in, run_again, save
from .operating import Operator

# one page of screenshots should hold a tall picture
HEIGHT = 1700
RUNNING = 300_000  # ms
QUIZZES = ".card:has(> form)"
BOARDS = ".card-board"
CELL = """root => [...document.querySelectorAll(".jp-Notebook .jp-Cell")].indexOf(root.closest(".jp-Cell"))"""


@dataclass
class Settings:
    """How the tour looks at the pages.  out: the folder for pictures;  budget: seconds of combinations an explorable."""

    out: Path
    app: str = "lab"
    theme: str = "light"
    width: int = 1400
    forced_colors: bool = False
    reduced_motion: bool = False
    budget: float = 8.0

    def page_options(self):
        """The options of a browser's context."""
        phone = {"has_touch": True} if self.width <= 480 else {}
        return phone | {
            "viewport": {"width": self.width, "height": HEIGHT},
            "color_scheme": self.theme,
            "forced_colors": "active" if self.forced_colors else "none",
            "reduced_motion": "reduce" if self.reduced_motion else "no-preference",
        }


@dataclass
class Visit:
    """What was found out about one thing in a notebook.

    cell: its number in the notebook;  kind: marks, scene, quiz, board, card, or notebook for the whole of it;
    pictures: [(caption, file)];  cut_short: whether there was no time for all combinations.
    """

    chapter: str
    cell: int = -1
    kind: str = "notebook"
    title: str = ""
    complaints: Complaints = field(default_factory=Complaints)
    times: Times = field(default_factory=Times)
    pictures: list = field(default_factory=list)
    seconds: float = 0.0
    cut_short: bool = False

    @property
    def name(self):
        """For people: 01, cell 14, "title"."""
        return f"{self.chapter}, cell {self.cell}, {self.title}" if self.cell >= 0 else self.chapter


def visit_notebook(browser, jupyter, name, settings, progress=lambda done, of: None):
    """Visits of all that is in a notebook of the server's folder; the first one is of the notebook itself."""
    whole = Visit(name.partition("_")[0], title=name)
    page = make_page(browser, **settings.page_options())
    try:
        visits = [whole, *try_everything(page, jupyter, name, settings, whole, progress)]
        note_errors(page, whole)
        before = page.evaluate(SEEN)
        save(page)
        note_failures(jupyter.root / name, whole)
    finally:
        page.context.close()
    jupyter.end_sessions()
    page = make_page(browser, **settings.page_options())
    try:
        come_back(page, jupyter, name, settings, visits, before)
    finally:
        page.context.close()
        jupyter.end_sessions()
    return visits


def note_errors(page, whole, state=""):
    for error in page.errors:
        whole.complaints.add("error", error.split("\n")[0][:300], state)


def note_failures(path, whole):
    """The cells that failed, unless they are meant to."""
    for number, cell in enumerate(nbformat.read(path, 4).cells):
        meant = "raises-exception" in cell.metadata.get("tags", [])
        for output in cell.get("outputs", ()) if not meant else ():
            if output.output_type == "error":
                whole.complaints.add("error", f"cell {number}: {output.ename}: {output.evalue[:200]}")


def opened(page, jupyter, name, settings):
    open_in(page, jupyter, settings.app, name)
    if settings.app == "lab" and settings.width < 800:
        page.keyboard.press("Control+b")  # the list of files leaves no room on a phone
    return page


def try_everything(page, jupyter, name, settings, whole, progress):
    """Run all cells, answer the quizzes first, for they cover pictures; then every explorable."""
    opened(page, jupyter, name, settings)
    start = time.monotonic()
    run_again(page, RUNNING)
    whole.seconds = time.monotonic() - start
    bring_all_into_view(page)
    cards = [
        (answering.answer_quiz, QUIZZES),
        (answering.play_board, BOARDS),
        (answering.open_card, answering.WRITTEN),
    ]
    visits = [
        visit_card(page, whole, *card, root, settings)
        for *card, selector in cards
        for root in page.query_selector_all(selector)
    ]
    roots = page.query_selector_all(".explorable")
    for k, root in enumerate(roots):
        progress(k, len(roots))
        visits.append(visit_explorable(page, whole, root, settings))
    return sorted(visits, key=lambda visit: visit.cell)


def bring_all_into_view(page):
    """So that nothing waits for being scrolled to."""
    for root in page.query_selector_all(f".explorable, .card, {answering.WRITTEN}"):
        root.scroll_into_view_if_needed()


def visit_card(page, whole, act, root, settings):
    visit = Visit(whole.chapter, root.evaluate(CELL))
    return timed_visit(
        visit, lambda: (act(page, root, visit), take_picture(root, visit, settings, visit.title))
    )


def visit_explorable(page, whole, root, settings):
    visit = Visit(whole.chapter, root.evaluate(CELL))

    def operate():
        operator = Operator(page, root, visit, settings.budget, settings.reduced_motion)
        operator.js("settled")
        take_picture(root, visit, settings, "as opened")
        operator.everything()
        take_picture(root, visit, settings, "as left")

    return timed_visit(visit, operate)


def timed_visit(visit, act):
    """A visit that fails says so, and the tour goes on."""
    start = time.monotonic()
    try:
        act()
    except Exception as error:
        visit.complaints.add("error", f"the tour could not go on: {type(error).__name__}: {str(error)[:300]}")
    visit.seconds = time.monotonic() - start
    return visit


def take_picture(root, visit, settings, caption):
    """A picture of an element, kept beside the page."""
    folder = settings.out / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{visit.chapter}_{visit.cell:03d}_{visit.kind}_{len(visit.pictures)}.png"
    while file.exists():
        file = file.with_stem(f"{file.stem}b")
    root.screenshot(path=file)
    visit.pictures.append((caption, f"pictures/{file.name}"))


def come_back(page, jupyter, name, settings, visits, before):
    """Another day: the page is opened again, the kernel knows nothing; everything must be as it was left."""
    whole = visits[0]
    opened(page, jupyter, name, settings)
    there = f"n => document.querySelectorAll('.explorable, {QUIZZES}, {BOARDS}').length >= n"
    count = sum(visit.kind in ("marks", "scene", "quiz", "board") for visit in visits)
    try:
        page.wait_for_function(there, arg=count, timeout=20_000)
    except Exception:
        found = page.evaluate("() => document.querySelectorAll('.explorable, .card').length")
        whole.complaints.add("left", f"{found} of {count} explorables and cards are there", "coming back")
    bring_all_into_view(page)
    after = page.evaluate(SEEN)
    compare(before, after, visits)
    roots = page.query_selector_all(".explorable")
    drawn = [visit for visit in visits if visit.kind in ("marks", "scene")]
    for visit, root in zip(drawn, roots):
        look(page, root, visit.complaints, "coming back")
    note_errors(page, whole, "coming back")


def compare(before, after, visits):
    """Complain, at the thing itself, of what is not as it was left."""
    titled = {visit.title: visit for visit in visits}
    for one, other in zip(before["explorables"], after["explorables"]):
        differs = [key for key in one if one[key] != other.get(key)]
        if differs:
            visit = titled.get(one["title"], visits[0])
            visit.complaints.add("left", f"{', '.join(differs)} of {one['title']!r} differ", "coming back")
    for one, other in zip(before["cards"], after["cards"]):
        differs = [key for key in one if one[key] != other.get(key)]
        if differs:
            words = one["text"][0][:40] if one["text"] else "a card"
            visits[0].complaints.add("left", f"{', '.join(differs)} of {words!r} differ", "coming back")
