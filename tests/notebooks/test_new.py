"""new: what it writes passes every rule and its own tests; it writes over nothing; links and register entries."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.notebooks.tiny_course import ACTIVATIONS, START, sentences
from utils.notebooks import new as making
from utils.notebooks.__main__ import main
from utils.notebooks.files import ROOT
from utils.notebooks.new import new, with_link
from utils.register import register, written


def test_a_new_chapter_passes_every_rule_and_its_tests(tmp_path):
    """In a copy of this repository: the first chapter of the register that is not written yet."""
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*cache", "*.egg-info", "browser")
    copy = tmp_path / "course"
    shutil.copytree(ROOT, copy, ignore=ignored, symlinks=True)
    entry = next(entry for number, entry in register().items() if number not in written())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "utils.notebooks", "new", entry.two_digits, entry.name],
        cwd=copy, env=environment | {"PYTHONPATH": str(copy)}, capture_output=True, encoding="utf-8", timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The chapter is there; replace its texts." in done.stdout
    assert f"{entry.two_digits} {entry.bilingual}](chapters/{entry.file_name})" in (
        copy / "README.md"
    ).read_text("utf-8")
    assert f"({entry.file_name}#cell-id=" in (copy / "chapters/INDEX.md").read_text("utf-8")
    assert f"{entry.two_digits} {entry.label} (not written yet)" not in (copy / START).read_text("utf-8")


@pytest.fixture
def made(course, monkeypatch):
    """Makes a chapter in the little course, without the steps that finish it."""
    monkeypatch.setattr(making, "finish", lambda root, name, begun: [])
    return lambda *arguments: list(new(course.root, *arguments))


def all_files(course):
    return {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}


def test_the_neighbours_link_to_it(course, made):
    told = sentences(made(3, "initialization"))
    assert told[-1] == f"{ACTIVATIONS}: links to 03_initialization.ipynb"
    for number in (0, 2):
        assert (
            "**Next:** [03 Initialization](03_initialization.ipynb)"
            in course.read("02_activations").cells[number].source
        )
    links = "[00 Start here](00_start_here.ipynb) · **Previous:** [02 Activations](02_activations.ipynb)"
    cells = course.read("03_initialization").cells
    assert links in cells[0].source and cells[-1].source == links
    assert "INI-01" in (course.chapters / "concepts.csv").read_text("utf-8")
    assert not [text for text in course.problems() if "must link to" in text]


def test_a_chapter_that_the_register_does_not_have_gets_an_entry(course, made):
    (told,) = made(7, "toy_models")
    assert told.refused and "has no chapter 7; give its names: --title" in told.text
    made(7, "toy_models", "Toy models", "玩具模型")
    entry = register(course.root)[7]
    assert (entry.title, entry.chinese, entry.concepts, entry.name) == (
        "Toy models",
        "玩具模型",
        "TOY",
        "toy_models",
    )
    assert len(entry.place) == 2 and entry.place not in {
        e.place for n, e in register(course.root).items() if n != 7
    }
    assert (course.chapters / "07_toy_models.ipynb").is_file()


@pytest.mark.parametrize("number, name", [(1, "backprop"), (3, "init"), (2, "activations")])
def test_nothing_that_is_there_is_written_over(course, made, number, name):
    before = all_files(course)
    (told,) = made(number, name)
    assert told.refused and ("is there already" in told.text or "calls chapter 3 initialization" in told.text)
    assert all_files(course) == before


def test_one_file_in_the_way_stops_it_before_it_begins(course, made):
    course.write_file("tests/nn/test_initialization.py", "mine")
    before = all_files(course)
    (told,) = sentences(made(3, "initialization"))
    assert told == "tests/nn/test_initialization.py: is there already; nothing was written"
    assert all_files(course) == before


@pytest.mark.parametrize(
    "text, expected",
    [
        ("# T\n\n[0](00_s.ipynb)\n\nmore", "# T\n\n[0](00_s.ipynb) · **Next:** [x](y)\n\nmore"),
        ("[0](00_s.ipynb) · **Next:** [07 C](07_cnn.ipynb) · z", "[0](00_s.ipynb) · **Next:** [x](y) · z"),
        ("no link", "no link\n\n**Next:** [x](y)"),
    ],
)
def test_the_line_of_links(text, expected):
    assert with_link(text, "Next", "[x](y)") == expected


def test_without_a_register_it_is_refused(course, capsys):
    course.register.unlink()
    assert main(["--root", str(course.root), "new", "3", "initialization"]) == 1
    assert "utils/chapters/course.toml: " in capsys.readouterr().out
