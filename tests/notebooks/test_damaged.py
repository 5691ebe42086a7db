"""Damaged files, one kind at a time, given to every command: a sentence that names the file, never a traceback."""

import json

import pytest

from tests.notebooks.tiny_course import BACKPROP, START
from utils.notebooks import run as running
from utils.notebooks.__main__ import main

COMMANDS = [["check"], ["sync"], ["sync", "--back"], ["run"], ["index"]]
DEEP = "[" * 900 + "]" * 900


@pytest.fixture
def tell(course, monkeypatch, capsys):
    """What a command prints, and its exit code; kernels are not started."""
    monkeypatch.setattr(running, "execute", lambda chapter: (None, None, 1.0))

    def run(*command):
        code = main(["--root", str(course.root), *command])
        told = capsys.readouterr().out
        told.encode()
        assert "Traceback" not in told and "stumbles" not in told
        assert code == (1 if "Refused:" in told else 0), told
        return code, told

    return run


# --- bytes that are no notebook: every command names the file, and leaves it

HALF = "half of it"
NO_NOTEBOOK = {
    "empty": b"",
    HALF: None,
    "binary": bytes(range(256)) * 40,
    "nul": b"\0" * 1000,
    "utf-16": '{"cells": []}'.encode("utf-16"),
    "a list": b"[]",
    "a number": b"3",
    "null": b"null",
    "format a list": b'{"nbformat": [4], "nbformat_minor": {}}',
    "format 3": b'{"nbformat": 3, "nbformat_minor": 0, "worksheets": []}',
    "no cells": b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
    "cells null": b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": null}',
    "cells of numbers": b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [1, null, "x"]}',
    "cells of lists": b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [[]]}',
    "deep": DEEP.encode(),
    "deeper": b"[" * 100_000,
    "deep metadata": f'{{"nbformat": 4, "nbformat_minor": 5, "metadata": {{"a": {DEEP}}}, "cells": []}}'.encode(),
    "a number of 5000 digits": b'{"nbformat": 4, "nbformat_minor": 5, "a": ' + b"9" * 5000 + b"}",
    "a merge": b'{\n<<<<<<< HEAD\n "cells": [],\n=======\n "cells": [1],\n>>>>>>> other\n "nbformat": 4}',
}


@pytest.mark.parametrize("kind", NO_NOTEBOOK)
def test_what_is_no_notebook(course, tell, kind):
    path = course.path()
    content = path.read_bytes()[:2000] if kind == HALF else NO_NOTEBOOK[kind]
    path.write_bytes(content)
    for command in COMMANDS:
        code, told = tell(*command)
        assert code == 1 and f"{BACKPROP}: " in told, command
        assert max(map(len, told.splitlines())) < 400, "a sentence, not the file"
    assert path.read_bytes() == content


def test_a_merge_is_named_by_its_line(course, tell):
    course.path().write_bytes(NO_NOTEBOOK["a merge"])
    assert (
        f"{BACKPROP}: holds a conflict marker, {'<' * 7} HEAD, in line 2; settle the merge"
        in tell("check")[1]
    )


# --- one field of a good notebook is wrong: (where, what); "cells", 1 is a Markdown cell, 4 a code cell

