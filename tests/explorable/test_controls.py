"""Controls on their own."""

import numpy as np
import pytest

from utils.explorable.controls import Canvas


@pytest.mark.parametrize("shape", [8, None, "ab", (8,), (8, 0), (8, -1), ("a", "b"), (4, 4.5), (2, 3, 4)])
def test_a_canvas_says_what_shape_it_expects(shape):
    with pytest.raises(ValueError, match=r"shape: expected \(rows, columns\), got "):
        Canvas(shape)


def test_a_canvas_of_another_shape():
    assert Canvas((2, np.int64(3))).start.shape == Canvas([2, 3]).start.shape == (2, 3)
