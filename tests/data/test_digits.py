"""The digits: shapes, scale, split."""

import numpy as np
import pytest

from utils.data import digits


def test_split_and_scale():
    data = digits.load()
    assert data.train_x.shape == (1347, 64) and data.test_x.shape == (450, 64)
    assert abs(data.train_x.mean()) < 1e-12 and abs(data.train_x.std() - 1) < 1e-12
    assert set(data.train_y) == set(data.test_y) == set(range(10))
    shares = np.bincount(data.test_y) / len(data.test_y)
    np.testing.assert_allclose(shares, np.bincount(data.train_y) / len(data.train_y), atol=0.005)


def test_seed_and_dtype():
    same, other = digits.load(seed=0), digits.load(seed=1, dtype=np.float32)
    np.testing.assert_array_equal(digits.load().test_y, same.test_y)
    assert not np.array_equal(same.test_x, other.test_x) and other.test_x.dtype == np.float32


def test_no_picture_is_in_both_parts():
    data = digits.load(seed=3)
    train = {row.tobytes() for row in data.train_x}
    assert sum(row.tobytes() in train for row in data.test_x) == 0


@pytest.mark.parametrize("share", [0, 1, -0.5, 2, 0.999, 0.001])
def test_bad_share(share):
    with pytest.raises(
        ValueError, match=r"held_out is .*; expected a share that leaves each class a picture"
    ):
        digits.load(held_out=share)


@pytest.mark.parametrize("share", [0.0056, 0.9944])
def test_the_smallest_part_holds_every_class(share):
    data = digits.load(held_out=share)
    assert set(data.train_y) == set(data.test_y) == set(range(10))


@pytest.mark.parametrize("dtype", [int, "text", None, complex, object])
def test_pixels_are_of_floating_point(dtype):
    with pytest.raises(ValueError, match=r"dtype is .*; expected np\.float64 or np\.float32"):
        digits.load(dtype=dtype)
