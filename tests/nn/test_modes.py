"""Two ways of differentiating programs: Value and Dual."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from utils.nn.forward_mode import Dual
from utils.nn.linear import linear
from utils.nn.losses import mse_loss
from utils.nn.reverse_mode import Value, topological_order

sizes = st.integers(1, 5)
numbers = st.floats(-3, 3, allow_nan=False)


UNARY = {
    "exp": torch.exp,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "log": torch.log,
}


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
