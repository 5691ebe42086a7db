"""The comparison of runs over several seeds: what it says, what it draws, what it refuses."""

from types import SimpleNamespace

import numpy as np
import pytest

from utils.explore import runs as module
from utils.explore.runs import compare
from utils.explore.sweep import sweep


def history(scores, sizes):
    """A History with given scores; sizes: (epochs, layers), the root mean squares of every layer."""
    snapshots = [SimpleNamespace(activation_rms=2 * row, gradient_rms=row) for row in np.array(sizes, float)]
    return SimpleNamespace(scores=scores, snapshots=snapshots)


@pytest.fixture
def runs():
    fading = [[1e-6, 1e-3, 1.0], [1e-5, 1e-3, 1.0]]
    even = [[1.0, 2.0, 1.0], [0.5, 0.5, 0.5]]
    return {
        "fading": [history([0.1, 0.2], fading), history([0.1, 0.4], even), history([0.1, 0.9], even)],
        "even": [history([0.1, 0.8], even), history([0.2, 0.6], even)],
    }


def test_sweep(runs):
    sweep(compare(runs))


def test_it_says_what_the_histories_hold(runs):
    explorable = compare(runs)
    said = explorable.at(run="fading", epoch=1)[1]
    assert "20% to 90%, median 40%, 3 seeds" in said and "1e-05 to 1e+00" in said
    assert "60% to 80%, median 70%, 2 seeds" in explorable.at(run="even", epoch=1)[1]


def test_a_dot_for_every_seed_at_its_accuracy(runs):
    found = module.positions(runs, 1)
    assert found[:, 0].tolist() == [0.2, 0.4, 0.9, 0.8, 0.6]
    assert np.round(found[:, 1]).tolist() == [0, 0, 0, 1, 1] and len(np.unique(found[:, 1])) == 5
    assert [segment[0][0] for segment in module.medians(runs, 1)] == pytest.approx([0.4, 0.7])


def test_limits_hold_every_size_and_pass_over_what_overflowed(runs):
    runs["burst"] = [history([0.1, 0.1], [[0.0, np.nan, 1.0], [np.inf, np.nan, 3e3]])]
    low, high = module.limits(runs, "gradient_rms")
    assert low == pytest.approx(1e-6) and high == pytest.approx(1e4)
    sweep(compare(runs))
    assert "overflowed" in compare(runs).at(run="burst", epoch=1)[1]


def test_it_refuses_what_does_not_fit(runs):
    short = history([0.1], [[1.0, 1.0]])
    for wrong in ({}, {"a": []}, {"a": [history([], np.zeros((0, 3)))]}, {**runs, "short": [short]}):
        with pytest.raises(ValueError, match="runs must hold histories with equally many snapshots"):
            compare(wrong)
