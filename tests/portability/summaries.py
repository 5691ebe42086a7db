"""What claims say of several trained runs: the lowest, the median, the highest, and what the gradient keeps."""

import numpy as np


def lowest_median_highest(name, numbers):
    """Three quantities of several seeds."""
    return {
        f"{name}, lowest": float(min(numbers)),
        f"{name}, median": float(np.median(numbers)),
        f"{name}, highest": float(max(numbers)),
    }


def reached(histories):
    """Held-out accuracies after the last epoch."""
    return [history.scores[-1] for history in histories]


def gradient_ratios(history):
    """Gradient of the first layer divided by that of the last, root mean squares, one for each epoch."""
    return [s.gradient_rms[0] / s.gradient_rms[-1] for s in history.snapshots]
