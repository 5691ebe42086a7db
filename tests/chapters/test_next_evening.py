"""The next evening: the kernel is new, the reader runs the first code cell, and goes on where the day before ended."""

import builtins
import re
from pathlib import Path

import nbformat
import pytest

from tests.chapters.cells import code_cells, run
from utils.notebooks.rules.code import names

CHAPTERS = sorted((Path(__file__).parents[2] / "chapters").glob("[0-9][0-9]_*.ipynb"))
SECTIONED = [path for path in CHAPTERS if path.name[:2] != "00"]  # whose sections say what they need
SAYS = re.compile(r"\*After a restart: run the first code cell and sections? ([\d., and]+)\.\*")


def stubs(cells):
    """{number: source} of the exercises' cells."""
    return {
        tag.removeprefix("exercise:"): source
        for tags, source in cells
        for tag in tags
        if tag.startswith("exercise:")
    }


def after_the_first_cell(cells):
    """{number: what its stub says, a verdict or a NameError} when only the first code cell ran before it."""
    known, said = {}, {}
    run(cells[0][1], known)
    for number, source in stubs(cells).items():
        try:
            said[number] = run(source, dict(known))
        except NameError as error:
            said[number] = error
    return said


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_exercise_needs_the_first_code_cell_only(path):
    said = after_the_first_cell(code_cells(path))
    assert {number: told for number, told in said.items() if getattr(told, "status", None) != "todo"} == {}


def test_a_stub_that_needs_another_cell_is_found():
    said = after_the_first_cell(
        [([], "a = 1"), ([], "b = 2"), (["exercise:99.1"], "a + b"), (["exercise:99.2"], "a")]
    )
    assert "'b' is not defined" in str(said["99.1"]) and said["99.2"] == 1


# ---- sections


def sections(cells):
    """{title: (names of the sections that it says it needs, sources of its code cells)}, and the first code cell.

    A section is what stands between two headings of the second level; "1.3" names the one that begins so.
    """
    found, title, first = {}, "", ""
    for cell in cells:
        if cell.cell_type == "markdown":
            heading = re.match(r"## (\d+\.\d+)?(.*)", cell.source)
            title = (heading[1] or heading[2].strip()) if heading else title
            said = SAYS.search(cell.source)
            wanted = re.findall(r"\d+\.\d+", said[1]) if said else []
            found.setdefault(title, ([], []))[0].extend(wanted)
        elif not first:
            first = cell.source
        else:
            found.setdefault(title, ([], []))[1].append(cell.source)
    return found, first


def missing(sources, known):
    """The names that code uses before anything binds them; `known` grows by what it binds."""
    lacking = set()
    for source in sources:
        bound, used = names(source)
        known |= bound
        lacking |= used - known - {*dir(builtins), "display"}
    return lacking


def lacking_after_restart(found, first, title, without=None):
    """The names that a section lacks when the first cell and the sections that it asks for were run, in order."""
    known, wanted = set(), found[title][0]
    lacking = missing([first], known)
    for other in wanted:
        if other != without:
            lacking |= missing(found[other][1], known)
    return lacking | missing(found[title][1], known)


@pytest.mark.parametrize("path", SECTIONED, ids=lambda path: path.stem)
def test_a_section_says_which_others_it_needs(path):
    found, first = sections(nbformat.read(path, as_version=4).cells)
    lacking = {title: lacking_after_restart(found, first, title) for title in found}
    assert {title: words for title, words in lacking.items() if words} == {}


@pytest.mark.parametrize("path", SECTIONED, ids=lambda path: path.stem)
def test_a_section_asks_for_no_more_than_it_needs(path):
    found, first = sections(nbformat.read(path, as_version=4).cells)
    asked = [(title, other) for title, (wanted, _) in found.items() for other in wanted]
    assert (
        asked
        and [pair for pair in asked if not lacking_after_restart(found, first, pair[0], without=pair[1])]
        == []
    )


def test_what_a_section_does_not_say_is_found():
    md, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    cells = [
        md("# 99 Title"), code("import math"),
        md("## 9.1 One"), code("a = 1"),
        md("## 9.2 Two\n\n*After a restart: run the first code cell and section 9.1.*"), code("b = math.exp(a)"),
        md("## 9.3 Three"), code("def f():\n    return b\n\n\nprint(f())"),
    ]  # fmt: skip
    found, first = sections(cells)
    lacking = {title: lacking_after_restart(found, first, title) for title in found}
    assert lacking == {"": set(), "9.1": set(), "9.2": set(), "9.3": {"b"}}
    assert lacking_after_restart(found, first, "9.2", without="9.1") == {"a"}
