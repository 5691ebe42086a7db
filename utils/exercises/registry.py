"""Finding the exercises of a chapter: its module is read when the first of its numbers is asked for."""

import importlib
import re
from pathlib import Path

import utils.chapters as package
from utils.register import register

NUMBER = re.compile(r"(\d{1,2})\.(\w+)")


def chapters():
    """{"01": Entry}: every chapter of the register that has a module of exercises, none of them imported."""
    return {entry.two_digits: entry for entry in register().values() if has_exercises(entry.name)}


def has_exercises(name):
    folders = [Path(folder) / name for folder in package.__path__]
    return any((f / "exercises.py").is_file() or (f / "exercises").is_dir() for f in folders)


def load(chapter):
    """The module of a chapter, "01".  ValueError if there is none."""
    found = chapters()
    if chapter not in found:
        raise ValueError(
            f"number: chapter {chapter} has no exercises; there are {', '.join(found) or 'none yet'}"
        )
    return importlib.import_module(f"{package.__name__}.{found[chapter].name}.exercises")


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
