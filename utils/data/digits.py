"""Handwritten digits of 8 x 8 pixels, as scikit-learn ships them: 1797 pictures, ten classes."""

from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class Digits(NamedTuple):
    """Pictures as rows of 64 numbers, (N, 64); labels 0 to 9, (N,); a training and a held-out part."""

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


def load(*, held_out=0.25, seed=0, dtype=np.float64):
    """Load the digits, split them, and bring the pixels from 0..16 to mean 0 and standard deviation 1.

    held_out: share kept for testing, each class in proportion; seed: of the split.  One mean and
    one deviation for all pixels, taken from the training part.  Returns Digits.  ValueError when
    held_out is not between 0 and 1.
    """
    if not 0 < held_out < 1:
        raise ValueError(f"held_out must lie between 0 and 1; got {held_out}")
    pixels, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        pixels, labels, test_size=held_out, random_state=seed, stratify=labels
    )
    mean, deviation = train_x.mean(), train_x.std()
    train_x, test_x = (((x - mean) / deviation).astype(dtype) for x in (train_x, test_x))
    return Digits(train_x, train_y, test_x, test_y)
