"""Chains of layers, and taps."""

import gc
import weakref
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from utils.crosscheck import crosscheck
from utils.nn.activations import relu, sigmoid, tanh
from utils.nn.chain import Tap, _inputs, chain
from utils.nn.linear import linear

sizes = st.integers(1, 5)
numbers = st.floats(-3, 3, allow_nan=False)


def mlp_as_module(params, x):
    """The chain of chapter 01 in the parameter names of nn.Sequential."""
    network = chain(linear, tanh, linear, sigmoid)
    part = lambda i: {"weight": params[f"{i}.weight"], "bias": params[f"{i}.bias"]}
    y, back = network((part(0), None, part(2), None), x)

    def pullback(dy):
        dparams, dx = back(dy)
        named = {f"{i}.{name}": d for i in (0, 2) for name, d in dparams[i].items()}
        return named, dx

    return y, pullback


@given(st.integers(1, 4), sizes, sizes, sizes, st.integers(0, 99))
def test_chain_against_sequential(batch, n_in, hidden, n_out, seed):
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(n_in, hidden), nn.Tanh(), nn.Linear(hidden, n_out), nn.Sigmoid())
    x = np.random.default_rng(seed).normal(size=(batch, n_in))
    assert crosscheck(mlp_as_module, module, x).ok


def test_chain_of_networks_taps_and_layers_without_bias():
    def scaled(params, x):
        return x * params["gain"], lambda dy: ({"gain": (dy * x).sum(0)}, dy * params["gain"])

    before, after = Tap("before"), Tap()
    network = chain(linear, before, relu, chain(scaled, after))
    rng = np.random.default_rng(0)
    x, params = (
        rng.normal(size=(3, 4)),
        ({"weight": rng.normal(size=(2, 4))}, None, None, ({"gain": rng.normal(size=2)}, None)),
    )
    theirs = lambda params, x: torch.relu(x @ params[0]["weight"].T) * params[3][0]["gain"]
    assert crosscheck(network, theirs, params, x).ok
    y, pullback = network(params, x)
    dparams, _ = pullback(np.ones_like(y))
    assert [type(d) for d in dparams] == [dict, type(None), type(None), tuple]
    assert set(dparams[0]) == {"weight"}  # no gradient of the bias that was not there
    np.testing.assert_array_equal(before.value, x @ params[0]["weight"].T)
    np.testing.assert_array_equal(after.gradient, np.ones_like(y))
    np.testing.assert_array_equal(before.gradient, params[3][0]["gain"] * (before.value > 0))


def test_chain_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="1 entries; this chain has 2 layers"):
        chain(tanh, relu)((None,), np.ones(2))
    with pytest.raises(ValueError, match=r"linear holds \['gain'\]"):
        chain(linear)(({"weight": np.ones((1, 2)), "gain": 1.0},), np.ones(2))
    with pytest.raises(ValueError, match=r"linear holds \['gain'\]; its inputs are \['weight', 'bias'\]"):
        chain(partial(linear))(({"gain": np.ones(1)},), np.ones((2, 3)))


def test_parameters_of_a_layer_without_any_are_noticed():
    """A dict one place too late must not be passed over in silence."""
    with pytest.raises(ValueError, match=r"params of tanh holds \['weight'\]"):
        chain(linear, tanh)(({"weight": np.ones((2, 3))}, {"weight": np.ones(2)}), np.ones((1, 3)))
    with pytest.raises(ValueError, match="names no input"):
        chain(lambda *inputs: inputs)((None,), np.ones(2))


def test_a_bias_of_another_shape_is_refused():
    for wrong in (np.ones(1), np.ones(3)):
        with pytest.raises(ValueError, match=r"bias has shape .*; expected \(out,\), where out is 2"):
            linear(np.ones((4, 3)), np.ones((2, 3)), wrong)


def test_a_network_with_a_further_input_is_a_network():
    def scaled(params, x, extra=3.0):
        gain = extra * params["gain"]
        return gain * x, lambda dy: ({"gain": extra * (dy * x).sum()}, gain * dy)

    y, back = chain(scaled)(({"gain": 2.0},), np.ones(4))
    dparams, dx = back(np.ones(4))
    np.testing.assert_array_equal(y, np.full(4, 6.0))
    assert dparams == ({"gain": 12.0},)
    np.testing.assert_array_equal(dx, np.full(4, 6.0))


def test_an_input_without_a_name_to_call_it_by_is_an_input():
    def doubled(x, /):
        return 2 * x, lambda dy: 2 * dy

    def scaled(x, /, gain):
        return gain * x, lambda dy: (gain * dy, (dy * x).sum())

    y, back = chain(doubled, scaled)((None, {"gain": 5.0}), np.ones(4))
    dparams, dx = back(np.ones(4))
    np.testing.assert_array_equal(y, np.full(4, 10.0))
    assert dparams == (None, {"gain": 8.0})
    np.testing.assert_array_equal(dx, np.full(4, 10.0))


def test_the_inputs_of_a_layer_are_looked_up_once():
    def scaled(x, gain, *, unused=None):
        return gain * x, lambda dy: (gain * dy, (dy * x).sum())

    assert scaled not in _inputs
    chain(scaled)(({"gain": 2.0},), np.ones(3))
    assert _inputs[scaled] == ("x", "gain")


def test_a_layer_that_cannot_be_referred_to_weakly_is_a_layer_all_the_same():
    class Doubling:
        __slots__ = ()

        def __call__(self, x):
            return 2 * x, lambda dy: 2 * dy

    y, back = chain(Doubling(), Doubling())((None, None), np.ones(3))
    np.testing.assert_array_equal(y, 4 * np.ones(3))
    np.testing.assert_array_equal(back(np.ones(3))[1], 4 * np.ones(3))


def test_a_chain_forgets_the_layers_that_are_gone():
    """What is remembered about a layer, and with it the arrays of a Tap, must not outlive it."""
    tap = Tap()
    chain(tap)((None,), np.ones(3))
    seen = weakref.ref(tap)
    del tap
    gc.collect()
    assert seen() is None


def test_functions_that_look_alike_are_not_mixed_up():
    def layer(x):
        return x, lambda dy: dy

    first = layer

    def layer(x, weight):
        return x * weight, lambda dy: (dy * weight, (dy * x).sum(0))

    y, _ = chain(first, layer)((None, {"weight": np.full(3, 2.0)}), np.ones((2, 3)))
    np.testing.assert_array_equal(y, 2 * np.ones((2, 3)))


def test_a_tap_forgets_the_old_gradient_going_forward():
    tap = Tap()
    _, pullback = tap(np.ones(2))
    pullback(np.ones(2))
    tap(np.zeros(2))
    assert tap.gradient is None


# ---- Value and Dual: the same program, differentiated in two directions and by torch
