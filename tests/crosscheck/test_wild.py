"""Wrong pullbacks after reports of real ones: all rejected, most of them explained, none misled."""

import importlib
import re
import time

import numpy as np
import pytest

from tests.crosscheck.bank import BANK
from tests.crosscheck.wild import claims
from tests.crosscheck.wild.table import SIZES
from utils.crosscheck import crosscheck, diagnosis

FILES = ("layers", "sequences", "convolution", "attention", "losses", "norms")
WILD = [entry for name in FILES for entry in importlib.import_module(f"tests.crosscheck.wild.{name}").WILD]
SHARE = 0.85


def given(entry, size):
    """(inputs, options) of an entry in one of its sizes."""
    made = entry.inputs(size)
    if isinstance(made[-1], dict) and isinstance(made[0], tuple):
        return made[0], entry.options | made[1]
    return made, entry.options


def run(entry, operation, size, seed=0):
    inputs, options = given(entry, size)
    return crosscheck(operation, entry.theirs, *inputs, raises=False, seed=seed, **options)


def test_the_bank_is_large_and_every_entry_has_a_name_of_its_own():
    titles = [(entry.title, str(entry.options), entry.theirs) for entry in WILD]
    assert len(set(titles)) == len(WILD) >= 80


@pytest.mark.parametrize("entry", WILD, ids=lambda e: e.title)
def test_the_right_version_passes_and_the_wrong_one_does_not(entry, undiagnosed):
    for size in SIZES:
        assert run(entry, entry.right, size).ok, size
    for seed in range(5):
        assert not run(entry, entry.wrong, size=seed % len(SIZES), seed=seed).ok, seed


def explained(entry, size, seen):
    """Complaints about what is said of an entry, and whether its cause is named in at least half of its wrong rows."""
    seen.clear()
    complaints, share = claims.judged(run(entry, entry.wrong, size).wrong, seen, entry.says, entry.never)
    return complaints, share >= 0.5


def test_no_sentence_misleads_and_most_name_the_cause(findings):
    complaints, right, lines, seconds = [], 0, [], []
    for k, entry in enumerate(WILD):
        size = k % len(SIZES)
        start = time.perf_counter()
        found, named = explained(entry, size, findings)
        seconds.append((time.perf_counter() - start, entry.title))
        complaints += [f"{entry.title}, size {size}: {c}" for c in found]
        right += named
        lines.append(f"{'named   ' if named else 'not named'} {entry.title}")
    slowest = [f"{spent:.2f} s {title}" for spent, title in sorted(seconds, reverse=True)[:10]]
    print(*lines, f"{right} of {len(WILD)} diagnosed right; the slowest:", *slowest, sep="\n")
    assert complaints == []
    assert right >= SHARE * len(WILD)


def test_claims_about_the_older_bank_hold(findings):
    for mutant in BANK:
        findings.clear()
        crosscheck(mutant.wrong(), mutant.theirs, *mutant.inputs, raises=False, **mutant.options)
        for f, found in findings:
            if f.ours_again:
                assert claims.check(f, found.sentence)[1] == [], (mutant.title, found.sentence)


def test_sentences_are_short_and_have_three_digits_at_most(findings):
    for entry in WILD[::5]:
        run(entry, entry.wrong, 0)
    assert findings
    for _, found in findings:
        assert len(found.sentence) < 260 and found.sentence[-1] not in ".;:"
        for number in re.findall(r"\d+\.\d+", found.sentence):
            assert len(number.replace(".", "").lstrip("0")) <= 3, found.sentence


def test_the_same_is_said_every_time():
    for entry in WILD[::7]:
        once, twice = (str(run(entry, entry.wrong, 1)) for _ in range(2))
        assert once == twice or "another gradient" in once


def test_a_false_claim_is_noticed():
    """The claims themselves can fail."""
    a = np.arange(1.0, 7).reshape(2, 3)
    f = diagnosis.Finding(ours=a, truth=a + 1, x=a, inputs=[], outputs=[], truths=[], upstream=[])
    for sentence in (
        "wrong sign",
        "a constant factor of 2; it should be 1",
        "reversed along axis 0",
        "zero everywhere",
    ):
        assert claims.check(f, sentence)[1]
    assert claims.check(f, "off by a constant along axis 1: whatever")[1] == []
