"""Finite differences where they are hard: near singularities, far from zero, in chaos, under rounding."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from utils.crosscheck import crosscheck

NEAR = np.array([1e-4, -3e-4, 0.7])
TARGET = np.array([1.0, 0.0, 0.0, 1.0, 0.0])


def elementwise(value, slope):
    return lambda x: (value(x), lambda dy: dy * slope(x))


def bce(p):
    loss = -(TARGET * np.log(p) + (1 - TARGET) * np.log(1 - p)).mean()
    return loss, lambda dy: dy * ((1 - TARGET) / (1 - p) - TARGET / p) / p.size


def torch_bce(p):
    return F.binary_cross_entropy(p, torch.from_numpy(TARGET))


def unit(x):
    length = np.sqrt((x * x).sum(-1, keepdims=True))
    y = x / length
    return y, lambda dy: (dy - y * (dy * y).sum(-1, keepdims=True)) / length


def torch_unit(x):
    return x / x.norm(dim=-1, keepdim=True)


SINGULAR = {
    "bce": (bce, torch_bce, np.array([1e-4, 0.3, 1 - 1e-4, 5e-5, 0.9])),
    "bce, nearer": (bce, torch_bce, np.array([1e-9, 0.3, 1 - 1e-9, 1e-12, 0.9])),
    "bce, confident and wrong": (bce, torch_bce, np.array([1e-9, 1 - 1e-8, 1 - 1e-9, 1e-6, 0.5])),
    "log": (elementwise(np.log, lambda x: 1 / x), torch.log, np.abs(NEAR)),
    "1/x": (elementwise(lambda x: 1 / x, lambda x: -1 / x**2), lambda x: 1 / x, NEAR),
    "sqrt": (elementwise(np.sqrt, lambda x: 0.5 / np.sqrt(x)), torch.sqrt, np.abs(NEAR)),
    "x**-2": (elementwise(lambda x: x**-2.0, lambda x: -2 * x**-3.0), lambda x: x**-2, NEAR),
    "unit length": (unit, torch_unit, np.random.default_rng(1).normal(size=(3, 4)) * 1e-4),
    "unit length, many": (unit, torch_unit, np.random.default_rng(1).normal(size=(100, 4)) * 1e-4),
}


@pytest.mark.parametrize("scale", [1, 1e-3, 1e-5])
@pytest.mark.parametrize("title", SINGULAR)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_right_pullbacks_near_a_singularity_are_accepted(title, scale):
    ours, theirs, x = SINGULAR[title]
    x = x if title.startswith("bce") else x * scale
    for seed in range(3):
        row = crosscheck(ours, theirs, x, seed=seed).rows[1]
        assert row.verdict == "agrees with PyTorch, agrees with finite differences"
        assert row.difference_error <= 1e-5


@pytest.mark.parametrize("title", SINGULAR)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_wrong_ones_are_not(title):
    ours, theirs, x = SINGULAR[title]

    def wrong(x):
        y, back = ours(x)
        return y, lambda dy: back(dy) * (1 + 1e-3 * np.sign(x))

    for seed in range(3):
        assert not crosscheck(wrong, theirs, x, seed=seed, raises=False).ok


@pytest.mark.parametrize("title", ["1/x", "unit length", "bce"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_differences_alone_see_a_wrong_pair_near_a_singularity(title):
    """Ours and PyTorch's both leave out what the value holds; a singularity is no excuse."""
    ours, theirs, x = SINGULAR[title]

    def wrong(x):
        y, back = ours(x)
        return y * x.sum(), lambda dy: back(dy * x.sum())

    report = crosscheck(wrong, lambda x: theirs(x) * x.sum().detach(), x, raises=False)
    assert [row.name for row in report.wrong] == [report.rows[1].name]
    assert report.wrong[0].diagnosis.kind == "differences"


def test_a_function_that_refuses_what_is_out_of_its_domain():
    def logit(p):
        if (p <= 0).any() or (p >= 1).any():
            raise ValueError("p must lie between 0 and 1")
        return np.log(p) - np.log(1 - p), lambda dy: dy / (p * (1 - p))

    assert crosscheck(logit, torch.logit, np.array([1e-7, 0.5, 1 - 1e-9])).rows[1].undecided == 0


