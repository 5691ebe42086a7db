"""The made-up chapter 99 takes its place among the chapters, found as any other: by the register and by its name."""

from pathlib import Path

import utils.chapters
from utils.exercises import registry
from utils.register import Entry, register

FOLDER = Path(__file__).parent / "made_up"


def add(patch):
    """patch: a pytest.MonkeyPatch, which undoes it."""
    made_up = Entry(99, "invented", "made up", "", "")
    patch.setattr(registry, "register", lambda: {**register(), 99: made_up})
    patch.setattr(utils.chapters, "__path__", [*utils.chapters.__path__, str(FOLDER)])
