"""The promises themselves can be broken: each helper must object to an operation that breaks it."""

import inspect

import numpy as np
import pytest
import torch

from tests.nn import properties
from utils.nn.activations import tanh

X = np.linspace(-2, 2, 6)


def test_a_mutant_that_changes_nothing_is_refused():
    with pytest.raises(ValueError, match="does not hold"):
        properties.mutants(tanh, ("nowhere", "else"))


def test_a_right_copy_is_no_mutant():
    row = properties.Row(tanh, torch.tanh, ("(...)",), [])
    with pytest.raises(AssertionError, match="not noticed"):
        properties.assert_mutants_are_rejected(row, ("y**2", "y * y"), ("1 - y**2", "1 + y**2"))


def test_a_table_needs_three_mutants_a_row():
    _, test_mutants = properties.proofs_of(
        {"tanh": properties.Row(tanh, torch.tanh, ("(...)",), [("a", "b")] * 2)}
    )
    with pytest.raises(AssertionError):
        test_mutants("tanh")


def test_integers_that_wrap_round_are_noticed():
    """The operations as they were before integers went to floating point."""
    row = properties.Row(lambda x, y: (abs(x - y), lambda dy: (x, y)), None, (), [])
    with pytest.raises(AssertionError):
        properties.takes_integers(row, [np.array([1.0, 200.0]), np.array([3.0, 2.0])], {})


def test_an_upstream_that_is_broadcast_is_noticed():
    row = properties.Row(inspect.unwrap(tanh), torch.tanh, ("(...)",), [])
    with pytest.raises(BaseException, match="DID NOT RAISE"):
        properties.refuses_another_upstream(row, [X], {})


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