SURROGATE = "\ud800"
LONG = "x" * 3_000_000
FIELDS = {
    "no cell": (["cells"], []),
    "cell type null": (["cells", 4, "cell_type"], None),
    "cell type unknown": (["cells", 4, "cell_type"], "poem"),
    "cell type a list": (["cells", 4, "cell_type"], ["code"]),
    "id a number": (["cells", 4, "id"], 3),
    "id empty": (["cells", 4, "id"], ""),
    "id twice": (["cells", 4, "id"], "rule"),
    "source null": (["cells", 4, "source"], None),
    "source of numbers": (["cells", 4, "source"], [1, 2]),
    "surrogate in a source": (["cells", 2, "source"], SURROGATE),
    "surrogate in an output": (["cells", 4, "outputs", 1, "text"], SURROGATE),
    "surrogate in the metadata": (["metadata", "title"], SURROGATE),
    "surrogate as an id": (["cells", 4, "id"], SURROGATE),
    "nul in code": (["cells", 4, "source"], "x = 1\0"),
    "nul in shown code": (["cells", 3, "source"], "def linear\0"),
    "nul in Markdown": (["cells", 2, "source"], "a \0 [b](c\0d)"),
    "cell metadata null": (["cells", 4, "metadata"], None),
    "cell metadata a list": (["cells", 4, "metadata"], []),
    "tags a text": (["cells", 4, "metadata", "tags"], "core"),
    "tags of numbers": (["cells", 4, "metadata", "tags"], [1]),
    "slide type a list": (["cells", 4, "metadata", "slideshow"], {"slide_type": ["slide"]}),
    "slideshow a text": (["cells", 4, "metadata", "slideshow"], "slide"),
    "concepts a dict": (["cells", 2, "metadata", "concepts"], {"BP-01": 1}),
    "concepts of lists": (["cells", 2, "metadata", "concepts"], [["BP-01"]]),
    "shown a text": (["cells", 3, "metadata", "shown"], "x"),
    "hash a list": (["cells", 3, "metadata", "shown", "hash"], [1]),
    "count a text": (["cells", 4, "execution_count"], "3"),
    "count negative": (["cells", 4, "execution_count"], -3),
    "outputs null": (["cells", 4, "outputs"], None),
    "output type unknown": (["cells", 4, "outputs", 0, "output_type"], "smell"),
    "output data null": (["cells", 4, "outputs", 0, "data"], None),
    "picture a dict": (["cells", 4, "outputs", 0, "data", "image/png"], {"a": 1}),
    "stream text a number": (["cells", 4, "outputs", 1, "text"], 3),
    "attachments a list": (["cells", 2, "attachments"], []),
    "metadata null": (["metadata"], None),
    "metadata a list": (["metadata"], []),
    "kernelspec a text": (["metadata", "kernelspec"], "python3"),
    "kernelspec empty": (["metadata", "kernelspec"], {}),
    "kernel name a list": (["metadata", "kernelspec", "name"], ["python3"]),
    "language a number": (["metadata", "language_info"], 3),
    "widgets a text": (["metadata", "widgets"], "x"),
    "authors a text": (["metadata", "authors"], "me"),
    "huge source": (["cells", 2, "source"], LONG),
    "huge output": (["cells", 4, "outputs", 1, "text"], LONG),
    "deep code": (["cells", 4, "source"], "(" * 5000 + ")" * 5000),
    "deep expression": (["cells", 4, "source"], "-" * 20_000 + "1"),
    "deep Markdown": (["cells", 2, "source"], "> " * 3000 + "x"),
    "stars": (["cells", 2, "source"], "*a " * 3000),
    "brackets": (["cells", 2, "source"], "[" * 3000),
    "dollars": (["cells", 2, "source"], "$" * 3001),
}


def damage(path, where, what):
    raw = json.loads(path.read_text("utf-8"))
    inner = raw
    for step in where[:-1]:
        inner = inner[step]
    inner[where[-1]] = what
    path.write_text(json.dumps(raw), encoding="utf-8")


@pytest.mark.parametrize("kind", FIELDS)
def test_a_field_that_is_wrong(course, tell, kind):
    damage(course.path(), *FIELDS[kind])
    code, told = tell("check")
    assert code == 1 and f"{BACKPROP}" in told
    for command in COMMANDS[1:]:
        tell(*command)


# --- what stands around the notebooks


@pytest.mark.parametrize(
    "text",
    [b"", b"\n\n\n", b"id", b"\xff\xfe", b"\0" * 99, b'"', b"id,English,\xe4\xb8\xad\xe6\x96\x87", b"a,b\n" * 99,
     "id,English,中文,别名,chapter\nBP-01,,,alias,01\nACT-01,softmax,归一化指数函数,,02\n".encode(),
     "id,English,中文,别名,chapter\n,,,,\n".encode(), f"{'<' * 7} HEAD\nid,English,中文,别名,chapter\n".encode(),
     b"x" * 200_000],
    ids=range(12),
)  # fmt: skip
@pytest.mark.parametrize("command", [["check"], ["index"]], ids=" ".join)
def test_a_damaged_table_of_concepts(course, tell, text, command):
    (course.chapters / "concepts.csv").write_bytes(text)
    code, told = tell(*command)
    assert code == 1
    assert "chapters/concepts.csv: " in told or "INDEX.md: is missing or stale" in told


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "chapters/INDEX.md",
        "utils/nn/backprop.py",
        "chapters/concepts.csv",
        "utils/chapters/course.toml",
    ],
)
@pytest.mark.parametrize("kind", ["a folder", "binary"])
def test_a_neighbour_is_damaged(course, tell, name, kind):
    path = course.root / name
    path.unlink()
    if kind == "a folder":
        path.mkdir()
    else:
        path.write_bytes(bytes(range(256)))
    for command in COMMANDS:
        tell(*command)


def test_a_folder_that_is_named_like_a_notebook(course, tell):
    course.path().unlink()
    course.path().mkdir()
    for command in COMMANDS:
        code, told = tell(*command)
        assert code == 1 and f"{BACKPROP}: cannot be read" in told


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_root_that_is_no_course_is_refused(course, tmp_path, capsys, command):
    nothing = tmp_path / "nothing"
    for make in (lambda: None, nothing.mkdir, (nothing / "chapters").mkdir):
        make()
        assert main(["--root", str(nothing), *command]) == 1
        assert f"{nothing}: holds no " in capsys.readouterr().out
    assert main(["--root", str(course.root), "check", str(course.root / START)]) == 0
