"""Finding the exercises of a chapter: one module a chapter, read when the first of its numbers is asked for."""

import importlib
import re
from pathlib import Path

import utils.exercises as package

MARK = re.compile(r'^CHAPTER = "(\d\d)"', re.MULTILINE)
NUMBER = re.compile(r"(\d{1,2})\.(\w+)")


def chapters():
    """{"01": "backprop"}: every module of this package with a line CHAPTER = "..", none of them imported."""
    found = {}
    for folder in package.__path__:
        for path in sorted([*Path(folder).glob("*.py"), *Path(folder).glob("*/__init__.py")]):
            mark = MARK.search(path.read_text(encoding="utf-8"))
            if mark:
                found[mark[1]] = path.parent.name if path.stem == "__init__" else path.stem
    return dict(sorted(found.items()))


def load(chapter):
    """The module of a chapter, "01".  ValueError if there is none."""
    found = chapters()
    if chapter not in found:
        raise ValueError(
            f"number: chapter {chapter} has no exercises; there are {', '.join(found) or 'none yet'}"
        )
    return importlib.import_module(f"{package.__name__}.{found[chapter]}")


def exercises(chapter):
    """The exercises of a chapter by number, in order."""
    return by_number(load(chapter), "EXERCISES")


def quizzes(chapter):
    """The quizzes of a chapter by number, in order."""
    return by_number(load(chapter), "QUIZZES")


def by_number(module, name):
    listed = getattr(module, name, [])
    found = {item.number: item for item in listed}
    if len(found) < len(listed):
        raise ValueError(f"{module.__name__}: a number stands twice in {name}")
    return found


def find(number, name):
    """The exercise (name "EXERCISES") or quiz ("QUIZZES") of that number.  ValueError if there is none."""
    match = NUMBER.fullmatch(number) if isinstance(number, str) else None
    if not match:
        raise ValueError(f'number must be a text like "01.3"; got {number!r}')
    chapter, part = match[1].zfill(2), match[2]
    found = by_number(load(chapter), name)
    if f"{chapter}.{part}" not in found:
        raise ValueError(f"number: {number!r} is none of {', '.join(found) or 'those that there are'}")
    return found[f"{chapter}.{part}"]
