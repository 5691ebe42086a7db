"""Losses against torch."""

import numpy as np
import pytest
import torch.nn.functional as F

from tests.nn.properties import Row, proofs_of
from utils.crosscheck import crosscheck
from utils.nn import losses


def shares(draw, sizes, rng):
    return np.asarray(rng.uniform(size=sizes["..."]))


def classes(draw, sizes, rng):
    return rng.integers(sizes["C"][0], size=sizes["N"])


ROWS = {
    "mse_loss": Row(
        losses.mse_loss,
        F.mse_loss,
        ("(...)", "(...)"),
        [("* 2 *", "*"), (" / difference.size", ""), ("-dinput", "dinput"), ("dloss * 2", "2")],
    ),
    "l1_loss": Row(
        losses.l1_loss,
        F.l1_loss,
        ("(...)", "(...)"),
        [("np.sign(difference)", "difference"), (" / difference.size", ""), ("-dinput", "dinput")],
    ),
    "binary_cross_entropy_with_logits": Row(
        losses.binary_cross_entropy_with_logits,
        F.binary_cross_entropy_with_logits,
        ("(...)", shares),
        [
            ("sigmoid(logits)[0] - target", "sigmoid(logits)[0]"),
            ("dloss / logits.size", "dloss"),
            ("-logits * scale", "logits * scale"),
            ("sigmoid(logits)[0] -", "logits -"),
        ],
        held=(1,),
    ),
    "cross_entropy": Row(
        losses.cross_entropy,
        F.cross_entropy,
        ("(N, C)", classes),
        [
            ("* (dloss / n)", "* dloss"),
            ("np.exp(log_p) - wanted", "np.exp(log_p)"),
            ("np.exp(log_p) - wanted", "wanted - np.exp(log_p)"),
            ("dloss / n", "1 / n"),
        ],
        options=[{"label_smoothing": share} for share in (0.0, 0.1, 1.0)],
        held=(1,),
    ),
}
test_promises, test_mutants = proofs_of(ROWS)


def test_certainty_does_not_overflow():
    loss, pullback = losses.cross_entropy(np.array([[1e4, -1e4], [1e4, -1e4]]), np.array([0, 1]))
    assert loss == 1e4
    np.testing.assert_array_equal(pullback(1.0)[0], [[0, 0], [0.5, -0.5]])
    loss, _ = losses.binary_cross_entropy_with_logits(np.array([1e4, -1e4]), np.array([0.0, 0.0]))
    assert loss == 5e3


def test_the_kink_of_the_absolute_value():
    same = np.array([1.0, 2.0])
    assert crosscheck(losses.l1_loss, F.l1_loss, same, same.copy()).ok


def test_mean_and_median():
    """ACT-22: the constant of smallest squared error is the mean, of smallest absolute error the median."""
    y = np.random.default_rng(0).exponential(size=501)
    grid = np.linspace(0, 3, 3001)
    best = lambda loss: grid[np.argmin([loss(np.full_like(y, c), y)[0] for c in grid])]
    assert best(losses.mse_loss) == pytest.approx(y.mean(), abs=1e-3)
    assert best(losses.l1_loss) == pytest.approx(np.median(y), abs=1e-3)


def test_a_class_may_be_any_integer():
    logits, target = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 2, 1, 2])
    expected = losses.cross_entropy(logits, target)[0]
    for kind in (np.uint8, np.int8, np.uint64):
        assert losses.cross_entropy(logits, target.astype(kind))[0] == expected


@pytest.mark.parametrize("kind", [np.int64, np.uint8, bool, np.float32])
def test_a_label_of_two_may_be_an_integer(kind):
    logits, labels = np.array([0.3, -2.0, 5.0]), np.array([0, 1, 1])
    ours, _ = losses.binary_cross_entropy_with_logits(logits, labels.astype(kind))
    assert ours == losses.binary_cross_entropy_with_logits(logits, labels.astype(float))[0]


def test_a_difference_may_step_beyond_a_label():
    labels = np.array([0.0, 1.0, 1.0])
    inputs = np.array([0.3, -2.0, 5.0]), labels
    assert crosscheck(losses.binary_cross_entropy_with_logits, F.binary_cross_entropy_with_logits, *inputs).ok


def test_bad_arguments():
    for loss in (losses.mse_loss, losses.l1_loss, losses.binary_cross_entropy_with_logits):
        with pytest.raises(ValueError, match=r"target has shape \(2,\); expected that of \w+, \(3,\)"):
            loss(np.ones(3), np.ones(2))
        with pytest.raises(ValueError, match=r"target and \w+ are empty; expected at least"):
            loss(np.ones(0), np.ones(0))
    for labels in ([5.0, 0.0], [-1.0, 0.0], [np.nan, 0.0]):
        with pytest.raises(ValueError, match=r"target holds numbers from .*; expected 0 to 1"):
            losses.binary_cross_entropy_with_logits(np.ones(2), np.array(labels))
    for target in map(np.array, ([0, 3], [-1, 0], [0])):
        with pytest.raises(ValueError, match="target must hold 2 integers from 0 to 2"):
            losses.cross_entropy(np.ones((2, 3)), target)
    for target in map(np.array, ([0.0, 1.0], [False, True])):
        with pytest.raises(ValueError, match=r"target holds .* elements; expected integers"):
            losses.cross_entropy(np.ones((2, 3)), target)
    with pytest.raises(ValueError, match=r"logits has shape \(3,\); expected \(N, C\)"):
        losses.cross_entropy(np.ones(3), np.array([0]))
    with pytest.raises(ValueError, match=r"logits has shape \(0, 3\); expected at least one example"):
        losses.cross_entropy(np.ones((0, 3)), np.zeros(0, int))
    with pytest.raises(ValueError, match=r"label_smoothing is 2\.0; expected a finite number from 0 to 1"):
        losses.cross_entropy(np.ones((1, 3)), np.array([0]), label_smoothing=2.0)
