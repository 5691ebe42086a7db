"""Quoted numbers: each names its source, and a changed digit on either side is told."""

import json

import pytest

from tests.notebooks.tiny_course import BACKPROP, python, sentences, stdout
from utils.notebooks.course import Course
from utils.notebooks.files import read_chapters
from utils.notebooks.markdown import Document
from utils.notebooks.quotes import as_shares, holds, quantities, quote
from utils.notebooks.rules import quoted

PROSE = "\n\nThe loss falls to 0.593, and 89 to 95 % are right."


@pytest.fixture
def quoting(course, monkeypatch):
    """A chapter whose cell 3 quotes two numbers that its cell 6 prints, and that must name all sources."""
    with course.edit() as notebook:
        rule = notebook.cells[2]
        rule.source = rule.source.replace("(0.644, 0.237)", "It") + PROSE
        del rule.metadata["quotes"]
        notebook.cells.insert(
            5, python("measure", "print(loss, low, high)", 9, [stdout("0.593 and 89% 95%\n")])
        )
    return course


def complaints(course):
    chapters, _ = read_chapters(course.root)
    whole = Course(course.root, [chapter.path for chapter in chapters], chapters)
    return [str(remark) for chapter in chapters for remark in quoted.quoted_numbers(chapter, whole)]


@pytest.mark.parametrize(
    "text, found",
    [
        ("It is 0.593 or 1.5.", ["0.593"]),
        ("It is 5 % or 98.4 % or 10 to 22 %.", ["5 %", "98.4 %", "10 to 22 %"]),
        ("See (1.12), eq. (1.12) and section 1.12.", []),  # the chapter has such an equation
        ("Take $0.593$ and `0.593`, [so](a/0.593.md).", []),
        ("Version 3.11.2, arXiv 1502.03167 and 1607.06450.", []),
        ("0.593 and again 0.593", ["0.593"]),
    ],
)
def test_which_numbers_need_a_source(text, found):
    assert quantities(Document.parse(text), {1: {"1.12"}}) == found


@pytest.mark.parametrize(
    "text, quantity, expected",
    [
        ("loss 0.593", "0.593", True),
        ("loss 0.5931", "0.593", False),
        ("loss 10.593", "0.593", False),
        ("89 to 95", "89 to 95 %", True),
        ("89 to 96", "89 to 95 %", False),
        ("0.95", "95 %", False),
    ],
)
def test_digit_by_digit(text, quantity, expected):
    assert holds(text, quantity) is expected


@pytest.mark.parametrize(
    "quantity, shares",
    [("98.4 %", "0.984 %"), ("89 to 95 %", "0.89 to 0.95 %"), ("93.0%", "0.930%"), ("0.593", "0.593")],
)
def test_per_cents_as_code_says_them(quantity, shares):
    assert as_shares(quantity) == shares


def test_quote_finds_the_cell_and_then_all_is_well(quoting):
    assert complaints(quoting) == [
        f"{BACKPROP}, cell 3: 0.593 names no source; run quote, or say where it is from",
        f"{BACKPROP}, cell 3: 89 to 95 % names no source; run quote, or say where it is from",
    ]
    assert sentences(quote(quoting.root)) == [f"{BACKPROP}: the sources of its numbers are written"]
    assert quoting.cell("rule").metadata.quotes == {"0.593": "cell:measure", "89 to 95 %": "cell:measure"}
    assert complaints(quoting) == sentences(quote(quoting.root)) == []


def test_prose_changed_to_a_number_that_no_cell_prints(quoting):
    quote(quoting.root)
    with quoting.edit() as notebook:
        notebook.cells[2].source = notebook.cells[2].source.replace("0.593", "0.595")
    assert complaints(quoting) == [
        f"{BACKPROP}, cell 3: 0.595 names no source; run quote, or say where it is from",
        f"{BACKPROP}, cell 3: a source is named for 0.593, which the text does not hold",
    ]
    assert f"{BACKPROP}, cell 3: no cell holds 0.595" in sentences(quote(quoting.root))


