"""Losses against torch."""

import numpy as np
import pytest
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tests.nn import properties
from utils.crosscheck import crosscheck
from utils.nn import losses

SAME_SHAPE = {
    "mse_loss": (losses.mse_loss, F.mse_loss),
    "l1_loss": (losses.l1_loss, F.l1_loss),
    "binary_cross_entropy_with_logits": (
        losses.binary_cross_entropy_with_logits,
        F.binary_cross_entropy_with_logits,
    ),
}


def logits_and_target(n, classes, seed=0):
    rng = np.random.default_rng(seed)
    return 3 * rng.normal(size=(n, classes)), rng.integers(classes, size=n)


def a_pair(shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape), rng.uniform(size=shape)


@pytest.mark.parametrize("name", SAME_SHAPE)
@given(shape=st.lists(st.integers(1, 4), max_size=3), seed=st.integers(0, 99))
def test_losses_of_one_shape(name, shape, seed):
    assert crosscheck(*SAME_SHAPE[name], *a_pair(shape, seed)).ok


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99), st.sampled_from([0.0, 0.1, 1.0]))
def test_cross_entropy(n, classes, seed, smoothing):
    inputs = logits_and_target(n, classes, seed)
    assert crosscheck(losses.cross_entropy, F.cross_entropy, *inputs, label_smoothing=smoothing).ok


@pytest.mark.parametrize("name", [*SAME_SHAPE, "cross_entropy"])
def test_promises(name):
    loss = getattr(losses, name)
    inputs = logits_and_target(4, 3) if name == "cross_entropy" else a_pair((3, 2))
    properties.assert_finite_at_extremes(loss, *inputs)
    properties.assert_keeps_float32(loss, *inputs)
    properties.assert_pure(loss, *inputs)


MUTANTS = {
    "mse_loss": [("* 2 *", "*"), (" / difference.size", ""), ("-dinput", "dinput"), ("dloss * 2", "2")],
    "l1_loss": [("np.sign(difference)", "difference"), (" / difference.size", ""), ("-dinput", "dinput")],
    "binary_cross_entropy_with_logits": [
        ("sigmoid(logits)[0] - target", "sigmoid(logits)[0]"),
        ("dloss / logits.size", "dloss"),
        ("-logits * scale", "logits * scale"),
        ("sigmoid(logits)[0] -", "logits -"),
    ],
}


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants(name):
    properties.assert_mutants_are_rejected(*SAME_SHAPE[name], a_pair((3, 2)), *MUTANTS[name])


def test_cross_entropy_mutants():
    properties.assert_mutants_are_rejected(
        losses.cross_entropy,
        F.cross_entropy,
        logits_and_target(4, 3),
        ("* (dloss / n)", "* dloss"),
        ("np.exp(log_p) - wanted", "np.exp(log_p)"),
        ("np.exp(log_p) - wanted", "wanted - np.exp(log_p)"),
        ("dloss / n", "1 / n"),
        label_smoothing=0.2,
    )


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
    logits, target = logits_and_target(4, 3)
    expected = losses.cross_entropy(logits, target)[0]
    for kind in (np.uint8, np.int8, np.uint64):
        assert losses.cross_entropy(logits, target.astype(kind))[0] == expected


def test_bad_arguments():
    for loss in (losses.mse_loss, losses.l1_loss, losses.binary_cross_entropy_with_logits):
        with pytest.raises(ValueError, match=r"target has shape \(2,\); expected that of input, \(3,\)"):
            loss(np.ones(3), np.ones(2))
    wrong = [[0, 3], [-1, 0], [0.0, 1.0], [False, True], [0]]
    for target in map(np.array, wrong):
        with pytest.raises(ValueError, match="target must hold 2 integers from 0 to 2"):
            losses.cross_entropy(np.ones((2, 3)), target)
    with pytest.raises(ValueError, match=r"logits has shape \(3,\); expected \(N, C\)"):
        losses.cross_entropy(np.ones(3), np.array([0]))
    with pytest.raises(ValueError, match=r"label_smoothing is 2\.0; expected a share from 0 to 1"):
        losses.cross_entropy(np.ones((1, 3)), np.array([0]), label_smoothing=2.0)
