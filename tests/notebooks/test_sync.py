"""sync in both directions: what is copied, what is left alone, and when it refuses."""

import re
from pathlib import Path

import pytest

from tests.notebooks.tiny_course import (
    ACTIVATIONS,
    BACKPROP,
    LINEAR,
    MODULE,
    python,
    sentences,
    shown,
    stdout,
)
from utils.notebooks.__main__ import main
from utils.notebooks.index import index
from utils.notebooks.shown import ShownError, digest, find_definition
from utils.notebooks.sync import sync

EDITED = LINEAR.replace("x @ weight.T", "x.dot(weight.T)")
TAG = "show:nn/backprop.py::linear"
CELL = f"{BACKPROP}, cell 4:"


def edit_cell(course, source=EDITED):
    with course.edit() as notebook:
        notebook.cells[3].source = source


def edit_module(course):
    course.edit_module("x @ weight.T", "x @ weight.mT")


def test_sync_of_a_synced_course_changes_nothing(course):
    sync(course.root)
    files = course.path(), course.module
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    assert sync(course.root) == sync(course.root, back=True) == []
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in files] == before


def test_notebooks_are_written_as_jupyter_writes_them(course):
    text = course.path().read_text("utf-8")
    course.path().write_text(text.replace("\n ", "\n   "), encoding="utf-8")
    sync(course.root)
    assert course.path().read_text("utf-8") == text
    assert text.startswith('{\n "cells": [\n  {') and text.endswith("}\n") and "反向传播" in text


def test_sync_takes_a_changed_module_and_drops_what_the_old_code_printed(course):
    course.edit_module(LINEAR, EDITED)
    with course.edit() as notebook:
        notebook.cells[3].outputs = [stdout("old")]
    assert sentences(sync(course.root)) == [f"{CELL} took linear from utils/nn/backprop.py"]
    cell = course.cell("linear")
    assert (cell.source, cell.outputs, cell.execution_count) == (EDITED, [], None)
    assert cell.metadata.shown == {"source": TAG, "hash": digest(EDITED)}
    assert course.cell("use").outputs and course.cell("use").execution_count == 3
    assert sync(course.root) == []


@pytest.mark.parametrize("empty", ["", " \n"])
@pytest.mark.parametrize(
    "name, source",
    [
        ("linear", LINEAR),
        ("EPS", "EPS = 1e-5"),
        ("SLOPES", 'SLOPES: dict = {\n    "relu": 0.0,\n}'),
        ("Tap", "class Tap:\n    value = None"),
        ("identity", "def identity(function):\n    return function"),
    ],
)
def test_sync_fills_an_empty_cell_with_a_definition(course, name, source, empty):
    tag = f"show:nn/backprop.py::{name}"
    with course.edit() as notebook:
        notebook.cells.append(python("new", empty, None, tags=[tag]))
    assert sync(course.root, back=True) == []
    assert sentences(sync(course.root)) == [f"{BACKPROP}, cell 9: took {name} from utils/nn/backprop.py"]
    assert course.cell("new").source == source
    assert course.cell("new").metadata.shown == {"source": tag, "hash": digest(source)}


def test_sync_does_not_write_over_a_read_only_notebook(course):
    edit_module(course)
    before = course.path().read_bytes()
    course.path().chmod(0o444)
    (problem,) = sentences(sync(course.root))
    assert problem.startswith(f"{BACKPROP}: is read-only and was left as it is")
    assert course.path().read_bytes() == before
    assert sync(course.root, [course.path("02_activations")]) == []


def test_sync_back_does_not_write_over_a_read_only_module(course):
    edit_cell(course)
    course.module.chmod(0o444)
    (problem,) = sentences(sync(course.root, back=True))
    assert problem.startswith("utils/nn/backprop.py: is read-only") and course.module.read_text() == MODULE


def test_a_folder_that_cannot_be_written_is_told(course, monkeypatch):
    def refuse(self, content):
        raise OSError(30, "Read-only file system")

    edit_module(course)
    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert sentences(sync(course.root)) == [f"{BACKPROP}: cannot be written (Read-only file system)"]
    (course.chapters / "INDEX.md").unlink()
    told = sentences(index(course.root))
    assert told == ["chapters/INDEX.md: cannot be written (Read-only file system)"]


def test_sync_of_one_notebook_leaves_the_others(course):
    edit_module(course)
    assert sync(course.root, [course.path("02_activations")]) == []
    assert course.cell("linear").source == LINEAR


def test_sync_does_not_write_over_an_edited_cell(course):
    edit_module(course)
    edit_cell(course)
    (problem,) = sentences(sync(course.root))
    assert problem.startswith(f"{CELL} linear was edited here since the last sync")
    assert course.cell("linear").source == EDITED
    assert main(["--root", str(course.root), "sync"]) == 1


def test_sync_does_not_write_over_a_cell_that_it_never_filled(course):
    edit_cell(course)
    with course.edit() as notebook:
        notebook.cells[3].metadata.shown.source = "show:nn/backprop.py::another"
    for back in (False, True):
        (problem,) = sentences(sync(course.root, back=back))
        assert problem.startswith(
            f"{CELL} holds another linear than utils/nn/backprop.py and was never synced"
        )
    assert course.cell("linear").source == EDITED and course.module.read_text() == MODULE


