"""The machinery of the claims: what does not hold is found, kernels really change, what is lacking is named."""

from dataclasses import replace

import numpy as np
import pytest

from tests.portability import configurations, measure, table
from tests.portability.claims import CHAPTERS, Claim, broken, claims
from tests.portability.configurations import (
    CONFIGURATIONS,
    Configuration,
    ask,
    disabled,
    environment,
    missing,
)
from utils import train

OWN = Configuration("own kernel")
CLAIM = Claim(
    "made up", "nowhere", "Two numbers.", lambda: {"a": 0.9, "b": 0.8},
    within={"a": (0.85, 0.95), "b": (0.8, 0.8)}, order=("b < a",),
)  # fmt: skip

# ---- a claim can fail


def test_a_claim_that_holds_is_not_broken():
    assert broken(CLAIM, CLAIM.measure()) == []


@pytest.mark.parametrize("within", [(0.91, 0.95), (0.85, 0.89)])
def test_a_range_that_is_too_narrow_is_broken(within):
    found = broken(replace(CLAIM, within={"a": within}), CLAIM.measure())
    assert found == [f"a is 0.9; expected {within[0]:g} to {within[1]:g}"]


def test_an_order_that_does_not_hold_is_broken():
    assert broken(replace(CLAIM, order=("a < b",)), CLAIM.measure()) == ["a < b does not hold: 0.9, 0.8"]
    assert broken(CLAIM, {"a": 0.85, "b": 0.85})  # equal is not less


@pytest.mark.parametrize("measured", [{"b": 0.8}, {"a": np.nan, "b": 0.8}])
def test_what_was_not_measured_or_is_not_a_number_is_broken(measured):
    assert len(broken(CLAIM, measured)) == 2  # the range and the order


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_claim_says_what_must_hold_and_has_a_name_of_its_own(chapter):
    names = [claim.name for claim in claims(chapter)]
    assert len(set(names)) == len(names)
    assert all(claim.within or claim.order for claim in claims(chapter))
    assert all(low <= high for claim in claims(chapter) for low, high in claim.within.values())


def test_a_planted_claim_about_a_training_run_is_rejected():
    """That twins part within twenty steps: false on every machine, and measured as any other claim."""
    (twins,) = [claim for claim in claims("initialization", quick=True) if claim.name == "twins"]
    measured = ask(OWN, "--quick", "initialization")["measured"]["initialization"]["twins"]
    assert broken(twins, measured) == []
    assert broken(replace(twins, within={"step for noise 1e-06": (1, 20)}), measured)


# ---- the ways to round


def products():
    """By kernel, what a process says of itself."""
    kernels = [c for c in CONFIGURATIONS if c.kernel and not c.quick and missing(c) is None]
    return {c.kernel: ask(c) for c in kernels}


def test_the_kernel_changes_not_only_its_name():
    found = products()
    if len(found) < 2:
        pytest.skip(
            "fewer than two kernels can be had: " + "; ".join(filter(None, map(missing, CONFIGURATIONS)))
        )
    assert {kernel: said["kernel"] for kernel, said in found.items()} == {kernel: kernel for kernel in found}
    assert len({said["product"] for said in found.values()}) == len(found)


def test_numpys_own_simd_can_be_taken_away():
    everything, baseline = ask(OWN), ask(replace(OWN, simd="baseline"))
    assert baseline["simd"] == [] and baseline["kernel"] == everything["kernel"]
    if not everything["simd"]:
        pytest.skip("this processor has nothing beyond NumPy's baseline")
    assert "X86_V4" not in ask(replace(OWN, simd="no AVX-512"))["simd"]


def test_threads_are_those_that_were_asked_for():
    assert [ask(replace(OWN, threads=threads))["threads"] for threads in (1, 2)] == [1, 2]


def test_what_was_set_outside_does_not_rule_the_measuring(monkeypatch):
    for name in ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "PORTABILITY_NUDGE", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "7")
    found = environment(OWN)
    assert not {"OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "PORTABILITY_NUDGE"} & set(found)
    assert found["OMP_NUM_THREADS"] == "1" and environment(replace(OWN, nudge=3))["PORTABILITY_NUDGE"] == "3"


def test_features_are_named_as_this_numpy_names_them():
    assert disabled("all") == ""
    assert set(disabled("no AVX-512").split()) <= set(disabled("baseline").split())


def test_a_kernel_that_the_processor_lacks_is_named_and_not_started(monkeypatch):
    monkeypatch.setitem(configurations.NEEDED, "Haswell", "NO_SUCH_FEATURE")
    monkeypatch.setattr(configurations, "ask", lambda *_: pytest.fail("it was started"))
    reason = missing.__wrapped__(Configuration("an old one", "Haswell"))
    assert reason == "an old one: this processor has no NO_SUCH_FEATURE, which kernel Haswell executes"


@pytest.mark.parametrize(
    "kernel, reason", [("Haswell", "takes Haswell"), (None, "does not compute with OpenBLAS")]
)
def test_a_kernel_that_openblas_lacks_is_named(monkeypatch, kernel, reason):
    monkeypatch.setitem(configurations.umath.__cpu_features__, "AVX2", True)
    monkeypatch.setattr(configurations, "ask", lambda *_: {"kernel": kernel})
    said = missing.__wrapped__(Configuration("Zen, alone", "Zen"))
    assert said.startswith("Zen, alone: ") and said.endswith(reason)


def test_without_a_kernel_nothing_is_missing():
    assert missing(OWN) is None


def test_a_measuring_that_fails_says_why():
    with pytest.raises(RuntimeError, match=r"(?s)'own kernel' ended with 1.*no_such_chapter"):
        ask(OWN, "no_such_chapter")


def test_a_nudge_moves_every_start_by_a_hair(monkeypatch):
    started = []
    monkeypatch.setattr(train, "fit", lambda network, loss, params, *_, **__: started.append(params))
    measure.nudge_starts(1)
    params = ({"weight": np.ones((3, 2)), "bias": np.zeros(3)}, None)
    train.fit(None, None, params, epochs=1)
    ((layer, nothing),) = started
    assert nothing is None and (layer["bias"] == 0).all() and (params[0]["weight"] == 1).all()
    assert (layer["weight"] != 1).any() and np.abs(layer["weight"] - 1).max() < 1e-14


# ---- the table


def test_the_table_has_every_claim_as_it_stands():
    """`python -m tests.portability.table` measures anew and writes it."""
    written = table.PAGE.read_text()
    missing_rows = [
        row
        for chapter in CHAPTERS
        for claim in claims(chapter)
        for row in table.said(claim)
        if row not in written
    ]
    assert not missing_rows


def test_the_table_tells_how_far_a_number_moved():
    lines = table.of_claim(CLAIM, {"one": {"a": 0.9, "b": 0.8}, "other": {"a": 0.94, "b": 0.8}})
    assert (
        "| a | 0.85 to 0.95 | 0.9 | 0.94 | 0.04 |" in lines and "| b | 0.8 to 0.8 | 0.8 | 0.8 | 0 |" in lines
    )
