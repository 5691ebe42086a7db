"""renumber: tags get the numbers of their order, what cites them follows, code and other numbers stay."""

import pytest

from tests.notebooks.tiny_course import BACKPROP, LINEAR, MODULE, sentences
from utils.notebooks.__main__ import main
from utils.notebooks.files import read_chapter
from utils.notebooks.renumber import cited, code_with, numbers_in_order, prose_with, renumber
from utils.notebooks.sync import sync

NEW = {"1.1": "1.2", "1.2": "1.1", "1.7": "1.3"}


def with_equation_in_front(course):
    """(1.2) stands before (1.1) now."""
    with course.edit() as notebook:
        notebook.cells[
            0
        ].source += "\n\n$$ y = x \\tag{1.2} $$\n\nBy (1.2) and eqs. (1.1), (1.2), 0.5 of (0.5), f(1.1)."
        notebook.cells[4].source += "\nlimit = max(1.1, 1.2)  # eq. (1.1)"
    with course.edit("02_activations") as notebook:
        notebook.cells[2].source += "\n\nAs eq. 1.1 says."


def test_a_dry_run_changes_nothing(course):
    with_equation_in_front(course)
    before = {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}
    told = sentences(renumber(course.root, "01"))
    assert rf"{BACKPROP}, cell 1: \tag{{1.2}} becomes \tag{{1.1}}" in told
    assert told[-1] == f"{BACKPROP}: nothing was changed yet; --write changes it"
    assert {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()} == before


def test_everything_that_cites_follows(course):
    with_equation_in_front(course)
    assert main(["--root", str(course.root), "renumber", "backprop", "--write"]) == 0
    cells = course.read().cells
    assert "\\tag{1.1} $$\n\nBy (1.1) and eqs. (1.2), (1.1), 0.5 of (0.5), f(1.1)." in cells[0].source
    assert "\\tag{1.2}" in cells[2].source and "By eq. (1.2), (0.644" in cells[2].source
    assert cells[4].source.endswith("limit = max(1.1, 1.2)  # eq. (1.2)")
    assert course.read("02_activations").cells[2].source.endswith("As eq. 1.2 says.")
    assert course.module.read_text() == MODULE.replace("eq. (1.1)", "eq. (1.2)")
    exercises = (course.root / "utils/chapters/backprop/exercises.py").read_text()
    assert exercises == 'HINTS = ["By (1.2).", "Half of it is (0.5)."]\n'
    assert sentences(sync(course.root)) == [f"{BACKPROP}, cell 4: took linear from utils/nn/backprop.py"]
    assert course.cell("linear").source == LINEAR.replace("(1.1)", "(1.2)")
    (told,) = sentences(renumber(course.root, "01"))
    assert told == f"{BACKPROP}: its equations are numbered in order"


def test_a_number_that_stands_twice_is_refused(course):
    with course.edit() as notebook:
        notebook.cells[0].source += "\n\n$$ y \\tag{1.1} $$"
    (told,) = renumber(course.root, "01", write=True)
    assert told.refused and "has 1.1 twice" in told.text


def test_read_only_files_stop_it_before_it_begins(course):
    with_equation_in_front(course)
    course.module.chmod(0o444)
    before = course.path().read_bytes()
    (told,) = renumber(course.root, "01", write=True)
    assert told.refused and "read-only" in told.text and course.path().read_bytes() == before


def test_letters_stay_with_their_number(course):
    with course.edit() as notebook:
        notebook.cells[
            0
        ].source += "\n\n$$ a \\tag{1.4} $$ $$ b \\tag{1.4b} $$ $$ c \\tag{1.9} $$ $$ d \\tag{1.2a} $$"
    new = numbers_in_order(read_chapter(course.root, course.path()))
    assert new == {"1.4": "1.1", "1.4b": "1.1b", "1.9": "1.2", "1.2a": "1.3", "1.1": "1.4"}


@pytest.mark.parametrize(
    "text, expected",
    [
        ("see (1.1), (1.7) and （1.2）", "see (1.2), (1.3) and （1.1）"),
        ("eqs. 1.1, 1.7 hold; 1.1 does not", "eqs. 1.2, 1.3 hold; 1.1 does not"),
        ("shares (1.1, 1.7), f(1.1), [1](1.1), 11.1 (11.1)", None),
        ("`(1.1)` and $x (1.1)$ and\n\n```\neq. (1.1)\n```\n", None),
        (r"$$ y \tag{1.1} $$ (1.9)", r"$$ y \tag{1.2} $$ (1.9)"),
    ],
)
def test_prose(text, expected):
    assert prose_with(text, NEW, True)[0] == (expected or text)


def test_code():
    source = 'x = f"by (1.1) {y(1.1)}"\r\ny = (1.1)  # eq. (1.7), (1.2)\r\n"""eqs. (1.1), (1.2)"""\r\n'
    assert code_with(source, NEW, True)[0] == (
        'x = f"by (1.2) {y(1.1)}"\r\ny = (1.1)  # eq. (1.3), (1.1)\r\n"""eqs. (1.2), (1.1)"""\r\n'
    )
    assert code_with(source, NEW, False)[0].startswith('x = f"by (1.1)')
    assert code_with("def (", NEW, True) == ("def (", [])
    assert cited("(1.1)", NEW, False, []) == "(1.1)"
