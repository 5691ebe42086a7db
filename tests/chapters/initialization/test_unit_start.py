"""Exercise 03.11: whatever way leads to a mean square of 1 is right, and what is no answer gets a sentence."""

from functools import partial

import numpy as np
import pytest

from utils.chapters.initialization.exercises.built import measured_start
from utils.chapters.initialization.exercises.unit_start import UnitStart
from utils.exercises.engine import examine


def by(draw):
    """measured_start with other first draws: draw(rng, shape) -> weight."""

    def start(sizes, f, x, rng):
        weights, h = [], x
        for fan_in, fan_out in zip(sizes, sizes[1:]):
            weight = draw(rng, (fan_out, fan_in))
            weights.append(weight / np.sqrt(((h @ weight.T) ** 2).mean()))
            h = f(h @ weights[-1].T)
        return weights

    return start


def unit_by_unit(sizes, f, x, rng):
    """Every unit for itself has a mean square of 1."""
    weights, h = [], x
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        weight = rng.normal(size=(fan_out, fan_in))
        weights.append(weight / np.sqrt(((h @ weight.T) ** 2).mean(0))[:, None])
        h = f(h @ weights[-1].T)
    return tuple(weights)


RIGHT = {
    "the solution": measured_start,
    "uniform": by(lambda rng, shape: rng.uniform(-1, 1, shape)),
    "a first guess by the fan": by(lambda rng, shape: rng.normal(0, 1 / shape[1] ** 0.5, shape)),
    "rotations": by(lambda rng, shape: np.linalg.svd(rng.normal(size=shape), full_matrices=False)[0] @ np.linalg.svd(rng.normal(size=shape), full_matrices=False)[2]),
    "unit by unit": unit_by_unit,
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_every_way_that_measures_is_right(name):
    assert examine(UnitStart(), RIGHT[name]).status == "right"


def writes_into_x(sizes, f, x, rng):
    x -= x.mean()
    return measured_start(sizes, f, x, rng)


WRONG = {
    "an array of shape (30, 20); expected a list of 3 weights": lambda sizes, f, x, rng: measured_start(sizes, f, x, rng)[0],
    "expected [(30, 20)": lambda sizes, f, x, rng: [w.T for w in measured_start(sizes, f, x, rng)],
    "the mean square of z is": lambda sizes, f, x, rng: [1.1 * w for w in measured_start(sizes, f, x, rng)],
    "the mean square of z is nan": lambda sizes, f, x, rng: [np.nan * w for w in measured_start(sizes, f, x, rng)],
    "it changes x": writes_into_x,
    "another rng": lambda sizes, f, x, rng: measured_start(sizes, f, x, np.random.default_rng(3)),
    "twins": lambda sizes, f, x, rng: [w[:1].repeat(len(w), 0) for w in by(lambda rng, shape: rng.normal(size=(1, shape[1])).repeat(shape[0], 0))(sizes, f, x, rng)],
}  # fmt: skip


@pytest.mark.parametrize("words", WRONG)
def test_what_is_wrong_is_said(words):
    outcome = examine(UnitStart(), WRONG[words])
    assert outcome.status == "wrong" and words.lower() in outcome.message.lower()


def in_steps(sizes, f, x, rng, *, activated=False, hand_on="corrected", give="corrected", stop=99):
    """measured_start with one slip."""
    weights, h = [], f(x) if activated else x
    for fan_in, fan_out in list(zip(sizes, sizes[1:]))[:stop]:
        weight = rng.normal(size=(fan_out, fan_in))
        z = h @ weight.T
        scale = np.sqrt((z**2).mean())
        weights.append(weight / scale if give == "corrected" else weight)
        h = f(z / scale if hand_on == "corrected" else z)
    return weights


SLIPS = {
    "f is applied to the inputs x": {"activated": True},
    "layer 2 gets to see is f of the z before its correction": {"hand_on": "z"},
    "the weights that you return corrected": {"give": "weights"},
    "a list of 1; expected a list of 3 weights; is the `return` inside the loop?": {"stop": 1},
    "a list of 2; expected a list of 3 weights.": {"stop": 2},
}


@pytest.mark.parametrize("words", SLIPS)
def test_the_likeliest_slips_are_named(words):
    """Exercise 03.11: they leave the same sizes as others, and differ in what f is given."""
    outcome = examine(UnitStart(), partial(in_steps, **SLIPS[words]))
    assert outcome.status == "wrong" and words in outcome.message
    assert examine(UnitStart(), in_steps).status == "right"


def test_draws_that_ignore_the_rng_are_refused():
    unseeded = by(lambda rng, shape: np.random.default_rng().normal(size=shape))
    outcome = examine(UnitStart(), unseeded)
    assert outcome.status == "wrong" and "the same rng gives other weights" in outcome.message


@pytest.mark.parametrize("answer", [3, [1, 2], "weights", np.ones(3), measured_start((2, 3), np.tanh, np.ones((4, 2)), np.random.default_rng(0)), lambda: 1])  # fmt: skip
def test_what_is_no_function_gets_a_sentence(answer):
    outcome = examine(UnitStart(), answer)
    assert outcome.status == "wrong" and outcome.message


def half_written(sizes, f, x, rng):
    return [rng.normal(size=(3, 2)), ...]


@pytest.mark.parametrize("answer", [..., None, half_written])
def test_what_is_not_written_is_no_mistake(answer):
    assert examine(UnitStart(), answer).status == "todo"
