"""What chapters 01 to 04 say of training holds under other kernels, threads and SIMD.

By default two ways to round and the quick claims; with PORTABILITY=all everything, as .ci/run asks.
"""

import os
from dataclasses import replace

import pytest

from tests.portability.claims import CHAPTERS, broken, claims
from tests.portability.configurations import CONFIGURATIONS, Configuration, ask, missing

OWN = Configuration("own kernel", quick=True)
REDUCED = [(name, " ".join(CHAPTERS)) for name in ("own kernel", "another kernel")]
ALL = [
    (c.name, chapters) for c in CONFIGURATIONS for chapters in ([" ".join(CHAPTERS)] if c.quick else CHAPTERS)
]


def named(name):
    """A configuration by its name; "another kernel" is the first to be had that is not the own one, or a nudge."""
    if name == "own kernel":
        return OWN
    if name != "another kernel":
        return next(c for c in CONFIGURATIONS if c.name == name)
    own = ask(OWN)["kernel"]
    others = [c for c in CONFIGURATIONS if (c.kernel not in (None, own) or c.nudge) and missing(c) is None]
    return replace(others[0], quick=True)


@pytest.mark.parametrize("name, chapters", ALL if os.environ.get("PORTABILITY") == "all" else REDUCED)
def test_claims_hold(name, chapters):
    """Measured in a process of its own; every claim that does not hold is named."""
    configuration = named(name)
    if reason := missing(configuration):
        pytest.skip(reason)
    chapters = chapters.split()
    measured = ask(configuration, *["--quick"] * configuration.quick, *chapters)["measured"]
    wrong = [
        f"{chapter}, {claim.name} ({claim.where}): {sentence}\n    it says: {claim.says}"
        for chapter in chapters
        for claim in claims(chapter, quick=configuration.quick)
        for sentence in broken(claim, measured[chapter][claim.name])
    ]
    assert not wrong, f"under {configuration.name}:\n" + "\n".join(wrong)
