"""The command line on good and bad files: paths, the order of what is told, exit codes, never a traceback."""

import json
import re
import subprocess
import sys

import pytest

from tests.notebooks.tiny_course import BACKPROP, CONCEPTS, REGISTER, markdown, sentences
from utils.notebooks import check as checking
from utils.notebooks.__main__ import main
from utils.notebooks.check import check
from utils.notebooks.files import ROOT
from utils.notebooks.rules import code
from utils.register import FILE


def test_the_chapters_of_this_repository_are_accepted():
    assert sentences(check(ROOT)) == []


@pytest.mark.parametrize(
    "content, complaint",
    [
        (b"{", "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"[]", "must be in notebook format 4.5; the format it names: none"),
        (b'{"nbformat": 4, "nbformat_minor": 4}', "must be in notebook format 4.5; the format it names: 4.4"),
        (b'{"nbformat": 4, "nbformat_minor": 5}', "is not a valid notebook: '"),
    ],
)
def test_a_file_that_is_no_notebook_is_told_by_every_command(course, content, complaint, capsys):
    course.path().write_bytes(content)
    for command in (["check"], ["sync"], ["sync", "--back"], ["run", str(course.path())], ["index"]):
        assert main(["--root", str(course.root), *command]) == 1
        assert f"{BACKPROP}: {complaint}" in capsys.readouterr().out
    assert len(course.problems()) == 1, "its neighbours are not blamed"
    assert course.path().read_bytes() == content


def test_a_cell_without_its_keys_is_told_with_its_place(course):
    raw = json.loads(course.path().read_text("utf-8"))
    del raw["cells"][1]["outputs"]
    course.path().write_text(json.dumps(raw), encoding="utf-8")
    assert course.problems() == [
        f"{BACKPROP}: is not a valid notebook: cells[1]: 'outputs' is a required property"
    ]


def test_check_of_one_notebook_says_nothing_of_the_others(course):
    (course.chapters / "INDEX.md").unlink()
    for chapter in ("01_backprop", "02_activations"):
        with course.edit(chapter) as notebook:
            notebook.cells[1].source += "\nlater"
    assert course.problems([course.path()]) == [f"{BACKPROP}, cell 2: line 6: Undefined name `later`"]
    assert course.problems([course.root / "nothing.ipynb"]) == ["nothing.ipynb: does not exist"]
    assert course.problems([course.root / "README.md"]) == ["README.md: is not a notebook"]
    assert len(course.problems([course.chapters])) == 2


@pytest.mark.parametrize("which", ["01", "1", "backprop", "01_backprop", "01_backprop.ipynb"])
def test_a_chapter_by_its_number_or_name(course, which, capsys):
    with course.edit() as notebook:
        notebook.cells[1].source += "\nlater"
    assert course.problems([which]) == [f"{BACKPROP}, cell 2: line 6: Undefined name `later`"]
    course.edit_module("x @ weight.T", "x @ weight.mT")
    for command in ("sync", "quote"):
        assert main(["--root", str(course.root), command, which]) == 0
    assert "weight.mT" in course.cell("linear").source
    assert main(["--root", str(course.root), "sync", "77"]) == 1
    assert "utils/chapters/course.toml: has no chapter 77" in capsys.readouterr().out


def test_a_chapter_that_is_not_written_does_not_exist(course):
    assert course.problems(["03"]) == ["chapters/03_initialization.ipynb: does not exist"]


def test_check_of_one_notebook_looks_at_its_modules_and_tests_too(course):
    for name in ("activations", "backprop"):
        course.write_file(f"utils/chapters/{name}/exercises.py", "x = 'By (1.8).'\n")
        (course.root / f"tests/chapters/{name}/test_claims.py").unlink()
    assert [problem.split(":")[0] for problem in course.problems([course.path()])] == [
        "tests/chapters/backprop",
        "utils/chapters/backprop/exercises.py",
    ]


def test_problems_are_sorted_by_file_and_cell(course):
    with course.edit() as notebook:
        for cell in notebook.cells:
            cell.metadata.slideshow.slide_type = "page"
        notebook.cells += [markdown(f"more{n}", "TODO") for n in range(3)] + notebook.cells[7:]
        notebook.metadata.kernelspec.name = "conda"
        del notebook.cells[7]
    with course.edit("00_start_here") as notebook:
        notebook.cells[2].source += " TODO"
    places = [
        re.match(r"chapters/(\d\d)_\w+.ipynb(?:, cell (\d+))?:", problem) for problem in course.problems()
    ]
    expected = [("00", "3"), ("01", None), *(("01", str(number)) for number in range(1, 12))]
    assert [match.groups() for match in places] == expected


def test_a_rule_that_stumbles_is_told_and_the_others_go_on(course, monkeypatch):
    def broken(*arguments):
        raise KeyError("slide_type")

    with course.edit() as notebook:
        notebook.cells[7].source += " TODO"
    monkeypatch.setattr(checking, "CHAPTER_RULES", (broken, *checking.CHAPTER_RULES))
    monkeypatch.setattr(checking, "COURSE_RULES", (broken, *checking.COURSE_RULES))
    told = course.problems([course.path()])
    assert told == [
        f"{BACKPROP}: the rule broken stumbles (KeyError: 'slide_type')",
        f"{BACKPROP}, cell 8: holds a TODO",
        "check: the rule broken stumbles (KeyError: 'slide_type')",
    ]


def test_every_undefined_name_of_a_cell_is_told(course):
    with course.edit() as notebook:
        notebook.cells[1].source += "\nsooner\nlater"
    assert [problem[-8:] for problem in course.problems()] == ["`sooner`", " `later`"]


def test_a_course_without_chapters_is_accepted(tmp_path, monkeypatch):
    (tmp_path / "module.py").write_text("undefined")
    monkeypatch.chdir(tmp_path)
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_text(REGISTER, encoding="utf-8")
    assert check(tmp_path) == []
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "concepts.csv").write_text(CONCEPTS, encoding="utf-8")
    assert check(tmp_path) == []


def test_a_course_without_concepts_needs_no_table_of_them(course):
    for chapter in ("01_backprop", "02_activations"):
        with course.edit(chapter) as notebook:
            for cell in notebook.cells:
                cell.metadata.pop("concepts", None)
    for name in ("concepts.csv", "INDEX.md"):
        (course.chapters / name).unlink()
    assert course.problems() == []


def test_a_missing_ruff_is_told(course, monkeypatch):
    monkeypatch.setattr(code.importlib.util, "find_spec", lambda name: None)
    (problem,) = course.problems([course.path()])
    assert problem.startswith("ruff: is not installed") and "tests/requirements.txt" in problem


def test_the_command_line_ends_with_1_where_something_is_refused(course):
    command = [sys.executable, "-m", "utils.notebooks", "--root", course.root, "check"]

    def run():
        return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT, check=False)

    good = run()
    assert (good.returncode, good.stdout, good.stderr) == (0, "Nothing to complain about.\n", "")
    (course.chapters / "INDEX.md").unlink()
    bad = run()
    assert (bad.returncode, bad.stderr) == (1, "")
    assert re.fullmatch(r"chapters/INDEX.md: is missing or stale; run index\nRefused: 1\.\n", bad.stdout)
