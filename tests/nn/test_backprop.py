"""Chapter 01's mathematics: linear, chain, Tap, Value, Dual."""

import gc
import math
import operator
import weakref
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tests.nn import properties
from utils.crosscheck import crosscheck
from utils.nn.activations import relu, sigmoid, tanh
from utils.nn.backprop import Dual, Tap, Value, _inputs, chain, linear, topological_order
from utils.nn.losses import mse_loss

sizes = st.integers(1, 5)
numbers = st.floats(-3, 3, allow_nan=False)


def draw_linear(batch, n_in, n_out, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(*batch, n_in)), rng.normal(size=(n_out, n_in)), rng.normal(size=n_out)


# ---- linear


@given(st.lists(st.integers(1, 3), max_size=3), sizes, sizes, st.booleans(), st.integers(0, 99))
def test_linear_over_shapes(batch, n_in, n_out, with_bias, seed):
    x, weight, bias = draw_linear(batch, n_in, n_out, seed)
    assert crosscheck(linear, F.linear, x, weight, *([bias] if with_bias else [])).ok


def test_linear_keeps_its_promises():
    inputs = draw_linear((2, 3), 4, 5, 0)
    properties.assert_finite_at_extremes(linear, *inputs)
    properties.assert_keeps_float32(linear, *inputs)
    properties.assert_pure(linear, *inputs)
    assert linear(*inputs[:2])[1](np.ones((2, 3, 5)))[2] is None


def test_linear_mutants():
    properties.assert_mutants_are_rejected(
        linear,
        F.linear,
        draw_linear((2,), 3, 3, 1),
        ("dy @ weight, dweight", "dy @ weight.T, dweight"),
        ("np.tensordot(dy, x", "np.tensordot(x, dy"),
        ("dy.sum(batch)", "dy.mean(batch)"),
        ("dy.sum(batch)", "dy"),
        ("return dy @ weight,", "return -dy @ weight,"),
    )


def test_linear_says_which_shape_is_wrong():
    with pytest.raises(ValueError, match=r"x has shape \(2, 3\).*expects 4"):
        linear(np.ones((2, 3)), np.ones((5, 4)))


# ---- chain and Tap


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
        with pytest.raises(ValueError, match=r"bias has shape .*; expected \(2,\)"):
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

UNARY = {
    "exp": torch.exp,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "log": torch.log,
}
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv]


def program(a, b, c, exp):
    """Every operation once, on numbers of any kind; `exp` calls a function by name."""
    u = (a * b + 2.0) / (3.0 - exp("tanh", c)) - 1.5 / (b**2 + 1.0)
    v = exp("sigmoid", u) * exp("exp", -a) + exp("relu", c + 0.1) + exp("log", b * b + 0.5)
    return 2.0 * v + u * u - (1.0 + a)


@given(numbers, numbers, numbers)
def test_value_and_dual_agree_with_torch(a, b, c):
    method = lambda name, x: getattr(x, name)()
    tensors = [torch.tensor(n, dtype=torch.float64, requires_grad=True) for n in (a, b, c)]
    out = program(*tensors, lambda name, x: UNARY[name](x))
    out.backward()
    expected = [t.grad.item() for t in tensors]
    values = [Value(n) for n in (a, b, c)]
    root = program(*values, method)
    root.backward()
    assert root.data == pytest.approx(out.item(), rel=1e-12, abs=1e-12)
    assert [v.grad for v in values] == pytest.approx(expected, rel=1e-9, abs=1e-9)
    for i in range(3):
        duals = [Dual(n, float(i == j)) for j, n in enumerate((a, b, c))]
        assert program(*duals, method).tangent == pytest.approx(expected[i], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", UNARY)
def test_every_slope_of_value_is_a_central_difference(name):
    for x in (0.3, 1.7):
        value = Value(x)
        getattr(value, name)().backward()
        f = lambda t, name=name: getattr(Value(t), name)().data
        assert value.grad == pytest.approx((f(x + 1e-6) - f(x - 1e-6)) / 2e-6, rel=1e-7)


def test_a_value_used_twice_collects_both_paths():
    a = Value(3.0)
    (a * a + a).backward()
    assert a.grad == 7.0


def test_backward_can_be_called_again():
    a = Value(2.0)
    root = a**3
    root.backward()
    root.backward()
    assert a.grad == 12.0


def test_powers():
    for power, slope in [(0, 0.0), (1, 1.0), (2, 0.0), (3, 0.0)]:
        a = Value(0.0)
        (a**power).backward()
        assert a.grad == slope and (Dual(0.0, 1.0) ** power).tangent == slope
    with pytest.raises(ZeroDivisionError):
        Value(0.0) ** -1


def test_topological_order_has_parents_first_and_each_once():
    a, b = Value(1.0, name="a"), Value(2.0, name="b")
    c = a * b
    root = c + c * a
    order = topological_order(root)
    assert len(order) == len({id(v) for v in order}) == 5 and order[-1] is root
    place = {id(v): i for i, v in enumerate(order)}
    assert all(place[id(p)] < place[id(v)] for v in order for p in v.parents)


def test_a_deep_graph_does_not_overflow_the_stack():
    root = Value(1.0)
    for _ in range(5000):
        root = root * 1.0
    root.backward()
    assert topological_order(root)[0].grad == 1.0


def test_value_shows_itself():
    assert repr(Value(2.0, name="w")) == "Value(w = 2, grad=0)"
    assert repr(Dual(2.0, 1.0)) == "Dual(2.0, tangent=1.0)"


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 99))
def test_dual_through_matrices_is_a_jacobian_vector_product(n, m, seed):
    rng = np.random.default_rng(seed)
    w, x, v = rng.normal(size=(m, n)), rng.normal(size=n), rng.normal(size=n)
    theirs, tangent = torch.func.jvp(
        lambda x: torch.tanh(torch.from_numpy(w) @ x).sum(), (torch.from_numpy(x),), (torch.from_numpy(v),)
    )
    ours = (w @ Dual(x, v)).tanh().sum()
    assert ours.value == pytest.approx(theirs.item()) and ours.tangent == pytest.approx(tangent.item())
    both = Dual(w, np.ones_like(w)) @ Dual(x, v)
    np.testing.assert_allclose(both.tangent, np.ones_like(w) @ x + w @ v)
    assert (Dual(w) @ Dual(x)).tangent == 0.0


def test_extreme_numbers():
    for x in (1e4, -1e4, 0.0, 5e-324):
        for name in ("tanh", "sigmoid", "relu"):
            value = Value(x)
            getattr(value, name)().backward()
            dual = getattr(Dual(x, 1.0), name)()
            assert math.isfinite(value.grad) and dual.tangent == value.grad


def test_one_step_of_gradient_descent_is_torchs():
    w, x, y = np.array([[1.0, -2.0]]), np.array([[0.5, 1.0]]), np.array([[2.0]])
    prediction, back = linear(x, w)
    _, back_loss = mse_loss(prediction, y)
    _, dw, _ = back(back_loss(1.0)[0])
    parameter = torch.tensor(w, requires_grad=True)
    step = torch.optim.SGD([parameter], lr=0.1)
    F.mse_loss(F.linear(torch.from_numpy(x), parameter), torch.from_numpy(y)).backward()
    step.step()
    np.testing.assert_allclose(w - 0.1 * dw, parameter.detach().numpy(), rtol=1e-14)
