"""The promises themselves can be broken: each helper must object to an operation that breaks it."""

import numpy as np
import pytest

from tests.nn import properties
from utils.nn.activations import tanh

X = np.linspace(-2, 2, 6)


def test_a_mutant_that_changes_nothing_is_refused():
    with pytest.raises(ValueError, match="does not hold"):
        properties.mutants(tanh, ("nowhere", "else"))


def test_a_right_copy_is_no_mutant():
    with pytest.raises(AssertionError, match="not noticed"):
        import torch

        properties.assert_mutants_are_rejected(
            tanh, torch.tanh, [X], ("y**2", "y * y"), ("y**2", "y * y"), ("y**2", "y * y")
        )


def test_overflow_is_noticed():
    with np.errstate(all="ignore"), pytest.raises(AssertionError, match="large"):
        properties.assert_finite_at_extremes(lambda x: (np.exp(x), lambda dy: dy), X)


def test_float64_that_creeps_in_is_noticed():
    with pytest.raises(AssertionError):
        properties.assert_keeps_float32(lambda x: (x * np.ones(6), lambda dy: dy), X)


def test_memory_is_noticed():
    def grows(x):
        kept = []
        return x, lambda dy: dy * (kept.append(1) or len(kept))

    def writes(x):
        x += 1
        return x, lambda dy: dy

    for operation in (grows, writes):
        with pytest.raises(AssertionError):
            properties.assert_pure(operation, X.copy())
