"""The checker of exercise 04.11: a gradient from above under which layer norm's missing variance path does not show."""

from dataclasses import dataclass

import numpy as np

from utils.exercises.cards import Outcome
from utils.exercises.checkers.values import as_numbers
from utils.exercises.reading import Trouble, Unwritten, has_dots, needs_function, run
from utils.exercises.wording import sentence

ROUNDING = 1e-9  # what is smaller, relative to the largest number, is zero


@dataclass(frozen=True)
class HiddenBug:
    """Expects a function (x_hat, weight, rng) -> dy that hides the bug and lets something arrive at the input."""

    parts = ()
    traps = {}  # noqa: RUF012, a field of every checker

    def trap_answers(self):
        return []

    def examine(self, answer):
        needs_function(answer, ("x_hat", "weight", "rng"))
        for seed, shape in enumerate([(3, 5), (4, 8)]):
            rng = np.random.default_rng(seed)
            x, weight = rng.normal(size=shape), rng.uniform(0.5, 2, size=shape[-1])
            x_hat = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
            remark = about(upstream(answer, x_hat, weight), x_hat, weight)
            if remark:
                return Outcome("wrong", sentence(remark))
        return Outcome(
            "right", "The wrong pullback and the right one agree, and something arrives at the input."
        )


def upstream(answer, x_hat, weight):
    """The dy of the reader's function, as an array of the shape of x_hat."""
    returned = run(answer, x_hat.copy(), weight.copy(), np.random.default_rng(7))
    if has_dots(returned):
        raise Unwritten
    dy = as_numbers(returned, x_hat)
    if dy.shape != x_hat.shape:
        raise Trouble(f"its shape is {dy.shape}; expected that of `x_hat`, {x_hat.shape}")
    if not np.isfinite(dy).all():
        raise Trouble("it holds numbers that are not finite")
    return dy


def about(dy, x_hat, weight):
    """None where dy hides the bug and is good for something, else what is wrong with it."""
    zero = lambda numbers, beside: np.abs(numbers).max() <= ROUNDING * np.abs(beside).max()
    if not dy.any():
        return "dy is zero, and a check with it checks nothing"
    g = dy * weight
    path = (g * x_hat).mean(-1)
    if not zero(path, g):
        row = int(np.abs(path).argmax())
        caught = f"in row {row} the variance path carries {path[row]:.3g} times x_hat, so the bug shows"
        if zero(np.ptp(dy, axis=-1), dy):
            return f"{caught}. A constant hides it where all weights are equal; these weights differ"
        if zero((dy * x_hat).mean(-1), dy):
            return f"{caught}. `dy` times `x_hat` averages to zero; is it `dy` that reaches `x_hat`?"
        if zero(path.mean(), g):
            return f"{caught}. The average over all rows is zero, but each row has its own variance path"
        return caught
    arrives = np.abs(g - g.mean(-1, keepdims=True)).max(-1)  # the variance path is zero
    if arrives.min() <= ROUNDING * np.abs(g).max():
        row = int(arrives.argmin())
        return f"in row {row} nothing arrives at the input: such a gradient hides every bug"
    return None
