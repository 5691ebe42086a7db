"""Counting the costs: what would never end is refused."""

import pytest

from utils.chapters.backprop.costs import visits


def test_visits_without_remembering():
    """2-3-4-1: three edges, then four from each of three units, then one from each of twelve ways."""
    assert visits([2, 3, 4, 1], False) == 3 + 12 + 12
    assert visits([2, 3, 4, 1], True) == 3 + 12 + 4


@pytest.mark.parametrize("widths", [[40] * 40, [10] * 7, [2] + [100] * 3 + [1]])
def test_what_would_take_too_long_is_refused(widths):
    with pytest.raises(ValueError, match=r"widths .* mean more than a million visits; expected fewer"):
        visits(widths, False)
    assert visits(widths, True) < 100_000
