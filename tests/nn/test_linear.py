"""The linear layer."""

import numpy as np
import pytest
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tests.nn import properties
from utils.crosscheck import crosscheck
from utils.nn.linear import linear

sizes = st.integers(1, 5)
numbers = st.floats(-3, 3, allow_nan=False)


def draw_linear(batch, n_in, n_out, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(*batch, n_in)), rng.normal(size=(n_out, n_in)), rng.normal(size=n_out)


# ---- linear


@given(st.lists(st.integers(1, 3), max_size=3), sizes, sizes, st.booleans(), st.integers(0, 99))
def test_linear_over_shapes(batch, n_in, n_out, with_bias, seed):
    x, weight, bias = draw_linear(batch, n_in, n_out, seed)
    assert crosscheck(linear, F.linear, x, weight, *([bias] if with_bias else [])).ok


def test_linear_keeps_its_promises():
    inputs = draw_linear((2, 3), 4, 5, 0)
    properties.assert_finite_at_extremes(linear, *inputs)
    properties.assert_keeps_float32(linear, *inputs)
    properties.assert_pure(linear, *inputs)
    assert linear(*inputs[:2])[1](np.ones((2, 3, 5)))[2] is None


def test_linear_mutants():
    properties.assert_mutants_are_rejected(
        linear,
        F.linear,
        draw_linear((2,), 3, 3, 1),
        ("dy @ weight, dweight", "dy @ weight.T, dweight"),
        ("np.tensordot(dy, x", "np.tensordot(x, dy"),
        ("dy.sum(batch)", "dy.mean(batch)"),
        ("dy.sum(batch)", "dy"),
        ("return dy @ weight,", "return -dy @ weight,"),
    )


def test_linear_says_which_shape_is_wrong():
    with pytest.raises(ValueError, match=r"x has shape \(2, 3\).*expects 4"):
        linear(np.ones((2, 3)), np.ones((5, 4)))


# ---- chain and Tap
