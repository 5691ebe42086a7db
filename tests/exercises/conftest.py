"""For the tests of the exercises: the made-up chapter, a session without hints given, a record of its own."""

import importlib

import pytest

from tests.exercises import invention
from utils.exercises import engine, progress


@pytest.fixture(autouse=True)
def a_new_session(monkeypatch):
    """Nothing is solved, no hint is given, nothing is kept."""
    monkeypatch.setenv("GRADIENTS_PROGRESS", "off")
    progress.forget()
    engine.forget_hints()


@pytest.fixture
def invented(monkeypatch):
    """The module of the made-up chapter."""
    invention.add(monkeypatch)
    return importlib.import_module("utils.chapters.invented.exercises")