# ---- far from zero


def standardized(x, *, eps=1e-5, forget=False):
    centred = x - x.mean(0)
    inv_std = 1 / np.sqrt((centred**2).mean(0) + eps)
    x_hat = centred * inv_std

    def pullback(dy):
        return inv_std * (dy - (0 if forget else dy.mean(0)) - x_hat * (dy * x_hat).mean(0))

    return x_hat, pullback


def batch_norm(x, **_):
    return F.batch_norm(x, None, None, training=True)


@pytest.mark.parametrize("mean, spread", [(1e3, 1), (1e5, 1), (1e5, 100), (1e6, 1), (1e7, 1), (1e8, 1)])
def test_batch_norm_on_data_with_a_large_mean(mean, spread):
    x = np.random.default_rng(3).normal(mean, spread, size=(8, 3))
    row = crosscheck(standardized, batch_norm, x)["gradient of x"]
    assert row.undecided == 0 and row.difference_error <= 1e-5
    assert ("as far as rounding allows" in row.verdict) == (row.torch_error > 1e-9)
    assert not crosscheck(standardized, batch_norm, x, forget=True, raises=False).ok


# ---- chaos


def recurrence(x, weight, *, wrong=1.0):
    """h = tanh(W h + x_t); the last state."""
    states = [np.zeros(len(weight))]
    for x_t in x:
        states.append(np.tanh(weight @ states[-1] + x_t))

    def pullback(dh):
        dx, dw = np.zeros_like(x), np.zeros_like(weight)
        for t in reversed(range(len(x))):
            dz = dh * (1 - states[t + 1] ** 2)
            dx[t], dw, dh = dz, dw + np.outer(dz, states[t]), weight.T @ dz
        return dx, wrong * dw

    return states[-1], pullback


def torch_recurrence(x, weight, wrong=1.0):
    h = torch.zeros(len(weight))
    for x_t in x:
        h = torch.tanh(weight @ h + x_t)
    return h


def chaotic(gain, seed, units=40, steps=60):
    rng = np.random.default_rng(seed)
    return 0.05 * rng.normal(size=(steps, units)), rng.normal(size=(units, units)) * gain / np.sqrt(units)


@pytest.mark.parametrize("gain, seed", [(2, 3), (2.5, 4), (3, 5), (4, 5)])
def test_a_chaotic_recurrence_over_60_steps_is_accepted(gain, seed):
    report = crosscheck(recurrence, torch_recurrence, *chaotic(gain, seed))
    if gain == 4:  # rounding alone moves the sixth digit, and the gradient is about 1e12
        assert "as far as rounding allows" in report["output"].verdict
        assert report["gradient of weight"].torch_error > 1e-9


@pytest.mark.parametrize("wrong", [-1.0, 2.0, 1.001])
def test_chaos_hides_no_mistake(wrong):
    report = crosscheck(recurrence, torch_recurrence, *chaotic(4, 5), wrong=wrong, raises=False)
    assert [row.name for row in report.wrong] == ["gradient of weight"]


def test_rounding_excuses_nothing_where_it_is_small():
    off = lambda x: (x * (1 + 1e-8), lambda dy: dy * (1 + 1e-8))
    assert not crosscheck(off, lambda x: x * 1, np.ones(3), raises=False)["output"].ok


# ---- steps and floats


