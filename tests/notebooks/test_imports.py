"""What a notebook was run with: which files of utils count, however they are imported."""

import pytest

from utils.notebooks.files import ROOT, read_chapter
from utils.notebooks.imports import code_of, digest_of_imports, files_of, imported_files, imported_names
from utils.register import register, written


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import utils.nn.linear as l, numpy", {"utils.nn.linear"}),
        ("from utils.nn import linear, chain", {"utils.nn.linear", "utils.nn.chain"}),
        ("from utils import train", {"utils.train"}),
        ("def f():\n    from utils.nn.linear import linear", {"utils.nn.linear.linear"}),
        ("import torch\nfrom utilsx import a", set()),
        ("def (", set()),
        ("x\0", set()),
    ],
)
def test_names(source, names):
    assert imported_names(source) == names


def test_imports_that_begin_with_dots():
    source = "from . import a\nfrom .b import c\nfrom ..d import e\nfrom .. import f"
    expected = {"utils.x.y.a", "utils.x.y.b.c", "utils.x.d.e", "utils.x.f"}
    assert imported_names(source, "utils.x.y") == expected


def test_files_on_the_way():
    files = [path.relative_to(ROOT).as_posix() for path in files_of("utils.nn.linear.linear", ROOT)]
    assert files == ["utils/__init__.py", "utils/nn/__init__.py", "utils/nn/linear.py"]


def test_a_chapter_depends_on_its_own_exercises_and_on_no_other_chapter():
    for entry in written().values():
        chapter = read_chapter(ROOT, ROOT / "chapters" / entry.file_name)
        files = {path.relative_to(ROOT).as_posix() for path in imported_files(chapter, ROOT, entry)}
        assert "utils/__init__.py" in files
        if entry.number:
            own = f"utils/chapters/{entry.name}/exercises"
            assert {f"{own}.py", f"{own}/__init__.py"} & files
            assert {"utils/crosscheck/__init__.py", "utils/exercises/engine.py"} <= files
        others = {other.name for other in register().values()} - {entry.name}
        assert not [
            name
            for name in files
            if name.startswith("utils/chapters/")
            and name.split("/")[2] in others
            # a chapter may train as an earlier one does
            and name.split("/", 3)[3] not in ("runs.py", "__init__.py")
        ]


def test_the_digest_does_not_mind_line_ends_and_other_files(course):
    with course.edit() as notebook:
        notebook.cells[1].source += "\nfrom utils.nn import backprop"
    before = digest_of_imports(read_chapter(course.root, course.path()), course.root)
    course.module.write_bytes(course.module.read_bytes().replace(b"\n", b"\r\n"))
    course.write_file("utils/other.py", "x = 1\n")
    assert digest_of_imports(read_chapter(course.root, course.path()), course.root) == before
    course.module.write_bytes(course.module.read_bytes() + b"x = 1\n")
    assert digest_of_imports(read_chapter(course.root, course.path()), course.root) != before


def test_the_digest_does_not_mind_comments_and_docstrings(course):
    with course.edit() as notebook:
        notebook.cells[1].source += "\nfrom utils.nn import backprop"
    digest = lambda: digest_of_imports(read_chapter(course.root, course.path()), course.root)
    before = digest()
    course.edit_module(
        "times the rows of weight: eq. (1.1).", "times weight: eqs. (1.1), (1.2).\n\n    x: (B, D).\n   "
    )
    course.edit_module("    return function\n", "    return function  # as it is\n\n    # nothing else\n")
    assert digest() == before
    course.edit_module("EPS = 1e-5", "EPS = 1e-6")
    assert digest() != before


@pytest.mark.parametrize(
    "text", ["x = '# no comment'\n", "def f():\n    return 'no docstring'\n", "x = 1\n'a text'\n"]
)
def test_what_is_code(text):
    assert code_of(text.encode()) == text.rstrip("\n").encode()
    assert code_of(b"def f(:  # broken\n") == b"def f(:  # broken\n"


def test_blank_lines_count_inside_of_a_text_only():
    text = b'"""Doc.\n\nMore."""\n\nx = """a \n\n# b\n"""\n\n\ny = 1  # c\n'
    assert code_of(text) == b'x = """a \n\n# b\n"""\ny = 1'
