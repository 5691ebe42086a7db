"""Controls on their own."""

import numpy as np
import pytest

from utils.explorable.controls import Canvas, Slider


@pytest.mark.parametrize("shape", [8, None, "ab", (8,), (8, 0), (8, -1), ("a", "b"), (4, 4.5), (2, 3, 4)])
def test_a_canvas_says_what_shape_it_expects(shape):
    with pytest.raises(ValueError, match=r"shape: expected \(rows, columns\), got "):
        Canvas(shape)


def test_a_canvas_of_another_shape():
    assert Canvas((2, np.int64(3))).start.shape == Canvas([2, 3]).start.shape == (2, 3)


def test_small_numbers_are_told_apart():
    """Steps of 1e-12 and 1e-15 are two steps, but 0.3 is 0.3 however it was added up, and 1e-17 a zero."""
    slider = Slider([1.0, 1e-12, 1e-15, 1e-20])
    assert [slider.encode(step) for step in (1e-12, 1e-15, 1e-20)] == [1, 2, 3]
    assert (
        Slider(np.linspace(-1, 1, 21) + 1e-17).encode(0.0) == 10
        and Slider(np.linspace(0, 1, 11)).encode(0.3) == 3
    )
    with pytest.raises(ValueError, match="expected one of"):
        slider.encode(1e-13)
