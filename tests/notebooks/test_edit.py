"""edit: a notebook as text and back: nothing is lost, only what was edited changes, and nothing is written over."""

import subprocess
import sys

import pytest

from tests.notebooks.tiny_course import BACKPROP, LINEAR, markdown, sentences, stdout
from utils.notebooks.__main__ import main
from utils.notebooks.edit import as_text, edit, from_text, kept, merged, said
from utils.notebooks.files import ROOT, read_chapter
from utils.notebooks.sync import sync
from utils.register import written

EDITS = "chapters/01_backprop.edit.md"


@pytest.fixture
def text(course):
    list(edit(course.root, "01"))
    return course.root / EDITS


def replace(path, old, new):
    before = path.read_text("utf-8")
    assert before.count(old) == 1
    path.write_text(before.replace(old, new), encoding="utf-8")


def test_the_text_is_readable(course, text):
    told = text.read_text("utf-8")
    assert f'```python id="linear" tags=["show:nn/backprop.py::linear"]\n{LINEAR}\n```' in told
    assert "## 1.1 Chain rule · 链式法则\n\n> **要点** 一句话。两句话。" in told and "image/png" not in told


def test_without_an_edit_nothing_changes(course, text):
    before = course.path().read_bytes()
    assert sentences(edit(course.root, "01", back=True)) == [f"{BACKPROP}: has no edit to take"]
    assert course.path().read_bytes() == before and course.problems() == []


def test_an_edit_of_prose_changes_that_cell_alone(course, text):
    replace(text, "By eq. (1.1), (0.644", "Look at eq. (1.1), (0.644")
    before = course.read()
    assert main(["--root", str(course.root), "edit", "01", "--back"]) == 0
    after = course.read()
    assert "Look at eq. (1.1)" in after.cells[2].source
    before.cells[2].source = after.cells[2].source
    assert after == before and course.problems() == []
    assert sentences(edit(course.root, "01", back=True)) == [f"{BACKPROP}: has no edit to take"], (
        "a new beginning"
    )


def test_edited_code_loses_its_outputs_and_check_asks_for_a_run(course, text):
    replace(text, "y.shape", "y.sum()")
    assert sentences(edit(course.root, "01", back=True)) == [f"{BACKPROP}, cell 5: was edited"]
    assert course.cell("use").outputs == [] and course.cell("raises").outputs
    assert course.problems() == [f"{BACKPROP}, cell 5: was not executed; run the notebook"]


def test_cells_that_are_new_gone_moved_or_tagged(course, text):
    told = text.read_text("utf-8")
    stub = told[told.index('```python id="stub"') : told.index('<!-- #region id="end"')]
    told = told.replace(stub, "```python\nprint(1)\n```\n\nNew prose.\n\n").replace(
        'tags=["core"] slide="slide" -->\n# 01', 'slide="slide" -->\n# 01'
    )
    use = told[told.index('```python id="use"') : told.index('```python id="raises"')]
    told = told.replace(use, "")
    told = told.replace('```python id="imports"', use + '```python id="imports"')
    text.write_text(told, encoding="utf-8")
    assert sentences(edit(course.root, "01", back=True)) == [
        f"{BACKPROP}, cell 1: has other tags",
        f"{BACKPROP}, cell 7: is new",
        f"{BACKPROP}, cell 8: is new",
        f"{BACKPROP}: the cell stub is gone",
        f"{BACKPROP}: its cells have another order",
    ]
    cells = course.read().cells
    assert [cell.id for cell in cells[:6]] == ["title", "use", "imports", "rule", "linear", "raises"]
    assert (cells[6].source, cells[7].source) == ("print(1)", "New prose.")
    assert cells[6].metadata.slideshow.slide_type == "-" and len({cell.id for cell in cells}) == 9
    assert cells[1].outputs, "moved, not edited"


def test_new_cells_are_in_the_lecture_where_the_one_above_is(course, text):
    replace(text, "is a/b/c.\n<!-- #endregion -->\n", "is a/b/c.\n<!-- #endregion -->\n\nMore of it.\n")
    assert sentences(edit(course.root, "01", back=True)) == [f"{BACKPROP}, cell 4: is new"]
    assert course.read().cells[3].metadata.tags == ["core"]


def test_tags_concepts_slides_and_sources_are_edited_too(course, text):
    concepts = 'concepts=["BP-01", "E01.2"] slide="slide" quotes={"0.237": "given", "0.644": "given"} -->'
    replace(text, concepts, 'concepts=["BP-01"] slide="subslide" quotes={"0.644": "given"} -->')
    assert sentences(edit(course.root, "01", back=True)) == [
        f"{BACKPROP}, cell 3: has other concepts, slide, quotes"
    ]
    metadata = course.cell("rule").metadata
    assert (metadata.concepts, metadata.slideshow.slide_type) == (["BP-01"], "subslide")
    assert metadata.quotes == {"0.644": "given"} and metadata.tags == ["core"]


