"""Activation functions against torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.nn import properties
from utils.crosscheck import crosscheck
from utils.nn.activations import relu, sigmoid, tanh

ALL = [(sigmoid, torch.sigmoid), (tanh, torch.tanh), (relu, torch.relu)]
shapes = arrays.array_shapes(min_dims=0, max_dims=4, max_side=4)
some_numbers = arrays.arrays(np.float64, shapes, elements=st.floats(-8, 8, allow_subnormal=False))


@pytest.mark.parametrize("ours, theirs", ALL)
@given(x=some_numbers)
def test_against_torch(ours, theirs, x):
    assert crosscheck(ours, theirs, x).ok


@pytest.mark.parametrize("ours, theirs", ALL)
def test_promises(ours, theirs):
    x = np.random.default_rng(0).normal(size=(3, 4))
    properties.assert_finite_at_extremes(ours, x)
    properties.assert_keeps_float32(ours, x)
    properties.assert_pure(ours, x)
    ends = np.array([-1e4, -800.0, 0.0, 800.0, 1e4])
    np.testing.assert_allclose(ours(ends)[0], theirs(torch.from_numpy(ends)).numpy(), rtol=1e-12)


X = np.random.default_rng(1).normal(size=(3, 4))


def test_mutants():
    reject = properties.assert_mutants_are_rejected
    reject(
        sigmoid,
        torch.sigmoid,
        [X],
        ("(1 - y)", "(1 + y)"),
        ("dy * y *", "y *"),
        ("(1 - y)", "y"),
        ("dy * y", "-dy * y"),
    )
    reject(
        tanh,
        torch.tanh,
        [X],
        ("y**2", "y"),
        ("1 - y**2", "1 + y**2"),
        ("1 - y**2", "1 - x**2"),
        ("dy * (", "("),
    )
    reject(relu, torch.relu, [X], ("dy * (x > 0)", "dy"), ("x > 0)", "x < 0)"), ("dy * (x", "dy * x * (x"))