class Rounded(torch.autograd.Function):
    """Rounds; its gradient is the upstream, by convention."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, dy):
        return dy


def test_a_gradient_by_convention_is_said_to_be_one():
    x = np.random.default_rng(0).normal(size=6)
    (row,) = crosscheck(lambda x: (np.round(x), lambda dy: dy), Rounded.apply, x, raises=False).wrong
    assert "agrees with PyTorch, but" in row.verdict
    assert "does not move at all (rounded, or a step?); a gradient by convention?" in row.verdict


@pytest.mark.parametrize("shape", [(5,), (500,)])
def test_a_path_that_both_leave_out_is_asked_about(shape):
    x = np.random.default_rng(0).normal(size=shape)
    ours = lambda x: (x - x.mean(), lambda dy: dy)
    (row,) = crosscheck(ours, lambda x: x - x.mean().detach(), x, raises=False).wrong
    assert "do both gradients leave out a path (a detached part)?" in row.verdict


def test_float32_in_both_is_left_to_pytorch():
    narrow = lambda x: (np.float32(x) ** 2, lambda dy: 2 * np.float32(x) * np.float32(dy))
    x = np.random.default_rng(0).normal(size=5)
    assert crosscheck(narrow, lambda x: x.float() ** 2, x).ok


def test_kinks_that_lie_beside_the_point():
    report = crosscheck(
        lambda x: (np.abs(x), lambda dy: dy * np.sign(x)), torch.abs, np.array([1e-9, -1e-7, 1e-12, 0, 1])
    )
    row = report["gradient of x"]
    assert row.ok and row.kinks == 3 and row.undecided == 0


def test_a_value_that_hides_its_slope_in_rounding_is_said_to_be_undecided():
    tiny = lambda x: (1e3 + 1e-9 * x, lambda dy: 1e-9 * dy)
    row = crosscheck(tiny, lambda x: 1e3 + 1e-9 * x, np.ones(3))["gradient of x"]
    assert row.undecided == 3 and row.verdict.endswith("finite differences cannot tell: PyTorch decides")


# ---- infinite


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_infinite_slope_in_both_is_agreement():
    ours, theirs, _ = SINGULAR["sqrt"]
    row = crosscheck(ours, theirs, np.array([0.0, 1.0, 2.0]))["gradient of x"]
    assert "infinite in 1 of 3 places, in both" in row.verdict


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "slope, words",
    [
        (lambda x: -0.5 / np.sqrt(x), "wrong sign"),
        (lambda x: 0.5 / np.sqrt(x + 1e-12), "finite everywhere; PyTorch's is infinite in 1 of 3 places"),
        (
            lambda x: np.where(x > 1, 1, 0.5) / np.sqrt(x),
            "as PyTorch's, but wrong in other places, most at [2]",
        ),
        (
            lambda x: np.where(x > 0, 0.5 / np.sqrt(x), np.nan),
            "NaN in 1 of 3 places; PyTorch's is infinite in 1",
        ),
    ],
)
def test_infinite_slopes_that_differ(slope, words):
    ours = elementwise(np.sqrt, slope)
    (row,) = crosscheck(ours, torch.sqrt, np.array([0.0, 1.0, 2.0]), raises=False).wrong
    assert row.diagnosis.kind in ("nan", "sign") and words in row.verdict


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nan_in_both_proves_nothing():
    report = crosscheck(unit, torch_unit, np.array([[0.0, 0.0], [3.0, 4.0]]), raises=False)
    assert not report["output"].ok
    assert "NaN in 2 of 4 places, and so is PyTorch's: nothing is proved there" in report["output"].verdict


def test_what_rounding_alone_decides_is_not_called_a_mistake():
    x = 100 + 1e-12 * np.random.default_rng(3).normal(size=(8, 3))
    row = crosscheck(standardized, batch_norm, x, raises=False)["output"]
    assert not row.ok and row.diagnosis.kind == "rounding"
    assert "nothing can be proved with these inputs" in row.verdict


def test_small_numbers_have_a_sign_too():
    ours = lambda x: (2e-15 * x, lambda dy: 2e-15 * dy)
    row = crosscheck(ours, lambda x: 1.9e-15 * x, 1.0, raises=False)["output"]
    assert "is 2e-15, should be 1.9e-15" in row.verdict and "sign" not in row.verdict


def test_a_tie_that_the_last_bit_would_break_is_no_rounding():
    def largest(x):
        top = x.max(-1, keepdims=True)
        return top[:, 0], lambda dy: (x == top) * dy[:, None]

    x = np.array([[1.3, 1.3, -0.2], [0.4, 2.1, 2.1], [-0.7, 0.3, 0.1]])
    row = crosscheck(largest, lambda x: x.max(-1).values, x, raises=False)["gradient of x"]
    assert not row.ok and row.diagnosis.kind == "tie" and "nothing can be proved" not in row.verdict
