"""Handwritten digits of 8 x 8 pixels, as scikit-learn ships them: 1797 pictures, ten classes."""

from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from utils.nn.guard import guarded
from utils.nn.kinds import number, told, whole


class Digits(NamedTuple):
    """Pictures as rows of 64 numbers, (N, 64); labels 0 to 9, (N,); a training and a held-out part."""

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


def float_type(given, name):
    """float32 or float64, under any of their names."""
    try:
        found = np.dtype(given)
    except TypeError:
        found = None
    if given is None or found not in (np.float32, np.float64):
        raise ValueError(f"{name} is {told(given)}; expected np.float64 or np.float32")
    return found


@guarded(held_out=number(), seed=whole(0), dtype=float_type)
def load(*, held_out=0.25, seed=0, dtype=np.float64):
    """Load the digits, split them, and bring the pixels from 0..16 to mean 0 and standard deviation 1.

    held_out: share kept for testing, each class in proportion; seed: of the split.  One mean and
    one deviation for all pixels, taken from the training part; dtype: np.float64 or np.float32.
    Returns Digits.  ValueError when one part would be too small to hold every class.
    """
    pixels, labels = load_digits(return_X_y=True)
    least = (labels.max() + 1) / len(labels)  # one picture of each class
    if not least <= held_out <= 1 - least:
        raise ValueError(
            f"held_out is {held_out}; expected a share that leaves each class a picture in both parts, "
            f"{least:.4f} to {1 - least:.4f}"
        )
    train_x, test_x, train_y, test_y = train_test_split(
        pixels, labels, test_size=held_out, random_state=seed, stratify=labels
    )
    mean, deviation = train_x.mean(), train_x.std()
    train_x, test_x = (((x - mean) / deviation).astype(dtype) for x in (train_x, test_x))
    return Digits(train_x, train_y, test_x, test_y)
