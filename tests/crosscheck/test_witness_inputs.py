"""What goes in: bound by the signature of ours, differentiated or refused by name; who raised, and on what."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.crosscheck.bank import embedding
from utils.crosscheck import crosscheck
from utils.nn.activations import tanh
from utils.nn.linear import linear
from utils.nn.losses import cross_entropy

rng = np.random.default_rng(0)
X, W, B = rng.normal(size=(3, 4)), rng.normal(size=(2, 4)), rng.normal(size=2)


def names(report):
    return [row.name for row in report.rows]


def doubled(slot):
    """linear, with one of its three gradients doubled."""

    def ours(x, weight, bias=None):
        y, back = linear(x, weight, bias)
        return y, lambda dy: tuple(2 * g if i == slot else g for i, g in enumerate(back(dy)))

    return ours


# ---- given by keyword


def test_arrays_given_by_keyword_are_inputs():
    report = crosscheck(linear, F.linear, X, weight=W, bias=B)
    assert names(report) == ["output", "gradient of x", "gradient of weight", "gradient of bias"]
    mixed = crosscheck(linear, F.linear, X, bias=B, weight=W)
    assert names(mixed) == names(report)


@pytest.mark.parametrize("slot", [1, 2])
def test_a_wrong_gradient_of_an_array_given_by_keyword_is_rejected(slot):
    report = crosscheck(doubled(slot), F.linear, X, weight=W, bias=B, raises=False)
    assert [row.name for row in report.wrong] == [f"gradient of {['x', 'weight', 'bias'][slot]}"]


def test_theirs_may_have_other_names():
    assert crosscheck(linear, lambda x, w, b: x @ w.T + b, X, weight=W, bias=B).ok


def test_an_input_left_out_before_one_given_by_keyword():
    def shift(x, weight=None, bias=None, *, wrong=False):
        return x + bias, lambda dy: (dy, None, dy if wrong else dy.sum(0))

    theirs = lambda x, bias, wrong: x + bias
    report = crosscheck(shift, theirs, X, bias=rng.normal(size=4), wrong=False)
    assert names(report) == ["output", "gradient of x", "gradient of bias"]
    assert not crosscheck(shift, theirs, X, bias=rng.normal(size=4), wrong=True, raises=False).ok


def test_options_stay_options():
    def scaled(x, *, factor):
        return x * factor, lambda dy: dy * factor

    report = crosscheck(scaled, lambda x, factor: x * factor, X, factor=np.full(4, 2.0))
    assert names(report) == ["output", "gradient of x"]


def test_a_module_takes_inputs_by_keyword_too():
    def ours(params, x):
        y, back = linear(x, params["weight"])
        return y, lambda dy: ({"weight": back(dy)[1]}, back(dy)[0])

    module = nn.Linear(4, 2, bias=False)
    assert names(crosscheck(ours, module, x=X)) == ["output", "gradient of weight", "gradient of x"]
    assert crosscheck(ours, module, x=X, call=lambda module, inputs: module(inputs)).ok


def test_twice_is_once_too_often():
    with pytest.raises(ValueError, match="weight is given twice"):
        crosscheck(linear, F.linear, X, W, weight=W)


def test_an_option_before_the_star_is_told():
    def ours(x, eps=1e-5):
        return x + eps, lambda dy: dy

    report = crosscheck(ours, lambda x: x + 1e-5, X, raises=False)
    assert "slot for each of x, eps" in str(report) and "after a bare `*`" in str(report)


# ---- integers


def test_integers_for_a_quantity_are_said_to_have_no_gradient():
    x = np.array([1, 2, 3])
    (row,) = crosscheck(tanh, torch.tanh, x, raises=False).wrong
    assert row.name == "gradient of x" and row.diagnosis.kind == "not None"
    assert "an array of integers (int64)" in row.verdict and "x.astype(float)" in row.verdict


def test_integers_without_a_gradient_are_said_not_to_be_checked():
    silent = lambda x: (np.tanh(x), lambda dy: None)
    row = crosscheck(silent, torch.tanh, np.array([1, 2, 3]))["gradient of x"]
    assert row.ok and row.verdict.startswith("not checked: x is an array of integers")
    lengths = lambda x, n: (x / n[:, None], lambda dy: (dy / n[:, None], None))
    report = crosscheck(lengths, lambda x, n: x / n[:, None], X, np.array([1, 2, 4]))
    assert report.ok and "not checked" in report["gradient of n"].verdict


def test_a_python_int_is_told_apart_from_a_float():
    square = lambda x: (x**2, lambda dy: 2 * x * dy)
    assert "Python int" in crosscheck(square, lambda x: x**2, 3)["gradient of x"].verdict
    assert names(crosscheck(square, lambda x: x**2, 3.0)) == ["output", "gradient of x"]
    with pytest.raises(ValueError, match=r"theirs \(tanh\) raised TypeError.*x is a Python int"):
        crosscheck(tanh, torch.tanh, 3)


def test_integer_values_are_compared_in_float64():
    """tanh of integers is float32 in PyTorch unless told otherwise."""
    silent = lambda x: (np.tanh(x), lambda dy: None)
    assert crosscheck(silent, torch.tanh, np.array([1, 2, 3]))["output"].torch_error < 1e-15
    assert torch.get_default_dtype() == torch.float32


def looked_up(ids, weight):
    return embedding(ids, weight)


def test_ids_and_labels_go_on_to_work_without_a_row():
    ids, labels = np.array([[0, 2, 2]]), np.array([0, 1, 1])
    report = crosscheck(looked_up, F.embedding, ids, rng.normal(size=(3, 2)))
    assert names(report) == ["output", "gradient of weight"]
    assert names(crosscheck(cross_entropy, F.cross_entropy, X, labels)) == ["output", "gradient of logits"]
    masked = lambda x, mask: (x * mask, lambda dy: (dy * mask, None))
    assert names(crosscheck(masked, lambda x, m: x * m, X, X > 0)) == ["output", "gradient of x"]


# ---- frozen parameters, dicts


def layer(params, x, *, frozen=None, wrong=False):
    y, back = linear(x, params["weight"], params["bias"])

    def pullback(dy):
        dx, dw, db = back(dy)
        return {"weight": None if frozen else -dw if wrong else dw, "bias": db}, dx

    return y, pullback


def test_a_frozen_parameter_is_called_what_it_is():
    module = nn.Linear(4, 2)
    module.weight.requires_grad_(False)
    given = crosscheck(layer, module, X)["gradient of weight"]
    assert given.ok and given.verdict.endswith(
        "frozen in the module (requires_grad=False), where it has none"
    )
    none = crosscheck(layer, module, X, frozen=True)["gradient of weight"]
    assert none.ok and "frozen" in none.verdict
    wrong = crosscheck(layer, module, X, wrong=True, raises=False)["gradient of weight"]
    assert not wrong.ok and "wrong sign" in wrong.verdict
    assert not module.weight.requires_grad


def test_none_for_a_parameter_that_is_not_frozen_is_missing():
    report = crosscheck(layer, nn.Linear(4, 2), X, frozen=True, raises=False)
    assert report["gradient of weight"].diagnosis.kind == "missing"


def both(x):
    parts = {"double": 2 * x, "square": x * x}
    return parts, lambda u: 2 * u["double"] + 2 * x * u["square"]


def test_dict_outputs_are_compared_by_key():
    x = np.random.default_rng(1).normal(size=3)
    report = crosscheck(both, lambda x: {"square": x * x, "double": 2 * x}, x)
    assert names(report) == ["output.double", "output.square", "gradient of x"]
    exchanged = crosscheck(both, lambda x: {"double": x * x, "square": 2 * x}, x, raises=False)
    assert [row.name for row in exchanged.wrong][:2] == ["output.double", "output.square"]
    other = crosscheck(both, lambda x: {"double": 2 * x, "cube": x**3}, x, raises=False)
    assert "its value has the parts double, square; PyTorch's has double, cube" in str(other)


# ---- refused by name


SAME = lambda x: (x, lambda dy: dy)


@pytest.mark.parametrize(
    "x, words",
    [
        ([1.0, 2.0], "x is a list; give an array"),
        ([[1.0], [2.0]], "x is a list; give an array"),
        ({"w": [1.0, 2.0]}, "x.w is a list; give an array"),
        (torch.ones(2), "x is a torch tensor; give an array: x.detach"),
        (nn.Parameter(torch.ones(2)), "x is a torch parameter; give an array"),
        ((np.ones(2), torch.ones(2)), r"x\[1\] is a torch tensor"),
        (np.ones(2) * 1j, "x holds complex numbers; give real ones"),
        (1j, "x is a complex number; give a real one"),
        ("abc", "x is a str; give an array"),
        (np.array(["a", "b"]), "x is an array of <U1; give an array of numbers"),
        (np.array([None, 1.0]), "x is an array of object"),
        (np.ma.array([1.0, 2.0]), "x is a masked array"),
        (np.tanh, "x is a ufunc; give an array"),
        (np.array([1.0, np.nan, 2.0]), "x is NaN in 1 of 3 places"),
        (float("nan"), "x is NaN: nothing can be proved"),
    ],
    ids=str,
)
def test_what_cannot_be_checked_is_refused_by_name(x, words):
    for raises in (True, False):
        with pytest.raises(ValueError, match=words):
            crosscheck(SAME, lambda x: x, x, raises=raises)


def test_a_tensor_among_the_options_is_refused_by_name():
    masked = lambda x, *, mask: (x * mask, lambda dy: dy * mask)
    with pytest.raises(ValueError, match="mask is a torch tensor; give an array"):
        crosscheck(masked, lambda x, mask: x * mask, X, mask=torch.ones(4))


def test_infinite_inputs_are_masks():
    p = lambda s: (
        np.exp(s - s.max(-1, keepdims=True)) / np.exp(s - s.max(-1, keepdims=True)).sum(-1, keepdims=True)
    )

    def ours(scores, mask):
        probabilities = p(scores + mask)

        def pullback(dy):
            ds = probabilities * (dy - (dy * probabilities).sum(-1, keepdims=True))
            return ds, ds

        return probabilities, pullback

    mask = np.triu(np.full((3, 4), -np.inf), 1)
    assert crosscheck(ours, lambda s, m: torch.softmax(s + m, -1), X, mask).ok


# ---- swapped, raising


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (torch.tanh, tanh),
        (F.linear, linear),
        (nn.Linear(4, 2), layer),
        (lambda x: (x * 2, lambda dy: dy * 2), lambda x: (x * 2, lambda dy: dy * 2)),
        (tanh, tanh),
    ],
)
def test_swapped_functions_are_asked_about(ours, theirs):
    inputs = (X, W) if theirs is linear else (X,)
    with pytest.raises(ValueError, match="swapped"):
        crosscheck(ours, theirs, *inputs)


def test_swapped_inputs_say_who_raised_with_what():
    dot = lambda x, w: (x @ w.T, lambda dy: (dy @ w, dy.T @ x))
    with pytest.raises(ValueError) as caught:
        crosscheck(dot, F.linear, X, W.T)
    said = str(caught.value)
    assert said.startswith("ours raised ValueError: matmul") and "x: array (3, 4), w: array (4, 2)" in said
    assert isinstance(caught.value.__cause__, ValueError) and "matmul" in str(caught.value.__cause__)


def test_theirs_that_raises_is_named():
    lenient = lambda x, w: (x.sum() * w, lambda dy: (dy, dy))
    with pytest.raises(
        ValueError, match=r"theirs \(linear\) raised RuntimeError.*x: array \(3, 4\)"
    ) as caught:
        crosscheck(lenient, F.linear, X, W.T)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_integers_behind_an_error_of_dtypes_are_pointed_at():
    with pytest.raises(ValueError, match="x holds integers; give floats"):
        crosscheck(lambda x, w: linear(x, w), F.linear, np.arange(12).reshape(3, 4), W)


def test_a_pullback_that_raises_is_named():
    ours = lambda x: (x, lambda dy: dy @ dy @ x)
    with pytest.raises(ValueError, match=r"the pullback of ours raised .*gradient of output: array \(3, 4\)"):
        crosscheck(ours, lambda x: x, X)


def test_a_module_class_is_no_module():
    with pytest.raises(ValueError, match="theirs is a class"):
        crosscheck(tanh, nn.Tanh, X)
