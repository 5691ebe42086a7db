"""What crosscheck says where nothing can be measured, where the value is wrong, and of what it was given."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from utils.crosscheck import crosscheck

rng = np.random.default_rng(5)
X, W, B = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)


def linear(x, w, b):
    return x @ w + b, lambda dy: (dy @ w.T, x.T @ dy, dy.sum(0))


def theirs(x, w, b):
    return x @ w + b


def check(ours, other, *inputs, **options):
    return crosscheck(ours, other, *inputs, raises=False, **options)


def test_a_product_of_integers_alone_is_said_to_be_unchecked():
    product = lambda x, w: (x @ w, lambda dy: (None, None))
    whole = np.arange(12).reshape(4, 3), np.arange(6).reshape(3, 2)
    report = check(product, lambda x, w: x @ w, *whole)
    assert report.ok
    for name in "xw":
        assert report[f"gradient of {name}"].verdict.startswith(
            f"not checked: {name} is an array of integers"
        )


def test_where_the_value_is_wrong_a_gradient_of_pytorch_leaves_no_path_out():
    ours = lambda x, w, b: (x @ w + 2 * b, linear(x, w, b)[1])
    report = check(ours, theirs, X, W, B)
    assert report["output"].verdict.endswith("off by a constant along axis 0")
    verdict = report["gradient of b"].verdict
    assert "as that value is wrong: mend it first" in verdict and "leave out a path" not in verdict


def test_a_value_that_is_no_constant_off_is_still_told_in_words():
    report = check(lambda x: (x * 1.0, lambda dy: dy * (x > 0)), torch.relu, X)
    assert report["output"].verdict.startswith("differs from PyTorch: wrong, most at [")


@pytest.mark.filterwarnings("ignore:invalid value")
def test_infinite_inputs_leave_the_gradients_to_pytorch():
    x = X.copy()
    x[0, 0] = np.inf
    report = check(linear, theirs, x, W, B)
    assert report.ok
    assert report["gradient of b"].verdict.endswith(
        "finite differences cannot tell, as the value is not finite: PyTorch decides"
    )


def test_inputs_in_another_order_are_noticed():
    report = check(
        lambda q, k: (q * k**2, lambda dy: (dy * k**2, 2 * dy * q * k)), lambda k, q: q * k**2, X, X + 1
    )
    assert "with q and k exchanged it agrees" in report["output"].verdict
    report = check(
        lambda q, k: (q * k**3, lambda dy: (dy * k**3, 3 * dy * q * k**2)), lambda k, q: q * k**2, X, X + 1
    )
    assert "exchanged" not in report["output"].verdict


def test_a_pullback_that_takes_a_dict_for_an_array_is_told_its_keys():
    ours = lambda x, w, b: ({"y": x @ w + b}, linear(x, w, b)[1])
    with pytest.raises(ValueError, match="has the form of the value, a dict with the keys 'y'"):
        check(ours, lambda x, w, b: {"y": x @ w + b}, X, W, B)


def test_an_empty_output_is_called_empty():
    report = check(linear, theirs, X[:0], W, B)
    assert report.ok
    assert "the output is empty: there is nothing to measure" in report["gradient of w"].verdict


@pytest.mark.parametrize("names", [["x", "w"], ["x", "w", "b", "c"]])
def test_names_are_as_many_as_the_inputs(names):
    with pytest.raises(ValueError, match="names must be 3 names"):
        check(linear, theirs, X, W, B, names=names)


def test_a_warning_of_pytorch_comes_from_its_call_alone():
    logits = rng.normal(size=(5, 4))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    wrong = lambda q, p: (
        (p * (np.log(p) - q)).mean(),
        lambda dy: (-p * dy / p.size, (np.log(p) - q) * dy / p.size),
    )
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        report = check(wrong, lambda q, p: F.kl_div(q, p), np.log(p[::-1]).copy(), p)
    assert "nothing comes back to p from `log(p)`" in report["gradient of p"].verdict
    assert not [w for w in heard if w.filename.endswith("recording.py")]


def test_a_mask_keeps_its_name_behind_a_new_axis():
    x, mask = rng.normal(size=(2, 3, 4)), rng.random((2, 3)) > 0.4
    ours = lambda x, mask: (x * mask[:, :, None], lambda dy: (dy, None))
    report = check(ours, lambda x, mask: x * mask[:, :, None], x, mask)
    assert report["gradient of x"].verdict.endswith("in the gradient of x the factor mask is forgotten")


def test_a_vector_is_told_where_it_is_right():
    wrong = lambda b: (
        np.tanh(b),
        lambda dy: dy * np.where(np.arange(9) // 3 == 1, 1 - np.tanh(b) ** 2, b + 3),
    )
    report = check(wrong, torch.tanh, rng.normal(size=9))
    assert report["gradient of b"].verdict.endswith("right only at index 3 to 5 along axis 0")


def test_a_factor_is_a_mean_only_where_numbers_add_up():
    """1/4 beside a batch of four: of w the batch adds up; of x, element by element, nothing does."""
    ours = lambda x, w, b: (x @ w + b, lambda dy: (dy @ w.T, x.T @ dy / 4, dy.mean(0)))
    report = check(ours, theirs, X, W, B)
    for name in "wb":
        assert (
            "4 is the batch size: mean against sum? one division by 4"
            in report[f"gradient of {name}"].verdict
        )
    report = check(lambda x: (np.tanh(x), lambda dy: dy * (1 - np.tanh(x) ** 2) / 4), torch.tanh, X)
    verdict = report["gradient of x"].verdict
    assert "a constant factor of 0.25; it should be 1 (4 is the batch size)" in verdict
    assert "mean against sum" not in verdict
