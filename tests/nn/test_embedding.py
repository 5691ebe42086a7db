"""A table looked up: repeated rows add up, padding gets nothing, wrong ids are named."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import strategies as st

from tests.nn.properties import Row, proofs_of
from utils.nn.embedding import embedding


def places(draw, sizes, rng):
    """Few rows and many ids, so that rows repeat."""
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=3)))
    return rng.integers(0, 3, size=shape)


ROWS = {
    "embedding": Row(
        embedding, F.embedding, (places, lambda draw, sizes, rng: rng.normal(size=(3, draw(st.integers(1, 4))))),
        held=(0,),
        mutants=[
            ("np.add.at(dweight, ids.ravel(), dy.reshape(ids.size, weight.shape[1]))",
             "dweight[ids.ravel()] = dy.reshape(ids.size, weight.shape[1])"),  # the last one wins
            ("np.add.at(dweight, ids.ravel(), dy.reshape(ids.size, weight.shape[1]))",
             "dweight[ids.ravel()] += dy.reshape(ids.size, weight.shape[1])"),  # so it does here
            ("return None, dweight", "return None, dweight / max(1, ids.size)"),
        ],
    ),
}  # fmt: skip

test_promises, test_mutants = proofs_of(ROWS)


@pytest.mark.parametrize("ids, words", [
    (np.array([0, 3]), "ids holds numbers from 0 to 3; weight has 3 rows"),
    (np.array([-1]), "ids holds numbers from -1 to -1; weight has 3 rows"),
    (np.array([0.0]), "ids holds float64 elements; expected integers"),
    ([0, 1], "ids is a list; expected an array of integers"),
])  # fmt: skip
def test_bad_ids(ids, words):
    with pytest.raises(ValueError) as caught:
        embedding(ids, np.ones((3, 2)))
    assert words in str(caught.value)


def test_no_ids_at_all():
    y, back = embedding(np.zeros((2, 0), int), np.ones((3, 2)))
    assert y.shape == (2, 0, 2) and not back(y)[1].any()


def test_padding_gets_nothing_as_in_torch():
    """A path left out on purpose: differences of the value would deny it, so PyTorch alone decides."""
    ids, weight, dy = (
        np.array([[0, 2], [2, 1]]),
        np.arange(6.0).reshape(3, 2),
        np.arange(8.0).reshape(2, 2, 2),
    )
    table = torch.tensor(weight, requires_grad=True)
    F.embedding(torch.tensor(ids), table, padding_idx=2).backward(torch.tensor(dy))
    found = embedding(ids, weight, padding_idx=2)[1](dy)[1]
    assert (
        np.array_equal(found, table.grad.numpy())
        and not found[2].any()
        and found[:2].all(where=[[False, True], [True, True]])
    )
