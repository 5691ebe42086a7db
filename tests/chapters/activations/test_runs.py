"""The trained runs of chapter 02: forty networks of ten layers, and what the chapter says of their order."""

import numpy as np
import pytest

from utils.chapters.activations import runs
from utils.results import trained


@pytest.fixture(scope="module")
def five():
    """{name: the kept Histories of five seeds}, as in section 2.7."""
    found = trained("activations", "eight functions")
    assert list(found) == list(runs.EIGHT) and {len(some) for some in found.values()} == {5}
    return found


def reached(histories):
    return sorted(history.scores[-1] for history in histories)


def test_the_medians_have_the_order_that_the_chapter_tells(five):
    median = {name: np.median(reached(histories)) for name, histories in five.items()}
    assert min(median["ELU"], median["SELU"]) > median["ReLU"] + 0.05 and median["tanh"] > 0.92
    assert min(median["softsign"], median["leaky ReLU"]) > median["ReLU"] > 0.75
    assert 0.12 < median["SiLU"] < 0.5 and median["sigmoid"] < 0.12


def test_which_functions_bring_all_five_seeds_far(five):
    """Quiz 02.f: tanh does, ReLU and SiLU do not."""
    lowest = {name: reached(histories)[0] for name, histories in five.items()}
    assert min(lowest["tanh"], lowest["ELU"]) > 0.87
    assert lowest["ReLU"] < 0.85 > 0.4 > lowest["SiLU"]
    assert sum(score > 0.8 for score in reached(five["SELU"])) >= 3


def test_the_gradient_that_arrives_before_training(five):
    """No training is in these, so they hold to the digits shown."""
    expected = {
        "sigmoid": 5.1e-6, "tanh": 0.26, "softsign": 0.12, "ReLU": 0.044, "leaky ReLU": 0.037, "ELU": 0.23,
        "SELU": 0.91, "SiLU": 0.0029,
    }  # fmt: skip
    for name, histories in five.items():
        sizes = [history.snapshots[0].gradient_rms for history in histories]
        assert np.median([size[0] / size[-1] for size in sizes]) == pytest.approx(expected[name], rel=0.05)


def test_the_better_forecast_for_tanh():
    """By (1.17c), the slopes of layers 2 to 9, times what the last weights leave."""
    k = np.arange(2, 10)
    assert np.prod(1 - 1 / (2 * k)) == pytest.approx(0.371, abs=5e-4)
    assert np.sqrt(10 / 32) == pytest.approx(0.56, abs=5e-3)


def test_at_larger_rates_only_tanh_learns():
    kept = trained("activations", "larger rates")
    last = lambda name, rate: kept[f"rate {rate}: {name}"]
    for rate in (0.3, 0.5):
        assert all(not np.isfinite(history.train_loss[-1]) for history in last("SELU", rate))
        assert min(reached(last("tanh", rate))) > 0.6
    assert max(reached(last("ELU", 0.5))) < 0.15 and max(reached(last("ReLU", 0.5))) < 0.65


def test_twice_as_long_helps_the_late_ones():
    later, sooner = trained("activations", "twenty epochs"), trained("activations", "eight functions")
    for name, least in (("SiLU", 0.65), ("ReLU", 0.84)):
        median = np.median(reached(later[name]))
        assert median > max(least, np.median(reached(sooner[name])) + 0.05)


def test_whole_batches():
    assert runs.WHOLE == 1344 and len(runs.ten_layers("ReLU", 0, epochs=1).losses) == 42
