"""all: what a changed chapter needs, in the order in which one step rests on another, in one command."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from utils.notebooks.check import check
from utils.notebooks.course import Course
from utils.notebooks.files import BrokenFile, Remark, entry_named, find_notebooks, read_chapter, read_chapters
from utils.notebooks.index import index
from utils.notebooks.quotes import quote
from utils.notebooks.rules import fresh
from utils.notebooks.rules.code import shown_names_come_first
from utils.notebooks.rules.leftover import LEFT
from utils.notebooks.run import run
from utils.notebooks.sync import sync
from utils.register import register

NO_TEST_CHOSEN = 5  # as pytest says it


def finish(root, chapter, begun=False):
    """Format, sync, run, quote, page 00 anew where it depends on the chapter, index, README, check, ruff, tests.

    chapter: its number or name; begun: what is still the skeleton's is told, not refused. Yields remarks as they come;
    stops after a step that refuses something.
    """
    root = Path(root)
    try:
        entry = entry_named(root, chapter)
    except BrokenFile as broken:
        yield broken.remark
        return
    notebook = root / "chapters" / entry.file_name
    own = [notebook, root / entry.module.replace(".", "/"), root / "tests/chapters" / entry.name]
    own = [str(path) for path in own if path.exists()]
    steps = (
        lambda: command(root, "ruff format", ["ruff", "format", "--quiet", *own]),
        lambda: sync(root, [notebook]),
        lambda: names_before_running(root, notebook),
        lambda: run(root, [notebook]),
        lambda: quote(root, [notebook]),
        lambda: renew_first_page(root, entry),
        lambda: index(root),
        lambda: command(root, "README.md", ["utils.readme"]),
        lambda: check(root),
        lambda: command(root, "ruff", ["ruff", "check", "--quiet", "--output-format=concise", "."]),
        lambda: command(root, "ruff format", ["ruff", "format", "--check", "--quiet", "."]),
        lambda: run_tests(root, entry),
    )
    for step in steps:
        refused = False
        for remark in step():
            if begun and LEFT in remark.text:
                remark = replace(remark, refused=False)
            refused |= remark.refused
            yield remark
        if refused:
            return


def names_before_running(root, notebook):
    """What check would say of the names that shown code lacks: it says how to import them, a NameError does not."""
    try:
        chapter = read_chapter(root, notebook)
    except BrokenFile as broken:
        return [broken.remark]
    return shown_names_come_first(chapter, Course(root, [notebook], [chapter]))


def renew_first_page(root, entry):
    """Run page 00 again where its outputs no longer hold, as the map does that calls this chapter unwritten."""
    first = register(root).get(0)
    path = root / "chapters" / first.file_name if first else None
    if first is None or entry.number == 0 or not path.is_file():
        return []
    try:
        page = read_chapter(root, path)
    except BrokenFile as broken:
        return [broken.remark]
    course = Course(root, find_notebooks(root), read_chapters(root)[0])
    late = [
        *fresh.ran_with_these_sources(page, course),
        *fresh.calls_no_written_chapter_unwritten(page, course),
    ]
    return run(root, [path]) if late else []


def run_tests(root, entry):
    """The chapter's own tests and its notebook's cells, then its part of the tests that every chapter has to pass."""
    own = [root / "tests/chapters" / entry.name, root / "chapters" / entry.file_name]
    yield from command(
        root, "tests", ["pytest", "-q", "-n", "0", *(str(path) for path in own if path.exists())]
    )
    if shared := sorted(str(path) for path in (root / "tests/chapters").glob("test_*.py")):
        yield from command(root, "tests", ["pytest", "-q", "-n", "0", *shared, "-k", entry.two_digits])


def command(root, told, arguments):
    """Run a module of Python in the root; a remark only where it fails, with the end of what it wrote."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=root, capture_output=True, encoding="utf-8", errors="replace"
    )
    if done.returncode not in (0, NO_TEST_CHOSEN if "-k" in arguments else 0):
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        yield Remark(told, "\n".join(["fails:", *lines[-15:]]))
