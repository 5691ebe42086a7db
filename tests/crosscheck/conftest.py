"""What the banks of wrong pullbacks share: rejection without a diagnosis, and a look at what the diagnosis was given."""

import pytest

from utils.crosscheck import diagnosis
from utils.crosscheck.finding import Diagnosis


@pytest.fixture
def undiagnosed(monkeypatch):
    """Rejection alone, without the search for the cause."""
    monkeypatch.setattr(diagnosis, "first_that_fits", lambda f: Diagnosis("unknown", "wrong"))


@pytest.fixture
def findings(monkeypatch):
    """What the diagnosis was given and what it said."""
    seen, diagnose = [], diagnosis.first_that_fits

    def noted(f):
        found = diagnose(f)
        seen.append((f, found))
        return found

    monkeypatch.setattr(diagnosis, "first_that_fits", noted)
    return seen