def test_what_changed_meanwhile_in_other_cells_stays(course, text):
    """Edited by hand, run again and filled in by sync: none of these cells was edited in the text."""
    replace(text, "By eq. (1.1), (0.644", "Look at eq. (1.1), (0.644")
    course.edit_module("x @ weight.T", "x @ weight.mT")
    with course.edit() as notebook:
        notebook.cells[7].source += " More."
        notebook.cells[4].outputs = [stdout("(2, 4)\n")]
        notebook.cells.insert(5, markdown("fresh", "Another one."))
        del notebook.cells[7]
    assert not any(remark.refused for remark in sync(course.root))
    before = course.read()
    assert sentences(edit(course.root, "01", back=True)) == [f"{BACKPROP}, cell 3: was edited"]
    after = course.read()
    assert "Look at eq. (1.1)" in after.cells[2].source and "weight.mT" in after.cells[3].source
    before.cells[2].source = after.cells[2].source
    assert after == before


def test_after_sync_the_text_is_written_anew(course, text):
    course.edit_module("x @ weight.T", "x @ weight.mT")
    sync(course.root)
    assert not any(remark.refused for remark in edit(course.root, "01"))
    assert "weight.mT" in text.read_text("utf-8")


@pytest.mark.parametrize("back", [True, False])
def test_a_cell_edited_on_both_sides_is_written_over_on_neither(course, text, back):
    replace(text, "By eq. (1.1), (0.644", "Look at eq. (1.1), (0.644")
    with course.edit() as notebook:
        notebook.cells[2].source += " More."
    before = course.path().read_bytes(), text.read_bytes()
    (told,) = edit(course.root, "01", back=back)
    assert (
        told.refused
        and str(told) == f"{EDITS}: cell rule was edited here and in {BACKPROP}; give both the same text"
    )
    assert (course.path().read_bytes(), text.read_bytes()) == before
    with course.edit() as notebook:
        notebook.cells[2].source = (
            notebook.cells[2].source.replace("By eq.", "Look at eq.").removesuffix(" More.")
        )
    assert sentences(edit(course.root, "01", back=True)) == [f"{BACKPROP}: has no edit to take"]


def test_a_text_without_its_copy_is_not_taken(course, text):
    (course.root / "chapters/.01_backprop.edit.md").unlink()
    for back in (True, False):
        (told,) = edit(course.root, "01", back=back)
        assert told.refused and "has lost its copy .01_backprop.edit.md" in told.text


def test_a_text_that_was_edited_is_not_written_over(course, text):
    list(edit(course.root, "01"))
    replace(text, "By eq. (1.1), (0.644", "Look at eq. (1.1), (0.644")
    before = text.read_bytes()
    (told,) = edit(course.root, "01")
    assert told.refused and "holds edits that the notebook does not have" in told.text
    assert text.read_bytes() == before


def test_no_text_no_jupytext_no_chapter(course, monkeypatch):
    assert sentences(edit(course.root, "01", back=True)) == [f"{EDITS}: does not exist; `edit 01` writes it"]
    assert "has no chapter 77" in sentences(edit(course.root, "77"))[0]
    (course.root / EDITS).write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in sentences(edit(course.root, "01", back=True))[0]
    (course.root / EDITS).write_text("---\njupyter: [\n---\n")
    assert "cannot be read" in sentences(edit(course.root, "01", back=True))[0]
    monkeypatch.setitem(sys.modules, "jupytext", None)
    assert "tests/requirements.txt" in sentences(edit(course.root, "01"))[0]


@pytest.mark.parametrize("entry", written().values(), ids=lambda entry: entry.name)
def test_the_chapters_of_this_repository_come_back_as_they_were(entry, tmp_path):
    chapter = read_chapter(ROOT, ROOT / "chapters" / entry.file_name)
    path = tmp_path / "text.md"
    path.write_bytes(as_text(chapter))
    text = from_text(path, "text.md")
    cells, changes = merged(chapter, text, text, "text.md")
    assert changes == [] and cells == chapter.notebook.cells
    for cell in cells:
        assert said(text[cell.id], text[cell.id].metadata) == said(cell, kept(cell))


def test_git_does_not_see_the_text():
    done = subprocess.run(
        ["git", "check-ignore", EDITS, "chapters/.01_backprop.edit.md"], cwd=ROOT, capture_output=True
    )
    if done.returncode == 128 or sys.platform == "win32":
        pytest.skip("not a clone")
    assert done.returncode == 0 and done.stdout.count(b".edit.md") == 2
