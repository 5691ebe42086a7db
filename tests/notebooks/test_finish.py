"""all: the steps of a finished chapter, their order, and that it stops where one refuses."""

import pytest

from tests.notebooks.tiny_course import ACTIVATIONS, BACKPROP, START, error, sentences, stdout
from utils.notebooks import finish as finishing
from utils.notebooks import run as running
from utils.notebooks.__main__ import main
from utils.notebooks.files import entry_named
from utils.notebooks.finish import command, finish


@pytest.fixture
def steps(course, monkeypatch):
    """The names of the commands that were given, in order; kernels and commands are not started."""
    given = []
    monkeypatch.setattr(
        finishing, "command", lambda root, told, arguments: given.append((told, arguments)) or []
    )

    def execute(chapter):
        given.append(("run", chapter.name))
        for number, (_, cell) in enumerate(chapter.cells("code"), start=1):
            cell.execution_count = number
            if "raises-exception" in cell.metadata.get("tags", []):
                cell.outputs = [error("ValueError")]
        return None, None, 1.0

    monkeypatch.setattr(running, "execute", execute)
    return given


@pytest.mark.parametrize("which", ["01", "1", "backprop", "01_backprop", BACKPROP])
def test_the_chapter_is_found(course, which):
    assert entry_named(course.root, which).number == 1


def test_the_steps_come_in_order(course, steps):
    course.edit_module("x @ weight.T", "x @ weight.mT")
    told = sentences(finish(course.root, "01"))
    assert told[0] == f"{BACKPROP}, cell 4: took linear from utils/nn/backprop.py"
    assert told[1].startswith(f"{BACKPROP}: ran in") and told[-1] == "chapters/INDEX.md: written"
    assert [what for what, _ in steps] == ["ruff format", "run", "README.md", "ruff", "ruff format", "tests"]
    assert [name for what, name in steps if what == "run"] == [BACKPROP]
    assert any(str(course.root / "tests/chapters/backprop") in arguments for _, arguments in steps)
    assert course.problems() == []


def test_the_first_page_is_run_again_where_it_depends_on_the_chapter(course, steps):
    with course.edit("00_start_here") as notebook:
        notebook.cells[1].outputs = [stdout("01 backprop (not written yet)")]
    told = sentences(finish(course.root, "backprop"))
    assert [name for what, name in steps if what == "run"] == [BACKPROP, START]
    assert not [text for text in told if "not written yet" in text] and course.problems() == []


def test_what_every_chapter_has_to_pass_is_run_for_it(course, steps):
    shared = [
        str(course.write_file(f"tests/chapters/test_{name}.py", "")) for name in ("evening", "pictures")
    ]
    list(finish(course.root, "01"))
    (arguments,) = [given for what, given in steps if what == "tests" and "-k" in given]
    assert arguments[-4:] == [*shared, "-k", "01"]


def test_a_name_that_shown_code_lacks_is_told_before_it_runs(course, steps):
    course.edit_module("import numpy as np\n", "import numpy as np\n\nfrom utils.nn.guard import guarded\n")
    course.edit_module("@identity\n", "@identity\n@guarded\n")
    *_, told = sentences(finish(course.root, "01"))
    assert told.endswith(
        "linear uses guarded, which no cell up to here defines or imports; add `from utils.nn.guard import guarded` above"
    )
    assert "run" not in [what for what, _ in steps]


def test_sources_of_numbers_are_filled_in(course, steps):
    with course.edit() as notebook:
        notebook.cells[6].source = "answer = 0.59"
        notebook.cells[7].source += " It is 0.59."
    list(finish(course.root, "01"))
    assert course.cell("end").metadata.quotes == {"0.59": "cell:stub"}


@pytest.mark.parametrize("begun", [True, False])
def test_what_is_left_of_the_skeleton_is_refused_unless_the_chapter_has_just_begun(course, steps, begun):
    with course.edit() as notebook:
        notebook.cells[7].source += "\n\nExplain after the guess."
    told = [remark for remark in finish(course.root, "01", begun) if "still the skeleton's" in remark.text]
    assert [remark.refused for remark in told] == [not begun]
    assert ("tests" in [what for what, _ in steps]) == begun


def test_it_stops_where_a_step_refuses(course, steps):
    course.edit_module("x @ weight.T", "x @ weight.mT")
    with course.edit() as notebook:
        notebook.cells[3].source += "  # edited"
    (told,) = finish(course.root, "01")
    assert told.refused and "was edited here since the last sync" in told.text
    assert [what for what, _ in steps] == ["ruff format"]


def test_what_another_chapter_breaks_is_told(course, steps):
    with course.edit("02_activations") as notebook:
        notebook.cells[0].source += " TODO"
    *_, told = sentences(finish(course.root, "01"))
    assert told == f"{ACTIVATIONS}, cell 1: holds a TODO"
    assert "tests" not in [what for what, _ in steps]


def test_a_chapter_that_the_register_does_not_have(course, capsys):
    assert main(["--root", str(course.root), "all", "77"]) == 1
    assert "utils/chapters/course.toml: has no chapter 77" in capsys.readouterr().out


def test_a_command_that_fails_is_told_with_its_last_lines(course):
    (told,) = sentences(command(course.root, "tests", ["pytest", "--no-such-option"]))
    assert told.startswith("tests: fails:\n") and "no-such-option" in told
    assert list(command(course.root, "python", ["platform"])) == []