def test_sync_stores_the_hash_of_a_cell_that_already_agrees(course):
    with course.edit() as notebook:
        del notebook.cells[3].metadata["shown"]
    assert sync(course.root) == []
    assert course.cell("linear").metadata.shown.hash == digest(LINEAR)
    assert course.cell("linear").execution_count == 2


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("at_the_end", [False, True])
def test_sync_back_replaces_the_definition_and_nothing_else(course, ending, at_the_end):
    head, rest = MODULE.split(LINEAR)
    rest = "" if at_the_end else rest + "\n\nclass Last: pass  # no new line at the end"
    course.module.write_bytes((head + LINEAR + rest).replace("\n", ending).encode())
    longer = EDITED + "  # 点"
    edit_cell(course, longer)
    assert sentences(sync(course.root, back=True)) == [f"{CELL} wrote linear to utils/nn/backprop.py"]
    assert course.module.read_bytes() == (head + longer + rest).replace("\n", ending).encode()
    assert course.cell("linear").metadata.shown.hash == digest(longer)
    assert sync(course.root) == sync(course.root, back=True) == []


def test_sync_back_does_not_write_over_an_edited_module(course):
    edit_module(course)
    before = course.module.read_bytes()
    edit_cell(course)
    (problem,) = sentences(sync(course.root, back=True))
    assert problem.startswith(f"{CELL} linear was edited both here and in utils/nn/backprop.py")
    assert course.module.read_bytes() == before


def test_sync_back_does_not_undo_the_module_with_an_unedited_cell(course):
    edit_module(course)
    before = course.module.read_bytes()
    (remark,) = sync(course.root, back=True)
    assert str(remark) == f"{CELL} utils/nn/backprop.py is newer and the cell was not edited; run sync"
    assert not remark.refused and course.module.read_bytes() == before


@pytest.mark.parametrize(
    "source, complaint",
    [
        (
            EDITED + "\n\nprint(1)",
            "the cell must hold linear with its decorators and the comment above it, nothing",
        ),
        ("import os\n\n" + EDITED, "the cell must hold linear with its decorators"),
        (EDITED.replace("def linear", "def affine"), "the cell does not define linear at its top level"),
        (EDITED + "(", "the cell is not valid Python"),
        (EDITED + "\n%timeit 1", "the cell is not valid Python"),
    ],
)
def test_sync_back_takes_only_the_definition(course, source, complaint):
    edit_cell(course, source)
    (problem,) = sentences(sync(course.root, back=True))
    assert problem.startswith(f"{CELL} {complaint}")
    assert course.module.read_text() == MODULE and course.cell("linear").source == source


def show_again(course, source):
    with course.edit("02_activations") as notebook:
        notebook.cells.insert(1, python("again", source, None, **shown(LINEAR)))


def test_sync_back_refuses_differing_edits_of_one_definition(course):
    edit_cell(course)
    show_again(course, EDITED + "  # really")
    where = f"({BACKPROP} cell 4, {ACTIVATIONS} cell 2)"
    assert sentences(sync(course.root, back=True)) == [
        f"{place} linear was edited in several cells in different ways {where}"
        for place in (CELL, f"{ACTIVATIONS}, cell 2:")
    ]
    assert course.module.read_text() == MODULE


def test_sync_back_takes_one_edit_and_sync_brings_it_to_the_other_cells(course):
    edit_cell(course)
    show_again(course, LINEAR)
    assert sentences(sync(course.root, back=True)) == [
        f"{CELL} wrote linear to utils/nn/backprop.py",
        f"{ACTIVATIONS}, cell 2: shows an older linear now; run sync",
    ]
    assert sentences(sync(course.root)) == [f"{ACTIVATIONS}, cell 2: took linear from utils/nn/backprop.py"]


def test_an_unknown_definition_or_module_is_told(course):
    course.edit_module("def linear", "def affine")
    for back in (False, True):
        (problem,) = sentences(sync(course.root, back=back))
        assert problem == f"{CELL} utils/nn/backprop.py does not define linear at its top level"
    course.module.unlink()
    (problem,) = sentences(sync(course.root))
    assert problem == f"{CELL} the module utils/nn/backprop.py does not exist"


@pytest.mark.parametrize(
    "module, complaint",
    [
        ("f = 1\nf = 2", "m.py defines 2 times f at its top level"),
        ("f = 1; g = 2", "in m.py, f shares a line with another statement"),
        ("if True:\n    f = 1", "m.py does not define f at its top level"),
        ("x[f] = 1", "m.py does not define f at its top level"),
        ("def f(:", "m.py is not valid Python (line 1)"),
        ("f = 1\0", "m.py is not valid Python"),
    ],
)
def test_definitions_that_cannot_be_shown(module, complaint):
    with pytest.raises(ShownError, match=re.escape(complaint)):
        find_definition(module.encode(), "f", "m.py")


def test_a_definition_on_the_first_line():
    assert find_definition(b"f = 1\n# the end", "f", "m.py") == slice(0, 1)
    assert find_definition(b"# about f\nf = 1", "f", "m.py") == slice(0, 2)
