"""The results of long experiments: what is kept of a training run, and how it comes back."""

import json

import numpy as np
import pytest

from utils import results
from utils.train import History, Snapshot


def history(scale=1.0):
    sizes = lambda *numbers: scale * np.array(numbers)
    quantiles = np.ones((2, 5))
    snapshots = [
        Snapshot(0, sizes(1.23456789, 0.5), sizes(1e-9, 2.0), quantiles, quantiles),
        Snapshot(1, sizes(np.inf, 0.25), sizes(np.nan, 3.0), quantiles, quantiles),
    ]
    return History(losses=[1.0] * 42, train_loss=[2.302585, np.inf], scores=[0.1, 1 / 3], snapshots=snapshots)


@pytest.fixture
def folder(tmp_path):
    by_seed = {
        str(seed): {"He": results.packed(history(1 + seed)), "alone": 0.9 - 0.1 * seed} for seed in (0, 1)
    }
    plain = {"0": {"He": 0.25}}
    head = {"measured": "2026-01-02", "versions": {"numpy": "2"}, "processor": "a, 1 thread"}
    (tmp_path / "normalization").mkdir()
    content = head | {"experiments": {"starts": by_seed, "plain": plain}}
    (tmp_path / "normalization" / "results.json").write_text(json.dumps(content, allow_nan=False))
    return tmp_path


def test_a_history_comes_back_but_for_its_steps_and_quantiles():
    found = results.unpacked(json.loads(json.dumps(results.packed(history()), allow_nan=False)))
    assert found.scores == [0.1, 0.333333] and found.losses == []
    np.testing.assert_array_equal(found.train_loss, [2.303, np.nan])
    first, second = found.snapshots
    assert (first.epoch, second.epoch) == (0, 1)
    np.testing.assert_array_equal(first.activation_rms, [1.235, 0.5])
    np.testing.assert_array_equal(first.gradient_rms, [1e-9, 2])
    np.testing.assert_array_equal(second.activation_rms, [np.nan, 0.25])
    np.testing.assert_array_equal(second.gradient_rms, [np.nan, 3])


def test_trained_gives_the_histories_of_every_seed(folder):
    with pytest.raises(ValueError, match="'more' was not measured; expected one of starts, plain"):
        results.trained("normalization", "more", folder)
    content = results.stored("normalization", folder)
    for result in content["experiments"]["starts"].values():
        del result["alone"]
    (folder / "normalization" / "results.json").write_text(json.dumps(content))
    found = results.trained("normalization", "starts", folder)["He"]
    assert [run.snapshots[0].activation_rms[1] for run in found] == [0.5, 1.0]


def test_reached_sorts_what_histories_or_plain_numbers_say(folder):
    assert results.reached("normalization", "starts", folder) == {
        "He": [0.333333, 0.333333],
        "alone": [0.8, 0.9],
    }
    assert results.reached("normalization", "plain", folder) == {"He": [0.25]}
    assert results.as_percent([0.096, 0.8951, 1.0]) == " 10%  90% 100%"


def test_the_caption_says_when_and_on_what(folder):
    assert results.caption("normalization", folder) == "Measured on 2026-01-02 with numpy 2, on a, 1 thread."
