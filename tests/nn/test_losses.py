"""Losses against torch."""

import numpy as np
import pytest
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tests.nn import properties
from utils.crosscheck import crosscheck
from utils.nn.losses import cross_entropy, mse_loss


def logits_and_target(n, classes, seed=0):
    rng = np.random.default_rng(seed)
    return 3 * rng.normal(size=(n, classes)), rng.integers(classes, size=n)


@given(st.lists(st.integers(1, 4), max_size=3), st.integers(0, 99))
def test_mse_loss(shape, seed):
    rng = np.random.default_rng(seed)
    assert crosscheck(mse_loss, F.mse_loss, rng.normal(size=shape), rng.normal(size=shape)).ok


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_cross_entropy(n, classes, seed):
    assert crosscheck(cross_entropy, F.cross_entropy, *logits_and_target(n, classes, seed)).ok


def test_promises():
    rng = np.random.default_rng(0)
    for loss, inputs in [
        (mse_loss, (rng.normal(size=(3, 2)), rng.normal(size=(3, 2)))),
        (cross_entropy, logits_and_target(4, 3)),
    ]:
        properties.assert_finite_at_extremes(loss, *inputs)
        properties.assert_keeps_float32(loss, *inputs)
        properties.assert_pure(loss, *inputs)


def test_mutants():
    rng = np.random.default_rng(0)
    pair = [rng.normal(size=(3, 2)), rng.normal(size=(3, 2))]
    properties.assert_mutants_are_rejected(
        mse_loss,
        F.mse_loss,
        pair,
        ("* 2 *", "*"),
        (" / difference.size", ""),
        ("-dinput", "dinput"),
        ("dloss * 2", "2"),
    )
    properties.assert_mutants_are_rejected(
        cross_entropy,
        F.cross_entropy,
        logits_and_target(4, 3),
        ("(dloss / n)", "dloss"),
        ("-= 1", "-= 0"),
        ("-= 1", "+= 1"),
        ("dlogits * (dloss", "-dlogits * (dloss"),
        ("dloss / n", "1 / n"),
    )


def test_cross_entropy_of_certainty_does_not_overflow():
    loss, pullback = cross_entropy(np.array([[1e4, -1e4], [1e4, -1e4]]), np.array([0, 1]))
    assert loss == 1e4
    np.testing.assert_array_equal(pullback(1.0)[0], [[0, 0], [0.5, -0.5]])


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"target has shape \(2,\); expected that of input, \(3,\)"):
        mse_loss(np.ones(3), np.ones(2))
    for target in (np.array([0, 3]), np.array([-1, 0]), np.array([0.0, 1.0]), np.array([0])):
        with pytest.raises(ValueError, match="target must hold 2 integers from 0 to 2"):
            cross_entropy(np.ones((2, 3)), target)
