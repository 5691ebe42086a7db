"""What the pages of the chapters must show: questions that ask, crosschecks as coloured tables, how to close a chapter."""

import re

import nbformat
import pytest

from utils.exercises import registry
from utils.notebooks.files import ROOT, read_chapter
from utils.notebooks.renumber import numbers_in_order

CHAPTERS = {path.name[:2]: path for path in sorted((ROOT / "chapters").glob("0[1-4]_*.ipynb"))}
CLAUSE = re.compile(r"[^.:;?!]+[.:;?!]?")
ASKS = re.compile(
    r"(how|which|where|why|who|when|is|are|does|did|can|what (is|are|does|do|did|must|was|happens))\b", re.I
)


@pytest.fixture(params=CHAPTERS)
def chapter(request):
    return request.param


def cells_of(chapter, kind):
    cells = nbformat.read(CHAPTERS[chapter], as_version=4).cells
    return [cell for cell in cells if cell.cell_type == kind]


# ---- questions


def unasked(text):
    """Clauses that ask and do not end in a question mark.  Code between backticks and numbers are left out."""
    text = re.sub(r"`[^`]*`|\d+\.\d+", "x", text)
    clauses = [clause.strip() for clause in CLAUSE.findall(text)]
    return [c for c in clauses if ASKS.match(c) and not c.endswith("?")]


def texts(thing):
    """All sentences of nested dicts."""
    return [thing] if isinstance(thing, str) else [t for part in thing.values() for t in texts(part)]


def test_questions_of_exercises_end_in_question_marks(chapter):
    said = {}
    for number, exercise in registry.exercises(chapter).items():
        checker = exercise.checker
        words = [
            *texts(getattr(checker, "traps", {})),
            *texts(getattr(checker, "explain", {})),
            *exercise.hints,
        ]
        said[number] = [
            clause for text in [*words, exercise.title, exercise.after] for clause in unasked(text)
        ]
    assert {number: clauses for number, clauses in said.items() if clauses} == {}


def test_every_quiz_asks(chapter):
    quizzes = registry.quizzes(chapter)
    assert [number for number, quiz in quizzes.items() if not quiz.ask.endswith("?")] == []
    assert [
        c for quiz in quizzes.values() for text in [quiz.ask, *quiz.traps.values()] for c in unasked(text)
    ] == []


def test_a_question_without_its_mark_is_found():
    assert unasked("One slope is missing: how does w8 act on it.") == ["how does w8 act on it."]
    assert unasked("Look at (1.18). Which sign has the step?") == [] == unasked("What arrives is multiplied.")


# ---- crosschecks


def tables(cell):
    return sum("<table" in output.get("data", {}).get("text/html", "") for output in cell.outputs)


def hidden_crosschecks(cells):
    """Cells that call crosscheck and show fewer tables than they make reports."""
    calls = lambda cell: len(re.findall(r"(?<!import )\bcrosscheck\(", cell.source))
    return [cell.source for cell in cells if calls(cell) > tables(cell)]


def test_crosschecks_are_shown_as_tables(chapter):
    cells = cells_of(chapter, "code")
    assert hidden_crosschecks(cells) == []
    assert sum(map(tables, cells)) >= 4


def test_a_printed_crosscheck_is_found():
    printed = nbformat.v4.new_code_cell("print(crosscheck(f, g, x))")
    printed.outputs = [nbformat.v4.new_output("stream", text="output (3,) agrees with PyTorch")]
    one_of_two = nbformat.v4.new_code_cell("crosscheck(f, g, x)\ncrosscheck(g, f, x)")
    one_of_two.outputs = [nbformat.v4.new_output("display_data", {"text/html": "<table></table>"})]
    fine = nbformat.v4.new_code_cell("from utils.crosscheck import crosscheck\ncrosscheck(f, g, x)")
    fine.outputs = one_of_two.outputs
    assert hidden_crosschecks([printed, one_of_two, fine]) == [printed.source, one_of_two.source]


# ---- equations


@pytest.mark.parametrize("chapter", [number for number in CHAPTERS if number != "01"])
def test_equations_are_numbered_in_their_order(chapter):
    assert numbers_in_order(read_chapter(ROOT, CHAPTERS[chapter])) == {}


# ---- the end of a chapter


def test_the_last_cell_says_to_shut_the_kernel_down(chapter):
    assert "Shut Down Kernel" in cells_of(chapter, "markdown")[-1].source
