"""For the tests of the exercises: the made-up chapter, a session without hints given, a record of its own."""

import importlib
from pathlib import Path

import pytest

import utils.exercises
from utils.exercises import engine, progress, record


@pytest.fixture(autouse=True)
def a_new_session(monkeypatch):
    """Nothing is solved, no hint is given, nothing is kept."""
    monkeypatch.setenv("GRADIENTS_PROGRESS", "off")
    progress.memory, progress.lost = record.fresh_record(), set()
    progress.take_notes()
    engine.forget_hints()


@pytest.fixture
def invented(monkeypatch):
    """The module of the made-up chapter, found as any chapter's is."""
    folders = [*utils.exercises.__path__, str(Path(__file__).parent / "made_up")]
    monkeypatch.setattr(utils.exercises, "__path__", folders)
    return importlib.import_module("utils.exercises.invented")
