"""Every public explorable of every chapter: swept, with a small poster and a picture in words.

Public is what a chapter's `explore` lists in __all__.  One that cannot be made without arguments has an entry in
EXAMPLES of tests/chapters/<name>/examples.py: its name, and a function that makes it.
"""

import importlib
import importlib.util
import inspect

import pytest

from utils.explorable.sweep import sweep
from utils.register import written

MOST_BYTES = 40_000


def module_of(entry, name):
    """A module of a chapter's package, None where there is none."""
    found = importlib.util.find_spec(f"{entry.module}.{name}")
    return found and importlib.import_module(found.name)


def examples_of(entry):
    name = f"tests.chapters.{entry.name}.examples"
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        found = None
    return importlib.import_module(name).EXAMPLES if found else {}


def needs_arguments(make):
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(make).parameters.values()
    return any(p.default is p.empty and p.kind not in kinds for p in parameters)


PUBLIC = {
    f"{entry.two_digits} {name}": (entry, name)
    for entry in written().values()
    for name in getattr(module_of(entry, "explore"), "__all__", [])  # that it has one, `check` asks for
}


def make(entry, name):
    """The explorable as a reader gets it; a page made of one gives the explorable inside."""
    function = getattr(module_of(entry, "explore"), name)
    examples = examples_of(entry)
    if needs_arguments(function) and name not in examples:
        pytest.fail(f"{name} needs arguments: add it to EXAMPLES in tests/chapters/{entry.name}/examples.py")
    made = examples[name]() if name in examples else function()
    return getattr(made, "explorable", made)


@pytest.mark.parametrize("which", PUBLIC)
def test_explorable(which):
    explorable = make(*PUBLIC[which])
    sweep(explorable)
    poster, words = explorable.poster(), explorable.alt()
    assert poster.startswith(b"\x89PNG") and len(poster) <= MOST_BYTES
    assert words.strip() and explorable.title.strip() and repr(explorable).startswith(f"<{explorable.title}")


def test_every_chapter_with_pictures_lists_them():
    assert {which[:2] for which in PUBLIC} >= {"00", "01", "02", "03", "04"}
