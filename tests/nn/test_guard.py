"""The guard itself: what it turns into what, what it says, and that it hides nothing from those who look at a function."""

import inspect

import numpy as np
import pytest
import torch

from utils.crosscheck import crosscheck
from utils.nn import kinds
from utils.nn.activations import leaky_relu, sigmoid, tanh
from utils.nn.chain import inputs_of
from utils.nn.guard import guarded
from utils.nn.linear import linear
from utils.nn.losses import mse_loss


@pytest.mark.parametrize(
    "came, becomes",
    [
        (np.uint8, np.float64), (np.int64, np.float64), (np.uint64, np.float64), (bool, np.float64),
        (np.float16, np.float32), (np.float32, np.float32), (np.float64, np.float64), (np.longdouble, np.longdouble),
    ],
)  # fmt: skip
def test_numbers_go_to_floating_point(came, becomes):
    for given in (np.ones((2, 3), came), np.ones((), came), came(1)):
        found = kinds.floating(given, "x")
        assert type(found) is np.ndarray and found.dtype == becomes and (found == 1).all()


def test_floating_point_of_the_usual_kinds_is_not_copied():
    for x in (np.ones(3), np.ones(3, np.float32)):
        assert kinds.floating(x, "x") is x


@pytest.mark.parametrize(
    "given, words",
    [
        (None, "x is None; expected an array of numbers"),
        ([1.0, 2.0], r"x is a list; expected an array of numbers: np\.array\(x\)"),
        ((1.0, 2.0), r"x is a tuple; expected an array of numbers: np\.array\(x\)"),
        ("text", "x is 'text'; expected an array"),
        (torch.ones(2), r"x is a torch tensor; expected an array of numbers: x\.detach\(\)\.numpy\(\)"),
        (torch.nn.Parameter(torch.ones(2)), "x is a torch tensor"),
        (np.ones(2) * 1j, "x holds complex128 elements; expected real numbers"),
        (np.array([None, 1]), "x holds object elements; expected real numbers"),
        (np.array(["1"]), "x holds <U1 elements"),
        (np.ma.masked_array([1.0, 2.0]), "x is an array of float64, shape .*; expected an array of numbers"),
        (np.datetime64("2020-01-01"), r"x holds datetime64\[D\] elements"),
    ],
)
def test_what_is_no_array_of_numbers_is_told(given, words):
    with pytest.raises(ValueError, match=words):
        sigmoid(given)


def test_an_option_of_numpy_leaves_float32_alone():
    y, back = leaky_relu(np.float32([-1, 2]), negative_slope=np.float64(0.1))
    assert y.dtype == back(np.float32([1, 1])).dtype == np.float32


def test_one_number_goes_back_as_it_came():
    """float32 stays float32 below a loss whose gradient is the Python number 1.0; numbers of NumPy do too."""
    x = np.float32([1, 2])
    for one in (1.0, 1, np.float32(1), np.ones((), np.float32)):
        assert mse_loss(x, 2 * x)[1](one)[0].dtype == np.float32
    np.testing.assert_array_equal(mse_loss(x, 2 * x)[1](np.float64(1))[0], mse_loss(x, 2 * x)[1](1.0)[0])


@pytest.mark.parametrize(
    "upstream", [np.ones((1, 3)), np.ones(3), np.ones((2, 1)), 1.0, np.float64(1), np.ones((1, 2, 3))]
)
def test_an_upstream_is_not_broadcast(upstream):
    with pytest.raises(ValueError, match=r"dy has shape .*; expected \(2, 3\), the shape of the output"):
        tanh(np.ones((2, 3)))[1](upstream)


def test_integers_come_back_as_floating_point():
    dx = linear(np.ones((2, 3)), np.ones((4, 3)))[1](np.ones((2, 4), int))[0]
    assert dx.dtype == np.float64


@guarded(x="(N, ..., D)", memory="(*rest, D)", ids=kinds.integers)
def several(x, memory, ids, h0=None, *, training=True):
    """A made-up operation of two outputs, one of which has two parts."""
    return (x * 2, (memory + 1, ids.sum())), lambda d: (2 * d[0], d[1][0], None, None)


IDS = np.array([1, 2])


def test_outputs_of_several_parts():
    x, memory = np.ones((2, 4, 3)), np.ones((5, 3))
    (_, (_, total)), back = several(x, memory, IDS)
    assert back((x, (memory, None)))[0].shape == x.shape and total == 3
    for wrong, words in [
        (x, "d is an array of float64, shape .*; expected 2 gradients"),
        ((x,), "d is a tuple; expected 2 gradients, one for each output"),
        ((x, memory), r"d\[1\] is an array .*; expected 2 gradients"),
        ((x, (memory[:1], None)), r"d\[1\]\[0\] has shape \(1, 3\); expected \(5, 3\)"),
        ((x[0], (memory, None)), r"d\[0\] has shape \(4, 3\)"),
    ]:
        with pytest.raises(ValueError, match=words):
            back(wrong)


@pytest.mark.parametrize(
    "shapes, words",
    [
        ([(3,), (5, 3)], r"x has shape \(3,\); expected \(N, ..., D\)"),
        ([(2, 3), ()], r"memory has shape \(\); expected \(\*rest, D\), where D is 3 in x"),
        ([(2, 3), (5, 4)], r"memory has shape \(5, 4\); expected \(\*rest, D\), where D is 3 in x"),
    ],
)
def test_axes_are_counted_from_both_ends(shapes, words):
    with pytest.raises(ValueError, match=words):
        several(*map(np.ones, shapes), IDS)
    assert several(np.ones((2, 3)), np.ones(3), IDS)[0][0].shape == (2, 3)


def test_ids_stay_integers():
    with pytest.raises(ValueError, match="ids holds float64 elements; expected integers"):
        several(np.ones((2, 3)), np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="training is 1; expected True or False"):
        several(np.ones((2, 3)), np.ones(3), IDS, training=1)


def test_a_network_takes_a_tree_of_parameters():
    @guarded
    def network(params, x):
        return x * params["gain"], lambda dy: ({"gain": (dy * x).sum()}, dy * params["gain"])

    assert network({"gain": 2}, np.ones(3))[0].dtype == np.float64
    for wrong, words in [({"gain": "text"}, r"params\.gain is 'text'"), ("text", "params is 'text'")]:
        with pytest.raises(ValueError, match=words):
            network(wrong, np.ones(3))


def test_an_option_that_nobody_knows_is_noticed_when_the_function_is_made():
    with pytest.raises(TypeError, match="no kind is known for the option speed: add it to"):

        @guarded
        def conv(x, *, speed=1):
            return x


def test_a_guarded_function_shows_what_it_is():
    assert linear.__name__ == "linear" and linear.__doc__.startswith("Map the last axis")
    assert list(inspect.signature(linear).parameters) == ["x", "weight", "bias"] == list(inputs_of(linear))
    assert inspect.getsource(linear).startswith('@guarded(x="(..., in)"')
    assert crosscheck(linear, torch.nn.functional.linear, np.ones((2, 3)), np.ones((4, 3))).ok


@pytest.mark.parametrize(
    "call", [lambda: tanh(), lambda: tanh(1.0, 2.0), lambda: tanh(1.0, dim=3), lambda: linear(np.ones(3))]
)
def test_a_call_that_does_not_fit_is_told_by_python(call):
    with pytest.raises(TypeError, match=r"^(tanh|linear)\(\)"):
        call()
