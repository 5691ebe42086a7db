"""Exercise 04.11: any upstream gradient that hides the bug and lets something through is right, nothing else."""

import numpy as np
import pytest

from utils.chapters.normalization.exercises.built import hiding
from utils.chapters.normalization.exercises.hidden_bug import HiddenBug
from utils.crosscheck import crosscheck
from utils.exercises.engine import examine
from utils.nn.normalization import standardize


def by_two_places(x_hat, weight, rng):
    """Not at random: two places of each row, one to make up for the other."""
    g = np.zeros_like(x_hat)
    g[:, 0], g[:, 1] = x_hat[:, 1], -x_hat[:, 0]
    return g / weight


def with_a_shift(x_hat, weight, rng):
    return hiding(x_hat, weight, rng) + 3 / weight


@pytest.mark.parametrize("answer", [hiding, by_two_places, with_a_shift])
def test_every_gradient_that_hides_the_bug_is_right(answer):
    assert examine(HiddenBug(), answer).status == "right"


def only_in_the_first_row(x_hat, weight, rng):
    dy = hiding(x_hat, weight, rng)
    dy[1:] = 1 / weight
    return dy


WRONG = {
    "so the bug shows": lambda x_hat, weight, rng: rng.normal(size=x_hat.shape),
    "nothing arrives": lambda x_hat, weight, rng: np.ones(x_hat.shape) / weight,
    "in row 1 nothing arrives": only_in_the_first_row,
    "dy is zero": lambda x_hat, weight, rng: np.zeros(x_hat.shape),
    "its shape is": lambda x_hat, weight, rng: hiding(x_hat, weight, rng)[0],
    "not finite": lambda x_hat, weight, rng: np.nan * x_hat,
    "expected an array": lambda x_hat, weight, rng: "random",
}


@pytest.mark.parametrize("words", WRONG)
def test_what_is_wrong_is_said(words):
    outcome = examine(HiddenBug(), WRONG[words])
    assert outcome.status == "wrong" and words.lower() in outcome.message.lower()


@pytest.mark.parametrize("answer", [..., None, lambda x_hat, weight, rng: ...])
def test_what_is_not_written_is_no_mistake(answer):
    assert examine(HiddenBug(), answer).status == "todo"


def test_the_bug_is_one_and_the_solution_hides_it():
    """The text of the exercise: by (4.8), with a random gradient it shows, with that of the solution it does not."""
    rng = np.random.default_rng(5)
    x, weight = rng.normal(size=(3, 6)), rng.uniform(0.5, 2, size=6)

    def wrong(x):
        x_hat, _ = standardize(x, axis=-1, eps=0.0)
        s = 1 / x.std(-1, keepdims=True)
        return x_hat, lambda dy: s * (dy - dy.mean(-1, keepdims=True))

    right = lambda x: standardize(x, axis=-1, eps=0.0)
    report = crosscheck(wrong, lambda x: (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True, correction=0), x, raises=False)  # fmt: skip
    assert not report.ok
    x_hat, pullback = right(x)
    dy = hiding(x_hat, weight, rng) * weight
    np.testing.assert_allclose(wrong(x)[1](dy), pullback(dy), atol=1e-12)
    assert np.abs(pullback(dy)).max() > 0.1
