"""The upstream gradient: from a stream of its own, of both signs, and nobody may write into it."""

import numpy as np
import pytest
import torch

from utils.crosscheck import crosscheck

SHAPES = [(3, 3), (4,), (2, 3, 3)]


def first_array(shape, seed=0):
    """What a notebook draws first."""
    return np.random.default_rng(seed).standard_normal(shape)


def product(x, weight):
    return x @ weight, lambda dy: (dy @ weight.T, (x.T @ dy).T)


COINCIDENCES = {
    "the weight gradient of a square product transposed": (product, lambda x, w: x @ w, (3, 3), (3, 3)),
    "2 x x": (lambda x: (x**2, lambda dy: 2 * x * x), lambda x: x**2, (3, 4)),
    "2 dy dy": (lambda x: (x**2, lambda dy: 2 * dy * dy), lambda x: x**2, (3, 4)),
    "ReLU that ignores the upstream": (
        lambda x: (np.maximum(x, 0), lambda dy: np.where(x > 0, x, 0)),
        torch.relu,
        (3, 4),
    ),
    "ReLU's mask taken of the upstream": (
        lambda x: (np.maximum(x, 0), lambda dy: np.where(dy > 0, dy, 0)),
        torch.relu,
        (2, 3),
    ),
    "a gain's sum of x x": (
        lambda x, gain: (x * gain, lambda dy: (dy * gain, (x * x).sum(0))),
        lambda x, gain: x * gain,
        (3, 4),
        (4,),
    ),
}


@pytest.mark.parametrize("title", COINCIDENCES)
@pytest.mark.parametrize("seed", range(3))
def test_inputs_drawn_first_of_a_notebook_hide_nothing(title, seed):
    ours, theirs, *shapes = COINCIDENCES[title]
    rng = np.random.default_rng(seed)
    inputs = [rng.standard_normal(shape) for shape in shapes]
    assert not crosscheck(ours, theirs, *inputs, seed=seed, raises=False).ok


def test_the_right_pullback_of_a_unit_vector_passes_with_such_inputs():
    def unit(x):
        length = np.sqrt((x * x).sum())
        y = x / length
        return y, lambda dy: (dy - y * (dy * y).sum()) / length

    for shape in [(4,), (1,), (3, 3)]:
        assert crosscheck(unit, lambda x: x / x.norm(), first_array(shape)).ok


def upstream_of(shape, seed):
    seen = []

    def ours(x):
        def pullback(dy):
            seen.append(np.array(dy))
            return dy

        return x.copy(), pullback

    crosscheck(ours, lambda x: x * 1, np.ones(shape), seed=seed)
    return seen


@pytest.mark.parametrize("shape", SHAPES)
def test_no_seed_that_a_reader_types_gives_the_upstream(shape):
    size = int(np.prod(shape))
    for seed in (0, 1, 42):
        for upstream in upstream_of(shape, seed):
            for typed in range(60):
                drawn = [
                    np.random.default_rng(typed).standard_normal(size),
                    np.random.default_rng([seed, typed]).standard_normal(size),
                    np.random.RandomState(typed).randn(size),
                    torch.randn(size, generator=torch.Generator().manual_seed(typed), dtype=torch.float64).numpy(),
                ]  # fmt: skip
                assert all(np.abs(upstream.ravel() - d).max() > 1e-3 for d in drawn)


def test_two_upstream_gradients_of_opposite_signs_are_sent():
    first, second, *_ = upstream_of((3, 4), 0)
    np.testing.assert_array_equal(np.sign(first), -np.sign(second))
    assert not np.allclose(first, -second)


def test_seeds_give_different_upstream_gradients_and_the_same_one_the_same():
    assert np.array_equal(upstream_of((3,), 5)[0], upstream_of((3,), 5)[0])
    assert not np.allclose(upstream_of((3,), 5)[0], upstream_of((3,), 6)[0])


@pytest.mark.parametrize("seed", [-1, 1.5, None, "0", True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ValueError, match="seed must be a whole number, 0 or more; got"):
        crosscheck(lambda x: (x, lambda dy: dy), lambda x: x, np.ones(2), seed=seed)


# ---- written into


def relu_in_place(x):
    def pullback(dy):
        dy[x <= 0] = 0
        return dy

    return np.maximum(x, 0), pullback


def test_a_pullback_that_writes_into_the_upstream_is_named():
    report = crosscheck(relu_in_place, torch.relu, first_array((3, 4)), raises=False)
    (row,) = report.wrong
    assert row.name == "gradient from above" and row.diagnosis.kind == "upstream changed"
    assert "written into by the pullback" in row.verdict and "work on a copy" in row.verdict


def test_which_of_several_upstream_gradients_was_written_into():
    def ours(x):
        def pullback(upstream):
            upstream["b"] *= 2
            return upstream["a"] + upstream["b"]

        return {"a": x * 1, "b": 2 * x}, pullback

    report = crosscheck(ours, lambda x: {"a": x * 1, "b": 2 * x}, first_array(3), raises=False)
    assert [row.name for row in report.wrong] == ["gradient from above, output.b"]


def test_a_residual_that_masks_in_place_does_damage_and_is_caught():
    def residual(x):
        y, back = relu_in_place(x)
        return x + y, lambda dy: back(dy) + dy

    report = crosscheck(residual, lambda x: x + torch.relu(x), first_array((3, 4)), raises=False)
    assert [row.name for row in report.wrong] == ["gradient from above", "gradient of x"]


def test_a_pullback_that_writes_into_the_value_is_named():
    def ours(x):
        y = np.tanh(x)

        def pullback(dy):
            np.multiply(dy, 1 - y**2, out=y)
            return y.copy()

        return y, pullback

    names = [row.name for row in crosscheck(ours, torch.tanh, first_array(3), raises=False).wrong]
    assert "output" in names


def test_handing_the_upstream_on_is_no_writing():
    assert crosscheck(lambda x, y: (x + y, lambda dy: (dy, dy)), torch.add, np.ones(3), np.ones(3)).ok
