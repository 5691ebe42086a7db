"""Activation functions against torch: values, gradients, kinks, extremes, mutants."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.nn import properties
from utils.crosscheck import crosscheck
from utils.nn import activations as act

# name -> (ours, theirs): functions of x alone
ELEMENTWISE = {
    "sigmoid": (act.sigmoid, torch.sigmoid),
    # F.hardsigmoid multiplies its float64 gradients by a sixth rounded to float32: off by 3e-8
    "hard_sigmoid": (act.hard_sigmoid, lambda x: F.relu6(x + 3) / 6),
    "silu": (act.silu, F.silu),
    "tanh": (act.tanh, torch.tanh),
    "softsign": (act.softsign, F.softsign),
    "softplus": (act.softplus, F.softplus),
    "relu": (act.relu, torch.relu),
    "relu6": (partial(act.relu, max_value=6), F.relu6),
    "leaky_relu": (act.leaky_relu, F.leaky_relu),
    "leaky_relu 0.3": (
        partial(act.leaky_relu, negative_slope=0.3),
        partial(F.leaky_relu, negative_slope=0.3),
    ),
    "rrelu": (act.rrelu, partial(F.rrelu, training=False)),
    "threshold": (partial(act.threshold, theta=1.0), partial(F.threshold, threshold=1.0, value=0.0)),
    "elu": (act.elu, F.elu),
    "elu 1.7": (partial(act.elu, alpha=1.7), partial(F.elu, alpha=1.7)),
    "selu": (act.selu, F.selu),
    "gelu": (act.gelu, F.gelu),
}
ALL = {
    **ELEMENTWISE,
    "softmax": (act.softmax, partial(torch.softmax, dim=-1)),
    "log_softmax": (act.log_softmax, partial(torch.log_softmax, dim=-1)),
}
shapes = arrays.array_shapes(min_dims=0, max_dims=4, max_side=4)
some_numbers = arrays.arrays(np.float64, shapes, elements=st.floats(-8, 8, allow_subnormal=False))
X = np.random.default_rng(1).normal(size=(3, 4))


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(x=some_numbers)
def test_against_torch(name, x):
    ours, theirs = ELEMENTWISE[name]
    assert crosscheck(ours, theirs, x, names=["x"]).ok


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@given(shape=arrays.array_shapes(min_dims=1, max_dims=4, max_side=4), seed=st.integers(0, 99), data=st.data())
def test_shares_against_torch(name, shape, seed, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = 3 * np.random.default_rng(seed).normal(size=shape)
    theirs = lambda x, axis: getattr(torch, name)(x, dim=axis)
    assert crosscheck(getattr(act, name), theirs, x, axis=axis).ok


@pytest.mark.parametrize("name", ALL)
def test_promises(name):
    ours, theirs = ALL[name]
    ours = partial(ours)
    ours.__name__ = name
    properties.assert_finite_at_extremes(ours, X)
    properties.assert_keeps_float32(ours, X)
    properties.assert_pure(ours, X)
    ends = np.array([-1e4, -800.0, 0.0, 800.0, 1e4])
    np.testing.assert_allclose(ours(ends)[0], theirs(torch.from_numpy(ends)).numpy(), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_kinks_take_the_gradient_of_torch(name):
    ours, theirs = ELEMENTWISE[name]
    kinks = np.array([-3.0, -1.0, 0.0, 1.0, 3.0, 6.0])
    assert crosscheck(ours, theirs, kinks, names=["x"]).ok


@pytest.mark.parametrize(
    "shape, slopes", [((5,), 1), ((3, 4), 1), ((3, 4), 4), ((2, 3, 5), 3), ((2, 3, 4, 2), 3), ((1, 1), 1)]
)
def test_prelu(shape, slopes):
    rng = np.random.default_rng(0)
    assert crosscheck(act.prelu, F.prelu, rng.normal(size=shape), rng.normal(size=slopes)).ok
    properties.assert_pure(act.prelu, rng.normal(size=shape), rng.normal(size=slopes))
    properties.assert_keeps_float32(act.prelu, rng.normal(size=shape), rng.normal(size=slopes))
    properties.assert_finite_at_extremes(act.prelu, rng.normal(size=shape), rng.normal(size=slopes))


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


@given(
    st.lists(st.integers(1, 3), min_size=0, max_size=2),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 99),
)
def test_maxout(batch, units, pieces, seed):
    x = np.random.default_rng(seed).normal(size=(*batch, units * pieces))
    theirs = lambda x, pieces: x.unflatten(-1, (-1, pieces)).max(-1).values
    assert crosscheck(act.maxout, theirs, x, pieces=pieces).ok


def test_maxout_promises_and_ties():
    properties.assert_finite_at_extremes(act.maxout, X, pieces=2)
    properties.assert_keeps_float32(act.maxout, X, pieces=2)
    properties.assert_pure(act.maxout, X, pieces=2)
    np.testing.assert_array_equal(act.maxout(np.zeros(4), pieces=2)[1](np.ones(2)), [1, 0, 1, 0])


def test_bad_arguments():
    with pytest.raises(ValueError, match="weight has shape"):
        act.prelu(X, np.ones(3))
    with pytest.raises(ValueError, match="expected a multiple of pieces, 3"):
        act.maxout(X, pieces=3)


MUTANTS = {
    "sigmoid": [("(1 - y)", "(1 + y)"), ("dy * y *", "y *"), ("* (1 - y)", ""), ("dy * y", "-dy * y")],
    "hard_sigmoid": [("/ 6\n\n", "/ 3\n\n"), ("(x > -3) & (x < 3)", "(x > -3)"), ("dy * (", "("), ("x < 3)", "x < 0.3)")],
    "silu": [("dy * s *", "dy *"), ("x * (1 - s)", "(1 - s)"), ("(1 + x", "(x"), ("(1 - s)", "s")],
    "tanh": [("1 - y**2", "(1 - y)**2"), ("1 - y**2", "1 + y**2"), ("1 - y**2", "1 - x**2"), ("dy * (", "(")],
    "softsign": [("size**2", "size"), ("dy /", "-dy /"), ("dy / size", "1 / size")],
    "softplus": [("dy * sigmoid(x)", "dy * sigmoid(-x)"), ("dy * sigmoid(x)[0]", "dy"), ("dy * sig", "sig")],
    "relu": [("dy * passes", "dy"), ("dy * passes", "dy * ~passes"), ("dy * passes", "dy * x * passes")],
    "leaky_relu": [("negative_slope * dy", "0 * dy"), ("negative_slope * dy", "dy / negative_slope"), ("x > 0, dy", "x < 0, dy")],
    "rrelu": [("dy, slope * dy", "dy, dy"), ("dy, slope * dy", "dy, 0 * dy"), ("np.where(x > 0, dy", "np.where(x < 0, dy")],
    "elu": [("np.exp(negative)", "np.expm1(negative)"), ("alpha * np.exp(negative)", "alpha"), ("x > 0, dy,", "x > 0, 0 * dy,"), ("dy * alpha", "-dy * alpha")],
    "selu": [("SELU_SCALE * back(dy)", "back(dy)"), ("SELU_SCALE * back", "SELU_ALPHA * back"), ("* back(dy)", "* -back(dy)")],
    "gelu": [("below + x * density", "below"), ("x * density)", "density)"), ("/ 2) / math", ") / math"), ("below + x", "below - x")],
    "softmax": [("(dp * p).sum", "dp.sum"), ("(dp - (dp * p).sum(axis, keepdims=True))", "dp * (1 - p)"), ("dp - (", "dp + ("), ("p * (dp", "(dp")],
    "log_softmax": [("np.exp(y) *", ""), ("dy.sum(axis, keepdims=True)", "dy"), ("dy - np", "dy + np")],
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants(name):
    function, theirs = ALL[name]
    changes = [(old, new) for old, new in MUTANTS[name]]
    properties.assert_mutants_are_rejected(function, theirs, [5 * X], *changes)


def test_mutants_with_options():
    reject = properties.assert_mutants_are_rejected
    theirs = lambda x, theta: F.threshold(x, theta, 0.0)
    reject(
        act.threshold,
        theirs,
        [X],
        ("dy * (x > theta)", "dy"),
        ("dy * (x", "dy * x * (x"),
        ("dy * (x > ", "dy * (x < "),
        theta=0.5,
    )
    pairs = lambda x, pieces: x.unflatten(-1, (-1, pieces)).max(-1).values
    reject(
        act.maxout,
        pairs,
        [X],
        ("argmax", "argmin"),
        ("winner, dy[..., None]", "winner, -dy[..., None]"),
        ("winner, dy[..., None]", "winner, 1.0"),
        pieces=2,
    )
    inputs = [np.random.default_rng(0).normal(size=(2, 3, 4)), np.array([0.1, 0.2, 0.3])]
    reject(
        act.prelu,
        F.prelu,
        inputs,
        ("np.minimum(x, 0)", "x"),
        ("each.sum(others)", "each.mean(others)"),
        ("dy, slope * dy)", "dy, dy)"),
        ("np.minimum(x, 0)", "np.maximum(x, 0)"),
    )


# ---- what the curriculum states, measured


def test_ranges():
    """ACT-21: the ranges of the table, over a wide grid."""
    grid = np.linspace(-60, 60, 240001)
    stated = {
        "sigmoid": (0, 1), "hard_sigmoid": (0, 1), "silu": (-0.27846454, 60), "tanh": (-1, 1), "softsign": (-60 / 61, 60 / 61),
        "softplus": (0, 60), "relu": (0, 60), "relu6": (0, 6), "elu": (-1, 60), "elu 1.7": (-1.7, 60), "selu": (-1.7580993, 63.04206),
    }  # fmt: skip
    for name, (low, high) in stated.items():
        y = ELEMENTWISE[name][0](grid)[0]
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


@pytest.mark.parametrize("name", ["elu", "elu 1.7", "selu"])
def test_far_below_zero_the_slope_is_small_and_not_zero(name):
    ours, theirs = ELEMENTWISE[name]
    x = np.array([-1.0, -20.0, -40.0, -300.0])
    z = torch.from_numpy(x).requires_grad_()
    theirs(z).sum().backward()
    np.testing.assert_allclose(ours(x)[1](np.ones(4)), z.grad, rtol=1e-12)
    assert (ours(x)[1](np.ones(4)) > 0).all()


def test_integers_are_numbers_too():
    """What is drawn or tabulated inside must not be rounded to the integers that came in."""
    x = np.array([-2, 1, 2])
    np.testing.assert_allclose(act.gelu(x)[0], act.gelu(x.astype(float))[0])
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
    with pytest.raises(ValueError, match="expected a multiple of pieces, 0"):
        act.maxout(np.zeros(4), pieces=0)
