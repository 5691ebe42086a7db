"""Every exercise and every quiz of every chapter: solutions pass, stubs are friendly, mistakes are refused."""

import re
from pathlib import Path

import pytest

from tests.chapters.cells import code_cells
from tests.chapters.exercise_rules import TAG, about_chapter, about_exercise, about_notebook, about_quiz
from utils.exercises import registry

ROOT = Path(__file__).parents[2]
NOTEBOOKS = {path.name[:2]: path for path in sorted((ROOT / "chapters").glob("[0-9][0-9]_*.ipynb"))}
CHAPTERS = registry.chapters()


def cells_of(chapter):
    return code_cells(NOTEBOOKS[chapter]) if chapter in NOTEBOOKS else None


def sources_of(chapter):
    return [
        source for tags, source in cells_of(chapter) or () if not any(tag.startswith(TAG) for tag in tags)
    ]


def refuse(complaints):
    """Fail with every complaint on a line of its own, whole."""
    if found := list(complaints):
        pytest.fail("\n".join(found), pytrace=False)


EXERCISES = [(chapter, number) for chapter in CHAPTERS for number in registry.exercises(chapter)]
QUIZZES = [(chapter, number) for chapter in CHAPTERS for number in registry.quizzes(chapter)]


@pytest.mark.parametrize("chapter, number", EXERCISES)
def test_exercise(chapter, number):
    exercise = registry.exercises(chapter)[number]
    refuse(about_exercise(exercise, chapter, sources_of(chapter)))


@pytest.mark.parametrize("chapter, number", QUIZZES)
def test_quiz(chapter, number):
    refuse(about_quiz(registry.quizzes(chapter)[number], chapter))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_notebook(chapter):
    cells = cells_of(chapter)
    assert cells is not None, f"chapter {chapter} has exercises, and no notebook chapters/{chapter}_*.ipynb"
    refuse(about_notebook(cells, registry.exercises(chapter), registry.quizzes(chapter)))


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_a_notebook_with_exercises_has_a_module(chapter):
    cells = code_cells(NOTEBOOKS[chapter])
    asks = any(re.search(r"\b(check|quiz)\(\"", source) for _, source in cells)
    tagged = any(tag.startswith(TAG) for tags, _ in cells for tag in tags)
    assert chapter in CHAPTERS or not (asks or tagged)


def test_the_rules_run_for_every_chapter():
    """With no chapter at all there is nothing to complain about, and nothing fails."""
    assert list(about_chapter("01", {}, {}, [])) == []
