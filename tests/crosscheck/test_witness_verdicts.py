"""What the report says of wrong values, of randomness, of pairs that belong together, of the last digits."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from utils.crosscheck import crosscheck

X = np.random.default_rng(0).normal(size=(3, 4))


def report(ours, theirs, *inputs, **options):
    return crosscheck(ours, theirs, *inputs, raises=False, **options)


# ---- randomness


def test_random_theirs_is_named():
    (row,) = report(lambda x: (x, lambda dy: dy), lambda x: F.dropout(x, 0.5), X).wrong
    assert row.name == "theirs" and row.diagnosis.kind == "random" and "it is random" in row.verdict


@pytest.mark.parametrize(
    "module, words",
    [
        (nn.Sequential(nn.Dropout(0.5)), "holds Dropout in training mode; use module.eval()"),
        (nn.RReLU(), "in training mode"),
    ],
)
def test_a_random_module_is_named(module, words):
    (row,) = report(lambda params, x: (x, lambda dy: ({}, dy)), module, X).wrong
    assert row.name == "theirs" and words in row.verdict
    assert crosscheck(lambda params, x: (x, lambda dy: ({}, dy)), nn.Dropout(0.5).eval(), X).ok


def test_random_ours_is_named():
    draws = np.random.default_rng(1)

    def dropout(x):
        keep = draws.random(x.shape) < 0.5
        return x * keep, lambda dy: dy * keep

    both = report(dropout, lambda x: F.dropout(x, 0.5), X)
    assert [row.name for row in both.rows] == ["ours", "theirs"]
    assert "random, or remembers earlier calls" in both["ours"].verdict


def test_a_function_that_remembers_earlier_calls_is_named():
    calls = []

    def ours(x):
        calls.append(1)
        return x * len(calls), lambda dy: dy

    (row,) = report(ours, lambda x: x * 1, X).wrong  # the first call alone is right
    assert row.name == "ours" and "a second call" in row.verdict


def test_a_generator_among_the_options_is_no_randomness():
    def dropout(x, *, rng):
        keep = rng.random(x.shape) < 0.5
        return x * keep, lambda dy: dy * keep

    keep = torch.from_numpy(np.random.RandomState(3).random_sample(X.shape) < 0.5)
    ours = lambda x, *, rng: dropout(x, rng=rng)
    assert crosscheck(ours, lambda x, rng: x * keep, X, rng=np.random.RandomState(3)).ok


# ---- values


@pytest.mark.parametrize(
    "change, kind, words",
    [
        (lambda v: -v, "sign", "wrong sign"),
        (lambda v: 12 * v, "factor", "12 times that, and 12 is the number of elements: mean against sum?"),
        (lambda v: v / 3, "factor", "1/3 of that, and 3 is the batch size: mean against sum?"),
        (lambda v: 1.7 * v + 0.3, "value", "should be"),
    ],
)
def test_a_wrong_number_is_shown_beside_the_right_one(change, kind, words):
    def ours(x):
        return change((x**2).mean()), lambda dy: dy * 2 * x / x.size

    row = report(ours, lambda x: (x**2).mean(), X)["output"]
    assert row.diagnosis.kind == kind and words in row.verdict
    right = (X**2).mean()
    assert f"is {change(right):.6g}, should be {right:.6g}" in row.verdict


@pytest.mark.parametrize("factor", [1.0001, 1.000001, 0.9999, 1 + 3e-8, 1.005])
def test_a_factor_near_one_is_shown_with_enough_digits(factor):
    square = lambda a, b: lambda x: (a * x**2, lambda dy: b * 2 * x * dy)
    for ours, name in ((square(factor, factor), "output"), (square(1.0, factor), "gradient of x")):
        row = report(ours, lambda x: x**2, X)[name]
        assert row.diagnosis.kind == "factor"
        shown = float(row.verdict.partition("a constant factor of ")[2].partition(";")[0])
        assert shown != 1 and shown == pytest.approx(factor, abs=abs(factor - 1) / 10)


def test_float32_inside_is_no_factor():
    value = report(lambda x: (np.float32(x) ** 2, lambda dy: 2 * x * dy), lambda x: x**2, X)["output"]
    assert value.diagnosis.kind == "precision" and "numbers of float32 precision" in value.verdict
    gradient = report(lambda x: (x**2, lambda dy: np.float32(2 * x * dy)), lambda x: x**2, X)["gradient of x"]
    assert gradient.diagnosis.kind == "precision" and "about 7 digits" in gradient.verdict
    theirs = report(lambda x: (x**2, lambda dy: 2 * x * dy), lambda x: x.float() ** 2, X)["output"]
    assert "PyTorch's is float32; let theirs compute in float64" in theirs.verdict


def test_another_eps_is_a_matter_of_digits():
    ours = lambda x: (np.sqrt(x**2 + 1e-5), lambda dy: dy * x / np.sqrt(x**2 + 1e-5))
    row = report(ours, lambda x: torch.sqrt(x**2 + 1.2e-5), X)["output"]
    assert row.diagnosis.kind == "precision" and "another eps or constant" in row.verdict


@pytest.mark.parametrize(
    "value, words",
    [
        (lambda y: torch.from_numpy(y), "a torch tensor came back; compute with NumPy arrays"),
        (lambda y: y + 0j, "complex numbers came back"),
        (lambda y: None, "None came back"),
        (lambda y: y.tolist(), "its value must be an array, or a tuple or dict of arrays; it is a list of 3"),
    ],
)
def test_values_of_another_kind(value, words):
    assert words in str(report(lambda x: (value(np.tanh(x)), lambda dy: dy), torch.tanh, X))


@pytest.mark.parametrize(
    "gradient, words",
    [
        (lambda g: torch.from_numpy(g), "a torch tensor came back; compute with NumPy arrays"),
        (lambda g: g + 0j, "complex numbers came back"),
        (lambda g: (g,), "must return a bare gradient, of x; it returned a tuple of 1"),
    ],
)
def test_gradients_of_another_kind(gradient, words):
    right = lambda x: (x**2, lambda dy: gradient(2 * x * dy))
    assert words in str(report(right, lambda x: x**2, X))


def test_complex_theirs_is_named():
    found = report(lambda x: (x, lambda dy: dy), torch.fft.fft, X)
    assert "PyTorch's is complex" in found["output"].verdict


# ---- what belongs together


def test_a_forward_pass_that_is_wrong_like_its_pullback_is_a_consistent_pair():
    ours = lambda x: (np.sqrt(x**2 + 0.1), lambda dy: dy * x / np.sqrt(x**2 + 0.1))
    found = report(ours, lambda x: torch.sqrt(x**2 + 0.2), X)
    assert (
        "value and gradient belong together: a consistent pair, of another function"
        in found["output"].verdict
    )
    assert found["gradient of x"].diagnosis.kind == "another function"


def test_after_a_wrong_value_it_is_said_once_what_the_gradients_are():
    def layer(x, weight, bias):
        h = np.tanh(x @ weight + bias)

        def pullback(dy):
            dz = dy * (1 - h**2)
            return dz @ weight.T, x.T @ dz, dz.sum(0)

        return h, pullback

    rng = np.random.default_rng(1)
    inputs = X, rng.normal(size=(4, 2)), rng.normal(size=2)
    found = report(layer, lambda x, w, b: torch.sigmoid(x @ w + b), *inputs)
    assert str(found).count("another function") == 1
    assert {row.diagnosis.kind for row in found.wrong[1:]} == {"another function"}

    def neither(x, weight, bias):
        return layer(x, weight, bias)[0], lambda dy: (dy @ weight.T, x.T @ dy, dy.sum(0))

    found = report(neither, lambda x, w, b: torch.sigmoid(x @ w + b), *inputs)
    assert "consistent" not in str(found) and "another function" not in str(found)
    assert "a term, a factor or a path" not in "".join(row.verdict for row in found.wrong[1:])


def test_a_right_gradient_beside_a_wrong_value_is_said_to_be_right():
    found = report(lambda x: (x**2 + 1, lambda dy: 2 * x * dy), lambda x: x**2, X)
    assert [row.name for row in found.wrong] == ["output"] and "consistent" not in str(found)


@pytest.mark.parametrize(
    "theirs, words",
    [
        (lambda x: x * x.detach(), "does theirs detach a part"),
        (lambda x: (x * x).detach(), "PyTorch's value has lost its way back to the inputs"),
    ],
)
def test_a_gradient_that_only_pytorch_has_not(theirs, words):
    found = report(lambda x: (x * x, lambda dy: 2 * x * dy), theirs, X)
    (row,) = found.wrong
    assert row.diagnosis.kind == "theirs" and words in row.verdict and "not of PyTorch's" not in row.verdict


def test_a_gradient_where_there_is_none():
    centred = lambda x, b: (x - x.mean(), lambda dy: (dy - dy.mean(), dy.sum() + 0 * b))
    found = report(centred, lambda x, b: x - x.mean() + 0 * b, X, np.array(0.5))
    (row,) = found.wrong
    assert "should be zero everywhere" in row.verdict


def test_a_gradient_that_is_zero_but_for_rounding_is_right():
    def shifted(shift):
        scores = X + shift
        p = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        return p, lambda dy: (p * (dy - (dy * p).sum(-1, keepdims=True))).sum(-1, keepdims=True)

    theirs = lambda shift: torch.softmax(torch.from_numpy(X) + shift, -1)
    for seed in range(5):
        assert crosscheck(shifted, theirs, X[:, :1], seed=seed).ok


@pytest.mark.parametrize("at", [-80.0, 20.0, 30.0])
def test_a_small_gradient_that_is_no_rounding_is_compared_like_any_other(at):
    """Far out a sigmoid's slope is 1e-35 or 1e-9 beside a value of 1."""

    def sigmoid(x, *, factor=1.0):
        y, rest = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))
        return y, lambda dy: factor * dy * y * rest

    theirs = lambda x, factor=1.0: 1 / (1 + torch.exp(-x)) + 0 * factor
    x = at + X
    assert at > 0 or crosscheck(sigmoid, theirs, x).ok
    assert not crosscheck(sigmoid, theirs, x, factor=2.0, raises=False).ok


