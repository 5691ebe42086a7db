"""Every explorable of chapter 03, in every setting."""

import pytest

from utils.chapters.initialization import explore
from utils.explorable.sweep import sweep


@pytest.mark.parametrize("name", explore.__all__)
def test_sweep(name):
    explorable = getattr(explore, name)()
    sweep(explorable)
    assert len(explorable.poster()) <= 40_000 and explorable.alt()
