"""The linear layer."""

import numpy as np
import pytest
import torch.nn.functional as F

from tests.nn.properties import Row, proofs_of
from utils.nn.linear import linear

ROWS = {
    "linear": Row(
        linear,
        F.linear,
        ("(..., in)", "(out, in)", "(out,)?"),
        [
            ("dy @ weight,", "dy @ weight.T,"),
            ("rows(dy).T @ rows(x)", "rows(x).T @ rows(dy)"),
            (".sum(0)", ".mean(0)"),
            ("rows(dy).sum(0)", "dy"),
            ("return dy @ weight,", "return -dy @ weight,"),
        ],
    )
}
test_promises, test_mutants = proofs_of(ROWS)


def test_no_bias_no_gradient():
    assert linear(np.ones((2, 3, 4)), np.ones((5, 4)))[1](np.ones((2, 3, 5)))[2] is None


@pytest.mark.parametrize(
    "shapes, words",
    [
        ([(2, 3), (5, 4)], r"weight has shape \(5, 4\); expected \(out, in\), where in is 3 in x"),
        ([(2, 3), (3,)], r"weight has shape \(3,\); expected \(out, in\)"),
        ([(2, 3), (5, 3, 1)], r"weight has shape \(5, 3, 1\)"),
        ([(), (5, 3)], r"x has shape \(\); expected \(..., in\)"),
        ([(4, 3), (2, 3), (1,)], r"bias has shape \(1,\); expected \(out,\), where out is 2 in weight"),
        ([(4, 3), (2, 3), (2, 1)], r"bias has shape \(2, 1\)"),
    ],
)
def test_linear_says_which_shape_is_wrong(shapes, words):
    with pytest.raises(ValueError, match=words):
        linear(*map(np.ones, shapes))