def test_a_cell_that_prints_another_number(quoting):
    quote(quoting.root)
    with quoting.edit() as notebook:
        notebook.cells[5].outputs = [stdout("0.594 and 89% 95%\n")]
    assert complaints(quoting) == [
        f"{BACKPROP}, cell 3: its source cell:measure does not hold 0.593; which of them is right?"
    ]


def test_a_test_may_be_the_source(quoting):
    path = quoting.root / "tests" / "test_claims.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text("RANGE = (0.593, 0.89, 0.95)\n\n\ndef test_it():\n    assert 0.6\n")
    with quoting.edit() as notebook:
        notebook.cells[2].metadata["quotes"] = {
            "0.593": "test:tests/test_claims.py::RANGE",
            "89 to 95 %": "test:tests/test_claims.py::test_it",
        }
    assert complaints(quoting) == [
        f"{BACKPROP}, cell 3: its source test:tests/test_claims.py::test_it does not hold 89 to 95 %; "
        "which of them is right?"
    ]


@pytest.mark.parametrize(
    "where",
    [
        *("cell:nowhere", "test:tests/none.py::a", "from memory", "test:", "cell:rule"),
        *("results:runs::a", "results:", "results:runs", "table:none.md::a::b", "table:", "table:README.md"),
    ],
)
def test_a_source_that_does_not_exist(quoting, where):
    with quoting.edit() as notebook:
        notebook.cells[2].metadata["quotes"] = {"0.593": where, "89 to 95 %": "given"}
    assert complaints(quoting) == [f"{BACKPROP}, cell 3: the source {where} of 0.593 does not exist"]


def test_malformed_marks(quoting):
    with quoting.edit() as notebook:
        notebook.cells[2].metadata["quotes"] = ["0.593"]
    assert complaints(quoting) == [f"{BACKPROP}, cell 3: its metadata quotes must map a number to its source"]


def test_a_number_in_a_cell_is_no_source_of_a_per_cent(quoting):
    with quoting.edit() as notebook:
        notebook.cells[5].outputs = [stdout("0.593 in 89 steps, 95 of them\n")]
    assert f"{BACKPROP}, cell 3: no cell holds 89 to 95 %" in sentences(quote(quoting.root))
    with quoting.edit() as notebook:
        notebook.cells[5].outputs = [stdout("0.593, 89 to 95 %\n")]
    quote(quoting.root)
    assert complaints(quoting) == []


RESULTS = {"experiments": {"starts": {"0": {"He": 0.8951, "Xavier": {"scores": [0.1, 0.946]}}}}}
RESULTS["experiments"]["starts"]["3"] = {"He": 0.946, "Xavier": {"scores": [0.1, 0.24]}}
PAGE = "# Page\n\n### claim\n\n| | must | a |\n|---|---|---|\n| He, low 7 | 0.8 to 0.9 | 0.894 |\n| He, high | | 0.95 |\n"


@pytest.mark.parametrize(
    "where, loss_holds, range_holds",
    [
        ("results:starts::He", False, False),  # 90 and 95 %, and 92 %, the median
        ("results:starts::Xavier", True, False),
        ("table:page.md::claim::He", False, True),
        ("table:page.md::claim::He, low", False, False),
    ],
)
def test_results_and_tables_are_rounded(quoting, where, loss_holds, range_holds):
    """0.593 is the median of two accuracies of Xavier; 89 to 95 % needs both rows of the page."""
    quoting.write_file("utils/chapters/backprop/results.json", json.dumps(RESULTS))
    quoting.write_file("page.md", PAGE)
    with quoting.edit() as notebook:
        notebook.cells[2].metadata["quotes"] = {"0.593": where, "89 to 95 %": where}
    wrong = [
        f"{BACKPROP}, cell 3: its source {where} does not hold {quantity}; which of them is right?"
        for quantity, held in (("0.593", loss_holds), ("89 to 95 %", range_holds))
        if not held
    ]
    assert complaints(quoting) == wrong
    kept = {"0.593": loss_holds, "89 to 95 %": range_holds}
    quote(quoting.root)
    found = quoting.cell("rule").metadata.quotes
    assert {quantity for quantity in kept if found[quantity] == where} == {q for q in kept if kept[q]}
