"""A table of vectors, looked up by integers: used from chapter 07 on, derived in chapter 14."""

import numpy as np

from utils.nn import kinds
from utils.nn.guard import guarded


def row(given, name):
    """The kind of a place in a table, from 0 on, or None for none."""
    return None if given is None else kinds.whole(0)(given, name)


@guarded(ids=kinds.integers, weight="(V, D)", padding_idx=row)
def embedding(ids, weight, *, padding_idx=None):
    """Look up a row of the table for each id.

    ids: integers from 0 to V - 1, any shape; weight: (V, D).  Returns (*ids.shape, D).  A row that is
    looked up several times gets the sum of what comes back; the row padding_idx gets nothing.  The
    pullback returns (None, dweight), as ids have no gradient.  As torch.nn.functional.embedding.
    ValueError for an id, or a padding_idx, that is not in the table.
    """
    expect_rows("ids", ids, len(weight))
    if padding_idx is not None:
        expect_rows("padding_idx", np.array(padding_idx), len(weight))

    def pullback(dy):
        dweight = np.zeros_like(weight)
        np.add.at(dweight, ids.ravel(), dy.reshape(ids.size, weight.shape[1]))
        if padding_idx is not None:
            dweight[padding_idx] = 0
        return None, dweight

    return weight[ids], pullback


def expect_rows(name, ids, rows):
    """ValueError unless all ids are among the rows of the table."""
    if ids.size and not (ids.min() >= 0 and ids.max() < rows):
        raise ValueError(f"{name} holds numbers from {ids.min()} to {ids.max()}; weight has {rows} rows")
