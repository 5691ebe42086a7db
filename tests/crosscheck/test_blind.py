"""Wrong pullbacks of somebody who had never seen the rules of the diagnosis: all rejected, most explained, none misled."""

import importlib

import numpy as np
import pytest

from tests.crosscheck.blind.judged import CAUSE, NEVER
from tests.crosscheck.blind.table import CASES
from tests.crosscheck.wild import claims
from utils.crosscheck import crosscheck

FILES = (
    "layers",
    "losses",
    "networks",
    "traps",
    "more_traps",
    "coincidences",
    "products",
    "everyday",
    "constants",
)
for name in FILES:
    importlib.import_module(f"tests.crosscheck.blind.{name}")
KNOWN = sum(pattern is not None for pattern in CAUSE.values())


def run(case, operation, draw=0, seed=0):
    inputs = case.inputs(np.random.default_rng(draw))
    return crosscheck(operation, case.theirs, *inputs, raises=False, seed=seed)


def test_every_case_is_judged_once():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) == 163 and set(names) == set(CAUSE) >= set(NEVER)
    assert KNOWN >= 140  # the cause is named in so many; the others must not mislead


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_right_version_passes_and_the_wrong_one_does_not(case, undiagnosed):
    for draw in range(2):
        assert run(case, case.right, draw, seed=draw).ok, draw
        assert not run(case, case.wrong, draw, seed=draw).ok, draw


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_sentence_misleads_and_the_cause_is_named_where_it_is_known(case, findings):
    rows = run(case, case.wrong).wrong
    complaints, share = claims.judged(rows, findings, CAUSE[case.name], NEVER.get(case.name))
    assert complaints == []
    assert (share > 0) == (CAUSE[case.name] is not None)