def test_no_sentence_says_nan_is_not_linear():
    ours = lambda x: (
        np.sqrt(np.maximum(x, 0)),
        lambda dy: dy / np.where(x > 0, 2 * np.sqrt(np.abs(x)), np.nan),
    )
    found = report(ours, lambda x: torch.sqrt(torch.relu(x) + 1e-300), np.abs(X) - 0.3)
    assert "linear" not in str(found) and "NaN" in str(found)


# ---- NaN and rows for columns


def test_beside_a_value_of_nan_the_gradients_are_said_not_to_be_measured():
    ours = lambda x: (np.where(x > 1, np.nan, x**2), lambda dy: 2 * x * dy)
    found = report(ours, lambda x: x**2, X)
    assert found["output"].diagnosis.kind == "nan"
    assert "cannot tell, as the value is not finite: PyTorch decides" in found["gradient of x"].verdict


@pytest.mark.parametrize("shape", [(1, 4), (3, 4), (4, 4)])
def test_a_value_with_rows_for_columns(shape):
    x = np.random.default_rng(1).normal(size=shape)
    row = report(lambda x: (np.tanh(x).T, lambda dy: dy), torch.tanh, x)["output"]
    assert row.diagnosis.kind == "transposed" and "rows for columns" in row.verdict
    assert "matrix product" not in row.verdict
    assert (f"its shape is {shape[::-1]}; expected {shape}" in row.verdict) == (shape != (4, 4))


def test_a_gradient_that_is_a_row_for_a_column():
    x = np.random.default_rng(1).normal(size=(4, 1))
    row = report(lambda x: (x**2, lambda dy: (2 * x * dy).T), lambda x: x**2, x)["gradient of x"]
    assert "transposed, rows for columns: its shape is (1, 4); expected (4, 1)" in row.verdict
