"""Activation functions against torch: values, gradients, kinks, extremes, mutants."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import strategies as st

from tests.nn.properties import Row, any_numbers, proofs_of
from utils.crosscheck import crosscheck
from utils.nn import activations as act


def elementwise(ours, theirs, *mutants, options=({},)):
    return Row(ours, theirs, ("(...)",), list(mutants), list(options), numbers=any_numbers)


def an_axis(draw, sizes, inputs):
    return {"axis": draw(st.integers(-inputs[0].ndim, inputs[0].ndim - 1))}


def slopes(draw, sizes, rng):
    """One for all, or one for each index of axis 1."""
    each = len(sizes["..."]) > 1 and draw(st.booleans())
    return rng.normal(size=sizes["..."][1] if each else 1)


def groups(draw, sizes, rng):
    """x for maxout, with a number of pieces that its options take up again."""
    sizes["pieces"] = draw(st.integers(1, 4))
    batch = draw(st.lists(st.integers(1, 3), max_size=2))
    return rng.normal(size=(*batch, draw(st.integers(1, 4)) * sizes["pieces"]))


ELEMENTWISE = {
    "identity": elementwise(
        act.identity, lambda x: x, ("lambda dy: dy", "lambda dy: -dy"), ("lambda dy: dy", "lambda dy: x"), ("return x", "return 2 * x")
    ),
    "sigmoid": elementwise(
        act.sigmoid, torch.sigmoid, ("(1 - y)", "(1 + y)"), ("dy * y *", "y *"), ("* (1 - y)", ""), ("dy * y", "-dy * y")
    ),
    # F.hardsigmoid multiplies its float64 gradients by a sixth rounded to float32: off by 3e-8
    "hard_sigmoid": elementwise(
        act.hard_sigmoid, lambda x: F.relu6(x + 3) / 6,
        ("/ 6\n\n", "/ 3\n\n"), ("(x > -3) & (x < 3)", "(x > -3)"), ("dy * (", "("), ("x < 3)", "x < 0.3)"),
    ),
    "silu": elementwise(
        act.silu, F.silu, ("dy * s *", "dy *"), ("x * (1 - s)", "(1 - s)"), ("(1 + x", "(x"), ("(1 - s)", "s")
    ),
    "tanh": elementwise(
        act.tanh, torch.tanh, ("1 - y**2", "(1 - y)**2"), ("1 - y**2", "1 + y**2"), ("1 - y**2", "1 - x**2"), ("dy * (", "(")
    ),
    "softsign": elementwise(
        act.softsign, F.softsign, ("size**2", "size"), ("dy /", "-dy /"), ("dy / size", "1 / size")
    ),
    "softplus": elementwise(
        act.softplus, F.softplus, ("dy * sigmoid(x)", "dy * sigmoid(-x)"), ("dy * sigmoid(x)[0]", "dy"), ("dy * sig", "sig")
    ),
    "relu": elementwise(
        act.relu, lambda x, max_value=None: F.relu6(x) if max_value else torch.relu(x),
        ("dy * passes", "dy"), ("dy * passes", "dy * ~passes"), ("dy * passes", "dy * x * passes"),
        options=[{}, {"max_value": 6.0}],
    ),
    "leaky_relu": elementwise(
        act.leaky_relu, F.leaky_relu,
        ("negative_slope * dy", "0 * dy"), ("negative_slope * dy", "dy / negative_slope"), ("x > 0, dy", "x < 0, dy"),
        options=[{}, {"negative_slope": 0.3}],
    ),
    "rrelu": elementwise(
        act.rrelu, partial(F.rrelu, training=False),
        ("dy, slope * dy", "dy, dy"), ("dy, slope * dy", "dy, 0 * dy"), ("np.where(x > 0, dy", "np.where(x < 0, dy"),
    ),
    "threshold": elementwise(
        act.threshold, lambda x, theta: F.threshold(x, theta, 0.0),
        ("dy * (x > theta)", "dy"), ("dy * (x", "dy * x * (x"), ("dy * (x > ", "dy * (x < "),
        options=[{"theta": 1.0}, {"theta": 0.5}],
    ),
    "elu": elementwise(
        act.elu, F.elu,
        ("np.exp(negative)", "np.expm1(negative)"), ("alpha * np.exp(negative)", "alpha"), ("x > 0, dy,", "x > 0, 0 * dy,"),
        ("dy * alpha", "-dy * alpha"), options=[{}, {"alpha": 1.7}],
    ),
    "selu": elementwise(
        act.selu, F.selu,
        ("SELU_SCALE * back(dy)", "back(dy)"), ("SELU_SCALE * back", "SELU_ALPHA * back"), ("* back(dy)", "* -back(dy)"),
    ),
    "gelu": elementwise(
        act.gelu, F.gelu,
        ("below + x * density", "below"), ("x * density)", "density)"), ("/ 2) / math", ") / math"), ("below + x", "below - x"),
    ),
}  # fmt: skip
ROWS = {
    **ELEMENTWISE,
    "prelu": Row(
        act.prelu, F.prelu, ("(...)", slopes),
        [("np.minimum(x, 0)", "x"), ("each.sum(others)", "each.mean(others)"), ("dy, slope * dy)", "dy, dy)"), ("np.minimum(x, 0)", "np.maximum(x, 0)")],
    ),
    "maxout": Row(
        act.maxout, lambda x, pieces: x.unflatten(-1, (-1, pieces)).max(-1).values, (groups,),
        [("argmax", "argmin"), ("winner, dy[..., None]", "winner, -dy[..., None]"), ("winner, dy[..., None]", "winner, 1.0")],
        lambda draw, sizes, inputs: {"pieces": sizes["pieces"]},
    ),
    "softmax": Row(
        act.softmax, lambda x, axis: torch.softmax(x, axis), ("(..., C)",),
        [("(dp * p).sum", "dp.sum"), ("(dp - (dp * p).sum(axis, keepdims=True))", "dp * (1 - p)"), ("dp - (", "dp + ("), ("p * (dp", "(dp")],
        an_axis,
    ),
    "log_softmax": Row(
        act.log_softmax, lambda x, axis: torch.log_softmax(x, axis), ("(..., C)",),
        [("np.exp(y) *", ""), ("dy.sum(axis, keepdims=True)", "dy"), ("dy - np", "dy + np")],
        an_axis,
    ),
}  # fmt: skip
test_promises, test_mutants = proofs_of(ROWS)
EACH = [(name, options) for name, row in ELEMENTWISE.items() for options in row.options]
X = np.random.default_rng(1).normal(size=(3, 4))


@pytest.mark.parametrize("name, options", [*EACH, ("softmax", {"axis": -1}), ("log_softmax", {"axis": -1})])
def test_far_ends(name, options):
    ours, theirs = ROWS[name].ours, ROWS[name].theirs
    ends = np.array([-1e4, -800.0, 0.0, 800.0, 1e4])
    expected = theirs(torch.from_numpy(ends), **options).numpy()
    np.testing.assert_allclose(ours(ends, **options)[0], expected, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name, options", EACH)
def test_kinks_take_the_gradient_of_torch(name, options):
    kinks = np.array([-3.0, -1.0, 0.0, 1.0, 3.0, 6.0])
    assert crosscheck(ELEMENTWISE[name].ours, ELEMENTWISE[name].theirs, kinks, **options).ok


def test_rrelu_in_training():
    x = np.random.default_rng(0).normal(size=(40, 50))
    y, pullback = act.rrelu(x, rng=np.random.default_rng(3), training=True)
    slopes = y[x < 0] / x[x < 0]
    assert (
        slopes.min() >= 1 / 8 and slopes.max() <= 1 / 3 and slopes.mean() == pytest.approx(11 / 48, abs=5e-3)
    )
    np.testing.assert_array_equal(y[x > 0], x[x > 0])
    dy = np.random.default_rng(1).normal(size=x.shape)
    np.testing.assert_allclose(pullback(dy)[x < 0], dy[x < 0] * slopes)
    with pytest.raises(ValueError, match="rng is None"):
        act.rrelu(x, training=True)


def test_the_first_of_equal_numbers_gets_the_gradient():
    np.testing.assert_array_equal(act.maxout(np.zeros(4), pieces=2)[1](np.ones(2)), [1, 0, 1, 0])


def test_bad_arguments():
    with pytest.raises(ValueError, match="weight has shape"):
        act.prelu(X, np.ones(3))
    with pytest.raises(ValueError, match="expected a multiple of pieces, 3"):
        act.maxout(X, pieces=3)
    with pytest.raises(ValueError, match=r"upper is 0.1, below lower, which is 0.2"):
        act.rrelu(X, lower=0.2, upper=0.1)
    for axis in (2, -3, (0, 0), (0, 5)):
        with pytest.raises(ValueError, match=r"axis is .*; expected an axis of x, which has shape \(3, 4\)"):
            act.softmax(X, axis=axis)


# ---- what the curriculum states, measured


def test_ranges():
    """ACT-21: the ranges of the table, over a wide grid."""
    grid = np.linspace(-60, 60, 240001)
    stated = [
        ("sigmoid", {}, 0, 1), ("hard_sigmoid", {}, 0, 1), ("silu", {}, -0.27846454, 60), ("tanh", {}, -1, 1),
        ("softsign", {}, -60 / 61, 60 / 61), ("softplus", {}, 0, 60), ("relu", {}, 0, 60), ("relu", {"max_value": 6}, 0, 6),
        ("elu", {}, -1, 60), ("elu", {"alpha": 1.7}, -1.7, 60), ("selu", {}, -1.7580993, 63.04206),
    ]  # fmt: skip
    for name, options, low, high in stated:
        y = ELEMENTWISE[name].ours(grid, **options)[0]
        assert y.min() == pytest.approx(low, abs=1e-6) and y.max() == pytest.approx(high, rel=1e-6), name


def test_selu_keeps_mean_zero_and_variance_one():
    """ACT-18: against the normal density, by a fine sum."""
    z = np.linspace(-12, 12, 400001)
    weight = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    y, _ = act.selu(z)
    assert abs((y * weight).sum()) < 1e-6 and abs((y**2 * weight).sum() - 1) < 1e-6


def test_hard_sigmoid_is_the_one_of_torch_up_to_its_rounding():
    x = torch.linspace(-4, 4, 33, dtype=torch.float64, requires_grad=True)
    F.hardsigmoid(x).sum().backward()
    y, pullback = act.hard_sigmoid(x.detach().numpy())
    np.testing.assert_allclose(y, F.hardsigmoid(x).detach())
    np.testing.assert_allclose(pullback(np.ones(33)), x.grad, rtol=1e-7)


def test_identities():
    """ACT-03 to ACT-19: what the functions have to do with each other."""
    z = np.linspace(-6, 6, 49)
    s = lambda x: act.sigmoid(x)[0]
    np.testing.assert_allclose(act.tanh(z)[0], 2 * s(2 * z) - 1)
    np.testing.assert_allclose(act.softplus(z)[0] - act.softplus(-z)[0], z, atol=1e-12)
    pairs = np.stack([z, 0 * z], axis=-1).reshape(-1)
    np.testing.assert_array_equal(act.maxout(pairs, pieces=2)[0], act.relu(z)[0])
    pairs = np.stack([z, -z], axis=-1).reshape(-1)
    np.testing.assert_array_equal(act.maxout(pairs, pieces=2)[0], np.abs(z))
    np.testing.assert_allclose(act.softmax(z + 7)[0], act.softmax(z)[0])
    assert act.softmax(np.array([1.3, 0.4]))[0][0] == pytest.approx(s(0.9))


@pytest.mark.parametrize("name, options", [("elu", {}), ("elu", {"alpha": 1.7}), ("selu", {})])
def test_far_below_zero_the_slope_is_small_and_not_zero(name, options):
    ours, theirs = ELEMENTWISE[name].ours, ELEMENTWISE[name].theirs
    x = np.array([-1.0, -20.0, -40.0, -300.0])
    z = torch.from_numpy(x).requires_grad_()
    theirs(z, **options).sum().backward()
    slopes = ours(x, **options)[1](np.ones(4))
    np.testing.assert_allclose(slopes, z.grad, rtol=1e-12)
    assert (slopes > 0).all()


def test_integers_are_numbers_too():
    """What is drawn or tabulated inside must not be rounded to the integers that came in."""
    assert float(act.sigmoid(np.uint64(5))[0]) == float(act.sigmoid(5)[0]) == act.sigmoid(5.0)[0]
    np.testing.assert_array_equal(act.softmax(np.uint8([1, 3]))[0], act.softmax(np.array([1.0, 3.0]))[0])
    rng = np.random.default_rng(0)
    slopes = act.rrelu(np.array([-1] * 50), rng=rng, training=True)[0]
    assert (slopes <= -1 / 8).all() and (slopes >= -1 / 3).all() and len(np.unique(slopes)) == 50


def test_a_single_number_stays_one():
    y, back = act.prelu(np.array(-2.0), np.array([0.25]))
    dx, dweight = back(np.array(3.0))
    assert y.shape == dx.shape == () and dweight.shape == (1,)
    assert (float(y), float(dx), float(dweight[0])) == (-0.5, 0.75, -6.0)


def test_minus_infinity_is_below_every_threshold():
    np.testing.assert_array_equal(act.threshold(np.array([-np.inf, 2.0]), theta=1.0)[0], [0.0, 2.0])


def test_empty_batches():
    assert act.maxout(np.zeros((0, 4)), pieces=2)[0].shape == (0, 2)
    with pytest.raises(ValueError, match="pieces is 0; expected an integer of at least 1"):
        act.maxout(np.zeros(4), pieces=0)
    assert act.softmax(np.zeros((0, 4)))[0].shape == (0, 4)
    for shares in (act.softmax, act.log_softmax):
        with pytest.raises(ValueError, match=r"x has shape \(2, 0\): no number along axis -1"):
            shares(np.zeros((2, 0)))
